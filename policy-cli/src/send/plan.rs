//! What would be sent, decoded from its own bytes, and what the chain would answer.

use super::{Call, SendError, line};
use crate::{
    chain::{Chain, ChainError},
    decode::{Decoded, Interfaces, ShownCall, shown_calls},
    failure::Failure,
    output::Output,
    signer::SignerError,
    words,
};
use alloy::eips::BlockId;
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, U256, utils::format_ether};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::transports::RpcError;
use proposal::inner::inner_calls;
use serde_json::{Map, Value, json};

/// What the chain would answer now.
pub(crate) enum Outcome {
    Succeeds(Gas),
    Reverts {
        reason: String,
    },
    /// What is proposed succeeds. Whether the proposal does depends on who proposes, and nobody is named.
    Unnamed,
}

/// Two fresh slots and an event. What is not used is given back.
const SLACK_GAS: u64 = 50_000;

/// Limits that are signed with the call.
#[derive(Clone, Copy)]
pub(crate) struct Gas {
    estimate: u64,
    pub(crate) limit: u64,
    pub(crate) max_fee_per_gas: u128,
    pub(crate) max_priority_fee_per_gas: u128,
}

/// A call, decoded and simulated.
pub(crate) struct Plan {
    pub(crate) call: Call,
    pub(crate) sender: Address,
    pub(crate) decoded: Decoded,
    /// What the call makes others do.
    pub(crate) inner: Vec<ShownCall>,
    pub(crate) outcome: Outcome,
}

/// A plan that stands on the screen.
pub(crate) struct Shown {
    plan: Plan,
    gas: Gas,
}

/// A shown plan that somebody said yes to.
pub(crate) struct Confirmed {
    pub(crate) plan: Plan,
    pub(crate) gas: Gas,
}

impl Plan {
    pub(crate) async fn make(
        chain: &Chain,
        interfaces: &Interfaces,
        call: Call,
        sender: Address,
    ) -> Result<Self, Failure> {
        let decoded = interfaces.call(&call.calldata).ok_or(SendError::Undecodable)?;
        let inner = shown_calls(interfaces, &inner_calls(&call)?)?;
        let outcome = simulate(chain, interfaces, &call, sender).await?;
        Ok(Self { call, sender, decoded, inner, outcome })
    }

    /// Shows the plan on stderr, even with `--quiet`: nothing else can be signed.
    pub(crate) fn show(self, facts: &str, output: &mut Output<'_>) -> Result<Shown, Failure> {
        output.show(&format!("{}{facts}", self.text(None)))?;
        match &self.outcome {
            Outcome::Succeeds(gas) => Ok(Shown { gas: *gas, plan: self }),
            Outcome::Reverts { reason } => {
                Err(SendError::WouldRevert { reason: reason.clone() }.into())
            }
            Outcome::Unnamed => Err(SignerError::NoKey.into()),
        }
    }

    pub(crate) fn text(&self, assumed: Option<&str>) -> String {
        let mut text = String::new();
        // Where the calls within are shown one by one, their columns say nothing more.
        let columns = ["targets", "values", "calldatas", "data", "description"];
        let hidden = |path: &str| !self.inner.is_empty() && columns.contains(&path);
        line(&mut text, "call", &self.decoded.block(hidden));
        for inner in &self.inner {
            line(&mut text, "which calls", &inner.to_string());
        }
        line(&mut text, "to", &words::account(self.call.to));
        let sender = words::account(self.sender);
        let from = match assumed {
            Some(_) if self.sender.is_zero() => "nobody: no sender is named".to_owned(),
            Some(what) => format!("{sender} ({what}; no sender is named)"),
            None => sender,
        };
        line(&mut text, "from", &from);
        line(&mut text, "calldata", &self.call.calldata.to_string());
        match &self.outcome {
            Outcome::Succeeds(gas) => {
                line(&mut text, "gas", &gas.to_string());
                line(&mut text, "outcome", "succeeds");
            }
            Outcome::Reverts { reason } => {
                line(&mut text, "outcome", &format!("reverts: {reason}"))
            }
            Outcome::Unnamed => line(
                &mut text,
                "outcome",
                "what is proposed would succeed now; --from names who proposes it",
            ),
        }
        text
    }

    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut call = self.decoded.to_json();
        call["to"] = json!(self.call.to);
        call["from"] = json!(self.sender);
        call["calldata"] = json!(self.call.calldata);
        fields.insert("dryRun".into(), json!(true));
        call["calls"] = self.inner.iter().map(ShownCall::to_json).collect();
        fields.insert("call".into(), call);
        let (gas, reverts) = match &self.outcome {
            Outcome::Succeeds(gas) => (Some(gas.estimate), None),
            Outcome::Reverts { reason } => (None, Some(reason)),
            Outcome::Unnamed => (None, None),
        };
        fields.insert("gas".into(), json!(gas));
        fields.insert("reverts".into(), json!(reverts));
        fields
    }
}

