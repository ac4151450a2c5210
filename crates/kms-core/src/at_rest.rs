//! What a node keeps over a restart, sealed under a key that only this enclave on this machine can ask for.
//!
//! Spec: docs/spec/ceremony.md, "At rest". AES-256-GCM; the key is HKDF-SHA256 of the sealing key, the label is
//! authenticated. A share carries its epoch and is checked against the chain at start, so an old file can't be used.

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use alloy_primitives::B256;
use hkdf::Hkdf;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;
use wire::{
    SeatId,
    statements::{Anchor, Outcome, labels},
};
use zeroize::{Zeroize, Zeroizing};

const MAGIC: &[u8] = labels::SEALED_STATE.as_bytes();
const NONCE_BYTES: usize = 12;

/// The key that the socket's `GetKey` gives for [`wire::statements::labels::SEALING_PATH`].
pub struct SealingKey(Zeroizing<[u8; 32]>);

/// Everything secret that a node keeps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SealedState {
    /// The signing key.
    pub signing_key: Secret32,
    /// The newest finalized block that this node has proven: where it goes on after a restart.
    pub finalized: Option<Anchor>,
    /// The recipient key of a running ceremony.
    pub recipient: Option<RecipientRecord>,
    /// Shares of the active epoch and, until activation is finalized, of the next.
    pub shares: Vec<ShareRecord>,
}

/// A fresh encryption key for one ceremony.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecipientRecord {
    /// The ceremony.
    pub session: B256,
    /// The secret.
    pub secret: Secret32,
}

/// The two shares of one epoch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShareRecord {
    /// The ceremony that made them.
    pub session: B256,
    /// Whose.
    pub seat: SeatId,
    /// Of the `derive` secret.
    pub derive: Secret32,
    /// Of the `unseal` secret.
    pub unseal: Secret32,
    /// The block in which the ceremony was opened: its events lie from there on.
    pub opened_at: u64,
    /// What the ceremony decided, with everybody's Y_i.
    pub outcome: Outcome,
}

/// 32 secret bytes; zeroized, and `Debug` prints `REDACTED`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize)]
#[zeroize(drop)]
#[serde(transparent)]
pub struct Secret32(pub [u8; 32]);

/// Why a sealed file can't be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsealStateError {
    /// Not a file of ours.
    #[error("not a sealed state of this version")]
    Format,
    /// Another machine's or another code's file, or a changed one.
    #[error(
        "the sealing key does not open this file: it was sealed on another machine or by other code, or was changed"
    )]
    Key,
}

impl SealingKey {
    /// Wraps what `GetKey` gave.
    pub fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    fn cipher(&self) -> Aes256Gcm {
        let mut key = Zeroizing::new([0_u8; 32]);
        // 32 bytes are within HKDF's bound of 255 · 32.
        let expanded = Hkdf::<Sha256>::new(None, self.0.as_ref()).expand(MAGIC, key.as_mut());
        debug_assert!(expanded.is_ok());
        Aes256Gcm::new(&(*key).into())
    }

    /// Seals `state` with a fresh nonce.
    pub fn seal(&self, state: &SealedState, rng: &mut impl CryptoRng) -> Vec<u8> {
        let plain = Zeroizing::new(serde_json::to_vec(state).unwrap_or_default());
        let mut nonce = [0_u8; NONCE_BYTES];
        rng.fill_bytes(&mut nonce);
        let payload = Payload { msg: &plain, aad: MAGIC };
        // AES-GCM refuses only messages above 64 GiB.
        let sealed = self.cipher().encrypt(&Nonce::from(nonce), payload).unwrap_or_default();
        [MAGIC, &nonce, &sealed].concat()
    }

    /// Opens what [`SealingKey::seal`] wrote.
    pub fn open(&self, file: &[u8]) -> Result<SealedState, UnsealStateError> {
        let rest = file.strip_prefix(MAGIC).ok_or(UnsealStateError::Format)?;
        let (nonce, sealed) =
            rest.split_first_chunk::<NONCE_BYTES>().ok_or(UnsealStateError::Format)?;
        let payload = Payload { msg: sealed, aad: MAGIC };
        let plain = self
            .cipher()
            .decrypt(&Nonce::from(*nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| UnsealStateError::Key)?;
        serde_json::from_slice(&plain).map_err(|_| UnsealStateError::Format)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(REDACTED)")
    }
}

impl fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use getrandom::{SysRng, rand_core::UnwrapErr};

    fn state() -> SealedState {
        SealedState {
            signing_key: Secret32([7; 32]),
            finalized: Some(Anchor { number: 3, hash: B256::repeat_byte(4) }),
            recipient: None,
            shares: vec![],
        }
    }

    #[test]
    fn only_the_same_key_opens_and_only_the_unchanged_file() {
        // [CER-12]
        let mut rng = UnwrapErr(SysRng);
        let sealed = SealingKey::new([1; 32]).seal(&state(), &mut rng);
        let opened = SealingKey::new([1; 32]).open(&sealed).unwrap();
        assert_eq!(opened.signing_key, state().signing_key);
        let error = |key: u8, file: &[u8]| SealingKey::new([key; 32]).open(file).err();
        assert_eq!(error(2, &sealed), Some(UnsealStateError::Key));
        for at in MAGIC.len()..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(error(1, &changed), Some(UnsealStateError::Key), "byte {at}");
        }
        assert_eq!(error(1, &sealed[..10]), Some(UnsealStateError::Format));
    }

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(
            format!("{:?} {:?}", Secret32([9; 32]), SealingKey::new([9; 32])),
            "REDACTED SealingKey(REDACTED)"
        );
    }
}
