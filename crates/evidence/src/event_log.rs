//! Replays dstack's event log into measurement registers, and finds in it what booted.
//!
//! Spec: docs/spec/event-log.md. Trusts: nothing; the registers of the quote decide. Driven by: `VerifiedQuote::replay`.
//! Prevents: a log that replays to the quoted registers but hides a second compose event, by repeating it, by naming it
//! otherwise (a name with a colon has the same digest as another name with another payload), or by leaving it opaque.

mod entry;

use crate::quote::Measurements;
use entry::Event;
use sha2::{Digest, Sha384};
use std::fmt;

/// The digest of an event, the value of a register.
pub(crate) type Register = [u8; 48];

/// Why a log does not prove what booted.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The quote is of an enclave without measurement registers (SGX).
    #[error("the quote is not of a trust domain")]
    NotATrustDomain,
    /// Not the JSON of an event log.
    #[error("the event log can't be read")]
    Json(#[from] serde_json::Error),
    /// A register that does not exist.
    #[error("event {index} extends register {register}; there are 0 to 3")]
    UnknownRegister {
        /// Which event, from 0.
        index: usize,
        /// The register that it names.
        register: u32,
    },
    /// A byte string that is not hex.
    #[error("event {index}: its {field} is not hex")]
    NotHex {
        /// Which event, from 0.
        index: usize,
        /// Which field.
        field: &'static str,
    },
    /// A digest that is not 48 bytes.
    #[error("event {index} has a digest of {bytes} bytes")]
    DigestLength {
        /// Which event, from 0.
        index: usize,
        /// Its length.
        bytes: usize,
    },
    /// A digest or preimage that is not that of the event's name and payload.
    #[error("event {index}: its digest is not that of its name and payload")]
    FalseDigest {
        /// Which event, from 0.
        index: usize,
    },
    /// A digest version that is not defined.
    #[error("event {index} has version {version}")]
    UnknownVersion {
        /// Which event, from 0.
        index: usize,
        /// What it says.
        version: u32,
    },
    /// A name under which an event could pass for another.
    #[error("event {index} has an empty name or one with a colon")]
    AmbiguousName {
        /// Which event, from 0.
        index: usize,
    },
    /// A run-time event outside RTMR3, or another one in it.
    #[error("event {index} of type {event_type:#x} does not belong into register {register}")]
    Misplaced {
        /// Which event, from 0.
        index: usize,
        /// Its type.
        event_type: u32,
        /// The register that it extends.
        register: u32,
    },
    /// The log is not that of this boot.
    #[error("the event log does not replay to RTMR{register}")]
    Mismatch {
        /// The first register that differs.
        register: usize,
    },
    /// An event that may occur once occurs again.
    #[error("event {0} occurs twice")]
    DuplicateEvent(UniqueEvent),
    /// An event that every boot has is missing.
    #[error("event {0} is missing")]
    MissingEvent(UniqueEvent),
    /// An event stands where it can't.
    #[error("event {0} is out of order")]
    OutOfOrder(UniqueEvent),
    /// A payload that is not of its event's length.
    #[error("event {event} has a payload of {bytes} bytes")]
    PayloadLength {
        /// Which.
        event: UniqueEvent,
        /// Its length.
        bytes: usize,
    },
}

/// An event that occurs at most once in a boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UniqueEvent {
    /// The guest starts.
    SystemPreparing,
    /// 20 bytes.
    AppId,
    /// SHA-256 of the compose file's raw bytes.
    ComposeHash,
    /// 20 bytes, or none.
    InstanceId,
    /// What the host could still choose is measured.
    BootMrDone,
    /// What a KMS told the guest of its image; see [EV-10] for why it is not believed.
    OsImageHash,
    /// Where the guest has its disk key from.
    KeyProvider,
    /// The file system of the disk.
    StorageFs,
    /// The application starts: what follows is the application's.
    SystemReady,
}

impl UniqueEvent {
    const ALL: [Self; 9] = [
        Self::SystemPreparing,
        Self::AppId,
        Self::ComposeHash,
        Self::InstanceId,
        Self::BootMrDone,
        Self::OsImageHash,
        Self::KeyProvider,
        Self::StorageFs,
        Self::SystemReady,
    ];

    /// Those that every boot has, in their order. [EVLOG-7]
    const REQUIRED: [Self; 6] = [
        Self::AppId,
        Self::ComposeHash,
        Self::InstanceId,
        Self::BootMrDone,
        Self::KeyProvider,
        Self::SystemReady,
    ];

