//! Opening one's own ciphertext of a verified dealing, and checking what is in it. [CER-7]

use super::{
    ForBoth, RecipientSecret,
    dealing::{commitments_aad, shared_key},
    polynomial::evaluate_vartime,
    verify::VerifiedDealing,
};
use crate::{
    aead::open_once, decode::Reader, point::Point, scalar::SecretScalar, share::SecretKind,
};
use k256::ProjectivePoint;
use std::fmt;
use thiserror::Error;
use zeroize::Zeroize;

/// f_derive(i) and f_unseal(i) of one dealer, each on its committed polynomial. Erased on drop.
pub struct SubShares(pub(super) ForBoth<SecretScalar>);

/// Why a recipient can't use a dealing. The dealer dealt it junk, or the recipient has another key than it published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenDealingError {
    /// This seat is not dealt to, or not under this key.
    #[error("seat {0} is not dealt to under this key")]
    NotRecipient(u16),
    /// The ciphertext is not of this key, context and commitments.
    #[error("the ciphertext does not decrypt")]
    Decrypt,
    /// It decrypts to a value that is no point of the committed polynomial.
    #[error("the sub-share of {0:?} is not on the committed polynomial")]
    NotOnPolynomial(SecretKind),
}

impl VerifiedDealing {
    /// Decrypts the sub-shares for `seat` and checks f(i)·G = Σ i^k·C_k for both secrets. [CER-7]
    ///
    /// # Errors
    /// [`OpenDealingError`].
    pub fn open(&self, seat: u16, secret: &RecipientSecret) -> Result<SubShares, OpenDealingError> {
        let dealing = &self.dealing;
        let (recipient, ciphertext) = self
            .recipients
            .iter()
            .zip(&dealing.ciphertexts)
            .find(|(recipient, _)| recipient.seat == seat)
            .filter(|(recipient, _)| recipient.encryption_key == secret.public())
            .ok_or(OpenDealingError::NotRecipient(seat))?;
        let (session, epoch, dealer) = (&dealing.session, dealing.epoch, dealing.dealer);
        let mut shared = secret.secret().times_secret(&ciphertext.ephemeral);
        let key = shared_key(session, epoch, dealer, recipient, &ciphertext.ephemeral, &shared);
        shared.zeroize();
        let aad = commitments_aad(session, epoch, dealer, &dealing.committed);
        let message =
            open_once(&key, aad.as_bytes(), &ciphertext.sealed).ok_or(OpenDealingError::Decrypt)?;
        self.read(seat, &message)
    }

    fn read(&self, seat: u16, message: &[u8]) -> Result<SubShares, OpenDealingError> {
        let mut reader = Reader::new(message);
        ForBoth::try_make(|secret| {
            let not_on_it = OpenDealingError::NotOnPolynomial(secret);
            let mut bytes: [u8; 32] = reader.array().map_err(|_| not_on_it)?;
            let scalar = SecretScalar::from_bytes(&bytes);
            bytes.zeroize();
            scalar.filter(|scalar| self.is_on(secret, seat, scalar)).ok_or(not_on_it)
        })
        .map(SubShares)
    }

    fn is_on(&self, secret: SecretKind, seat: u16, value: &SecretScalar) -> bool {
        let commitments: Vec<ProjectivePoint> =
            self.commitments(secret).iter().map(Point::group).collect();
        evaluate_vartime(&commitments, seat) == value.times_generator().group()
    }
}

impl fmt::Debug for SubShares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubShares(REDACTED)")
    }
}
