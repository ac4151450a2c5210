//! An app, from its events: what may boot at a moment and since when, what is on its way, who may change it. Twin in Solidity:
//! `AppRegistry.appInfo`. [EXP-2]
//!
//! Prevents: a contract that AppRegistry marks foreign and that speaks in another app's name.

use super::{
    AsOf, Event, Moment, Place,
    app_policy::{Allowlist, Entry},
    event::label,
    judges::Judges,
};
use crate::{
    decode::Kind,
    http::shape,
    store::{About, Newest, Side, Store, Topic},
};
use alloy_primitives::{Address, B256};
use anyhow::Result;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What AppRegistry says of an app.
const REGISTRY: [&str; 15] = [
    "AppEntered",
    "PolicySet",
    "PolicyChangeCancelled",
    "PolicyLocked",
    "OwnershipOffered",
    "OwnershipTaken",
    "GuardianSet",
    "VendorAccepted",
    "VendorRemoved",
    "AppFrozen",
    "AppThawed",
    "KeyRotated",
    "KeyVersionDelisted",
    "AppMoved",
    "AppMoveCancelled",
];

/// What policies of ours say. Issuances are not among it, so that an app with many is no slower.
const POLICY: [&str; 17] = [
    "PolicyInitialized",
    "ComposeHashApproved",
    "ComposeHashRevoked",
    "DeviceApproved",
    "DeviceRevoked",
    "MeasurementApproved",
    "MeasurementRevoked",
    "InstanceApproved",
    "InstanceRevoked",
    "AnyDeviceSet",
    "AnyMeasurementSet",
    "AnyInstanceSet",
    "AnyTcbSet",
    "GrantDelaySet",
    "MemberAdded",
    "MemberRemoved",
    "LicenseExtended",
];

/// What an AllowlistPolicy says besides its lists.
const SETTINGS: [&str; 5] =
    ["AnyDeviceSet", "AnyMeasurementSet", "AnyInstanceSet", "AnyTcbSet", "GrantDelaySet"];

/// Events of the registry about an app, and of its policy, that are folded: the newest. If there are more, it is told from
/// where on. [EXP-20]
pub(crate) const MOST_FOLDED: u32 = 1000;
/// Settings, or approvals and revocations of one code, that are looked back for beyond that.
const FEW: u32 = 100;

/// An app at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct App {
    #[schema(schema_with = shape::address_schema)]
    pub(crate) app_id: Address,
    pub(crate) at: Moment,
    /// What the registry said before this place, but that the app entered, is not told; null: everything is.
    pub(crate) told_from: Option<Place>,
    pub(crate) entered: Place,
    #[schema(schema_with = shape::address_schema)]
    pub(crate) registry: Address,
    #[schema(schema_with = shape::address_schema)]
    pub(crate) owner: Address,
    #[schema(schema_with = shape::optional_address_schema)]
    pub(crate) pending_owner: Option<Address>,
    #[schema(schema_with = shape::address_schema)]
    pub(crate) guardian: Address,
    pub(crate) pending_guardian: Option<Pending>,
    pub(crate) key_version: u64,
    /// Older versions that stay readable.
    pub(crate) readable_key_versions: Vec<u64>,
    pub(crate) frozen: Option<Frozen>,
    pub(crate) is_locked: bool,
    pub(crate) policy: PolicyRef,
    pub(crate) pending_policy: Option<PolicyRef>,
    pub(crate) moved_to: Option<Pending>,
    pub(crate) vendors: Vec<Vendor>,
    /// What the policy in force lets boot; `None`: it is foreign, or asks other policies.
    pub(crate) allowlist: Option<Allowlist>,
    /// The same of the policy on its way.
    pub(crate) pending_allowlist: Option<Allowlist>,
}

/// A policy contract and when it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PolicyRef {
    #[schema(schema_with = shape::address_schema)]
    pub(crate) address: Address,
    pub(crate) is_foreign: bool,
    pub(crate) effective_at: u64,
    pub(crate) named: Place,
}

/// An account that will count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Pending {
    #[schema(schema_with = shape::address_schema)]
    pub(crate) account: Address,
    pub(crate) effective_at: u64,
}

/// A freeze.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Frozen {
    pub(crate) since: Place,
    pub(crate) reason: u64,
    /// The owner has begun to thaw.
    pub(crate) thaws_at: Option<u64>,
}

/// A vendor that the app accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Vendor {
    pub(crate) vendor: String,
    pub(crate) effective_at: u64,
    pub(crate) is_in_force: bool,
    pub(crate) accepted: Place,
}

