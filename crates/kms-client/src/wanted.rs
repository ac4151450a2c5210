//! What an enclave may ask for, and the point at which it asks.

use crate::Pinned;
use alloy_primitives::{Address, B256, Bytes};
use threshold::{
    SecretKind,
    input::{BasePoint, hash_to_curve},
    tdh2::{CheckCiphertextError, CheckedCiphertext, ExpectedLabel, SealedSecret},
};
use wire::{
    InputKind, KeyVersion, Scope,
    statements::{Input, derive_input},
};

/// One thing that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The key of this app, in a scope, of a version.
    Derive {
        /// Whom the key belongs to.
        scope: Scope,
        /// Which version.
        key_version: KeyVersion,
    },
    /// The opening of a secret that was sealed to this app.
    Unseal {
        /// Header and body.
        sealed: Box<SealedSecret>,
        /// The app's current version.
        key_version: KeyVersion,
    },
}

/// Why something can't be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WantedError {
    /// An empty instance id separates nothing.
    #[error("the instance id is empty")]
    EmptyInstance,
    /// The sealed secret is not for this keyset and app, or its proof does not hold (A20).
    #[error("the sealed secret does not hold")]
    Ciphertext(#[source] CheckCiphertextError),
}

/// What the answer will be turned into.
#[derive(Debug)]
pub(crate) enum Purpose {
    /// A root key of x.
    Root { x: Vec<u8> },
    /// The opening of a body.
    Open { ciphertext: Box<CheckedCiphertext>, body: Vec<u8> },
}

/// A wanted thing with its base: H(x), or u of a checked ciphertext. [REQ-5]
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) input: Input,
    pub(crate) base: BasePoint,
    pub(crate) purpose: Purpose,
}

impl Wanted {
    pub(crate) fn locate(self, pinned: &Pinned, app_id: Address) -> Result<Located, WantedError> {
        match self {
            Self::Derive { scope: Scope::Instance(id), .. } if id.is_zero() => {
                Err(WantedError::EmptyInstance)
            }
            Self::Derive { scope, key_version } => Ok(derive(pinned, app_id, scope, key_version)),
            Self::Unseal { sealed, key_version } => unseal(pinned, app_id, *sealed, key_version),
        }
    }
}

fn derive(pinned: &Pinned, app_id: Address, scope: Scope, key_version: KeyVersion) -> Located {
    let input = Input {
        kind: InputKind::Derive as u8,
        scopeKind: scope.kind(),
        scopeValue: scope.value(),
        keyVersion: key_version,
        secretId: B256::ZERO,
        ciphertextHash: B256::ZERO,
    };
    let x = derive_input(pinned.keyset_id, app_id, &input);
    Located { input, base: hash_to_curve(&x), purpose: Purpose::Root { x } }
}

fn unseal(
    pinned: &Pinned,
    app_id: Address,
    sealed: SealedSecret,
    key_version: KeyVersion,
) -> Result<Located, WantedError> {
    let SealedSecret { header, body } = sealed;
    let label = header.label();
    let expected = ExpectedLabel {
        keyset_id: pinned.keyset_id.0,
        app_id: app_id.into_array(),
        secret_id: label.secret_id,
        // Which contract is the app's policy is for the nodes to prove.
        policy: label.policy.unwrap_or_default(),
    };
    let checked = header.check(&expected).map_err(WantedError::Ciphertext)?;
    let input = Input {
        kind: InputKind::Unseal as u8,
        scopeKind: Scope::App.kind(),
        scopeValue: Scope::App.value(),
        keyVersion: key_version,
        secretId: expected.secret_id.into(),
        ciphertextHash: checked.ciphertext_hash().into(),
    };
    let base = checked.base();
    Ok(Located { input, base, purpose: Purpose::Open { ciphertext: Box::new(checked), body } })
}

impl Purpose {
    pub(crate) fn secret(&self) -> SecretKind {
        match self {
            Self::Root { .. } => SecretKind::Derive,
            Self::Open { .. } => SecretKind::Unseal,
        }
    }

    /// The header that travels with an unseal input.
    pub(crate) fn header(&self) -> Option<Bytes> {
        match self {
            Self::Root { .. } => None,
            Self::Open { ciphertext, .. } => Some(ciphertext.header().to_bytes().into()),
        }
    }
}
