//! A machine under an authority, the image it runs, and the app that boots in it.

mod quote;

use crate::{
    authority::{Authority, PckCertificate},
    event_log::{self, Event},
    keys,
};
use p256::ecdsa::SigningKey;
use serde_json::json;
use sha2::{Digest, Sha256, Sha384};
use std::sync::Arc;

/// An OS image: MRTD and the events of RTMR0 to RTMR2, all from a 32-byte seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OsImage {
    mrtd: [u8; 48],
    events: Vec<Event>,
}

impl OsImage {
    /// The image of `seed`. The seed is no hash of anything: [`hash`](Self::hash) is what registries approve.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let measured = |what: &str| [b"soft-tee/v1/image/", what.as_bytes(), &seed].concat();
        let events = [
            (0, 0x8000_000b, "td-hob"),
            (0, 0x8000_000a, "firmware-volume"),
            (1, 0x8000_0003, "kernel"),
            (0, 0x8000_0002, "boot-order"),
            (1, 0x8000_0007, "exit-boot-services"),
            (2, 6, "command-line"),
            (2, 6, "initrd"),
        ];
        Self {
            mrtd: Sha384::digest(measured("firmware")).into(),
            events: events
                .into_iter()
                .map(|(imr, kind, what)| Event::boot(imr, kind, &measured(what)))
                .collect(),
        }
    }

    /// `sha256(MRTD ‖ RTMR1 ‖ RTMR2)`: what AttestationRegistry approves as an OS image.
    pub fn hash(&self) -> [u8; 32] {
        let [_, rtmr1, rtmr2] = self.rtmrs();
        sha256(&[&self.mrtd, &rtmr1, &rtmr2])
    }

    fn rtmrs(&self) -> [[u8; 48]; 3] {
        [0, 1, 2].map(|imr| event_log::replay(&self.events, imr))
    }
}

/// A machine of an authority. Two with the same id are the same machine.
pub struct Machine {
    pck_key: SigningKey,
    pck: PckCertificate,
    attestation_key: SigningKey,
    ppid: [u8; 16],
    sealing_seed: [u8; 32],
    instance_seed: [u8; 32],
    key_provider: Vec<u8>,
    image: OsImage,
}

impl Machine {
    /// The machine `id` of `authority`, running `image`.
    pub fn new(authority: &Authority, id: &str, image: OsImage) -> Self {
        Self::with_certificate_until(authority, id, image, None)
    }

    /// As [`new`](Self::new), with a certificate that ends at `not_after` (Unix seconds).
    pub fn with_certificate_until(
        authority: &Authority,
        id: &str,
        image: OsImage,
        not_after: Option<u64>,
    ) -> Self {
        let id = id.as_bytes();
        let pck_key = authority.key("machine-pck", &[id]);
        let ppid: [u8; 16] =
            authority.derive("ppid", &[id])[..16].try_into().expect("16 of 32 bytes");
        Self {
            pck: authority.certify_machine(pck_key.clone(), ppid, not_after),
            pck_key,
            attestation_key: authority.key("machine-attestation", &[id]),
            ppid,
            sealing_seed: authority.derive("machine-sealing", &[id]),
            instance_seed: authority.derive("machine-instance", &[id]),
            key_provider: authority.key_provider(),
            image,
        }
    }

    /// The image that the machine runs.
    pub fn image(&self) -> &OsImage {
        &self.image
    }

    /// dstack's device id: SHA-256 of the PPID.
    pub fn device_id(&self) -> [u8; 32] {
        sha256(&[&self.ppid])
    }

    /// The serial number of the machine's certificate, for [`CollateralTerms::revoked`](crate::CollateralTerms).
    pub fn pck_serial(&self) -> Vec<u8> {
        let certificate = self.pck.certificate.tbs_certificate();
        certificate.serial_number().as_bytes().to_vec()
    }

    /// The machine's certificate chain, PEM; `Info` gives it out where dstack gives the app's certificate.
    pub(crate) fn certificate_pem(&self) -> &str {
        &self.pck.chain_pem
    }

    /// Boots `app`.
    pub fn boot(self: &Arc<Self>, app: App) -> TrustDomain {
        let instance_id = instance_id(&self.instance_seed, &app);
        let runtime = [
            ("system-preparing", Vec::new()),
            ("app-id", app.app_id.to_vec()),
            ("compose-hash", app.compose_hash().to_vec()),
            ("instance-id", instance_id.to_vec()),
            ("boot-mr-done", Vec::new()),
            ("key-provider", self.key_provider.clone()),
            ("storage-fs", b"ext4".to_vec()),
            ("system-ready", Vec::new()),
        ];
        let runtime = runtime.map(|(name, payload)| Event::runtime(name, &payload));
        TrustDomain {
            machine: Arc::clone(self),
            app,
            instance_id,
            events: self.image.events.iter().cloned().chain(runtime).collect(),
            attributes: Attributes::default(),
        }
    }
}

/// What boots: a compose file, as an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// app-compose.json, byte for byte.
    pub compose: Vec<u8>,
    /// The app's id.
    pub app_id: [u8; 20],
}

