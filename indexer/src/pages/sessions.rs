//! The sessions of an app: which instance of its code got keys under which session key. [EXP-21]
//!
//! Trusts: t nodes of the committee, who judged the evidence that the record names; the instance is what its event log says.

use crate::{
    store::Store,
    views::{Event, Place},
};
use alloy_primitives::{Address, B256};
use anyhow::Result;
use evidence::RawEvidence;
use wire::request::EvidenceBytes;

/// A session key that keys were given to: what decrypts nothing but its own enclave's partials.
pub(super) struct Session {
    pub(super) session_key: Address,
    pub(super) code: B256,
    pub(super) issuance: B256,
    pub(super) key_version: u64,
    pub(super) place: Place,
    /// The machine's instance; `None`: the evidence is not kept here, or names none.
    pub(super) instance: Option<Address>,
}

/// Those of these events, each once.
pub(super) async fn newest(store: &Store, issuances: &[Event]) -> Result<Vec<Session>> {
    let mut sessions: Vec<Session> = Vec::new();
    for event in issuances.iter().filter(|event| event.name() == "KeyIssued") {
        let args = &event.args;
        let issuance = args.hash("issuanceId")?;
        // Of several inputs of one issuance one stands for all.
        if sessions.iter().any(|known| known.issuance == issuance) {
            continue;
        }
        sessions.push(Session {
            session_key: args.address("sessionKey")?,
            code: args.hash("composeHash")?,
            issuance,
            key_version: args.number("keyVersion")?,
            place: event.place,
            instance: instance(store, args.hash("evidenceHash")?).await?,
        });
    }
    Ok(sessions)
}

async fn instance(store: &Store, evidence: B256) -> Result<Option<Address>> {
    let kept = store.evidence(evidence).await?;
    let raw = kept
        .and_then(|bytes| EvidenceBytes::decode(&bytes).ok())
        .and_then(|bytes| RawEvidence::new(bytes).ok());
    Ok(raw.and_then(|raw| raw.claimed_instance()))
}
