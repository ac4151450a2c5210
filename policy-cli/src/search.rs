//! The event of a proposal: searched backwards from where its vote begins, in pieces that the endpoint answers. A chain of
//! millions of blocks is not asked for from its first block on.

use crate::{
    chain::{Chain, ChainError},
    failure::Failure,
    output::Output,
};
use abi::QuorateGovernor;
use alloy::primitives::{Address, U256};
use alloy::providers::Provider;
use alloy::rpc::types::Filter;
use alloy::sol_types::SolEvent;

/// Blocks that one `eth_getLogs` asks for; halved where the endpoint refuses.
const MAX_BLOCKS: u64 = 50_000;
/// Numbers above are seconds since 1970, numbers below are blocks (ERC-6372).
const FIRST_SECOND: u64 = 1_000_000_000;

/// The first `ProposalCreated` of `governor` that `is_it` accepts, newest first, between `from_block` and `snapshot`, the
/// moment from which votes count: a proposal is never younger than that.
pub(crate) async fn proposal(
    chain: &Chain,
    (governor, snapshot): (Address, U256),
    from_block: u64,
    output: &mut Output<'_>,
    mut is_it: impl FnMut(&QuorateGovernor::ProposalCreated) -> bool,
) -> Result<Option<QuorateGovernor::ProposalCreated>, Failure> {
    // A short chain, or a young proposal, is one question; only then the start of the vote is sought.
    let (mut next, mut step, mut newest) = (Some(chain.head.number), MAX_BLOCKS, None);
    while let Some(last) = next.filter(|last| *last >= from_block) {
        let first = last.saturating_sub(step.saturating_sub(1)).max(from_block);
        if newest.is_some() {
            output.talk(&format!("looking for the proposal in blocks {first} to {last} …"))?;
        }
        let filter = Filter::new()
            .address(governor)
            .event_signature(QuorateGovernor::ProposalCreated::SIGNATURE_HASH)
            .from_block(first)
            .to_block(last);
        let logs = match chain.provider.get_logs(&filter).await {
            Ok(logs) => Some(logs),
            Err(_) if step > 1 => None,
            Err(error) => return Err(chain.failed("eth_getLogs", &error).into()),
        };
        next = match &logs {
            Some(_) => first.checked_sub(1),
            None => Some(last),
        };
        if logs.is_none() {
            step /= 2;
        }
        let logs = logs.unwrap_or_default();
        let events = logs.iter().rev();
        let mut events =
            events.filter_map(|log| QuorateGovernor::ProposalCreated::decode_log(&log.inner).ok());
        if let Some(found) = events.find(|event| is_it(event)) {
            return Ok(Some(found.data));
        }
        let bound = match newest {
            Some(bound) => bound,
            None => *newest.insert(last_block(chain, snapshot).await?),
        };
        next = next.map(|block| block.min(bound));
    }
    Ok(None)
}

/// The last block that is not younger than `snapshot`, which is a block or a second.
async fn last_block(chain: &Chain, snapshot: U256) -> Result<u64, ChainError> {
    let head = chain.head;
    let snapshot = u64::try_from(snapshot).unwrap_or(u64::MAX);
    if snapshot < FIRST_SECOND {
        return Ok(snapshot.min(head.number));
    }
    let (mut old, mut young) = (0, head.number.saturating_add(1));
    if head.time <= snapshot {
        return Ok(head.number);
    }
    while young.saturating_sub(old) > 1 {
        let middle = old.midpoint(young);
        match chain.time_of(middle).await? <= snapshot {
            true => old = middle,
            false => young = middle,
        }
    }
    Ok(old)
}
