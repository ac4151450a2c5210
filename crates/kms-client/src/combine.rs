//! From the answers so far to the keys, as soon as any t of them add up to the pinned public key.
//!
//! Spec: docs/spec/request.md [REQ-11]; the mathematics: docs/spec/derive.md [DERIVE-8], [DERIVE-9]. Trusts: the pinned public
//! keys. t is as told: a false one finds no set, or one that adds up. Prevents: one false answer that stops the others (A16).

use crate::{Fault, Key, Keys, PendingRequest, pending::Asked, release::Answer, wanted::Purpose};
use std::collections::BTreeSet;
use threshold::{
    combine::{
        CombineContext, CombineError, Combined, Contribution, DiscardReason, Discarded, combine,
    },
    derive::{DeriveError, RootKey},
    partial::PartialContext,
};
use wire::SeatId;

/// An answer that does not fit the others. It names nobody: its Y_i is a claim, and so is its signer (A16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// The seat that signed, as told.
    pub seat: SeatId,
    /// The epoch that it answered in.
    pub epoch: u64,
    /// What does not fit.
    pub suspicion: Suspicion,
}

/// What does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// Its signed bytes are no partials for these inputs.
    Malformed,
    /// Its partial for one input was left out.
    Discarded {
        /// Which input.
        index: usize,
        /// Why.
        reason: DiscardReason,
    },
}

/// Why there are no keys yet: ask more nodes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no keys in epoch {epoch} yet")]
pub struct NotYet {
    /// The epoch that most answered in; 0 if nobody has.
    pub epoch: u64,
    /// What is missing.
    #[source]
    pub cause: NotYetCause,
    /// The answers that do not fit.
    pub suspects: Vec<Suspect>,
}

/// What is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotYetCause {
    /// Too few seats answered.
    #[error("{answered} seats answered, {threshold} are needed")]
    TooFew {
        /// t as told, at least 2.
        threshold: u16,
        /// Distinct seats.
        answered: usize,
    },
    /// Enough answered, and their partials for one input do not give its key.
    #[error("input {index}")]
    Input {
        /// Which.
        index: usize,
        /// Why.
        source: CombineError,
    },
    /// K is of the other secret than the input's; no unblinding of ours gives that.
    #[error("input {index}")]
    Derive {
        /// Which.
        index: usize,
        /// Why.
        source: DeriveError,
    },
}

impl PendingRequest {
    /// Adds up any `threshold` answers of one epoch that hold, for every input. [REQ-11]
    ///
    /// # Errors
    /// [`NotYet`]: call again with more answers. Bounded: at most [`threshold::combine::MAX_SUBSETS`] sets per input.
    pub fn try_combine(&self, threshold: u16) -> Result<Keys, NotYet> {
        let mut first_failure = None;
        for epoch in self.epochs() {
            match self.combine_epoch(epoch, threshold) {
                Ok(keys) => return Ok(keys),
                Err(not_yet) => _ = first_failure.get_or_insert(not_yet),
            }
        }
        Err(first_failure.unwrap_or(NotYet {
            epoch: 0,
            cause: NotYetCause::TooFew { threshold: threshold.max(2), answered: 0 },
            suspects: Vec::new(),
        }))
    }

    /// The epochs that were answered in: most seats first, then the newest.
    fn epochs(&self) -> Vec<u64> {
        let distinct: BTreeSet<u64> =
            self.answers.iter().map(|answer| answer.release.released.epoch).collect();
        let mut epochs: Vec<u64> = distinct.into_iter().rev().collect();
        epochs.sort_by_key(|epoch| std::cmp::Reverse(self.seats(*epoch).len()));
        epochs
    }

    fn seats(&self, epoch: u64) -> BTreeSet<SeatId> {
        self.readable(epoch).map(|(seat, _)| seat).collect()
    }

    fn readable(&self, epoch: u64) -> impl Iterator<Item = (SeatId, &Vec<Contribution>)> {
        self.answers.iter().filter_map(move |answer| {
            let released = &answer.release.released;
            let contributions = answer.contributions.as_ref()?;
            (released.epoch == epoch).then_some((released.seat, contributions))
        })
    }

