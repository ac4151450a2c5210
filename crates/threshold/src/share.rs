//! A seat's shares of the keyset's two secrets.

use crate::{point::Point, scalar::SecretScalar};
use std::fmt;
use thiserror::Error;
use zeroize::Zeroizing;

/// Which of a keyset's two independent secrets. One is never used for the other's purpose. [DERIVE-6]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SecretKind {
    /// Evaluated at H(x), for keys.
    Derive = 1,
    /// Evaluated at a ciphertext's u, for sealed secrets.
    Unseal = 2,
}

impl SecretKind {
    /// Both, in the order of every encoding that holds both.
    pub const BOTH: [Self; 2] = [Self::Derive, Self::Unseal];

    /// The wire value, as in transcripts; the same as of `wire::InputKind`.
    pub fn to_wire(self) -> u8 {
        self as u8
    }
}

/// One seat's share s_i of one secret, with Y_i = s_i·G.
///
/// Has no `Clone`; erased on drop; `Debug` prints REDACTED.
pub struct KeyShare {
    secret: SecretKind,
    seat: u16,
    scalar: SecretScalar,
    public: Point,
}

/// Why 32 bytes are no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyShareError {
    /// Seats count from 1: the share at 0 would be the secret itself.
    #[error("seat 0 can't hold a share")]
    SeatZero,
    /// Zero, or not below the group order.
    #[error("not the encoding of a share")]
    Malformed,
}

impl KeyShare {
    /// Reads a share that was kept at rest, as `to_secret_bytes` wrote it.
    ///
    /// # Errors
    /// [`KeyShareError`]. The caller compares [`KeyShare::public`] with the chain's Y_i before any use. [CER-12]
    pub fn from_secret_bytes(
        secret: SecretKind,
        seat: u16,
        bytes: &[u8; 32],
    ) -> Result<Self, KeyShareError> {
        let scalar = SecretScalar::from_bytes(bytes).ok_or(KeyShareError::Malformed)?;
        Self::new(secret, seat, scalar).ok_or(KeyShareError::SeatZero)
    }

    /// The share, to be sealed at rest at once.
    pub fn to_secret_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.scalar.to_bytes()
    }

    /// Y_i = s_i·G.
    pub fn public(&self) -> Point {
        self.public
    }

    /// The seat, which is the Shamir x-coordinate.
    pub fn seat(&self) -> u16 {
        self.seat
    }

    /// Which secret this is a share of.
    pub fn secret(&self) -> SecretKind {
        self.secret
    }

    pub(crate) fn new(secret: SecretKind, seat: u16, scalar: SecretScalar) -> Option<Self> {
        let public = scalar.times_generator();
        (seat != 0).then_some(Self { secret, seat, scalar, public })
    }

    pub(crate) fn scalar(&self) -> &SecretScalar {
        &self.scalar
    }
}

impl fmt::Debug for KeyShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyShare")
            .field("secret", &self.secret)
            .field("seat", &self.seat)
            .field("scalar", &self.scalar)
            .field("public", &self.public)
            .finish()
    }
}

/// Both shares of one seat in one epoch.
#[derive(Debug)]
pub struct NodeShares {
    derive: KeyShare,
    unseal: KeyShare,
}

impl NodeShares {
    /// Reads both shares that were kept at rest.
    ///
    /// # Errors
    /// As [`KeyShare::from_secret_bytes`].
    pub fn from_secret_bytes(
        seat: u16,
        derive: &[u8; 32],
        unseal: &[u8; 32],
    ) -> Result<Self, KeyShareError> {
        Ok(Self {
            derive: KeyShare::from_secret_bytes(SecretKind::Derive, seat, derive)?,
            unseal: KeyShare::from_secret_bytes(SecretKind::Unseal, seat, unseal)?,
        })
    }

    /// The share of `secret`.
    pub fn of(&self, secret: SecretKind) -> &KeyShare {
        match secret {
            SecretKind::Derive => &self.derive,
            SecretKind::Unseal => &self.unseal,
        }
    }

    /// The seat.
    pub fn seat(&self) -> u16 {
        self.derive.seat
    }

    pub(crate) fn new(derive: KeyShare, unseal: KeyShare) -> Self {
        Self { derive, unseal }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_written_and_read_and_never_printed() {
        // [CER-12]
        let bytes = [7; 32];
        let share = KeyShare::from_secret_bytes(SecretKind::Derive, 3, &bytes).unwrap();
        assert_eq!(*share.to_secret_bytes(), bytes);
        let printed = format!("{share:?}");
        assert!(printed.contains("REDACTED") && !printed.contains("0707"), "{printed}");
    }

    #[test]
    fn zero_seat_zero_and_order_are_refused() {
        // [CER-12] negative twins
        let read = |seat, bytes: &[u8; 32]| {
            KeyShare::from_secret_bytes(SecretKind::Unseal, seat, bytes).map(|_| ())
        };
        assert_eq!(read(0, &[7; 32]), Err(KeyShareError::SeatZero));
        assert_eq!(read(1, &[0; 32]), Err(KeyShareError::Malformed));
        assert_eq!(read(1, &[0xff; 32]), Err(KeyShareError::Malformed));
    }
}
