//! The key under which a node signs its statements.
//!
//! Spec: docs/spec/wire.md. A secp256k1 key of its own, made in the enclave, bound by the candidate's quote and kept
//! under the sealing key. It signs EIP-712 digests and nothing else; gas is never paid from it.

use alloy_primitives::{Address, Signature};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use rand_core::CryptoRng;
use std::fmt;
use wire::{
    SeatId,
    statements::{Domain, SeatSignature},
};
use zeroize::Zeroizing;

/// A node's signing key. `Debug` prints the address only.
#[derive(Clone)]
pub struct StatementKey(PrivateKeySigner);

/// Why 32 bytes are no signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a secp256k1 secret key")]
pub struct NotAKey;

/// Why a digest could not be signed. Nothing outside the key can cause it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the statement could not be signed")]
pub struct SigningFailed;

impl StatementKey {
    /// A fresh key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        loop {
            let mut secret = Zeroizing::new([0; 32]);
            rng.fill_bytes(secret.as_mut());
            if let Ok(key) = Self::from_bytes(&secret) {
                return key;
            }
        }
    }

    /// The key with these bytes.
    pub fn from_bytes(secret: &[u8; 32]) -> Result<Self, NotAKey> {
        PrivateKeySigner::from_slice(secret).map(Self).map_err(|_| NotAKey)
    }

    /// The key's bytes, to be sealed.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().0)
    }

    /// The address that statements of this key recover to.
    pub fn address(&self) -> Address {
        self.0.address()
    }

    /// Signs `statement` for `domain` as `seat`.
    pub fn sign(
        &self,
        seat: SeatId,
        domain: Domain,
        statement: &impl alloy_sol_types::SolStruct,
    ) -> Result<SeatSignature, SigningFailed> {
        Ok(SeatSignature::new(seat, &self.signature(domain, statement)?))
    }

    /// The bare signature, for statements that name the seat themselves.
    pub fn signature(
        &self,
        domain: Domain,
        statement: &impl alloy_sol_types::SolStruct,
    ) -> Result<Signature, SigningFailed> {
        self.0.sign_hash_sync(&domain.digest(statement)).map_err(|_| SigningFailed)
    }
}

impl fmt::Debug for StatementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StatementKey").field(&self.address()).finish()
    }
}
