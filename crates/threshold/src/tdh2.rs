//! Sealed secrets: encryption to an app before it first boots (TDH2, Shoup-Gennaro 2002), opened by a blinded request.
//!
//! Spec: docs/spec/derive.md [SEAL-1] to [SEAL-7].  Trusts: whoever seals, for the public key of the right keyset.
//! The order: [`seal`] offline; a node and the enclave each [`CiphertextHeader::check`]; the enclave makes a blinded
//! request at [`CheckedCiphertext::base`], combines, and calls [`CheckedCiphertext::open`].
//! The header is what nodes see; the body, which they never need, is under the header's hash of it.
//! Prevents: a ciphertext under another app's label, a swapped body, u of another ciphertext, and nodes used as a
//! decryption oracle (A20): u is a base only after label and proof were checked, and is never evaluated itself.

mod header;
mod label;

use crate::{
    aead::{TAG_BYTES, hkdf, open_once, seal_once, secret_point_bytes},
    combine::CombinedKey,
    decode::{DecodeError, Reader},
    input, labels,
    point::Point,
    scalar::SecretScalar,
    share::SecretKind,
    transcript::{Transcript, keccak256},
};
pub use header::{CheckCiphertextError, CheckedCiphertext, CiphertextHeader};
pub use label::{ExpectedLabel, SealLabel};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

/// Longest secret that can be sealed.
pub const MAX_SEALED_SECRET_BYTES: usize = 64 * 1024;
/// Longest body: key commitment, secret, AES-GCM's tag.
pub const MAX_BODY_BYTES: usize = COMMITMENT_BYTES + MAX_SEALED_SECRET_BYTES + TAG_BYTES;
/// Longest encoded [`SealedSecret`].
pub const MAX_SEALED_BYTES: usize = MAX_BODY_BYTES + 1024;

const COMMITMENT_BYTES: usize = 32;

/// A sealed secret: the header and the encrypted body. Public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    /// What nodes judge.
    pub header: CiphertextHeader,
    /// Key commitment ‖ AES-256-GCM ciphertext.
    pub body: Vec<u8>,
}

/// Why a secret is not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// Above [`MAX_SEALED_SECRET_BYTES`].
    #[error("{actual} bytes are above the limit of {limit}")]
    TooLarge {
        /// The limit.
        limit: usize,
        /// What came.
        actual: usize,
    },
}

/// Why a sealed secret does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// Not the body whose hash the header carries.
    #[error("the body is not the header's")]
    BodyMismatch,
    /// K is of the `derive` secret.
    #[error("secrets are opened with the unseal secret, not with {0:?}")]
    WrongSecret(SecretKind),
    /// The body commits to another key than K gives.
    #[error("the body commits to another key")]
    KeyCommitment,
    /// The committed key does not decrypt the body.
    #[error("the body does not decrypt")]
    Decrypt,
}

/// Encrypts `secret` under `label` to a keyset's `unseal` public key. [SEAL-1]..[SEAL-4]
///
/// # Errors
/// [`SealError::TooLarge`].
/// # Security
/// r depends on the secret too: if the randomness repeats, no two secrets are encrypted under one key (A27).
pub fn seal(
    public_key: &Point,
    label: &SealLabel,
    secret: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<SealedSecret, SealError> {
    if secret.len() > MAX_SEALED_SECRET_BYTES {
        return Err(SealError::TooLarge { limit: MAX_SEALED_SECRET_BYTES, actual: secret.len() });
    }
    let purpose = Transcript::new(labels::SEAL_FACTOR).bytes(&label.to_bytes()).point(public_key);
    let factor = SecretScalar::hedged(&purpose, secret, rng);
    let (u, u_bar) =
        (factor.times_generator(), factor.times(&input::tdh2_generator(&label.keyset_id)));
    let mut shared = factor.times_secret(public_key);
    let keys = BodyKeys::new(&secret_point_bytes(&shared), label, &u, &u_bar);
    shared.zeroize();
    let body = keys.encrypt(secret);
    let header = CiphertextHeader::prove(label.clone(), u, u_bar, keccak256(&body), &factor, rng);
    Ok(SealedSecret { header, body })
}

impl SealedSecret {
    /// be32(length) ‖ header ‖ be32(length) ‖ body.
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = self.header.to_bytes();
        let prefix = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
        [&prefix(&header)[..], &header, &prefix(&self.body), &self.body].concat()
    }

    /// Reads what `to_bytes` writes.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::limited(bytes, MAX_SEALED_BYTES)?;
        let header = CiphertextHeader::from_bytes(reader.field()?)?;
        let body = reader.field()?.to_vec();
        reader.finish()?;
        Ok(Self { header, body })
    }
}

impl CheckedCiphertext {
    /// Decrypts `body` with K = s·u. [SEAL-6]
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, body: &[u8], key: &CombinedKey) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        if key.secret() != SecretKind::Unseal {
            return Err(OpenError::WrongSecret(key.secret()));
        }
        let header = self.header();
        if body.len() > MAX_BODY_BYTES || keccak256(body) != header.body_hash() {
            return Err(OpenError::BodyMismatch);
        }
        let (u, u_bar) = header.points();
        BodyKeys::new(key.expose_secret(), header.label(), &u, &u_bar).decrypt(body)
    }
}

/// The key of one body, and what the body says it is. [SEAL-3]
struct BodyKeys {
    aad: Transcript,
    key: Zeroizing<[u8; 32]>,
    commitment: Zeroizing<[u8; COMMITMENT_BYTES]>,
}

impl BodyKeys {
    /// key ‖ commitment = HKDF-SHA256(salt = keyset id, ikm = K, info = enc("quorate/v1/seal-key", label, u, ū)).
    fn new(shared: &[u8; 33], label: &SealLabel, u: &Point, u_bar: &Point) -> Self {
        let aad = Transcript::new(labels::SEAL_KEY).bytes(&label.to_bytes()).point(u).point(u_bar);
        let okm: Zeroizing<[u8; 64]> = hkdf(&label.keyset_id, shared, aad.as_bytes());
        let mut key = Zeroizing::new([0; 32]);
        let mut commitment = Zeroizing::new([0; COMMITMENT_BYTES]);
        let slots = key.iter_mut().chain(commitment.iter_mut());
        slots.zip(okm.iter()).for_each(|(slot, byte)| *slot = *byte);
        Self { aad, key, commitment }
    }

    fn encrypt(&self, secret: &[u8]) -> Vec<u8> {
        let sealed = seal_once(&self.key, self.aad.as_bytes(), secret);
        [self.commitment.as_slice(), &sealed].concat()
    }

    fn decrypt(&self, body: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (commitment, sealed) =
            body.split_at_checked(COMMITMENT_BYTES).ok_or(OpenError::KeyCommitment)?;
        if !bool::from(commitment.ct_eq(self.commitment.as_slice())) {
            return Err(OpenError::KeyCommitment);
        }
        open_once(&self.key, self.aad.as_bytes(), sealed).ok_or(OpenError::Decrypt)
    }
}
