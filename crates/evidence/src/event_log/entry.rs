//! One entry of the log: its JSON, and the digest that its name and payload have.
//!
//! Spec: [EVLOG-1]..[EVLOG-4]. dstack strips what a verifier can recompute: a run-time event may come without its digest,
//! an event of the firmware without its payload.

use super::{Register, ReplayError};
use serde::Deserialize;
use sha2::{Digest, Sha384};

/// The register of run-time events.
pub(super) const RUNTIME_REGISTER: u8 = 3;
/// The type of run-time events.
pub(super) const RUNTIME_EVENT_TYPE: u32 = 0x0800_0001;

/// An entry whose digest is known to be its own.
pub(super) struct Event {
    pub(super) register: u8,
    pub(super) digest: Register,
    /// The name of a run-time event; `None` for what firmware and kernel measured.
    pub(super) name: Option<String>,
    pub(super) payload: Vec<u8>,
}

/// dstack's JSON.
#[derive(Deserialize)]
struct Entry {
    imr: u32,
    event_type: u32,
    #[serde(default)]
    digest: String,
    event: String,
    event_payload: String,
    #[serde(default)]
    version: Option<u32>,
    #[serde(default)]
    preimage: Option<String>,
}

/// Reads a log. [EVLOG-1]
pub(super) fn parse(json: &str) -> Result<Vec<Event>, ReplayError> {
    let entries: Vec<Entry> = serde_json::from_str(json)?;
    entries.into_iter().enumerate().map(|(index, entry)| entry.check(index)).collect()
}

impl Entry {
    fn check(self, index: usize) -> Result<Event, ReplayError> {
        let register = match u8::try_from(self.imr) {
            Ok(register @ 0..=3) => register,
            _ => {
                return Err(ReplayError::UnknownRegister { index, register: self.imr });
            }
        };
        let runtime = self.event_type == RUNTIME_EVENT_TYPE;
        if runtime != (register == RUNTIME_REGISTER) {
            return Err(ReplayError::Misplaced {
                index,
                event_type: self.event_type,
                register: self.imr,
            });
        }
        let payload = bytes(index, "payload", &self.event_payload)?;
        let stated = bytes(index, "digest", &self.digest)?;
        if !runtime {
            let digest = length(index, &stated)?;
            return Ok(Event { register, digest, name: None, payload });
        }
        // [EVLOG-4] le32(type) ":" name ":" payload has one reading only if the name has no colon.
        if self.event.is_empty() || self.event.contains(':') {
            return Err(ReplayError::AmbiguousName { index });
        }
        let preimage = self.preimage(index, &payload)?;
        let digest: Register = Sha384::digest(&preimage).into();
        let states_another = !stated.is_empty() && length(index, &stated)? != digest;
        let shows_another = match &self.preimage {
            Some(shown) => bytes(index, "preimage", shown)? != preimage,
            None => false,
        };
        if states_another || shows_another {
            return Err(ReplayError::FalseDigest { index });
        }
        Ok(Event { register, digest, name: Some(self.event), payload })
    }

    /// What a run-time event's digest is the hash of. [EVLOG-3]
    fn preimage(&self, index: usize, payload: &[u8]) -> Result<Vec<u8>, ReplayError> {
        match self.version.unwrap_or(1) {
            1 => {
                let kind = RUNTIME_EVENT_TYPE.to_le_bytes();
                Ok([&kind, &b":"[..], self.event.as_bytes(), b":", payload].concat())
            }
            // RFC 8785: keys in order, no spaces, strings as ECMAScript writes them (as serde_json does).
            2 => Ok(format!(
                r#"{{"name":{},"payload":"{}","type":{RUNTIME_EVENT_TYPE}}}"#,
                serde_json::to_string(&self.event)?,
                hex::encode(payload)
            )
            .into_bytes()),
            version => Err(ReplayError::UnknownVersion { index, version }),
        }
    }
}

fn bytes(index: usize, field: &'static str, text: &str) -> Result<Vec<u8>, ReplayError> {
    hex::decode(text).map_err(|_| ReplayError::NotHex { index, field })
}

/// [EVLOG-2]
fn length(index: usize, digest: &[u8]) -> Result<Register, ReplayError> {
    digest.try_into().map_err(|_| ReplayError::DigestLength { index, bytes: digest.len() })
}
