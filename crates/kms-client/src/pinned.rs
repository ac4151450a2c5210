//! What the enclave pins in its measured compose file: the network, the keyset and its public keys.

use crate::Fault;
use alloy_primitives::B256;
use threshold::{DecodePointError, Point, SecretKind};
use wire::{ReleaseAt, network::MeasuredAgent};

/// The measured facts that a request is made from. Public keys are points, of two different secrets. [REQ-1]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    pub(crate) network_hash: B256,
    pub(crate) keyset_id: B256,
    pub(crate) derive_public_key: Point,
    pub(crate) unseal_public_key: Point,
    pub(crate) release_at: ReleaseAt,
}

/// Why a measured block pins nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinnedError {
    /// A public key is no point.
    #[error("the public key of the {secret:?} secret is no point")]
    PublicKey {
        /// Which.
        secret: SecretKind,
        /// Why.
        source: DecodePointError,
    },
    /// One key for both secrets: then a sealed secret's opening would be a key.
    #[error("both secrets have the same public key")]
    OneKeyForBoth,
}

impl Pinned {
    /// Reads the block that the app's compose file carries. [REQ-1]
    ///
    /// # Errors
    /// [`PinnedError`].
    pub fn new(agent: &MeasuredAgent) -> Result<Self, PinnedError> {
        let point = |secret, bytes: &[u8]| {
            Point::from_bytes(bytes).map_err(|source| PinnedError::PublicKey { secret, source })
        };
        let derive_public_key = point(SecretKind::Derive, &agent.derive_public_key)?;
        let unseal_public_key = point(SecretKind::Unseal, &agent.unseal_public_key)?;
        if derive_public_key == unseal_public_key {
            return Err(PinnedError::OneKeyForBoth);
        }
        Ok(Self {
            network_hash: agent.network_hash,
            keyset_id: agent.keyset_id,
            derive_public_key,
            unseal_public_key,
            release_at: agent.release_at,
        })
    }

    /// The keyset.
    pub fn keyset_id(&self) -> B256 {
        self.keyset_id
    }

    /// The network.
    pub fn network_hash(&self) -> B256 {
        self.network_hash
    }

    pub(crate) fn public_key(&self, secret: SecretKind) -> &Point {
        match secret {
            SecretKind::Derive => &self.derive_public_key,
            SecretKind::Unseal => &self.unseal_public_key,
        }
    }
}

impl PinnedError {
    /// Whose doing it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::PublicKey { .. } | Self::OneKeyForBoth => Fault::Local,
        }
    }
}
