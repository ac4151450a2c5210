//! An issuance as far as events tell it: rule, evidence, epoch, record, and what was said of it later. [EXP-5]

use super::{
    AsOf, Event, Moment, Place,
    app::App,
    app_policy::Entry,
    committee::Committee,
    roots::{Root, Roots},
};
use crate::{
    decode::Kind,
    http::shape,
    store::{Store, Topic},
};
use alloy_primitives::{Address, B256};
use anyhow::Result;
use serde::Serialize;
use utoipa::ToSchema;

/// The events that tell of an issuance.
pub(crate) const ISSUANCE: [&str; 2] = ["KeyIssued", "KeyReleasedOffRecord"];
/// One issuance has at most eight inputs, and one report.
const MOST_EVENTS: u32 = 16;

/// An issuance.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Issuance {
    #[schema(schema_with = shape::hash_schema)]
    pub(crate) issuance_id: B256,
    #[schema(schema_with = shape::address_schema)]
    pub(crate) app_id: Address,
    #[schema(schema_with = shape::hash_schema)]
    pub(crate) compose_hash: B256,
    /// Where it was recorded; `None`: it was released, and its record is not on this chain.
    pub(crate) recorded: Option<Place>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) epoch: u64,
    #[schema(schema_with = shape::hash_schema)]
    pub(crate) evidence_hash: B256,
    #[schema(schema_with = shape::optional_hash_schema)]
    pub(crate) root: Option<B256>,
    #[schema(schema_with = shape::optional_address_schema)]
    pub(crate) session_key: Option<Address>,
    /// The block that the enclave named in its quote.
    pub(crate) anchor: Option<u64>,
    /// The last block at whose height a node releases it.
    pub(crate) releasable_until: Option<u64>,
    pub(crate) off_record: Vec<Place>,
}

/// One key or sealed secret of it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Input {
    #[schema(value_type = String)]
    pub(crate) kind: &'static str,
    /// EIP-712 struct hash of the Input that the seats signed.
    #[schema(schema_with = shape::hash_schema)]
    pub(crate) input: B256,
    pub(crate) key_version: u64,
    pub(crate) place: Place,
}

/// What stood behind an issuance when it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Chain {
    pub(crate) issuance: Issuance,
    /// The approval that let the code boot; `None`: a foreign policy decided.
    pub(crate) approval: Option<Entry>,
    #[schema(schema_with = shape::optional_address_schema)]
    pub(crate) policy: Option<Address>,
    pub(crate) policy_is_foreign: bool,
    pub(crate) root: Option<Root>,
    pub(crate) t: Option<u64>,
    pub(crate) members: Vec<u64>,
}

impl Issuance {
    /// From its events, in the chain's order; `None` if there is none.
    pub(crate) fn fold(id: B256, events: &[Event], release_window: u64) -> Result<Option<Self>> {
        let Some(first) = events.first() else { return Ok(None) };
        let issued: Vec<&Event> = events.iter().filter(|e| e.name() == "KeyIssued").collect();
        let record = issued.first();
        let mut inputs = Vec::new();
        for event in &issued {
            inputs.push(Input {
                kind: match event.args.number("kind")? {
                    1 => "derive",
                    2 => "unseal",
                    _ => "unknown",
                },
                input: event.args.hash("input")?,
                key_version: event.args.number("keyVersion")?,
                place: event.place,
            });
        }
        let dropped = events.iter().filter(|event| event.name() == "KeyReleasedOffRecord");
        Ok(Some(Self {
            issuance_id: id,
            app_id: first.args.address("appId")?,
            compose_hash: first.args.hash("composeHash")?,
            recorded: record.map(|event| event.place),
            inputs,
            epoch: first.args.number("epoch")?,
            evidence_hash: first.args.hash("evidenceHash")?,
            root: record.map(|event| event.args.hash("root")).transpose()?,
            session_key: record.map(|event| event.args.address("sessionKey")).transpose()?,
            anchor: record.map(|event| event.args.number("anchor")).transpose()?,
            releasable_until: record
                .map(|event| event.place.block_number.saturating_add(release_window)),
            off_record: dropped.map(|event| event.place).collect(),
        }))
    }

    pub(crate) async fn load(
        store: &Store,
        as_of: &AsOf,
        id: B256,
        release_window: u64,
    ) -> Result<Option<Self>> {
        let mut rows = store.by_topic(Topic::Second, id, &ISSUANCE, false, MOST_EVENTS).await?;
        rows.retain(|row| row.kind == Kind::IssuanceLog);
        Self::fold(id, &Event::all(&rows, as_of), release_window)
    }
}

impl Chain {
    /// What stood behind it, at the block of its record.
    pub(crate) async fn load(store: &Store, as_of: &AsOf, issuance: Issuance) -> Result<Self> {
        let place = issuance.recorded.or(issuance.off_record.first().copied());
        let mut chain = Self {
            approval: None,
            policy: None,
            policy_is_foreign: false,
            root: None,
            t: None,
            members: Vec::new(),
            issuance,
        };
        let Some(place) = place else { return Ok(chain) };
        let at = Moment {
            block: light_client::BlockRef::new(place.block_number, place.block_hash),
            time: place.block_time,
        };
        let roots = Roots::load(store, as_of, place.block_number).await?;
        let committee = Committee::load(store, as_of, &roots, at).await?;
        let epoch = committee.epochs.iter().find(|epoch| epoch.epoch == chain.issuance.epoch);
        if let Some(epoch) = epoch {
            chain.t = Some(epoch.t);
            chain.members.clone_from(&epoch.members);
        }
        chain.root = chain.issuance.root.and_then(|root| roots.of(root).cloned());
        if let Some(app) = App::registered(store, as_of, chain.issuance.app_id, at).await? {
            chain.policy = Some(app.policy.address);
            chain.policy_is_foreign = app.policy.is_foreign;
            chain.approval = app.approval(store, as_of, chain.issuance.compose_hash).await?;
        }
        Ok(chain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::app::tests::event;
    use serde_json::json;

    fn issued(id: B256, block: u64) -> Event {
        let args = json!({
            "appId": Address::repeat_byte(1), "issuanceId": id, "composeHash": B256::repeat_byte(2),
            "kind": 1, "input": B256::repeat_byte(3), "keyVersion": 1, "epoch": 1,
            "root": B256::repeat_byte(4), "evidenceHash": B256::repeat_byte(5),
            "sessionKey": Address::repeat_byte(6), "anchor": 7,
        });
        event(Kind::IssuanceLog, Address::ZERO, "KeyIssued", args, block)
    }

    #[test]
    fn the_release_window_counts_from_the_record() {
        // [EXP-5]
        let id = B256::repeat_byte(9);
        let issuance = Issuance::fold(id, &[issued(id, 10), issued(id, 10)], 250).unwrap().unwrap();
        assert_eq!((issuance.inputs.len(), issuance.releasable_until), (2, Some(260)));
        assert!(Issuance::fold(id, &[], 250).unwrap().is_none());
    }

    #[test]
    fn what_was_released_off_record_has_no_record() {
        let id = B256::repeat_byte(9);
        let mut dropped = issued(id, 10);
        dropped.name = Some("KeyReleasedOffRecord".into());
        let issuance = Issuance::fold(id, &[dropped], 250).unwrap().unwrap();
        assert!(issuance.recorded.is_none() && issuance.releasable_until.is_none());
        assert_eq!(issuance.off_record.len(), 1);
    }
}
