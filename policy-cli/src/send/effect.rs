//! What calls would do once whoever has the right makes them: a proposal's own calls, or one that waits at the AccessManager.
//! The chain does not say it of the transaction that proposes or schedules them.

use super::Call;
use crate::{
    chain::{Chain, ChainError},
    decode::Interfaces,
};
use alloy::primitives::{Address, Bytes};
use alloy::providers::Provider;
use serde::Deserialize;
use serde_json::{Value, json};

/// In the AccessManager's place: whoever calls whatever may do so now, `(true, 0)`.
const LETS_EVERYBODY_CALL: &str = "0x60015f5260405ff3";

/// Calls, one after another, and whom the contracts see.
pub(crate) struct Effect {
    pub(crate) calls: Vec<Call>,
    pub(crate) caller: Address,
}

/// What comes of them now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Foretold {
    Succeeds,
    Reverts {
        reason: String,
    },
    /// The endpoint does not simulate.
    Unknown {
        cause: String,
    },
}

#[derive(Debug, Deserialize)]
struct Block {
    calls: Vec<Ended>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ended {
    status: String,
    return_data: Bytes,
}

impl Effect {
    /// Runs them at the head, with the right to call supposed.
    pub(super) async fn foretell(
        &self,
        chain: &Chain,
        interfaces: &Interfaces,
    ) -> Result<Foretold, ChainError> {
        let manager = chain.contracts.access_manager;
        // The manager itself is asked as it is: it could not do both.
        if self.calls.iter().any(|call| call.to == manager) {
            let cause = "a call is the AccessManager's own".to_owned();
            return Ok(Foretold::Unknown { cause });
        }
        let calls: Vec<Value> = self
            .calls
            .iter()
            .map(|call| {
                json!({ "from": self.caller, "to": call.to, "value": call.value, "input": call.calldata })
            })
            .collect();
        let supposed = json!({ manager.to_string(): { "code": LETS_EVERYBODY_CALL } });
        let block = json!({ "stateOverrides": supposed, "calls": calls });
        let params = json!([{ "blockStateCalls": [block], "validation": false }, "latest"]);
        let answer = chain.provider.raw_request("eth_simulateV1".into(), params).await;
        let blocks: Vec<Block> = match answer {
            Ok(blocks) => blocks,
            Err(error) if error.is_transport_error() => {
                return Err(chain.failed("eth_simulateV1", &error));
            }
            Err(error) => {
                return Ok(Foretold::Unknown { cause: crate::chain::cause(&error) });
            }
        };
        let ended = blocks.into_iter().flat_map(|block| block.calls);
        let failed = ended.into_iter().find(|call| call.status != "0x1");
        Ok(match failed {
            None => Foretold::Succeeds,
            Some(call) => Foretold::Reverts { reason: interfaces.revert(&call.return_data) },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stand_in_returns_true_and_no_delay() {
        // PUSH1 1, PUSH0, MSTORE, PUSH1 64, PUSH0, RETURN: two words, 1 and 0, as `canCall` answers.
        let code: Bytes = LETS_EVERYBODY_CALL.parse().unwrap();
        assert_eq!(code.as_ref(), [0x60, 1, 0x5f, 0x52, 0x60, 0x40, 0x5f, 0xf3]);
    }
}