impl App {
    /// The app as of `at`, with what its policies let boot; `None` if it was not registered then.
    pub(crate) async fn load(
        store: &Store,
        as_of: &AsOf,
        id: Address,
        at: Moment,
    ) -> Result<Option<Self>> {
        let (mut events, told_from) = registry_events(store, as_of, id, at).await?;
        let Some(app) = Self::fold(id, &events, at)? else { return Ok(None) };
        let mut begins = BTreeMap::new();
        for policy in [Some(app.policy), app.pending_policy].into_iter().flatten() {
            if !policy.is_foreign && !begins.contains_key(&policy.address) {
                let of = policy_events(store, as_of, Some(id), policy.address, at).await?;
                events.extend(of.0);
                begins.insert(policy.address, of.1);
            }
        }
        let Some(mut app) = Self::fold(id, &events, at)? else { return Ok(None) };
        app.told_from = told_from;
        let lists = [
            (Some(app.policy), &mut app.allowlist),
            (app.pending_policy, &mut app.pending_allowlist),
        ];
        for (policy, list) in lists {
            let begin = policy.and_then(|policy| begins.get(&policy.address).copied().flatten());
            if let (Some(list), Some(begin)) = (list, begin) {
                list.tell_from(begin);
            }
        }
        Ok(Some(app))
    }

    /// The app as of `at`, without what its policies let boot.
    pub(crate) async fn registered(
        store: &Store,
        as_of: &AsOf,
        id: Address,
        at: Moment,
    ) -> Result<Option<Self>> {
        let (events, told_from) = registry_events(store, as_of, id, at).await?;
        Ok(Self::fold(id, &events, at)?.map(|app| Self { told_from, ..app }))
    }

    /// The approval that let `code` boot at `at`, whatever else the policy in force there says.
    pub(crate) async fn approval(
        &self,
        store: &Store,
        as_of: &AsOf,
        code: B256,
    ) -> Result<Option<Entry>> {
        if self.policy.is_foreign {
            return Ok(None);
        }
        let about = About {
            app: self.app_id,
            kind: Kind::Policy,
            contract: Some(self.policy.address),
            word: Some((Topic::Second, code)),
            names: &["ComposeHashApproved", "ComposeHashRevoked"],
        };
        let up_to = Side::Before(self.at.block.number.saturating_add(1), 0);
        let mut rows = store.about(&about, up_to, FEW).await?;
        rows.reverse();
        let mut list = Allowlist::default();
        for event in Event::all(&rows, as_of) {
            list.take(&event)?;
        }
        list.settle(self.at.time);
        Ok(list.approval_at(code, self.at.time).cloned())
    }

    /// The newest events of its rules up to `at`, newest first: of the registry, and of policies that judge it or did. Whether it
    /// had more policies than that looks through. [EXP-22]
    pub(crate) async fn history(
        store: &Store,
        as_of: &AsOf,
        id: Address,
        at: Moment,
        limit: u32,
    ) -> Result<(Vec<Event>, bool)> {
        let up_to = Some(at.block.number);
        let Judges { policies, is_cut } = Judges::load(store, id, up_to).await?;
        let by: Vec<Address> =
            store.contract_of(Kind::AppRegistry).await?.into_iter().chain(policies).collect();
        let names = [REGISTRY.as_slice(), &POLICY].concat();
        let newest =
            Newest { app: Some(id), by: &by, names: &names, up_to, limit, ..Newest::default() };
        Ok((Event::all(&store.newest(&newest).await?, as_of), is_cut))
    }

    /// From the app's rules, in the chain's order.
    pub(crate) fn fold(id: Address, events: &[Event], at: Moment) -> Result<Option<Self>> {
        let mut policies: BTreeMap<Address, Allowlist> = BTreeMap::new();
        let mut app: Option<Self> = None;
        for event in events.iter().filter(|event| event.app_id == Some(id)) {
            match (event.kind, &mut app) {
                (Kind::Policy, _) => policies.entry(event.contract).or_default().take(event)?,
                (Kind::AppRegistry, None) if event.name() == "AppEntered" => {
                    app = Some(Self::entered(id, event, at)?);
                }
                (Kind::AppRegistry, Some(app)) => {
                    app.settle(event.place.block_time);
                    app.take(event)?;
                }
                // A foreign policy may emit what it likes: it is shown, and says nothing about the rules. [EXP-2]
                _ => {}
            }
        }
        let Some(mut app) = app else { return Ok(None) };
        app.settle(at.time);
        policies.values_mut().for_each(|policy| policy.settle(at.time));
        let of = |policy: &PolicyRef| match policy.is_foreign {
            true => None,
            false => policies.get(&policy.address).filter(|list| list.is_initialized).cloned(),
        };
        (app.allowlist, app.pending_allowlist) =
            (of(&app.policy), app.pending_policy.as_ref().and_then(of));
        Ok(Some(app))
    }

