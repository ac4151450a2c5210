//! What recent blocks' runs read: slots to prove first at the next block, and code, which never changes under its hash.
//! Spec: docs/spec/chain.md [CHAIN-15]. Trusts: nothing; a hint only saves a round trip, code is found by proven hash.

use crate::{Code, ProvenState};
use alloy_primitives::{Address, B256, U256};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Blocks after which a fact that no run has read is forgotten.
const KEEP_BLOCKS: u64 = 64;
/// Facts that are remembered; the longest unread go first.
const MAX_FACTS: usize = 2_048;
/// Bytes of code that are remembered.
const MAX_CODE_BYTES: usize = 8 * 1024 * 1024;

/// One `eth_getProof` call: an account and some of its slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofRequest {
    /// Whose.
    pub address: Address,
    /// Which slots; none is a proof of the account alone.
    pub slots: BTreeSet<U256>,
}

impl ProofRequest {
    /// The account alone.
    pub fn account(address: Address) -> Self {
        Self { address, slots: BTreeSet::new() }
    }
}

/// Memory from block to block. One per node.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// When each account (no slot) or slot was last read.
    facts: BTreeMap<(Address, Option<U256>), u64>,
    codes: Arc<BTreeMap<B256, Code>>,
}

impl Hints {
    /// Remembers nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers what runs over `state` have read, and forgets what was not read for long.
    pub fn learn(&mut self, state: &ProvenState) {
        let now = state.block().number;
        for request in state.wanted() {
            self.facts.insert((request.address, None), now);
            for slot in request.slots {
                self.facts.insert((request.address, Some(slot)), now);
            }
        }
        self.forget(now);
        self.learn_codes(state);
    }

    /// What to prove first at a new block, one request per account, to be sent in parallel.
    pub fn wanted(&self) -> Vec<ProofRequest> {
        let mut requests: BTreeMap<Address, BTreeSet<U256>> = BTreeMap::new();
        for (address, slot) in self.facts.keys() {
            requests.entry(*address).or_default().extend(*slot);
        }
        requests.into_iter().map(|(address, slots)| ProofRequest { address, slots }).collect()
    }

    pub(crate) fn codes(&self) -> Arc<BTreeMap<B256, Code>> {
        Arc::clone(&self.codes)
    }

    fn forget(&mut self, now: u64) {
        self.facts.retain(|_, read| now.saturating_sub(*read) <= KEEP_BLOCKS);
        let surplus = self.facts.len().saturating_sub(MAX_FACTS);
        if surplus == 0 {
            return;
        }
        let mut by_age: Vec<_> = self.facts.iter().map(|(fact, read)| (*read, *fact)).collect();
        by_age.sort_unstable();
        for (_, fact) in by_age.into_iter().take(surplus) {
            self.facts.remove(&fact);
        }
    }

    /// The code read at this block first, then what was known, as far as it fits.
    fn learn_codes(&mut self, state: &ProvenState) {
        let known = self.codes.iter().map(|(hash, code)| (*hash, code.clone()));
        let mut bytes = 0_usize;
        let mut codes = BTreeMap::new();
        for (hash, code) in state.touched_codes().chain(known) {
            let with = bytes.saturating_add(code.bytes().len());
            if codes.contains_key(&hash) || with > MAX_CODE_BYTES {
                continue;
            }
            bytes = with;
            codes.insert(hash, code);
        }
        self.codes = Arc::new(codes);
    }
}
