//! dstack's event log: the entries, their digests, and the registers that they extend.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha384};

/// The type of dstack's run-time events, which extend RTMR3.
pub const RUNTIME_EVENT_TYPE: u32 = 0x0800_0001;

/// One entry, as dstack's JSON has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The register, 0 to 3.
    pub imr: u32,
    /// TCG's or dstack's type.
    pub event_type: u32,
    /// SHA-384, hex.
    pub digest: String,
    /// The name; empty for what firmware and kernel measure.
    pub event: String,
    /// Hex.
    pub event_payload: String,
}

impl Event {
    /// A run-time event with its digest: `SHA-384(le32(type) ‖ ":" ‖ name ‖ ":" ‖ payload)`.
    pub fn runtime(name: &str, payload: &[u8]) -> Self {
        let kind = RUNTIME_EVENT_TYPE.to_le_bytes();
        let preimage = [&kind, &b":"[..], name.as_bytes(), b":", payload].concat();
        Self {
            imr: 3,
            event_type: RUNTIME_EVENT_TYPE,
            digest: hex::encode(Sha384::digest(preimage)),
            event: name.to_owned(),
            event_payload: hex::encode(payload),
        }
    }

    /// An event of firmware or kernel, of which only the digest counts.
    pub(crate) fn boot(imr: u32, event_type: u32, measured: &[u8]) -> Self {
        Self {
            imr,
            event_type,
            digest: hex::encode(Sha384::digest(measured)),
            event: String::new(),
            event_payload: String::new(),
        }
    }
}

/// The register `imr` after `events`.
pub(crate) fn replay(events: &[Event], imr: u32) -> [u8; 48] {
    events.iter().filter(|event| event.imr == imr).fold([0; 48], |register, event| {
        let mut hasher = Sha384::new();
        hasher.update(register);
        hasher.update(hex::decode(&event.digest).expect("made by Event's constructors"));
        hasher.finalize().into()
    })
}
