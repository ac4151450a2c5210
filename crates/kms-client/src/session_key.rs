//! The key that a quote binds, so that the enclave can sign for itself later: `bindKey` takes its signature (A19).

use alloy_primitives::{Address, B256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use rand_core::CryptoRng;
use std::fmt;
use wire::statements::compact;
use zeroize::Zeroizing;

/// A secp256k1 key, fresh for one request. Erased on drop; `Debug` prints the address only.
pub struct SessionKey(PrivateKeySigner);

/// Why a digest could not be signed. Nothing outside the key can cause it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session key did not sign")]
pub struct SigningFailed;

impl SessionKey {
    /// A fresh key. [REQ-4]
    pub(crate) fn generate(rng: &mut impl CryptoRng) -> Self {
        loop {
            let mut secret = Zeroizing::new([0u8; 32]);
            rng.fill_bytes(secret.as_mut_slice());
            // Zero or above the group order with probability 2⁻¹²⁸.
            if let Ok(key) = PrivateKeySigner::from_slice(secret.as_slice()) {
                return Self(key);
            }
        }
    }

    /// The address that the quote binds and the record names.
    pub fn address(&self) -> Address {
        self.0.address()
    }

    /// `[r, vs]` of EIP-2098 over an EIP-712 digest.
    ///
    /// # Errors
    /// [`SigningFailed`].
    pub fn sign(&self, digest: B256) -> Result<[B256; 2], SigningFailed> {
        let signature = self.0.sign_hash_sync(&digest).map_err(|_| SigningFailed)?;
        Ok(compact(&signature))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionKey").field(&self.address()).finish()
    }
}