impl Shown {
    /// Asks, unless the answer was given beforehand.
    pub(crate) fn confirm(self, yes: bool, output: &mut Output<'_>) -> Result<Confirmed, Failure> {
        if !yes {
            output.show("send it? [y/N] ")?;
            let mut answer = String::new();
            std::io::stdin()
                .read_line(&mut answer)
                .map_err(|source| SignerError::Prompt { source })?;
            if !matches!(answer.trim(), "y" | "Y" | "yes") {
                return Err(SignerError::Declined.into());
            }
        }
        Ok(Confirmed { plan: self.plan, gas: self.gas })
    }
}

impl std::fmt::Display for Gas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let most = U256::from(self.limit).saturating_mul(U256::from(self.max_fee_per_gas));
        write!(
            f,
            "{} (limit {}, at most {} ether)",
            self.estimate,
            self.limit,
            format_ether(most).trim_end_matches('0')
        )
    }
}

fn request(call: &Call, sender: Address) -> TransactionRequest {
    TransactionRequest::default()
        .with_from(sender)
        .with_to(call.to)
        .with_value(call.value)
        .with_input(call.calldata.clone())
}

async fn simulate(
    chain: &Chain,
    interfaces: &Interfaces,
    call: &Call,
    sender: Address,
) -> Result<Outcome, ChainError> {
    if let Some(reason) = revert_reason(chain, interfaces, call, sender, BlockId::latest()).await? {
        return Ok(Outcome::Reverts { reason });
    }
    let estimate = chain
        .provider
        .estimate_gas(request(call, sender))
        .await
        .map_err(|error| chain.failed("eth_estimateGas", &error))?;
    let fees = chain
        .provider
        .estimate_eip1559_fees()
        .await
        .map_err(|error| chain.failed("eth_feeHistory", &error))?;
    Ok(Outcome::Succeeds(Gas {
        estimate,
        // Other transactions may come before this one: a vote that reaches the quorum writes more than one that does not.
        limit: estimate.saturating_add((estimate / 5).max(SLACK_GAS)),
        max_fee_per_gas: fees.max_fee_per_gas,
        max_priority_fee_per_gas: fees.max_priority_fee_per_gas,
    }))
}

/// Why the call reverts at `block`; `None` if it does not.
pub(crate) async fn revert_reason(
    chain: &Chain,
    interfaces: &Interfaces,
    call: &Call,
    sender: Address,
    block: BlockId,
) -> Result<Option<String>, ChainError> {
    match chain.provider.call(request(call, sender)).block(block).await {
        Ok(_) => Ok(None),
        Err(RpcError::ErrorResp(payload)) if payload.as_revert_data().is_some() => {
            let data = payload.as_revert_data().unwrap_or_default();
            Ok(Some(interfaces.revert(&data)))
        }
        // A revert without data.
        Err(RpcError::ErrorResp(payload)) if payload.message.contains("revert") => {
            Ok(Some(words::plain(&payload.message)))
        }
        Err(error) => Err(chain.failed("eth_call", &error)),
    }
}
