//! Whom an app's policy asks, and whom those ask: members of an AllOfPolicy, the inner policy of a LicensePolicy. Twin in Solidity:
//! `AllOfPolicy.members`, `LicensePolicy.inner`. [EXP-2] [IDX-13]
//!
//! Prevents: a member that is taken for one of ours because a policy names it.

use super::{
    AsOf, Event, Moment, Place,
    app::{PolicyRef, policy_events},
    app_policy::Allowlist,
};
use crate::{
    decode::Kind,
    http::shape,
    store::{Newest, Store},
};
use alloy_primitives::Address;
use anyhow::Result;
use serde::Serialize;
use std::collections::{BTreeSet, VecDeque};
use utoipa::ToSchema;

/// Members of one app that are told.
const MOST: usize = 64;
/// Acts of one policy that are read; the members of one that has more are told as cut.
const MOST_ACTS: u32 = 20_000;
/// The events that tell whom a policy asks.
const NAMES: [&str; 4] =
    ["MemberAdded", "MemberRemoved", "MemberRemovalCancelled", "LicenseInitialized"];

/// Whom an app's policy asks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Members {
    /// Nearest first.
    pub(crate) members: Vec<Member>,
    /// There are more than one answer holds.
    pub(crate) is_cut: bool,
}

/// A policy that another one asks.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Member {
    #[schema(schema_with = shape::address_schema)]
    pub(crate) address: Address,
    /// The policy that asks it.
    #[schema(schema_with = shape::address_schema)]
    pub(crate) asked_by: Address,
    /// Where that policy says so.
    pub(crate) named: Place,
    /// From then on it is asked no more.
    pub(crate) asked_until: Option<u64>,
    /// What it is; null: it is not followed, being beyond the limits.
    #[schema(schema_with = shape::optional_kind_schema)]
    pub(crate) kind: Option<&'static str>,
    /// AppRegistry did not make it, as far as is known: what it lets boot, its own code says.
    pub(crate) is_foreign: bool,
    /// What it lets boot; null: it is foreign, or asks others.
    pub(crate) allowlist: Option<Allowlist>,
}

impl Members {
    /// Those that `policy` asks at a moment, and those that they ask.
    pub(crate) async fn load(
        store: &Store,
        as_of: &AsOf,
        policy: &PolicyRef,
        at: Moment,
    ) -> Result<Self> {
        let mut told = Self::default();
        let mut seen = BTreeSet::from([policy.address]);
        let mut policies = VecDeque::from([policy.address]);
        while let Some(asking) = policies.pop_front() {
            let events = acts(store, as_of, asking, at).await?;
            told.is_cut |= events.len() >= MOST_ACTS as usize;
            for mut member in asked(asking, &events, at.time)? {
                if !seen.insert(member.address) {
                    continue;
                }
                if told.members.len() >= MOST {
                    told.is_cut = true;
                    return Ok(told);
                }
                let followed = store.trails(Some(member.address), 1).await?.pop();
                if let Some(kind) = followed.map(|row| row.kind) {
                    member.kind = Some(kind.word());
                    member.is_foreign = kind != Kind::Policy;
                    if kind.is_policy() {
                        policies.push_back(member.address);
                    }
                    if kind == Kind::Policy {
                        let said = policy_events(store, as_of, None, member.address, at).await?;
                        member.allowlist = allowlist(&said.0, at.time)?;
                        if let (Some(list), Some(begin)) = (&mut member.allowlist, said.1) {
                            list.tell_from(begin);
                        }
                    }
                }
                told.members.push(member);
            }
        }
        Ok(told)
    }
}

/// What one policy said of its members up to a moment, in the chain's order.
async fn acts(store: &Store, as_of: &AsOf, policy: Address, at: Moment) -> Result<Vec<Event>> {
    let wanted = Newest {
        contract: Some(policy),
        names: &NAMES,
        up_to: Some(at.block.number),
        limit: MOST_ACTS,
        ..Newest::default()
    };
    let mut rows = store.newest(&wanted).await?;
    rows.reverse();
    Ok(Event::all(&rows, as_of))
}

/// Whom a policy asks at `now`, by its events in the chain's order.
fn asked(policy: Address, events: &[Event], now: u64) -> Result<Vec<Member>> {
    let mut members: Vec<Member> = Vec::new();
    for event in events {
        let args = &event.args;
        let name = if event.name() == "LicenseInitialized" { "inner" } else { "member" };
        let address = args.address(name)?;
        let known = members.iter().position(|member| member.address == address);
        match (event.name(), known.and_then(|at| members.get_mut(at))) {
            ("MemberRemoved", Some(member)) => {
                member.asked_until = Some(args.number("effectiveAt")?);
            }
            // One that was gone comes back as a new one.
            (_, Some(member)) => member.asked_until = None,
            ("MemberAdded" | "LicenseInitialized", None) => members.push(Member {
                address,
                asked_by: policy,
                named: event.place,
                asked_until: None,
                kind: None,
                is_foreign: true,
                allowlist: None,
            }),
            _ => {}
        }
    }
    members.retain(|member| member.asked_until.is_none_or(|until| until > now));
    Ok(members)
}

/// What a policy of ours lets boot, if it is a list.
fn allowlist(events: &[Event], now: u64) -> Result<Option<Allowlist>> {
    let mut list = Allowlist::default();
    for event in events {
        list.take(event)?;
    }
    list.settle(now);
    Ok(Some(list).filter(|list| list.is_initialized))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::app::tests::event;
    use serde_json::json;

    #[test]
    fn a_member_is_asked_until_its_removal_counts() {
        // [IDX-13] Block times are ten times their numbers.
        let address = Address::repeat_byte;
        let (policy, one, two) = (address(1), address(2), address(3));
        let at = |name: &str, member: Address, effective_at: u64, block: u64| {
            let args = json!({"member": member, "inner": member, "effectiveAt": effective_at});
            event(Kind::Policy, policy, name, args, block)
        };
        let mut events = vec![
            at("MemberAdded", one, 0, 1),
            at("MemberAdded", two, 0, 2),
            at("MemberRemoved", one, 50, 3),
        ];
        let addresses = |events: &[Event], now| -> Vec<Address> {
            asked(policy, events, now).unwrap().iter().map(|member| member.address).collect()
        };
        assert_eq!(addresses(&events, 49), [one, two]);
        assert_eq!(addresses(&events, 50), [two]);
        events.push(at("MemberRemovalCancelled", one, 0, 4));
        assert_eq!(addresses(&events, 50), [one, two]);
        let inner = [at("LicenseInitialized", one, 0, 1)];
        let inner = asked(policy, &inner, 10).unwrap();
        assert_eq!((inner[0].asked_by, inner[0].is_foreign), (policy, true));
    }
}
