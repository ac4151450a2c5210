//! Events of a contract that are proven complete: what is told, if the contract's proven trail is made of exactly that.
//! Spec: docs/spec/simulate.md [SIM-4]. Trusts: nothing that is told.

use crate::{
    decode::Interfaces,
    failure::Failure,
    proven::{Proven, ProvenError},
    replay::{Outcome, compare, logs, told},
};
use abi::IssuanceLog;
use alloy::primitives::{Address, U256};
use alloy::rpc::types::Log;
use bundle::Trail;

/// The events of `contract` up to the proven block, none missing, none added, none changed. Events that carry no `seq` are
/// left out.
pub(crate) async fn events(
    proven: &mut Proven,
    interfaces: &Interfaces,
    contract: Address,
) -> Result<Vec<Log>, Failure> {
    // `trail()` is the same function in each of our contracts.
    let answer = proven.read(contract, &IssuanceLog::trailCall {}).await?;
    let expected = Trail { seq: answer.seq, head: U256::from(answer.head) };
    let mut logs = logs(&proven.chain, &[contract], 0, proven.chain.head.number).await?;
    let first = Trail::first(proven.rules.chain_id, contract);
    let events = told(interfaces, contract, &logs);
    let outcome = compare(first, expected, &events);
    if outcome != Outcome::Complete {
        let endpoint = proven.chain.endpoint.clone();
        return Err(ProvenError::EventsHidden { endpoint, contract, outcome }.into());
    }
    logs.retain(|log| {
        log.topics().first().is_some_and(|topic| interfaces.trail_event(*topic).is_some())
    });
    Ok(logs)
}
