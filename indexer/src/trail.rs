//! The trail of a contract, recomputed from events. Spec: docs/spec/trail.md [TRAIL-1].

use alloy::sol_types::SolValue;
use alloy_primitives::{Address, B256, U256, keccak256};

/// What one slot of a contract commits to: how many events, and a running hash over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trail {
    pub(crate) seq: u64,
    /// The low 192 bits of the hash.
    pub(crate) head: U256,
}

impl Trail {
    /// Before the first event.
    pub(crate) fn first(chain_id: u64, contract: Address) -> Self {
        let hash = keccak256((U256::from(chain_id), contract).abi_encode());
        Self { seq: 0, head: low_192(hash) }
    }

    /// Enters one event: its topic and keccak256 of all its arguments.
    pub(crate) fn enter(&mut self, topic0: B256, args_hash: B256) {
        let leaf = keccak256((topic0, args_hash).abi_encode());
        self.seq = self.seq.saturating_add(1);
        self.head = low_192(keccak256((self.head, U256::from(self.seq), leaf).abi_encode()));
    }
}

fn low_192(hash: B256) -> U256 {
    U256::from_be_bytes(hash.0) & ((U256::from(1) << 192) - U256::from(1))
}
