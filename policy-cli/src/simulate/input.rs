//! What is to be simulated: a live proposal, a Safe batch, or calls from the command line.
//! Spec: docs/spec/simulate.md [SIM-5]. Prevents: a told proposal that is not the one that was voted on.

use super::SimulateError;
use crate::{
    failure::Failure, governor::GovernorError, output::Output, proven::Proven, search, send::Call,
};
use abi::QuorateGovernor::{self, ProposalCreated as Created};
use alloy::primitives::{Address, U256};
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
    (governor, id): (Address, U256),
    from_block: u64,
    output: &mut Output<'_>,
) -> Result<Input, Failure> {
    let block = proven.chain.head.number;
    let view = QuorateGovernor::proposalSnapshotCall { proposalId: id };
    let snapshot = proven.read(governor, &view).await?;
    if snapshot.is_zero() {
        return Err(SimulateError::NoProposal { governor, id, block }.into());
    }
    let is_it = |event: &Created| proposal_id(&actions(event), &event.description) == id;
    let at = (governor, snapshot);
    let event = search::proposal(&proven.chain, at, from_block, output, is_it).await?;
    let event = event.ok_or(GovernorError::NotTold { governor, id })?;
    let (actions, text) = (actions(&event), event.description);
    let way = Way::Governor { governor, id: Some(id), description: text.clone() };
    Ok(Input { actions, way, text })
}

fn actions(event: &Created) -> Vec<Call> {
    let targets = event.targets.iter().zip(&event.values).zip(&event.calldatas);
    targets
        .map(|((to, value), calldata)| Call { to: *to, value: *value, calldata: calldata.clone() })
        .collect()
}
