//! Identifiers and small enumerations, with their wire values.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

/// A seat of the committee: assigned by KmsCommittee at admission, from 1; it is the share's x-coordinate.
pub type SeatId = u16;
/// The version of an app's keys, from 1; raised by `AppRegistry.rotate`.
pub type KeyVersion = u32;

/// A point in time, in seconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixSeconds(pub u64);

impl UnixSeconds {
    /// Seconds from `earlier` to `self`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// What an input asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum InputKind {
    /// A key, derived under the `derive` secret.
    Derive = 1,
    /// The opening of a sealed secret, under the `unseal` secret.
    Unseal = 2,
}

/// At which block a node counts an issuance as recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum ReleaseAt {
    /// At the proven head: quick; a reorg may still drop the record (P2 with `reportDropped`).
    Head = 1,
    /// At the proven finalized block: P2 without exception.
    Finalized = 2,
}

/// How a node keeps its share at rest. Stated in the seat's quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum SealingKind {
    /// Memory only: the node comes back by reshare.
    None = 0,
    /// Under a key of dstack's local key provider, asked by `GetKey`.
    SgxProvider = 1,
    /// Under a key that SEV-SNP derives.
    SnpDerived = 2,
    /// Under a key in a file; refused where software roots are not allowed.
    File = 3,
}

/// What a derived key belongs to. docs/spec/derive.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "kebab-case")]
pub enum Scope {
    /// The app: survives every upgrade that the policy allows.
    App,
    /// One compose hash: removed code's own key is unreachable.
    Code(B256),
    /// One instance: separates disks. Only a device list authenticates machines.
    Instance(Address),
}

impl Scope {
    /// The wire value of the kind.
    pub fn kind(self) -> u8 {
        match self {
            Self::App => 1,
            Self::Code(_) => 2,
            Self::Instance(_) => 3,
        }
    }

    /// The wire value beside the kind: zero, the compose hash, or the instance id left-padded.
    pub fn value(self) -> B256 {
        match self {
            Self::App => B256::ZERO,
            Self::Code(hash) => hash,
            Self::Instance(id) => instance_scope_value(id),
        }
    }
}

/// An instance id (20 bytes) as a scope value: left-padded with zeros to 32 bytes.
pub fn instance_scope_value(id: Address) -> B256 {
    id.into_word()
}

impl InputKind {
    /// The kind with this wire value.
    pub fn from_wire(value: u8) -> Option<Self> {
        match value {
            1 => Some(Self::Derive),
            2 => Some(Self::Unseal),
            _ => None,
        }
    }
}

impl ReleaseAt {
    /// The choice with this wire value.
    pub fn from_wire(value: u8) -> Option<Self> {
        match value {
            1 => Some(Self::Head),
            2 => Some(Self::Finalized),
            _ => None,
        }
    }
}

impl SealingKind {
    /// The kind with this wire value.
    pub fn from_wire(value: u8) -> Option<Self> {
        match value {
            0 => Some(Self::None),
            1 => Some(Self::SgxProvider),
            2 => Some(Self::SnpDerived),
            3 => Some(Self::File),
            _ => None,
        }
    }
}
