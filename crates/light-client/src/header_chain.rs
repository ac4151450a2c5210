//! Headers linked by parent hash, from a trusted checkpoint to the agreed head.
//! Spec: docs/spec/chain.md [CHAIN-2]..[CHAIN-5]. Trusts: the checkpoint, and the agreed hashes handed to `walk`.
//! Driven by: the service, once per new head, backwards from the agreed hash, so that each header's hash is known
//! before it is fetched and a false one is caught by itself. Prevents: A4 (a false chain), a head below finality.

use crate::{Agreed, BlockRef, FactLimits, Hints, ProvenState, SealedHeader};
use alloy_primitives::B256;
use std::{collections::BTreeMap, sync::Arc};

/// How many blocks below the head are remembered at least: enough to prove every anchor (255) at every head in use.
pub const WINDOW_BLOCKS: u64 = 300;

/// The canonical chain as this node has proven it: a window of hashes, the head, the finalized block.
///
/// Cheap to clone. Changes only through [`Walk::finish`], as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderChain {
    hashes: Arc<BTreeMap<u64, B256>>,
    head: BlockRef,
    finalized: BlockRef,
}

/// A block that is not on the proven chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("block {block} is not on the proven chain")]
pub struct NotOnChain {
    /// Which.
    pub block: BlockRef,
}

/// What a finished walk did to the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The same head.
    Unchanged,
    /// The head's descendant.
    Advanced,
    /// Another branch: everything after `ancestor` was dropped.
    Switched {
        /// The last block that both branches have.
        ancestor: BlockRef,
    },
    /// The endpoints agree on an ancestor of the head only. The head stays: what was proven once is not unproven by
    /// endpoints that lag.
    Behind,
}

/// Why a walk failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalkError {
    /// The agreed chain does not contain the block that was finalized here. Stop and raise the alarm: the base
    /// assumption A0 does not hold any more, or did not before.
    #[error("finalized block {finalized} was reorganized away: the agreed chain has {instead}")]
    FinalizedReorg {
        /// What was finalized here.
        finalized: BlockRef,
        /// What the agreed chain has at a height at or below it.
        instead: BlockRef,
    },
    /// The agreed finalized block is no ancestor of the agreed head.
    #[error("agreed finalized block {finalized} is not an ancestor of the agreed head {head}")]
    FinalizedNotAncestor {
        /// The agreed finalized block.
        finalized: BlockRef,
        /// The agreed head.
        head: BlockRef,
    },
    /// The agreed head is lower than what is finalized here: the endpoints lag.
    #[error("agreed head {head} is below the finalized block {finalized}")]
    HeadBelowFinalized {
        /// The agreed head.
        head: BlockRef,
        /// What is finalized here.
        finalized: BlockRef,
    },
    /// A header that was not asked for.
    #[error("wanted the header of {wanted:?}, got that of {got}")]
    UnexpectedHeader {
        /// The next block of the walk; `None` when it is complete.
        wanted: Option<BlockRef>,
        /// What came.
        got: BlockRef,
    },
    /// The walk has not reached the proven chain.
    #[error("walk is not complete: the header of {wanted} is missing")]
    Incomplete {
        /// The next block of the walk.
        wanted: BlockRef,
    },
}

impl HeaderChain {
    /// Starts at a block that is trusted: the posted checkpoint, the own last finalized block, genesis on a devnet.
    /// [CHAIN-2]
    pub fn new(checkpoint: BlockRef) -> Self {
        Self {
            hashes: Arc::new(BTreeMap::from([(checkpoint.number, checkpoint.hash)])),
            head: checkpoint,
            finalized: checkpoint,
        }
    }

    /// The highest proven block.
    pub fn head(&self) -> BlockRef {
        self.head
    }

    /// The highest finalized block.
    pub fn finalized(&self) -> BlockRef {
        self.finalized
    }

    /// The hash at a height inside the window.
    pub fn hash_at(&self, number: u64) -> Option<B256> {
        self.hashes.get(&number).copied()
    }

    /// Whether the block is on the chain, inside the window.
    pub fn contains(&self, block: BlockRef) -> bool {
        self.hash_at(block.number) == Some(block.hash)
    }

    /// Begins the walk from the agreed head back to this chain. [CHAIN-3]
    ///
    /// # Errors
    /// [`WalkError`] if the agreed blocks contradict what is proven already.
    pub fn walk(&self, agreed: &Agreed) -> Result<Walk, WalkError> {
        let (head, finalized) = (agreed.head, agreed.finalized);
        if head.number < self.finalized.number {
            return Err(WalkError::HeadBelowFinalized { head, finalized: self.finalized });
        }
        let lowest_kept = head
            .number
            .saturating_sub(WINDOW_BLOCKS)
            .min(finalized.number.max(self.finalized.number));
        let mut walk = Walk {
            chain: self.clone(),
            head,
            finalized,
            lowest_kept,
            found: BTreeMap::new(),
            wanted: None,
            joined: head,
        };
        walk.step_to(head)?;
        Ok(walk)
    }

