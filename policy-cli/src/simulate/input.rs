//! What is to be simulated: a live proposal, a Safe batch, or calls from the command line.
//! Spec: docs/spec/simulate.md [SIM-5]. Prevents: a told proposal that is not the one that was voted on.

use super::SimulateError;
use crate::{failure::Failure, proposal::proposal_id, proven::Proven, send::Call, trail, values};
use abi::QuorateGovernor;
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolEvent;
use serde::Deserialize;
use std::path::Path;

/// More calls than any proposal that people can judge.
pub(crate) const MAX_CALLS: usize = 64;

/// By whose hand the calls happen.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// A Governor's vote. `id` is that of a live proposal; without it one is proposed in the simulation.
    Governor { governor: Address, id: Option<U256>, description: String },
    /// An account's, or a Safe's.
    Account(Address),
}

/// What is to be simulated.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) actions: Vec<Call>,
    pub(crate) way: Way,
    /// What people are told about it.
    pub(crate) text: String,
}

/// A proposal that is on the chain. The event is told; its content hashes to the id, and the Governor's proven state has it.
pub(crate) async fn live(
    proven: &mut Proven,
    governor: Address,
    id: U256,
) -> Result<Input, Failure> {
    let block = proven.chain.head.number;
    let absent = SimulateError::NoProposal { governor, id, block };
    let view = QuorateGovernor::proposalSnapshotCall { proposalId: id };
    if proven.read(governor, &view).await?.is_zero() {
        return Err(absent.into());
    }
    for log in trail::logs(proven, governor).await? {
        let Ok(event) = QuorateGovernor::ProposalCreated::decode_log(&log.inner) else {
            continue;
        };
        let event = event.data;
        let calls = event.targets.into_iter().zip(event.values).zip(event.calldatas);
        let actions: Vec<Call> =
            calls.map(|((to, value), calldata)| Call { to, value, calldata }).collect();
        if proposal_id(&actions, &event.description) != id {
            continue;
        }
        let text = event.description;
        let way = Way::Governor { governor, id: Some(id), description: text.clone() };
        return Ok(Input { actions, way, text });
    }
    Err(absent.into())
}

/// A Safe Transaction Builder file.
pub(crate) fn safe_batch(
    path: &Path,
    bytes: &[u8],
    chain_id: u64,
    from: Option<Address>,
) -> Result<Input, SimulateError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Batch {
        chain_id: String,
        #[serde(default)]
        meta: Meta,
        transactions: Vec<Transaction>,
    }
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct Meta {
        name: String,
        description: String,
        created_from_safe_address: String,
    }
    #[derive(Deserialize)]
    struct Transaction {
        to: String,
        value: String,
        data: Option<Bytes>,
    }
    let wrong = |cause: String| SimulateError::NotABatch { path: path.into(), cause };
    let batch: Batch = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
    if batch.chain_id != chain_id.to_string() {
        let (expected, actual) = (chain_id, batch.chain_id);
        return Err(SimulateError::BatchOfAnotherChain { path: path.into(), expected, actual });
    }
    let safe = batch.meta.created_from_safe_address;
    let from = match from {
        Some(from) => from,
        None if safe.is_empty() => return Err(SimulateError::NobodyNamed),
        None => values::address(&safe).map_err(|error| wrong(format!("the Safe: {error}")))?,
    };
    let mut actions = Vec::new();
    for (index, transaction) in batch.transactions.into_iter().enumerate() {
        let to = values::address(&transaction.to)
            .map_err(|error| wrong(format!("transaction {index}: to: {error}")))?;
        let value = transaction
            .value
            .parse()
            .map_err(|_| wrong(format!("transaction {index}: value is no number")))?;
        let calldata =
            transaction.data.ok_or_else(|| wrong(format!("transaction {index} has no data")))?;
        actions.push(Call { to, value, calldata });
    }
    let text = format!("{}\n{}", batch.meta.name, batch.meta.description).trim().to_owned();
    Ok(Input { actions, way: Way::Account(from), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Input, SimulateError> {
        safe_batch(Path::new("batch.json"), text.as_bytes(), 31337, None)
    }

    const SAFE: &str = "0x1111111111111111111111111111111111111111";

    fn batch(chain: &str, data: &str) -> String {
        format!(
            r#"{{"version":"1.0","chainId":"{chain}","createdAt":1,"meta":{{"name":"n","description":"d","createdFromSafeAddress":"{SAFE}"}},
            "transactions":[{{"to":"{SAFE}","value":"0","data":{data},"contractMethod":null}}]}}"#
        )
    }

    #[test]
    fn a_batch_of_another_chain_or_without_data_is_refused() {
        // [SIM-5]
        let input = read(&batch("31337", "\"0x01\"")).unwrap();
        assert_eq!(input.actions[0].calldata, Bytes::from_static(&[1]));
        assert_eq!(input.text, "n\nd");
        assert!(matches!(
            read(&batch("1", "\"0x01\"")),
            Err(SimulateError::BatchOfAnotherChain { expected: 31337, .. })
        ));
        assert!(matches!(
            read(&batch("31337", "null")),
            Err(SimulateError::NotABatch { cause, .. }) if cause == "transaction 0 has no data"
        ));
        assert!(matches!(read("{}"), Err(SimulateError::NotABatch { .. })));
    }
}
