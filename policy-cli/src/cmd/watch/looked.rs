//! Where `quorate watch` has looked: the head of every look, so that a look at blocks that others have replaced is taken back.

use crate::chain::{Chain, ChainError, Head};
use alloy::primitives::B256;
use std::collections::VecDeque;

/// Looks that are remembered, hours of them; behind a deeper reorg everything is looked at again.
const MAX_LOOKS: usize = 1_024;

/// Everything from the first block up to the last head.
pub(super) struct Looked {
    from: u64,
    heads: VecDeque<(u64, B256)>,
}

impl Looked {
    /// Nothing yet; blocks below `from` never.
    pub(super) fn from(from: u64) -> Self {
        Self { from, heads: VecDeque::new() }
    }

    /// The first block that was not looked at.
    pub(super) fn next(&self) -> u64 {
        self.above().max(self.from)
    }

    /// The first block above the last head.
    pub(super) fn above(&self) -> u64 {
        self.heads.back().map_or(0, |(number, _)| number.saturating_add(1))
    }

    /// Everything up to this block was looked at.
    pub(super) fn up_to(&mut self, head: Head) {
        if self.heads.back().is_none_or(|(number, _)| *number < head.number) {
            self.heads.push_back((head.number, head.hash));
        }
        if self.heads.len() > MAX_LOOKS {
            self.heads.pop_front();
        }
    }

    /// Takes back every look that ended at a block which is no longer there: whether there was one.
    pub(super) async fn step_back(&mut self, chain: &Chain) -> Result<bool, ChainError> {
        let mut is_replaced = false;
        while let Some((number, hash)) = self.heads.back().copied() {
            if chain.hash_of(number).await? == Some(hash) {
                break;
            }
            self.heads.pop_back();
            is_replaced = true;
        }
        Ok(is_replaced)
    }
}