    fn combine_epoch(&self, epoch: u64, threshold: u16) -> Result<Keys, NotYet> {
        let mut suspects: Vec<Suspect> =
            self.answers.iter().filter_map(|answer| malformed(answer, epoch)).collect();
        let answered = self.seats(epoch).len();
        let threshold = threshold.max(2);
        if answered < usize::from(threshold) {
            let cause = NotYetCause::TooFew { threshold, answered };
            return Err(NotYet { epoch, cause, suspects });
        }
        let mut keys = Vec::with_capacity(self.asked.len());
        for (index, asked) in self.asked.iter().enumerate() {
            let combined = self.combine_input(epoch, threshold, index, asked);
            suspects.extend(suspected(epoch, index, discarded(&combined)));
            let key = combined
                .map_err(|source| NotYetCause::Input { index, source })
                .and_then(|combined| self.finish(index, asked, &combined));
            match key {
                Ok(key) => keys.push(key),
                Err(cause) => {
                    return Err(NotYet { epoch, cause, suspects });
                }
            }
        }
        Ok(Keys::new(self.request.app_id, self.issuance_id, epoch, keys, suspects))
    }

    fn combine_input(
        &self,
        epoch: u64,
        threshold: u16,
        index: usize,
        asked: &Asked,
    ) -> Result<Combined, CombineError> {
        let contributions: Vec<Contribution> = self
            .readable(epoch)
            .filter_map(|(_, contributions)| contributions.get(index).copied())
            .collect();
        let context = CombineContext {
            partial: &self.partial_context(epoch),
            threshold,
            public_key: self.pinned.public_key(asked.purpose.secret()),
        };
        combine(&asked.unblinding, &context, &contributions)
    }

    /// What every partial of an epoch is bound to.
    pub(crate) fn partial_context(&self, epoch: u64) -> PartialContext {
        PartialContext {
            network_hash: self.pinned.network_hash.0,
            keyset_id: self.pinned.keyset_id.0,
            epoch,
            issuance_id: self.issuance_id.0,
        }
    }

    fn finish(&self, index: usize, asked: &Asked, combined: &Combined) -> Result<Key, NotYetCause> {
        let seats = combined.seats.clone();
        match &asked.purpose {
            Purpose::Root { x } => RootKey::derive(&combined.key, &self.pinned.keyset_id.0, x)
                .map(|root| Key::root(seats, root))
                .map_err(|source| NotYetCause::Derive { index, source }),
            Purpose::Open { ciphertext, body } => {
                Ok(Key::opened(seats, ciphertext.open(body, &combined.key)))
            }
        }
    }
}

fn malformed(answer: &Answer, epoch: u64) -> Option<Suspect> {
    let released = &answer.release.released;
    let unreadable = answer.contributions.is_none() && released.epoch == epoch;
    unreadable.then_some(Suspect { seat: released.seat, epoch, suspicion: Suspicion::Malformed })
}

fn discarded(combined: &Result<Combined, CombineError>) -> &[Discarded] {
    match combined {
        Ok(combined) => &combined.discarded,
        Err(
            CombineError::BelowThreshold { discarded, .. }
            | CombineError::NoSubset { discarded, .. },
        ) => discarded,
        Err(CombineError::Threshold(_) | CombineError::TooMany { .. }) => &[],
    }
}

/// A repeated answer is no reason for suspicion.
fn suspected(epoch: u64, index: usize, discarded: &[Discarded]) -> impl Iterator<Item = Suspect> {
    let suspicious = discarded.iter().filter(|one| one.reason != DiscardReason::Duplicate);
    suspicious.map(move |one| Suspect {
        seat: one.seat,
        epoch,
        suspicion: Suspicion::Discarded { index, reason: one.reason },
    })
}

impl NotYet {
    /// Whose doing it is.
    pub fn fault(&self) -> Fault {
        match self.cause {
            NotYetCause::TooFew { .. } | NotYetCause::Input { .. } => Fault::Committee,
            NotYetCause::Derive { .. } => Fault::Local,
        }
    }
}