impl App {
    /// The compose file under the id that dstack gives it where none is configured: `compose_hash[0..20]`.
    pub fn with_default_id(compose: Vec<u8>) -> Self {
        let app_id = sha256(&[&compose])[..20].try_into().expect("20 of 32 bytes");
        Self { compose, app_id }
    }

    /// SHA-256 of the compose file's bytes.
    pub fn compose_hash(&self) -> [u8; 32] {
        sha256(&[&self.compose])
    }
}

/// What a TD's attributes and its service TD are; the default is what a verifier wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// TD_ATTRIBUTES; SEPT_VE_DISABLE (bit 28) alone by default.
    pub td: u64,
    /// `Some` makes a quote of version 5 with a TD report 1.5 that names this service TD.
    pub service_td: Option<[u8; 48]>,
}

impl Attributes {
    /// TD_ATTRIBUTES.SEPT_VE_DISABLE.
    pub const SEPT_VE_DISABLE: u64 = 1 << 28;
    /// TD_ATTRIBUTES.DEBUG.
    pub const DEBUG: u64 = 1;
    /// TD_ATTRIBUTES.MIGRATABLE.
    pub const MIGRATABLE: u64 = 1 << 29;
}

impl Default for Attributes {
    fn default() -> Self {
        Self { td: Self::SEPT_VE_DISABLE, service_td: None }
    }
}

/// An app that has booted in a machine.
#[derive(Clone)]
pub struct TrustDomain {
    machine: Arc<Machine>,
    app: App,
    instance_id: [u8; 20],
    events: Vec<Event>,
    attributes: Attributes,
}

impl TrustDomain {
    /// The same boot with other attributes.
    pub fn with_attributes(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes;
        self
    }

    /// A boot that measured `events` instead: the registers of its quotes follow from them.
    pub fn with_events(mut self, events: Vec<Event>) -> Self {
        self.events = events;
        self
    }

    /// What the boot measured.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The event log, as the socket gives it out.
    pub fn event_log(&self) -> String {
        serde_json::to_string(&self.events).expect("strings and numbers")
    }

    /// A quote over `report_data`.
    pub fn quote(&self, report_data: [u8; 64]) -> Vec<u8> {
        quote::quote(self, report_data)
    }

    /// The machine.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The app.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// `sha256(seed ‖ app id)[0..20]`.
    pub fn instance_id(&self) -> [u8; 20] {
        self.instance_id
    }

    /// RTMR0 to RTMR3.
    pub fn rtmrs(&self) -> [[u8; 48]; 4] {
        [0, 1, 2, 3].map(|imr| event_log::replay(&self.events, imr))
    }

    /// dstack's `mr_aggregated`.
    pub fn mr_aggregated(&self) -> [u8; 32] {
        let [rtmr0, rtmr1, rtmr2, rtmr3] = self.rtmrs();
        sha256(&[&self.machine.image.mrtd, &rtmr0, &rtmr1, &rtmr2, &rtmr3])
    }

    /// dstack's `mr_system`.
    pub fn mr_system(&self) -> [u8; 32] {
        let [rtmr0, rtmr1, rtmr2, _] = self.rtmrs();
        let key_provider = sha256(&[&self.machine.key_provider]);
        let mrtd = &self.machine.image.mrtd;
        sha256(&[mrtd, &rtmr0, &rtmr1, &rtmr2, &key_provider])
    }

    /// The key of this app on this machine that its other keys come from: the same after a restart, another elsewhere.
    pub(crate) fn app_key(&self) -> [u8; 32] {
        keys::derive(&self.machine.sealing_seed, "app-key", &[&self.app.app_id])
    }

    /// The key that signs for the machine's key provider.
    pub(crate) fn provider_key(&self) -> [u8; 32] {
        keys::derive(&self.machine.sealing_seed, "provider-key", &[])
    }

    /// The `key-provider` event's payload.
    pub(crate) fn key_provider(&self) -> &[u8] {
        &self.machine.key_provider
    }

    /// What a dstack host tells its guest of itself.
    pub fn vm_config(&self) -> String {
        json!({
            "cpu_count": 2,
            "memory_size": 2_147_483_648_u64,
            "os_image_hash": hex::encode(self.machine.image.hash()),
        })
        .to_string()
    }

    /// `tcb_info` of dstack's `Info`.
    pub fn tcb_info(&self) -> String {
        let [rtmr0, rtmr1, rtmr2, rtmr3] = self.rtmrs().map(hex::encode);
        json!({
            "app_compose": String::from_utf8_lossy(&self.app.compose),
            "compose_hash": hex::encode(self.app.compose_hash()),
            "device_id": hex::encode(self.machine.device_id()),
            "event_log": self.events,
            "mr_aggregated": hex::encode(self.mr_aggregated()),
            "mrtd": hex::encode(self.machine.image.mrtd),
            "os_image_hash": hex::encode(self.machine.image.hash()),
            "rtmr0": rtmr0,
            "rtmr1": rtmr1,
            "rtmr2": rtmr2,
            "rtmr3": rtmr3,
        })
        .to_string()
    }
}

fn instance_id(seed: &[u8; 32], app: &App) -> [u8; 20] {
    sha256(&[&seed[..20], &app.app_id])[..20].try_into().expect("20 of 32 bytes")
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}
