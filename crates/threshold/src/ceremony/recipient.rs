//! Who is dealt to: a seat and its encryption key, fresh for this session. [CER-2]

use crate::{
    labels, point::Point, scalar::SecretScalar, share::KeyShareError, transcript::Transcript,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// A seat that takes part, with the key that its quote bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The seat.
    pub seat: u16,
    /// Its encryption key in this session.
    pub encryption_key: Point,
}

/// The secret behind a recipient's encryption key. One per session, so that old sealed files open no new dealing (A14).
///
/// Erased on drop, printed as REDACTED. Keep it until activation is finalized, then drop every copy.
#[derive(Debug)]
pub struct RecipientSecret {
    secret: SecretScalar,
    public: Point,
}

impl RecipientSecret {
    /// A fresh key for `session`.
    pub fn generate(session: &[u8; 32], rng: &mut impl CryptoRng) -> Self {
        let purpose = Transcript::new(labels::RECIPIENT_KEY).bytes(session);
        Self::new(SecretScalar::hedged(&purpose, &[], rng))
    }

    /// Reads a key that was kept at rest during the session.
    ///
    /// # Errors
    /// [`KeyShareError::Malformed`] if it is zero or not canonical.
    pub fn from_secret_bytes(bytes: &[u8; 32]) -> Result<Self, KeyShareError> {
        SecretScalar::from_bytes(bytes).map(Self::new).ok_or(KeyShareError::Malformed)
    }

    /// The key, to be sealed at rest at once.
    pub fn to_secret_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.secret.to_bytes()
    }

    /// The encryption key: 33 bytes in `RecipientKey`.
    pub fn public(&self) -> Point {
        self.public
    }

    pub(super) fn secret(&self) -> &SecretScalar {
        &self.secret
    }

    fn new(secret: SecretScalar) -> Self {
        let public = secret.times_generator();
        Self { secret, public }
    }
}