    /// The event's name in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::SystemPreparing => "system-preparing",
            Self::AppId => "app-id",
            Self::ComposeHash => "compose-hash",
            Self::InstanceId => "instance-id",
            Self::BootMrDone => "boot-mr-done",
            Self::OsImageHash => "os-image-hash",
            Self::KeyProvider => "key-provider",
            Self::StorageFs => "storage-fs",
            Self::SystemReady => "system-ready",
        }
    }
}

impl fmt::Display for UniqueEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a replayed log says of the boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BootEvents {
    pub(crate) app_id: [u8; 20],
    pub(crate) compose_hash: [u8; 32],
    /// `None` if the guest has no instance id.
    pub(crate) instance_id: Option<[u8; 20]>,
    /// The payload, JSON by dstack's convention; empty without a provider.
    pub(crate) key_provider: Vec<u8>,
}

/// Reads `json`, replays it to `measurements`, and takes the boot's events from it. [EVLOG-1]..[EVLOG-8]
pub(crate) fn replay(json: &str, measurements: &Measurements) -> Result<BootEvents, ReplayError> {
    let events = entry::parse(json)?;
    replay_registers(&events, &measurements.rtmr)?;
    // Known so far: 1. these digests, in this order, are all that RTMR3 saw, 2. each is that of its name and payload.
    unique_events_occur_once(&events)?;
    boot_events(&events)
}

/// [EVLOG-5]: RTMR3 always; RTMR0 to RTMR2 where the log has events of theirs.
fn replay_registers(events: &[Event], quoted: &[Register; 4]) -> Result<(), ReplayError> {
    for (register, quoted) in quoted.iter().enumerate() {
        let mut digests = events
            .iter()
            .filter(|event| usize::from(event.register) == register)
            .map(|event| &event.digest)
            .peekable();
        if register != usize::from(entry::RUNTIME_REGISTER) && digests.peek().is_none() {
            continue;
        }
        if digests.fold([0; 48], extend) != *quoted {
            return Err(ReplayError::Mismatch { register });
        }
    }
    Ok(())
}

/// `mr' = SHA-384(mr ‖ digest)`.
fn extend(register: Register, digest: &Register) -> Register {
    let mut hasher = Sha384::new();
    hasher.update(register);
    hasher.update(digest);
    hasher.finalize().into()
}

/// [EVLOG-6]
fn unique_events_occur_once(events: &[Event]) -> Result<(), ReplayError> {
    for unique in UniqueEvent::ALL {
        let occurrences =
            events.iter().filter(|event| event.name.as_deref() == Some(unique.name()));
        if occurrences.count() > 1 {
            return Err(ReplayError::DuplicateEvent(unique));
        }
    }
    Ok(())
}

/// [EVLOG-7], [EVLOG-8]: the required events, in their order, all before the application's.
fn boot_events(events: &[Event]) -> Result<BootEvents, ReplayError> {
    let mut positions = Vec::with_capacity(UniqueEvent::REQUIRED.len());
    for required in UniqueEvent::REQUIRED {
        let position = events
            .iter()
            .position(|event| event.name.as_deref() == Some(required.name()))
            .ok_or(ReplayError::MissingEvent(required))?;
        if positions.last().is_some_and(|last| *last > position) {
            return Err(ReplayError::OutOfOrder(required));
        }
        positions.push(position);
    }
    let payload = |unique: UniqueEvent| {
        events
            .iter()
            .find(|event| event.name.as_deref() == Some(unique.name()))
            .map(|event| event.payload.as_slice())
            .ok_or(ReplayError::MissingEvent(unique))
    };
    Ok(BootEvents {
        app_id: exact(UniqueEvent::AppId, payload(UniqueEvent::AppId)?)?,
        compose_hash: exact(UniqueEvent::ComposeHash, payload(UniqueEvent::ComposeHash)?)?,
        instance_id: match payload(UniqueEvent::InstanceId)? {
            [] => None,
            bytes => Some(exact(UniqueEvent::InstanceId, bytes)?),
        },
        key_provider: payload(UniqueEvent::KeyProvider)?.to_vec(),
    })
}

/// [EVLOG-8]
fn exact<const N: usize>(event: UniqueEvent, payload: &[u8]) -> Result<[u8; N], ReplayError> {
    payload.try_into().map_err(|_| ReplayError::PayloadLength { event, bytes: payload.len() })
}

#[cfg(test)]
mod tests;
