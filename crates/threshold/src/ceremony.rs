//! The ceremony that makes a keyset's shares: Feldman dealings of two secrets, judged alike by every member.
//!
//! Spec: docs/spec/ceremony.md [CER-3] to [CER-12].  Trusts: the chain, for session, epoch, recipients and for which bytes
//! were dealt; the caller, for having verified each recipient's quote before it deals (A5).
//! How it is driven, by a node that is dealer and recipient:
//! 1. [`RecipientSecret::generate`], once per session; its public key goes out bound by a quote (A14);
//! 2. [`Ceremony::genesis`] from the finalized list of recipients, then [`Ceremony::deal`]: the bytes go to the chain;
//! 3. [`Ceremony::qualify`] over all finalized dealings: who counts, every Y_i, the public keys;
//! 4. [`Qualified::open`]: this seat's [`NodeShares`](crate::NodeShares);
//! 5. [`NodeShares::canary`](crate::NodeShares::canary) beside the confirmation, and [`combine_canary`] over all of them.
//!
//! Prevents, by types: `UncheckedDealing → VerifiedDealing → SubShares`. Only a dealing whose every ephemeral point has a
//! proof for (session, dealer, recipient) can be opened, so no copied point of an old ciphertext ever is (A1).
//!
//! **Where reshare goes.** A second constructor beside `genesis` will take the old epoch's seats as dealers, with Lagrange
//! weights λ_j instead of 1, and [`VerifyDealingError`] will have one more case: dealer j's constant term must be the old
//! Y_j. Nothing else changes: the weighted sum of constant terms is then the old public key. Complaints (a revealed
//! ECDH point with a proof bound to the session) and genesis' commit-then-reveal are not here either.

mod canary;
mod dealing;
mod open;
mod polynomial;
mod qualify;
mod recipient;
#[cfg(test)]
mod tests;
mod verify;

use crate::{point::Point, share::SecretKind, transcript::Transcript};
pub use canary::{
    CANARY_BYTES, Canary, CanaryContext, CanaryPartials, CombineCanaryError, combine_canary,
};
pub use dealing::{DealError, MAX_DEALING_BYTES, UncheckedDealing, dealing_hash};
pub use open::{OpenDealingError, SubShares};
pub use qualify::{
    OpenSharesError, Outcome, Qualified, QualifyError, ShareKeys, VoidDealing, VoidReason,
};
pub use recipient::{Recipient, RecipientSecret};
use thiserror::Error;
pub use verify::{VerifiedDealing, VerifyDealingError};

/// Seats that one ceremony deals to.
pub const MAX_RECIPIENTS: usize = 128;

/// One attempt at making an epoch: what the chain fixed before anybody deals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ceremony {
    session: [u8; 32],
    epoch: u64,
    threshold: u16,
    recipients: Vec<Recipient>,
}

/// Why there can be no such ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CeremonyError {
    /// t must be at least 2.
    #[error("threshold {0} is below 2")]
    Threshold(u16),
    /// n must be at least 2t − 1 and at most [`MAX_RECIPIENTS`].
    #[error("{recipients} recipients do not fit threshold {threshold}")]
    Recipients {
        /// n.
        recipients: usize,
        /// t.
        threshold: u16,
    },
    /// Seats must be at least 1 and strictly ascending.
    #[error("seat {0} is zero or out of order")]
    SeatOrder(u16),
    /// Two recipients may not have one encryption key.
    #[error("the encryption key of seat {0} is another recipient's")]
    SharedEncryptionKey(u16),
    /// Epochs count from 1.
    #[error("epoch 0 does not exist")]
    EpochZero,
}

impl Ceremony {
    /// The first epoch of a keyset: the recipients deal, each with weight 1. [CER-3]
    ///
    /// # Errors
    /// [`CeremonyError`].
    pub fn genesis(
        session: [u8; 32],
        epoch: u64,
        threshold: u16,
        recipients: Vec<Recipient>,
    ) -> Result<Self, CeremonyError> {
        if threshold < 2 {
            return Err(CeremonyError::Threshold(threshold));
        }
        if epoch == 0 {
            return Err(CeremonyError::EpochZero);
        }
        let least = usize::from(threshold).saturating_mul(2).saturating_sub(1);
        if recipients.len() < least || recipients.len() > MAX_RECIPIENTS {
            let recipients = recipients.len();
            return Err(CeremonyError::Recipients { recipients, threshold });
        }
        check_recipients(&recipients)?;
        Ok(Self { session, epoch, threshold, recipients })
    }

    /// The session.
    pub fn session(&self) -> &[u8; 32] {
        &self.session
    }

    /// The epoch that this ceremony makes.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// t.
    pub fn threshold(&self) -> u16 {
        self.threshold
    }

    /// Who is dealt to, by ascending seat.
    pub fn recipients(&self) -> &[Recipient] {
        &self.recipients
    }

    fn is_dealer(&self, seat: u16) -> bool {
        self.recipients.iter().any(|recipient| recipient.seat == seat)
    }
}

fn check_recipients(recipients: &[Recipient]) -> Result<(), CeremonyError> {
    let mut last = 0u16;
    let mut keys = std::collections::BTreeSet::new();
    for recipient in recipients {
        if recipient.seat <= last {
            return Err(CeremonyError::SeatOrder(recipient.seat));
        }
        if !keys.insert(recipient.encryption_key) {
            return Err(CeremonyError::SharedEncryptionKey(recipient.seat));
        }
        last = recipient.seat;
    }
    Ok(())
}

/// The head of every transcript of a dealing: label, session, epoch, dealer.
fn dealer_transcript(label: &str, session: &[u8; 32], epoch: u64, dealer: u16) -> Transcript {
    Transcript::new(label).bytes(session).u64(epoch).u16(dealer)
}

/// A value for each of the two secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ForBoth<T> {
    derive: T,
    unseal: T,
}

impl<T> ForBoth<T> {
    fn make(mut value: impl FnMut(SecretKind) -> T) -> Self {
        Self { derive: value(SecretKind::Derive), unseal: value(SecretKind::Unseal) }
    }

    fn try_make<E>(mut value: impl FnMut(SecretKind) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self { derive: value(SecretKind::Derive)?, unseal: value(SecretKind::Unseal)? })
    }

    fn of(&self, secret: SecretKind) -> &T {
        match secret {
            SecretKind::Derive => &self.derive,
            SecretKind::Unseal => &self.unseal,
        }
    }
}

fn concat_points(points: &[Point]) -> Vec<u8> {
    points.iter().flat_map(Point::to_bytes).collect()
}
