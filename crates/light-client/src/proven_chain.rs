//! The proven chain as a decision sees it: state at the head, state at the finalized block, recent hashes.
//! Spec: docs/spec/chain.md [CHAIN-16]..[CHAIN-18]. Trusts: nothing further. Driven by: `policy`, `kms-core`.
//! Prevents: A18, a decision over finality that is older than what the grant delay covers.

use crate::{BlockRef, HeaderChain, Hints, ProvenState};
use wire::{UnixSeconds, limits::MAX_ANCHOR_AGE_BLOCKS};

/// State at the head and at the finalized block of one [`HeaderChain`].
#[derive(Clone, Debug)]
pub struct ProvenChain {
    headers: HeaderChain,
    head: ProvenState,
    finalized: ProvenState,
}

/// A state of another block than the chain's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chain's {level} block is {expected}, the state is of {actual}")]
pub struct WrongBlock {
    /// `head` or `finalized`.
    pub level: &'static str,
    /// The chain's block.
    pub expected: BlockRef,
    /// The state's block.
    pub actual: BlockRef,
}

/// How old head and finality may be. From the node's measured configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgeLimits {
    /// Guards against faults: a host can turn its guest's clock back.
    pub max_head_age_seconds: u64,
    /// At most the floor of `grantDelay`, where that is not zero (P5, A18).
    pub max_finality_age_seconds: u64,
    /// How far the head's time may be ahead of the clock.
    pub max_head_ahead_seconds: u64,
}

impl AgeLimits {
    /// The same limits with finality at most as old as `grant_floor_seconds`, where that is not zero: in finality that is
    /// older, a grant may be missing that the chain has taken back since. [CHAIN-17]
    #[must_use]
    pub fn within(self, grant_floor_seconds: u64) -> Self {
        let max_finality_age_seconds = match grant_floor_seconds {
            0 => self.max_finality_age_seconds,
            floor => self.max_finality_age_seconds.min(floor),
        };
        Self { max_finality_age_seconds, ..self }
    }
}

/// The proven chain is too old to decide on. Stale, not forged: bring a newer head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadStale {
    /// The head is old.
    #[error("head is {age_seconds} s old, at most {limit_seconds} s are allowed")]
    Head {
        /// By this much.
        age_seconds: u64,
        /// Allowed.
        limit_seconds: u64,
    },
    /// The finalized block is old.
    #[error("finalized block is {age_seconds} s old, at most {limit_seconds} s are allowed")]
    Finality {
        /// By this much.
        age_seconds: u64,
        /// Allowed.
        limit_seconds: u64,
    },
    /// The head's time is ahead of the clock.
    #[error("head is {ahead_seconds} s ahead of the clock, at most {limit_seconds} s are allowed")]
    Ahead {
        /// By this much.
        ahead_seconds: u64,
        /// Allowed.
        limit_seconds: u64,
    },
}

/// Why a block is no anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// Not on the proven chain: made up, or reorganized away.
    #[error("anchor {anchor} is not on the proven chain")]
    Unknown {
        /// Which.
        anchor: BlockRef,
    },
    /// Above the proven head: ask again in a moment.
    #[error("anchor {anchor} is above the proven head {head}")]
    AboveHead {
        /// Which.
        anchor: BlockRef,
        /// The proven head.
        head: BlockRef,
    },
    /// Further back than the chain will accept at recording.
    #[error("anchor is {age_blocks} blocks old, at most {limit_blocks} are allowed")]
    TooOld {
        /// By this much.
        age_blocks: u64,
        /// Allowed.
        limit_blocks: u64,
    },
}

impl ProvenChain {
    /// Puts states at the chain's own head and finalized block together. [CHAIN-16]
    ///
    /// # Errors
    /// [`WrongBlock`] if a state is of another block.
    pub fn new(
        headers: HeaderChain,
        head: ProvenState,
        finalized: ProvenState,
    ) -> Result<Self, WrongBlock> {
        let check = |level, expected: BlockRef, actual: BlockRef| {
            if expected == actual {
                return Ok(());
            }
            Err(WrongBlock { level, expected, actual })
        };
        check("head", headers.head(), head.block())?;
        check("finalized", headers.finalized(), finalized.block())?;
        Ok(Self { headers, head, finalized })
    }

    /// State at the proven head.
    pub fn head(&self) -> &ProvenState {
        &self.head
    }

    /// State at the finalized block.
    pub fn finalized(&self) -> &ProvenState {
        &self.finalized
    }

    /// The hashes below the head.
    pub fn headers(&self) -> &HeaderChain {
        &self.headers
    }

    /// The proven head's time: what counts as now in every judgement, because a host may turn its guest's clock.
    pub fn time(&self) -> UnixSeconds {
        self.head.header().timestamp()
    }

    /// The states of `block`, to insert what was found missing there: one, or both while the head is finalized.
    pub fn states_mut(&mut self, block: BlockRef) -> impl Iterator<Item = &mut ProvenState> {
        [&mut self.head, &mut self.finalized]
            .into_iter()
            .filter(move |state| state.block() == block)
    }

    /// Remembers in `hints` what runs over both states have read.
    pub fn teach(&self, hints: &mut Hints) {
        hints.learn(&self.finalized);
        hints.learn(&self.head);
    }

    /// Judges the age of head and finality at `clock`, the node's own. [CHAIN-17]
    ///
    /// Finality is measured from the later of clock and head, so that turning the clock back gains nothing.
    ///
    /// # Errors
    /// [`HeadStale`] with the first limit that is exceeded.
    pub fn judge_age(&self, clock: UnixSeconds, limits: &AgeLimits) -> Result<(), HeadStale> {
        let head = self.time();
        let ahead_seconds = head.since(clock);
        if ahead_seconds > limits.max_head_ahead_seconds {
            return Err(HeadStale::Ahead {
                ahead_seconds,
                limit_seconds: limits.max_head_ahead_seconds,
            });
        }
        let age_seconds = clock.since(head);
        if age_seconds > limits.max_head_age_seconds {
            return Err(HeadStale::Head {
                age_seconds,
                limit_seconds: limits.max_head_age_seconds,
            });
        }
        let age_seconds = clock.max(head).since(self.finalized.header().timestamp());
        if age_seconds > limits.max_finality_age_seconds {
            return Err(HeadStale::Finality {
                age_seconds,
                limit_seconds: limits.max_finality_age_seconds,
            });
        }
        Ok(())
    }

    /// How many blocks `anchor` is behind the head, if it is on the chain and young enough to be recorded. [CHAIN-18]
    ///
    /// # Errors
    /// [`AnchorError`].
    pub fn anchor_age(&self, anchor: BlockRef) -> Result<u64, AnchorError> {
        let head = self.headers.head();
        let Some(age_blocks) = head.number.checked_sub(anchor.number) else {
            return Err(AnchorError::AboveHead { anchor, head });
        };
        if age_blocks > MAX_ANCHOR_AGE_BLOCKS {
            return Err(AnchorError::TooOld { age_blocks, limit_blocks: MAX_ANCHOR_AGE_BLOCKS });
        }
        if !self.headers.contains(anchor) {
            return Err(AnchorError::Unknown { anchor });
        }
        Ok(age_blocks)
    }
}
