//! A revocation: from which block on nothing was recorded, and until when what was recorded before could still be released.
//! [EXP-5] Promise: P5.

use super::{AsOf, Event, Place, says::is_revocation};
use crate::{
    decode::Kind,
    store::{About, Side, Store, Topic},
};
use anyhow::Result;
use serde::Serialize;
use utoipa::ToSchema;

/// A revocation and its effect on records, as the index has them.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Revocation {
    pub(crate) event: Event,
    /// Whether events tell which records it denies: they name app and code, not device, instance or vendor.
    pub(crate) is_told_by_records: bool,
    /// The last record before it, of what it denies.
    pub(crate) last_record: Option<Event>,
    /// The height at which a node that saw nothing of the revocation stops releasing that record.
    pub(crate) releasable_until: Option<u64>,
    /// The last block of this chain at which a node could still release it: the one before the revocation, or an earlier one
    /// where its window ended.
    pub(crate) last_release_block: Option<u64>,
    /// The first record after it: there is none unless somebody granted again.
    pub(crate) next_record: Option<Event>,
    /// The grant that ended it.
    pub(crate) granted_again: Option<Place>,
}

impl Revocation {
    /// Whether an event takes something away: a foreign policy may say what it likes, and what a reorg took away does not count.
    pub(crate) fn is_one(event: &Event) -> bool {
        is_revocation(event.name())
            && event.kind != Kind::ForeignPolicy
            && event.place.finality != "orphaned"
    }

    pub(crate) async fn load(
        store: &Store,
        as_of: &AsOf,
        event: Event,
        release_window: u64,
    ) -> Result<Self> {
        let (code, is_told) = match event.name() {
            "ComposeHashRevoked" => (Some(event.args.hash("composeHash")?), true),
            "AppFrozen" => (None, true),
            _ => (None, false),
        };
        let (mut records, mut grants) = (Vec::new(), Vec::new());
        if let Some(app) = event.app_id.filter(|_| is_told) {
            let (number, log_index) = place(&event);
            let (before, after) = (Side::Before(number, log_index), Side::After(number, log_index));
            let word = code.map(|code| (Topic::Third, code));
            let (kind, names) = (Kind::IssuanceLog, &["KeyIssued"]);
            let about = About { app, kind, contract: None, word, names };
            records.extend(store.about(&about, after, 1).await?);
            records.extend(store.about(&about, before, 1).await?);
            if let Some(code) = code {
                let word = Some((Topic::Second, code));
                let contract = Some(event.contract);
                let (kind, names) = (Kind::Policy, &["ComposeHashApproved"]);
                let about = About { app, kind, contract, word, names };
                grants = store.about(&about, after, 1).await?;
            }
        }
        let (records, grants) = (Event::all(&records, as_of), Event::all(&grants, as_of));
        Ok(Self::fold(event, &records, &grants, is_told, release_window))
    }

    /// `records` newest first, `grants` in the chain's order.
    fn fold(
        event: Event,
        records: &[Event],
        grants: &[Event],
        is_told: bool,
        release_window: u64,
    ) -> Self {
        let at = place(&event);
        let last = records.iter().find(|record| place(record) < at).cloned();
        let next = records.iter().rfind(|record| place(record) > at).cloned();
        let again =
            grants.iter().find(|grant| grant.contract == event.contract && place(grant) > at);
        let until =
            last.as_ref().map(|record| record.place.block_number.saturating_add(release_window));
        Self {
            is_told_by_records: is_told,
            releasable_until: until,
            last_release_block: until.map(|until| until.min(at.0.saturating_sub(1))),
            last_record: last,
            next_record: next,
            granted_again: again.map(|grant| grant.place),
            event,
        }
    }
}

fn place(event: &Event) -> (u64, u64) {
    (event.place.block_number, event.place.log_index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::app::tests::event;
    use alloy_primitives::Address;
    use serde_json::json;

    fn at(name: &str, block: u64) -> Event {
        event(Kind::Policy, Address::ZERO, name, json!({}), block)
    }

    #[test]
    fn what_a_foreign_policy_says_or_a_reorg_took_away_is_no_revocation() {
        // [EXP-2] [EXP-5]
        let revoked = at("ComposeHashRevoked", 8);
        assert!(Revocation::is_one(&revoked) && !Revocation::is_one(&at("KeyIssued", 8)));
        let foreign = Event { kind: Kind::ForeignPolicy, ..revoked.clone() };
        let mut orphaned = revoked;
        orphaned.place.finality = "orphaned";
        assert!(!Revocation::is_one(&foreign) && !Revocation::is_one(&orphaned));
    }

    #[test]
    fn it_says_which_record_was_the_last_and_until_when_it_could_be_released() {
        // [EXP-5]
        let records = [at("KeyIssued", 9), at("KeyIssued", 7), at("KeyIssued", 3)];
        let revoked = at("ComposeHashRevoked", 8);
        let view = Revocation::fold(revoked.clone(), &records, &[], true, 250);
        assert_eq!(view.last_record.unwrap().place.block_number, 7);
        assert_eq!((view.releasable_until, view.granted_again), (Some(257), None));
        assert_eq!(view.last_release_block, Some(7), "the block before the revocation");
        let short = Revocation::fold(at("ComposeHashRevoked", 8), &records[2..], &[], true, 2);
        assert_eq!(short.last_release_block, Some(5), "its window ended before");
        assert_eq!(view.next_record.unwrap().place.block_number, 9, "it hides nothing");
        let grants = [at("ComposeHashApproved", 2), at("ComposeHashApproved", 8)];
        let view = Revocation::fold(revoked, &[], &grants, true, 250);
        assert!(view.last_record.is_none() && view.releasable_until.is_none());
        assert!(view.granted_again.is_none(), "what was granted before is no new grant");
    }
}
