//! What an enclave has in the end: a root key or an opened secret per input, and every subkey from there, offline.
//!
//! Spec: docs/spec/request.md [REQ-12], docs/spec/derive.md [DERIVE-10], [DERIVE-11].

use crate::{Fault, Suspect};
use alloy_primitives::{Address, B256};
use threshold::{
    Point,
    derive::{RootKey, Subkey},
    tdh2::OpenError,
};
use wire::SeatId;
use zeroize::Zeroizing;

/// The algorithm of subkeys that are key pairs of secp256k1.
pub const SECP256K1: &str = "secp256k1";

/// The keys of one request, in the order of its inputs. Erased on drop; secrets are printed as REDACTED.
#[derive(Debug)]
pub struct Keys {
    app_id: Address,
    issuance_id: B256,
    epoch: u64,
    keys: Vec<Key>,
    suspects: Vec<Suspect>,
}

/// What came of one input, and whose partials made it.
#[derive(Debug)]
pub struct Key {
    seats: Vec<SeatId>,
    material: Material,
}

enum Material {
    Root(RootKey),
    Opened(Result<Zeroizing<Vec<u8>>, OpenError>),
}

/// Why there is no such key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The request has no such input.
    #[error("there is no input {index}")]
    NoSuchInput {
        /// Which.
        index: usize,
    },
    /// The input is a sealed secret, not a key.
    #[error("input {index} is a sealed secret")]
    NotARoot {
        /// Which.
        index: usize,
    },
    /// The input is a key, not a sealed secret.
    #[error("input {index} is a key")]
    NotASecret {
        /// Which.
        index: usize,
    },
    /// The committee answered truly, and the secret does not open: whoever sealed it made it so.
    #[error("the sealed secret of input {index} does not open")]
    Open {
        /// Which.
        index: usize,
        /// Why.
        source: OpenError,
    },
}

impl Keys {
    pub(crate) fn new(
        app_id: Address,
        issuance_id: B256,
        epoch: u64,
        keys: Vec<Key>,
        suspects: Vec<Suspect>,
    ) -> Self {
        Self { app_id, issuance_id, epoch, keys, suspects }
    }

    /// The root key of an input.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn root(&self, index: usize) -> Result<&RootKey, KeyError> {
        match &self.key(index)?.material {
            Material::Root(root) => Ok(root),
            Material::Opened(_) => Err(KeyError::NotARoot { index }),
        }
    }

    /// The subkey of an input's root for a path, purpose and algorithm. [REQ-12]
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn subkey(
        &self,
        index: usize,
        path: &str,
        purpose: &str,
        algorithm: &str,
    ) -> Result<Subkey, KeyError> {
        Ok(self.root(index)?.subkey(path, purpose, algorithm))
    }

    /// The public part of a subkey of algorithm [`SECP256K1`]: what may be printed.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn public_key(&self, index: usize, path: &str, purpose: &str) -> Result<Point, KeyError> {
        Ok(self.subkey(index, path, purpose, SECP256K1)?.secp256k1().public())
    }

    /// What was sealed.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn secret(&self, index: usize) -> Result<&[u8], KeyError> {
        match &self.key(index)?.material {
            Material::Opened(Ok(secret)) => Ok(secret),
            Material::Opened(Err(source)) => Err(KeyError::Open { index, source: *source }),
            Material::Root(_) => Err(KeyError::NotASecret { index }),
        }
    }

    /// The seats whose partials were added for an input.
    ///
    /// # Errors
    /// [`KeyError::NoSuchInput`].
    pub fn seats(&self, index: usize) -> Result<&[SeatId], KeyError> {
        Ok(&self.key(index)?.seats)
    }

    /// The app.
    pub fn app_id(&self) -> Address {
        self.app_id
    }

    /// The record that these keys were released on.
    pub fn issuance_id(&self) -> B256 {
        self.issuance_id
    }

    /// The epoch whose shares answered. The keys are the same in every epoch.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The answers that did not fit.
    pub fn suspects(&self) -> &[Suspect] {
        &self.suspects
    }

    fn key(&self, index: usize) -> Result<&Key, KeyError> {
        self.keys.get(index).ok_or(KeyError::NoSuchInput { index })
    }
}

impl Key {
    pub(crate) fn root(seats: Vec<SeatId>, root: RootKey) -> Self {
        Self { seats, material: Material::Root(root) }
    }

    pub(crate) fn opened(
        seats: Vec<SeatId>,
        opened: Result<Zeroizing<Vec<u8>>, OpenError>,
    ) -> Self {
        Self { seats, material: Material::Opened(opened) }
    }
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root(root) => root.fmt(f),
            Self::Opened(Ok(_)) => f.write_str("Opened(REDACTED)"),
            Self::Opened(Err(error)) => f.debug_tuple("Opened").field(error).finish(),
        }
    }
}

impl KeyError {
    /// Whose doing it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NoSuchInput { .. }
            | Self::NotARoot { .. }
            | Self::NotASecret { .. }
            | Self::Open { .. } => Fault::Local,
        }
    }
}
