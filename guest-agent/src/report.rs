//! What a boot may print: public facts, and how long each phase took.

use crate::{
    boot::{Asking, Attempt},
    config::BootConfig,
    error::{BootError, NodeReason},
    record::Recorded,
};
use alloy_primitives::{Address, B256, Bytes};
use kms_client::{Keys, SECP256K1, Suspect, Suspicion};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Instant};
use threshold::combine::DiscardReason;
use wire::{KeyVersion, Scope, SeatId, statements::Anchor};

/// The public outcome of a boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BootReport {
    /// `quorate/boot-report/v1`.
    pub schema: String,
    /// The app.
    pub app_id: Address,
    /// Whose key.
    pub scope: Scope,
    /// Which version.
    pub key_version: KeyVersion,
    /// The record that allowed it.
    pub issuance_id: B256,
    /// Chain id.
    pub chain_id: u64,
    /// The contract that holds the record.
    pub issuance_log: Address,
    /// The relay's transaction, if a relay sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<B256>,
    /// The block that the quote names.
    pub anchor: Anchor,
    /// The epoch whose shares answered.
    pub epoch: u64,
    /// t of that epoch, as the nodes say.
    pub threshold: u16,
    /// The public part of a subkey.
    pub subkey: SubkeyReport,
    /// The address that the quote binds.
    pub session_key: Address,
    /// The seats whose partials made the key.
    pub seats: Vec<SeatId>,
    /// The answers that did not fit; none of these names a liar.
    pub suspects: Vec<SuspectReport>,
    /// The nodes whose answers did not help, each with its reason.
    pub problems: Vec<NodeWords>,
    /// How long each phase took.
    pub timings: Timings,
}

/// A subkey, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubkeyReport {
    /// Path.
    pub path: String,
    /// Purpose.
    pub purpose: String,
    /// `secp256k1`.
    pub algorithm: String,
    /// SEC1, compressed: 33 bytes.
    pub public_key: Bytes,
}

/// An answer that did not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuspectReport {
    /// The seat that signed it, as its node says.
    pub seat: SeatId,
    /// The epoch that it answered in.
    pub epoch: u64,
    /// The input, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<usize>,
    /// What does not fit.
    pub reason: String,
}

/// What one node said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeWords {
    /// Its URL.
    pub node: String,
    /// In words.
    pub reason: String,
}

/// Milliseconds per phase, over all quotes of the boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timings {
    /// Socket, compose file, who the nodes are.
    pub info_ms: u64,
    /// Blinding, quote, collateral.
    pub evidence_ms: u64,
    /// Until t nodes authorized.
    pub authorize_ms: u64,
    /// Until a relay answered.
    pub record_ms: u64,
    /// Until t nodes released: block time is in here.
    pub release_ms: u64,
    /// Checking and adding up the partials.
    pub combine_ms: u64,
    /// From start to keys.
    pub total_ms: u64,
}

/// Measures phases one after the other.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    lap: Instant,
    timings: Timings,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let now = Instant::now();
        Self { started: now, lap: now, timings: Timings::default() }
    }

    /// Adds the time since the last lap to a phase.
    pub(crate) fn lap(&mut self, phase: impl Fn(&mut Timings) -> &mut u64) {
        let now = Instant::now();
        *phase(&mut self.timings) += milliseconds(self.lap, now);
        self.lap = now;
    }

    fn finish(&self) -> Timings {
        Timings { total_ms: milliseconds(self.started, Instant::now()), ..self.timings }
    }
}

fn milliseconds(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(u64::MAX)
}

impl BootReport {
    pub(crate) fn new(
        config: &BootConfig,
        asking: Asking,
        attempt: &Attempt,
        keys: &Keys,
        recorded: Recorded,
        clock: &Clock,
    ) -> Result<Self, BootError> {
        let public_key = keys.public_key(0, &config.path, &config.purpose)?;
        Ok(Self {
            schema: "quorate/boot-report/v1".into(),
            app_id: asking.app_id,
            scope: asking.scope,
            key_version: config.key_version,
            issuance_id: keys.issuance_id(),
            chain_id: attempt.committee.chain_id,
            issuance_log: attempt.committee.issuance_log,
            transaction: match recorded {
                Recorded::Sent(transaction) => Some(transaction),
                Recorded::Yourself | Recorded::Perhaps => None,
            },
            anchor: attempt.pending.request().anchor,
            epoch: keys.epoch(),
            threshold: attempt.committee.threshold,
            subkey: SubkeyReport {
                path: config.path.clone(),
                purpose: config.purpose.clone(),
                algorithm: SECP256K1.into(),
                public_key: public_key.to_bytes().to_vec().into(),
            },
            session_key: attempt.pending.session_key().address(),
            seats: keys.seats(0)?.to_vec(),
            suspects: keys.suspects().iter().map(SuspectReport::from).collect(),
            problems: attempt.reasons.iter().map(NodeWords::from).collect(),
            timings: clock.finish(),
        })
    }
}

impl From<&Suspect> for SuspectReport {
    fn from(suspect: &Suspect) -> Self {
        let (input, reason) = match suspect.suspicion {
            Suspicion::Malformed => (None, "its signed bytes are no partials for this request"),
            Suspicion::Discarded { index, reason } => (Some(index), words(reason)),
        };
        Self { seat: suspect.seat, epoch: suspect.epoch, input, reason: reason.into() }
    }
}

fn words(reason: DiscardReason) -> &'static str {
    match reason {
        DiscardReason::WrongEpoch => "it answered in another epoch",
        DiscardReason::SeatZero => "it claims seat 0",
        DiscardReason::Duplicate => "it answered twice",
        DiscardReason::InvalidProof => "its proof does not hold for the share key that it states",
        DiscardReason::ShareKeyDisagrees => "its share key is not of the pinned public key",
    }
}

impl From<&NodeReason> for NodeWords {
    fn from(reason: &NodeReason) -> Self {
        Self { node: reason.node.clone(), reason: reason.reason.to_string() }
    }
}

/// For people: one fact per line.
impl fmt::Display for BootReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = match self.scope {
            Scope::App => "app".to_owned(),
            Scope::Code(hash) => format!("code {hash}"),
            Scope::Instance(id) => format!("instance {id}"),
        };
        writeln!(f, "app           {}", self.app_id)?;
        writeln!(f, "scope         {scope}, key version {}", self.key_version)?;
        writeln!(f, "public key    {}", self.subkey.public_key)?;
        writeln!(f, "              {} for {}", self.subkey.path, self.subkey.purpose)?;
        writeln!(f, "issuance      {}", self.issuance_id)?;
        writeln!(f, "anchor        block {} {}", self.anchor.number, self.anchor.hash)?;
        if let Some(transaction) = self.transaction {
            writeln!(f, "transaction   {transaction}")?;
        }
        writeln!(
            f,
            "epoch         {}, {} of its seats: {:?}",
            self.epoch, self.threshold, self.seats
        )?;
        for suspect in &self.suspects {
            writeln!(f, "suspect       seat {}: {}", suspect.seat, suspect.reason)?;
        }
        for problem in &self.problems {
            writeln!(f, "no help from  {}: {}", problem.node, problem.reason)?;
        }
        let t = &self.timings;
        write!(
            f,
            "time          {} ms: info {}, evidence {}, authorize {}, record {}, release {}, combine {}",
            t.total_ms,
            t.info_ms,
            t.evidence_ms,
            t.authorize_ms,
            t.record_ms,
            t.release_ms,
            t.combine_ms
        )
    }
}
