//! The trail of a contract, replayed from events that an endpoint tells, against the slot that is proven. Spec: docs/spec/trail.md
//! [TRAIL-1], docs/spec/bundle.md [BUN-14]. Trusts: the proven slots; no event that is told.

use crate::chain::{Chain, ChainError};
use crate::decode::Interfaces;
use alloy::dyn_abi::{DynSolValue, EventExt};
use alloy::primitives::{Address, B256, Log as RawLog, keccak256};
use alloy::providers::Provider;
use alloy::rpc::types::{Filter, Log};
use bundle::Trail;

/// Blocks that one `eth_getLogs` asks for; halved where the endpoint refuses.
const MAX_BLOCKS: u64 = 50_000;
/// Contracts that one `eth_getLogs` asks for.
const MAX_CONTRACTS: usize = 500;

/// An event of a trail, as told.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) block: u64,
    pub(crate) seq: u64,
    topic: B256,
    args_hash: B256,
}

/// What the comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every event is told as the contract emitted it.
    Complete,
    /// The event with this seq is not told.
    Hidden(u64),
    /// An event with this seq is told and was not emitted, or is told twice.
    Invented(u64),
    /// As many are told as were emitted, and one of them is another.
    Changed,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Complete => f.write_str("all are told"),
            Self::Hidden(seq) => write!(f, "the one with seq {seq} is not told"),
            Self::Invented(seq) => write!(f, "one with seq {seq} was never emitted"),
            Self::Changed => f.write_str("one of them is another"),
        }
    }
}

/// Events of these contracts in `from..=to`, in the chain's order, as the endpoint tells them.
pub(crate) async fn logs(
    chain: &Chain,
    contracts: &[Address],
    from: u64,
    to: u64,
) -> Result<Vec<Log>, ChainError> {
    let mut found = Vec::new();
    for contracts in contracts.chunks(MAX_CONTRACTS) {
        let (mut next, mut step) = (from, MAX_BLOCKS);
        while next <= to {
            let last = to.min(next.saturating_add(step.saturating_sub(1)));
            let filter = Filter::new().address(contracts.to_vec()).from_block(next).to_block(last);
            match chain.provider.get_logs(&filter).await {
                Ok(logs) => {
                    found.extend(logs);
                    next = last.saturating_add(1);
                }
                Err(_) if step > 1 => step /= 2,
                Err(error) => return Err(chain.failed("eth_getLogs", &error)),
            }
        }
    }
    found.sort_by_key(|log| (log.block_number, log.log_index));
    Ok(found)
}

/// Those that carry `seq`, and so belong to the trail.
pub(crate) fn told(interfaces: &Interfaces, contract: Address, logs: &[Log]) -> Vec<Told> {
    let logs = logs.iter().filter(|log| log.address() == contract);
    logs.filter_map(|log| read(interfaces, log.block_number?, &log.inner)).collect()
}

/// Enters `events` on top of `start`, and compares with what is proven.
pub(crate) fn compare(start: Trail, proven: Trail, events: &[Told]) -> Outcome {
    let mut trail = start;
    for event in events {
        let next = trail.seq.saturating_add(1);
        if event.seq > next {
            return Outcome::Hidden(next);
        }
        if event.seq < next {
            return Outcome::Invented(event.seq);
        }
        event.enter(&mut trail);
    }
    match trail.seq.cmp(&proven.seq) {
        std::cmp::Ordering::Less => Outcome::Hidden(trail.seq.saturating_add(1)),
        std::cmp::Ordering::Greater => Outcome::Invented(proven.seq.saturating_add(1)),
        std::cmp::Ordering::Equal if trail == proven => Outcome::Complete,
        std::cmp::Ordering::Equal => Outcome::Changed,
    }
}

impl Told {
    pub(crate) fn enter(&self, trail: &mut Trail) {
        trail.enter(self.topic, self.args_hash);
    }
}

fn read(interfaces: &Interfaces, block: u64, log: &RawLog) -> Option<Told> {
    let topic = *log.topics().first()?;
    let event = interfaces.trail_event(topic)?;
    let decoded = event.decode_log_parts(log.topics().iter().copied(), &log.data.data).ok()?;
    let (mut indexed, mut body) = (decoded.indexed.into_iter(), decoded.body.into_iter());
    let mut values = Vec::new();
    for input in &event.inputs {
        values.push(if input.indexed { indexed.next() } else { body.next() }?);
    }
    let seq = values.last()?.as_uint()?.0.try_into().ok()?;
    let args_hash = keccak256(DynSolValue::Tuple(values).abi_encode_params());
    Some(Told { block, seq, topic, args_hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64) -> Told {
        Told {
            block: seq,
            seq,
            topic: B256::repeat_byte(1),
            args_hash: B256::with_last_byte(seq as u8),
        }
    }

    fn world() -> (Trail, Trail, Vec<Told>) {
        let start = Trail::first(1, Address::ZERO);
        let events: Vec<Told> = (1..=5).map(event).collect();
        let mut proven = start;
        events.iter().for_each(|event| event.enter(&mut proven));
        (start, proven, events)
    }

    #[test]
    fn what_is_hidden_invented_or_changed_is_named_by_seq() {
        // [BUN-14]
        let (start, proven, events) = world();
        assert_eq!(compare(start, proven, &events), Outcome::Complete);
        for (cut, seq) in [(0, 1), (2, 3), (4, 5)] {
            let mut told = events.clone();
            told.remove(cut);
            assert_eq!(compare(start, proven, &told), Outcome::Hidden(seq));
        }
        let doubled = [events.as_slice(), &[event(5)]].concat();
        assert_eq!(compare(start, proven, &doubled), Outcome::Invented(5));
        let invented = [events.as_slice(), &[event(6)]].concat();
        assert_eq!(compare(start, proven, &invented), Outcome::Invented(6));
        let mut changed = events.clone();
        changed[2].args_hash = B256::ZERO;
        assert_eq!(compare(start, proven, &changed), Outcome::Changed);
        // A later start is no way round the slot.
        assert_eq!(compare(Trail { seq: 1, ..start }, proven, &events[1..]), Outcome::Changed);
    }
}