    /// Whether any enclave may boot at all, in one sentence.
    pub(crate) fn says(&self) -> String {
        if let Some(frozen) = &self.frozen {
            return match frozen.thaws_at {
                None => "Nothing may boot: the app is frozen.".to_owned(),
                Some(_) => {
                    "Nothing may boot: the app is frozen, and its owner has begun to thaw it."
                        .to_owned()
                }
            };
        }
        let vendors: Vec<&str> =
            self.vendors.iter().filter(|v| v.is_in_force).map(|v| v.vendor.as_str()).collect();
        if vendors.is_empty() {
            return "Nothing may boot: the app accepts no vendor.".to_owned();
        }
        let Some(list) = &self.allowlist else {
            return match self.policy.is_foreign {
                true => "A foreign policy decides what may boot: judge its code.".to_owned(),
                false => "A policy of ours that asks others decides what may boot: see its events, and those of the policies that it asks.".to_owned(),
            };
        };
        let least = if list.told_from.is_some() { "at least " } else { "" };
        let codes = list.codes_in_force().len();
        let what = match (codes, list.told_from) {
            (0, Some(_)) => {
                return format!(
                    "What may boot was approved long ago: none of the newest {MOST_FOLDED} acts of the policy approves code that may boot now."
                );
            }
            (0, None) => return "Nothing may boot: no code is approved.".to_owned(),
            (1, None) => "One code may boot".to_owned(),
            (more, None) => format!("{more} codes may boot"),
            (codes, Some(_)) => {
                format!("At least {codes} code{} may boot", if codes == 1 { "" } else { "s" })
            }
        };
        let where_ = match list.any_device.is_any {
            true => "any machine".to_owned(),
            false => {
                let listed = list.devices.iter();
                let listed =
                    listed.filter(|d| d.state == super::app_policy::State::InForce).count();
                format!("{least}{listed} listed machine{}", if listed == 1 { "" } else { "s" })
            }
        };
        format!("{what}, on {where_} of {}.", vendors.join(", "))
    }

    fn entered(id: Address, event: &Event, at: Moment) -> Result<Self> {
        let (args, place) = (&event.args, event.place);
        let vendor = |word: B256| Vendor {
            vendor: label(word),
            effective_at: place.block_time,
            is_in_force: true,
            accepted: place,
        };
        Ok(Self {
            app_id: id,
            at,
            told_from: None,
            entered: place,
            registry: event.contract,
            owner: args.address("owner")?,
            pending_owner: None,
            guardian: args.address("guardian")?,
            pending_guardian: None,
            key_version: 1,
            readable_key_versions: Vec::new(),
            frozen: None,
            is_locked: false,
            policy: PolicyRef {
                address: args.address("policy")?,
                is_foreign: args.flag("isForeign")?,
                effective_at: place.block_time,
                named: place,
            },
            pending_policy: None,
            moved_to: None,
            vendors: args.hashes("vendors")?.into_iter().map(vendor).collect(),
            allowlist: None,
            pending_allowlist: None,
        })
    }

    fn take(&mut self, event: &Event) -> Result<()> {
        let (args, place) = (&event.args, event.place);
        match event.name() {
            "PolicySet" => {
                self.pending_policy = Some(PolicyRef {
                    address: args.address("policy")?,
                    is_foreign: args.flag("isForeign")?,
                    effective_at: args.number("effectiveAt")?,
                    named: place,
                });
            }
            "PolicyChangeCancelled" => self.pending_policy = None,
            "PolicyLocked" => self.is_locked = true,
            "OwnershipOffered" => self.pending_owner = Some(args.address("pendingOwner")?),
            "OwnershipTaken" => {
                self.owner = args.address("owner")?;
                self.pending_owner = None;
            }
            "GuardianSet" => self.pending_guardian = Some(pending(event, "guardian")?),
            "VendorAccepted" => self.vendors.push(Vendor {
                vendor: label(args.hash("vendor")?),
                effective_at: args.number("effectiveAt")?,
                is_in_force: false,
                accepted: place,
            }),
            "VendorRemoved" => {
                let gone = label(args.hash("vendor")?);
                self.vendors.retain(|vendor| vendor.vendor != gone);
            }
            "AppFrozen" => {
                let reason = args.number("reason")?;
                self.frozen = Some(Frozen { since: place, reason, thaws_at: None });
            }
            "AppThawed" => {
                let thaws_at = Some(args.number("effectiveAt")?);
                self.frozen = self.frozen.map(|frozen| Frozen { thaws_at, ..frozen });
            }
            "KeyRotated" => {
                if args.flag("previousReadable")? {
                    self.readable_key_versions.push(self.key_version);
                }
                self.key_version = args.number("keyVersion")?;
            }
            "KeyVersionDelisted" => {
                let gone = args.number("keyVersion")?;
                self.readable_key_versions.retain(|version| *version != gone);
            }
            "AppMoved" => self.moved_to = Some(pending(event, "registry")?),
            "AppMoveCancelled" => self.moved_to = None,
            _ => {}
        }
        Ok(())
    }

