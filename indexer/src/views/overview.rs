//! The network at a glance: is the index whole, how far is it, what is trusted, what is on its way.

use super::{AsOf, Event, committee::Committee, judges, roots::Roots, trail::Contract};
use crate::{
    decode::Kind,
    store::{Newest, Store},
};
use anyhow::Result;
use serde::Serialize;
use utoipa::ToSchema;

/// Approvals that are looked through for those on their way.
const NEAR: u32 = 200;
/// Events on the front page.
const FEW: u32 = 12;
/// Events in the picture.
const PICTURED: u32 = 400;

/// Overview.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Overview {
    /// Those of the network file, and the first of apps.
    pub(crate) contracts: Vec<Contract>,
    /// Trails that are not what the chain proves.
    pub(crate) wrong: Vec<Contract>,
    /// Trails that were not compared yet.
    pub(crate) uncompared: Vec<Contract>,
    pub(crate) roots: Roots,
    pub(crate) committee: Committee,
    pub(crate) latest: Vec<Event>,
    /// Grants that everybody can see and that do not count yet.
    pub(crate) pending: Vec<Event>,
    #[serde(skip)]
    pub(crate) pictured: Vec<Event>,
}

impl Overview {
    pub(crate) async fn load(store: &Store, as_of: &AsOf) -> Result<Self> {
        let now = as_of.now();
        let roots = Roots::load(store, as_of, now.block.number).await?;
        let committee = Committee::load(store, as_of, &roots, now).await?;
        let newest = Newest { limit: PICTURED, ..Newest::default() };
        let pictured = Event::all(&store.newest(&newest).await?, as_of);
        let mut latest: Vec<Event> = pictured.iter().take(FEW as usize).cloned().collect();
        judges::tell(store, &mut latest, None).await?;
        Ok(Self {
            contracts: Contract::list(store, FEW).await?,
            wrong: Contract::wrong(store).await?,
            uncompared: Contract::uncompared(store).await?,
            roots,
            committee,
            latest,
            pending: pending(store, as_of).await?,
            pictured,
        })
    }
}

/// Codes whose approval counts later and was not taken back.
async fn pending(store: &Store, as_of: &AsOf) -> Result<Vec<Event>> {
    let names = ["ComposeHashApproved", "ComposeHashRevoked", "PolicySet", "PolicyChangeCancelled"];
    let newest = Newest { names: &names, limit: NEAR, ..Newest::default() };
    let events = Event::all(&store.newest(&newest).await?, as_of);
    let mut pending = on_their_way(&events, as_of.latest_time);
    judges::tell(store, &mut pending, None).await?;
    // What no policy of the app announces is no grant. [EXP-22]
    pending.retain(|event| !event.is_nothing_to_app());
    Ok(pending)
}

/// `events` newest first.
fn on_their_way(events: &[Event], now: u64) -> Vec<Event> {
    let mut pending = Vec::new();
    for (place, event) in events.iter().enumerate() {
        let (ends, what) = match event.name() {
            "ComposeHashApproved" => ("ComposeHashRevoked", "composeHash"),
            "PolicySet" => ("PolicyChangeCancelled", "policy"),
            _ => continue,
        };
        // What a foreign policy announces is no grant of ours.
        if event.kind == Kind::ForeignPolicy {
            continue;
        }
        let later = events.get(..place).unwrap_or_default();
        let is_taken_back = later.iter().any(|other| {
            other.contract == event.contract
                && other.app_id == event.app_id
                && other.name() == ends
                && other.args.0.get(what) == event.args.0.get(what)
        });
        if !is_taken_back && event.args.number("effectiveAt").is_ok_and(|at| at > now) {
            pending.push(event.clone());
        }
    }
    pending
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::app::tests::event;
    use alloy_primitives::{Address, B256};
    use serde_json::json;

    #[test]
    fn a_grant_that_was_taken_back_is_not_on_its_way() {
        let grant = |byte: u8, at: u64| {
            let args = json!({ "composeHash": B256::repeat_byte(byte), "effectiveAt": at });
            event(Kind::Policy, Address::ZERO, "ComposeHashApproved", args, 1)
        };
        let args = json!({ "composeHash": B256::repeat_byte(1), "reason": 1 });
        let back = event(Kind::Policy, Address::ZERO, "ComposeHashRevoked", args, 2);
        let foreign = Event { kind: Kind::ForeignPolicy, ..grant(4, 100) };
        let events = [foreign, back, grant(3, 50), grant(2, 100), grant(1, 100)];
        let found = on_their_way(&events, 50);
        assert_eq!(found, [grant(2, 100)]);
    }
}
