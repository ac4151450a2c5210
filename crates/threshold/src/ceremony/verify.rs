//! The checks of one dealing that everybody can make from its bytes alone. [CER-4] to [CER-6]

use super::{
    Ceremony, Recipient,
    dealing::{Ciphertext, UncheckedDealing, ephemeral_transcript, possession_transcript},
};
use crate::{point::Point, share::SecretKind};
use std::collections::BTreeSet;
use thiserror::Error;

/// A dealing of which every proof held. Its ciphertexts may be opened by their recipients; what is in them is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedDealing {
    pub(super) dealing: UncheckedDealing,
    pub(super) recipients: Vec<Recipient>,
}

/// Why a dealing is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum VerifyDealingError {
    /// Dealt in another session.
    #[error("dealt in another session")]
    WrongSession,
    /// Dealt for another epoch.
    #[error("dealt for epoch {0}")]
    WrongEpoch(u64),
    /// It says to be of another dealer than the one who signed it.
    #[error("seat {expected} posted a dealing of seat {actual}")]
    WrongDealer {
        /// Who signed.
        expected: u16,
        /// Whose it says to be.
        actual: u16,
    },
    /// More or fewer than t coefficients (A26).
    #[error("{actual} coefficients of {secret:?}, not {expected}")]
    Degree {
        /// Of which secret.
        secret: SecretKind,
        /// t.
        expected: usize,
        /// What came.
        actual: usize,
    },
    /// Two of its commitments are the same point.
    #[error("a commitment repeats within the dealing")]
    RepeatedCommitment,
    /// The dealer does not show that it knows its constant term (A26).
    #[error("no proof of possession of the constant term of {0:?}")]
    Possession(SecretKind),
    /// The list of recipients is not the ceremony's: this seat is missing, surplus or out of order.
    #[error("the recipients differ from the ceremony's at seat {0}")]
    Recipients(u16),
    /// An ephemeral point serves two recipients.
    #[error("the ephemeral point for seat {0} repeats")]
    RepeatedEphemeral(u16),
    /// The dealer does not show that it made the ephemeral point for this session, dealer and recipient (A1).
    #[error("the proof of the ephemeral point for seat {0} does not hold")]
    EphemeralProof(u16),
}

impl UncheckedDealing {
    /// Checks everything that is public, for the dealing that `dealer` signed. [CER-4] to [CER-6]
    ///
    /// # Errors
    /// [`VerifyDealingError`], the first that applies.
    pub fn verify(
        self,
        ceremony: &Ceremony,
        dealer: u16,
    ) -> Result<VerifiedDealing, VerifyDealingError> {
        self.check_head(ceremony, dealer)?;
        self.check_commitments(ceremony)?;
        self.check_recipients(ceremony)?;
        // Known so far: 1. t commitments per secret, 2. the right recipients. Now the proofs, which cost.
        self.check_possession()?;
        self.check_ephemerals(ceremony)?;
        Ok(VerifiedDealing { dealing: self, recipients: ceremony.recipients.clone() })
    }

    fn check_head(&self, ceremony: &Ceremony, dealer: u16) -> Result<(), VerifyDealingError> {
        if self.session != ceremony.session {
            return Err(VerifyDealingError::WrongSession);
        }
        if self.epoch != ceremony.epoch {
            return Err(VerifyDealingError::WrongEpoch(self.epoch));
        }
        if self.dealer != dealer {
            let actual = self.dealer;
            return Err(VerifyDealingError::WrongDealer { expected: dealer, actual });
        }
        Ok(())
    }

    fn check_commitments(&self, ceremony: &Ceremony) -> Result<(), VerifyDealingError> {
        let expected = usize::from(ceremony.threshold);
        let mut seen = BTreeSet::new();
        for secret in SecretKind::BOTH {
            let points = &self.committed.of(secret).points;
            if points.len() != expected {
                let actual = points.len();
                return Err(VerifyDealingError::Degree { secret, expected, actual });
            }
            if !points.iter().all(|point| seen.insert(*point)) {
                return Err(VerifyDealingError::RepeatedCommitment);
            }
        }
        Ok(())
    }

    fn check_recipients(&self, ceremony: &Ceremony) -> Result<(), VerifyDealingError> {
        let mut dealt = self.ciphertexts.iter().map(|ciphertext| ciphertext.recipient);
        for recipient in &ceremony.recipients {
            if dealt.next() != Some(recipient.seat) {
                return Err(VerifyDealingError::Recipients(recipient.seat));
            }
        }
        dealt.next().map_or(Ok(()), |surplus| Err(VerifyDealingError::Recipients(surplus)))
    }

    fn check_possession(&self) -> Result<(), VerifyDealingError> {
        for secret in SecretKind::BOTH {
            let committed = self.committed.of(secret);
            let points = &committed.points;
            let context =
                possession_transcript(&self.session, self.epoch, self.dealer, secret, points);
            let holds = points.first().is_some_and(|constant| {
                committed.possession.holds(context, &Point::generator(), constant)
            });
            if !holds {
                return Err(VerifyDealingError::Possession(secret));
            }
        }
        Ok(())
    }

    fn check_ephemerals(&self, ceremony: &Ceremony) -> Result<(), VerifyDealingError> {
        let mut seen = BTreeSet::new();
        for (recipient, ciphertext) in ceremony.recipients.iter().zip(&self.ciphertexts) {
            if !seen.insert(ciphertext.ephemeral) {
                return Err(VerifyDealingError::RepeatedEphemeral(recipient.seat));
            }
            if !self.ephemeral_proof_holds(recipient, ciphertext) {
                return Err(VerifyDealingError::EphemeralProof(recipient.seat));
            }
        }
        Ok(())
    }

    fn ephemeral_proof_holds(&self, recipient: &Recipient, ciphertext: &Ciphertext) -> bool {
        let context = ephemeral_transcript(&self.session, self.epoch, self.dealer, recipient);
        ciphertext.proof.holds(context, &Point::generator(), &ciphertext.ephemeral)
    }
}

impl VerifiedDealing {
    /// The dealer.
    pub fn dealer(&self) -> u16 {
        self.dealing.dealer
    }

    pub(super) fn commitments(&self, secret: SecretKind) -> &[Point] {
        &self.dealing.committed.of(secret).points
    }
}