    /// An empty [`ProvenState`] at a block of this chain. [CHAIN-6]
    ///
    /// There is no other way to one: state is proven only at blocks that are.
    ///
    /// # Errors
    /// [`NotOnChain`] if the header's block is not in the window.
    pub fn open(
        &self,
        header: SealedHeader,
        limits: FactLimits,
        hints: &Hints,
    ) -> Result<ProvenState, NotOnChain> {
        let block = header.block();
        if !self.contains(block) {
            return Err(NotOnChain { block });
        }
        Ok(ProvenState::new(header, Arc::clone(&self.hashes), limits, hints.codes()))
    }
}

/// A walk from the agreed head back to the proven chain; owns a copy of it, so a failed walk changes nothing.
#[derive(Clone, Debug)]
pub struct Walk {
    chain: HeaderChain,
    head: BlockRef,
    finalized: BlockRef,
    lowest_kept: u64,
    found: BTreeMap<u64, B256>,
    wanted: Option<BlockRef>,
    joined: BlockRef,
}

impl Walk {
    /// The block whose header is needed next; `None` when the walk is complete.
    pub fn wanted(&self) -> Option<BlockRef> {
        self.wanted
    }

    /// How many headers at most are still needed: for fetching them in batches by height.
    pub fn remaining(&self) -> u64 {
        self.wanted.map_or(0, |block| block.number.saturating_sub(self.chain.finalized.number))
    }

    /// Takes the wanted block's header and goes on to its parent. [CHAIN-3]
    ///
    /// # Errors
    /// [`WalkError::UnexpectedHeader`] if it is another block's; [`WalkError::FinalizedReorg`] if the walk has passed
    /// the height of the finalized block without meeting it.
    pub fn accept(&mut self, header: &SealedHeader) -> Result<(), WalkError> {
        let got = header.block();
        let unexpected = WalkError::UnexpectedHeader { wanted: self.wanted, got };
        if self.wanted != Some(got) {
            return Err(unexpected);
        }
        // The wanted block is above the finalized one, so it has a parent.
        let parent = header.parent().ok_or(unexpected)?;
        if got.number >= self.lowest_kept {
            self.found.insert(got.number, got.hash);
        }
        self.step_to(parent)
    }

    /// The chain with the agreed head and finalized block. [CHAIN-4] [CHAIN-5]
    ///
    /// # Errors
    /// [`WalkError::Incomplete`] while headers are missing; [`WalkError::FinalizedNotAncestor`] and
    /// [`WalkError::FinalizedReorg`] if the agreed finalized block is on another branch.
    pub fn finish(self) -> Result<(HeaderChain, Followed), WalkError> {
        if let Some(wanted) = self.wanted {
            return Err(WalkError::Incomplete { wanted });
        }
        let followed = self.followed();
        let head = match followed {
            Followed::Behind | Followed::Unchanged => self.chain.head,
            Followed::Advanced | Followed::Switched { .. } => self.head,
        };
        let mut hashes = self.branch(head);
        let finalized = self.judge_finalized(&hashes)?;
        let lowest = head.number.saturating_sub(WINDOW_BLOCKS).min(finalized.number);
        let hashes = Arc::new(hashes.split_off(&lowest));
        let chain = HeaderChain { hashes, head, finalized };
        Ok((chain, followed))
    }

    /// Goes on at `block`: done if it is on the proven chain, refused if it contradicts the finalized block.
    fn step_to(&mut self, block: BlockRef) -> Result<(), WalkError> {
        if self.chain.contains(block) {
            self.joined = block;
            self.wanted = None;
        } else if block.number <= self.chain.finalized.number {
            return Err(WalkError::FinalizedReorg {
                finalized: self.chain.finalized,
                instead: block,
            });
        } else {
            self.wanted = Some(block);
        }
        Ok(())
    }

    fn followed(&self) -> Followed {
        if self.head == self.chain.head {
            Followed::Unchanged
        } else if self.joined == self.head {
            Followed::Behind
        } else if self.joined == self.chain.head {
            Followed::Advanced
        } else {
            Followed::Switched { ancestor: self.joined }
        }
    }

    /// The hashes of the branch that ends in `head`.
    fn branch(&self, head: BlockRef) -> BTreeMap<u64, B256> {
        let mut hashes = (*self.chain.hashes).clone();
        if head != self.chain.head {
            hashes.retain(|number, _| *number <= self.joined.number);
            hashes.extend(self.found.iter().map(|(number, hash)| (*number, *hash)));
        }
        hashes
    }

    /// The higher of the agreed and the own finalized block, if one descends from the other. [CHAIN-5]
    fn judge_finalized(&self, hashes: &BTreeMap<u64, B256>) -> Result<BlockRef, WalkError> {
        let (own, agreed) = (self.chain.finalized, self.finalized);
        let on_branch = hashes.get(&agreed.number).copied();
        if agreed.number > own.number {
            if on_branch == Some(agreed.hash) {
                return Ok(agreed);
            }
            return Err(WalkError::FinalizedNotAncestor { finalized: agreed, head: self.head });
        }
        // Older than ours: either it is below the window, or it must be the ancestor that we know.
        if on_branch.is_some_and(|hash| hash != agreed.hash) {
            return Err(WalkError::FinalizedReorg { finalized: own, instead: agreed });
        }
        Ok(own)
    }
}

#[cfg(test)]
mod tests;
