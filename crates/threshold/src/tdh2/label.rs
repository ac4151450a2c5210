//! What a sealed secret is for. The epoch is no part of it: a reshare must not orphan ciphertexts.

use crate::{
    decode::{DecodeError, Reader},
    labels,
    transcript::Transcript,
};

/// The label of a ciphertext, bound by its proof. [SEAL-1]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealLabel {
    /// The keyset whose `unseal` public key it is encrypted to.
    pub keyset_id: [u8; 32],
    /// The app that may open it.
    pub app_id: [u8; 20],
    /// The app's name for it.
    pub secret_id: [u8; 32],
    /// If given, it opens only while this contract is the app's policy.
    pub policy: Option<[u8; 20]>,
}

/// What a node knows by itself, for comparison with a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedLabel {
    /// The node's keyset.
    pub keyset_id: [u8; 32],
    /// The verified app.
    pub app_id: [u8; 20],
    /// The secret id of the input.
    pub secret_id: [u8; 32],
    /// The app's policy contract at the proven head. An enclave, which can't know it, gives the label's own.
    pub policy: [u8; 20],
}

impl SealLabel {
    /// enc("quorate/v1/seal-label", keyset id, app, secret id, policy or nothing).
    pub fn to_bytes(&self) -> Vec<u8> {
        let policy: &[u8] = self.policy.as_ref().map_or(&[], |policy| policy.as_slice());
        Transcript::new(labels::SEAL_LABEL)
            .bytes(&self.keyset_id)
            .bytes(&self.app_id)
            .bytes(&self.secret_id)
            .bytes(policy)
            .finish()
    }

    /// Reads what `to_bytes` writes.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.label(labels::SEAL_LABEL)?;
        let label = Self {
            keyset_id: reader.field_array()?,
            app_id: reader.field_array()?,
            secret_id: reader.field_array()?,
            policy: match reader.field()? {
                [] => None,
                policy => Some(policy.try_into().map_err(|_| DecodeError::Length)?),
            },
        };
        reader.finish()?;
        Ok(label)
    }
}
