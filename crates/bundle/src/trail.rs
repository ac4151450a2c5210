//! The trail of a contract, recomputed from events. Spec: docs/spec/trail.md [TRAIL-1], docs/spec/bundle.md [BUN-6].

use crate::{Refusal, Step, event::Event, format::TrailProof};
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;

/// What one slot of a contract commits to: how many events, and a running hash over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trail {
    /// Events so far.
    pub seq: u64,
    /// The low 192 bits of the hash.
    pub head: U256,
}

impl Trail {
    /// Before the first event.
    pub fn first(chain_id: u64, contract: Address) -> Self {
        let hash = keccak256((U256::from(chain_id), contract).abi_encode());
        Self { seq: 0, head: low_192(hash) }
    }

    /// Enters one event: its topic and keccak256 of all its arguments.
    pub fn enter(&mut self, topic: B256, args_hash: B256) {
        self.enter_leaf(leaf(topic, args_hash));
    }

    /// Enters one event by its leaf.
    pub fn enter_leaf(&mut self, leaf: B256) {
        self.seq = self.seq.saturating_add(1);
        self.head = low_192(keccak256((self.head, U256::from(self.seq), leaf).abi_encode()));
    }
}

/// Where `event` and what came later lead, from the head before it. The first event has the contract's first head before it.
pub(crate) fn replay(proof: &TrailProof, event: &Event, chain_id: u64) -> Result<Trail, Refusal> {
    let seq = event.seq().saturating_sub(1);
    let mut trail = Trail { seq, head: U256::from_be_slice(proof.before.as_slice()) };
    let is_first = trail == Trail::first(chain_id, event.contract);
    if event.seq() == 0 || (seq == 0 && !is_first) {
        return Err(Refusal::TrailMismatch { contract: event.contract, block: 0 });
    }
    trail.enter(event.topic, event.args_hash);
    for step in &proof.later {
        match step {
            Step::Leaf(leaf) => trail.enter_leaf(*leaf),
            Step::Named { topic, arguments_hash } => trail.enter(*topic, *arguments_hash),
            Step::Event { topic, arguments } => trail.enter(*topic, keccak256(arguments)),
        }
    }
    Ok(trail)
}

fn leaf(topic: B256, args_hash: B256) -> B256 {
    keccak256((topic, args_hash).abi_encode())
}

fn low_192(hash: B256) -> U256 {
    U256::from_be_bytes(hash.0) & U256::MAX.wrapping_shr(64)
}
