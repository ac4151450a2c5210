//! What is to be simulated: a live proposal, a Safe batch, or calls from the command line.
//! Spec: docs/spec/simulate.md [SIM-5]. Prevents: a told proposal that is not the one that was voted on.

use super::SimulateError;
use crate::{failure::Failure, proven::Proven, replay, send::Call};
use abi::QuorateGovernor;
use alloy::primitives::{Address, U256};
use alloy::sol_types::SolEvent;
use proposal::proposal_id;

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
    for log in replay::logs(&proven.chain, governor, 0, block).await? {
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
