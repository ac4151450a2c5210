//! From K to the keys that an app uses.
//!
//! Spec: docs/spec/derive.md [DERIVE-10], [DERIVE-11].  Driven by: the enclave, offline, after [`crate::combine`].
//! Prevents: one key used by two algorithms or for two purposes: path, purpose and algorithm stand in the info.

use crate::{
    aead::hkdf, combine::CombinedKey, labels, point::Point, scalar::SecretScalar,
    share::SecretKind, transcript::Transcript,
};
use sha2::{Digest, Sha256};
use std::fmt;
use thiserror::Error;
use zeroize::Zeroizing;

/// The root key of one input. Erased on drop, printed as REDACTED.
pub struct RootKey(Zeroizing<[u8; 32]>);

/// A key for one path, purpose and algorithm. Erased on drop, printed as REDACTED.
pub struct Subkey(Zeroizing<[u8; 32]>);

/// A subkey as a key pair of secp256k1.
#[derive(Debug)]
pub struct Secp256k1Key {
    secret: SecretScalar,
    public: Point,
}

/// Why there is no root key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DeriveError {
    /// K is of the `unseal` secret; it opens a sealed secret and derives nothing.
    #[error("keys are derived from the derive secret, not from {0:?}")]
    WrongSecret(SecretKind),
}

impl RootKey {
    /// root = HKDF-SHA256(salt = keyset id, ikm = compressed K, info = x). [DERIVE-10]
    ///
    /// `x` is the encoded input whose H(x) was blinded.
    /// # Errors
    /// [`DeriveError::WrongSecret`].
    pub fn derive(key: &CombinedKey, keyset_id: &[u8; 32], x: &[u8]) -> Result<Self, DeriveError> {
        match key.secret() {
            SecretKind::Derive => Ok(Self(hkdf(keyset_id, key.expose_secret(), x))),
            other => Err(DeriveError::WrongSecret(other)),
        }
    }

    /// HKDF-SHA256(no salt, root, enc("quorate/v1/subkey", path, purpose, algorithm)). [DERIVE-11]
    pub fn subkey(&self, path: &str, purpose: &str, algorithm: &str) -> Subkey {
        let info = Transcript::new(labels::SUBKEY)
            .bytes(path.as_bytes())
            .bytes(purpose.as_bytes())
            .bytes(algorithm.as_bytes());
        Subkey(hkdf(&[], self.0.as_slice(), info.as_bytes()))
    }

    /// The 32 bytes. Whoever holds them holds every subkey.
    pub fn expose_secret(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Subkey {
    /// The 32 bytes.
    pub fn expose_secret(&self) -> &[u8; 32] {
        &self.0
    }

    /// The subkey as a key pair: its bytes if they are a secret key, else the next candidate. [DERIVE-11]
    ///
    /// A candidate is refused with probability 2⁻¹²⁸; the next is SHA-256(enc("quorate/v1/subkey-retry", candidate)).
    pub fn secp256k1(&self) -> Secp256k1Key {
        let secret = first_scalar(self.0.clone());
        let public = secret.times_generator();
        Secp256k1Key { secret, public }
    }
}

fn first_scalar(mut candidate: Zeroizing<[u8; 32]>) -> SecretScalar {
    loop {
        if let Some(scalar) = SecretScalar::from_bytes(&candidate) {
            return scalar;
        }
        let next = Zeroizing::new(
            Transcript::new(labels::SUBKEY_RETRY).bytes(candidate.as_slice()).finish(),
        );
        candidate = Zeroizing::new(Sha256::digest(next.as_slice()).into());
    }
}

impl Secp256k1Key {
    /// The public key: what may be printed.
    pub fn public(&self) -> Point {
        self.public
    }

    /// The secret key, 32 bytes.
    pub fn to_secret_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.secret.to_bytes()
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(REDACTED)")
    }
}

impl fmt::Debug for Subkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subkey(REDACTED)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_secret_key_have_a_fixed_next_candidate() {
        // [DERIVE-11]
        for bytes in [[0; 32], [0xff; 32]] {
            let first = Subkey(Zeroizing::new(bytes)).secp256k1();
            let again = Subkey(Zeroizing::new(bytes)).secp256k1();
            assert_eq!(first.public(), again.public());
            assert_ne!(*first.to_secret_bytes(), bytes);
        }
        let plain = Subkey(Zeroizing::new([1; 32])).secp256k1();
        assert_eq!(*plain.to_secret_bytes(), [1; 32]);
    }

    #[test]
    fn path_purpose_and_algorithm_each_change_the_subkey() {
        // [DERIVE-11] and a field that slides into its neighbour is another subkey.
        let root = RootKey(Zeroizing::new([3; 32]));
        let subkeys = [
            root.subkey("a", "b", "c"),
            root.subkey("x", "b", "c"),
            root.subkey("a", "x", "c"),
            root.subkey("a", "b", "x"),
            root.subkey("ab", "", "c"),
            root.subkey("", "ab", "c"),
        ];
        let distinct: std::collections::BTreeSet<_> =
            subkeys.iter().map(|subkey| *subkey.expose_secret()).collect();
        assert_eq!(distinct.len(), subkeys.len());
    }

    #[test]
    fn secrets_are_never_printed() {
        let root = RootKey(Zeroizing::new([3; 32]));
        let subkey = root.subkey("", "", "");
        let printed = format!("{root:?} {subkey:?} {:?}", subkey.secp256k1());
        assert_eq!(printed.matches("REDACTED").count(), 3, "{printed}");
    }
}