    /// What was on its way and counts at `now`.
    fn settle(&mut self, now: u64) {
        if let Some(policy) = self.pending_policy
            && policy.effective_at <= now
        {
            self.policy = policy;
            self.pending_policy = None;
        }
        if let Some(guardian) = self.pending_guardian
            && guardian.effective_at <= now
        {
            self.guardian = guardian.account;
            self.pending_guardian = None;
        }
        if self.frozen.and_then(|frozen| frozen.thaws_at).is_some_and(|at| at <= now) {
            self.frozen = None;
        }
        for vendor in &mut self.vendors {
            vendor.is_in_force = vendor.effective_at <= now;
        }
    }
}

/// What the registry said of an app up to `at`, in the chain's order, and from where on, if not from the start.
async fn registry_events(
    store: &Store,
    as_of: &AsOf,
    id: Address,
    at: Moment,
) -> Result<(Vec<Event>, Option<Place>)> {
    let Some(registry) = store.contract_of(Kind::AppRegistry).await? else {
        return Ok((Vec::new(), None));
    };
    let said = Newest {
        contract: Some(registry),
        app: Some(id),
        up_to: Some(at.block.number),
        limit: MOST_FOLDED.saturating_add(1),
        ..Newest::default()
    };
    let mut rows = store.newest(&Newest { names: &REGISTRY, ..said.clone() }).await?;
    let is_cut = rows.len() > MOST_FOLDED as usize;
    rows.truncate(MOST_FOLDED as usize);
    let mut told_from = None;
    if let Some(oldest) = rows.last().filter(|_| is_cut) {
        told_from = Some(Event::new(oldest, as_of).place);
        if oldest.name.as_deref() != Some("AppEntered") {
            rows.extend(store.newest(&Newest { names: &["AppEntered"], limit: 1, ..said }).await?);
        }
    }
    rows.reverse();
    Ok((Event::all(&rows, as_of), told_from))
}

/// What an AllowlistPolicy said, of one app or of all, up to `at`, in the chain's order: all of it, or the newest; then with the
/// settings from before, and the place from which on its lists are told. Nothing of other policies.
pub(super) async fn policy_events(
    store: &Store,
    as_of: &AsOf,
    app: Option<Address>,
    policy: Address,
    at: Moment,
) -> Result<(Vec<Event>, Option<Place>)> {
    let said = Newest {
        contract: Some(policy),
        app,
        up_to: Some(at.block.number),
        limit: MOST_FOLDED.saturating_add(1),
        ..Newest::default()
    };
    let begin = Newest { names: &["PolicyInitialized"], limit: 1, ..said.clone() };
    let begin = store.newest(&begin).await?;
    if begin.is_empty() {
        return Ok((Vec::new(), None));
    }
    let mut rows = store.newest(&Newest { names: &POLICY, ..said.clone() }).await?;
    let is_cut = rows.len() > MOST_FOLDED as usize;
    rows.truncate(MOST_FOLDED as usize);
    let mut told_from = None;
    if let Some(oldest) = rows.last().filter(|_| is_cut) {
        told_from = Some(Event::new(oldest, as_of).place);
        let before = Some((oldest.block, oldest.log_index));
        let before = Newest { before, ..said };
        rows.extend(
            store.newest(&Newest { names: &SETTINGS, limit: FEW, ..before.clone() }).await?,
        );
        // One is enough to tell that the policy began with a list of measurements.
        let measured = Newest { names: &["MeasurementApproved"], limit: 1, ..before };
        rows.extend(store.newest(&measured).await?);
        rows.extend(begin);
        rows.sort_unstable_by_key(|row| std::cmp::Reverse((row.block.number, row.log_index)));
        rows.dedup_by_key(|row| (row.block.number, row.log_index));
    }
    rows.reverse();
    Ok((Event::all(&rows, as_of), told_from))
}

fn pending(event: &Event, account: &str) -> Result<Pending> {
    Ok(Pending {
        account: event.args.address(account)?,
        effective_at: event.args.number("effectiveAt")?,
    })
}

#[cfg(test)]
pub(crate) mod tests;
