//! Which policies judge an app: those that AppRegistry has ever named for it, and those that these ask. Anybody may make a policy
//! that says it is an app's; what one says that no word of the app leads to is nothing of that app's. [EXP-22]
//!
//! Trusts: AppRegistry for what it names; of policies nothing but whom they ask, and only of those that it leads to.

use super::{AsOf, Event};
use crate::{
    decode::Kind,
    store::{EventRow, Newest, Store},
};
use alloy_primitives::Address;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};

/// Acts of the registry about one app, and of policies about whom they ask, that are read: the newest.
const MOST_ACTS: u32 = 1000;
/// Policies of one app that are told.
const MOST: usize = 256;
/// Steps below a policy that AppRegistry names, as far as the index follows. [IDX-14]
const DEEPEST: usize = 3;

/// Who judges one app, or ever did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judges {
    pub(crate) policies: BTreeSet<Address>,
    /// There are more than are told.
    pub(crate) is_cut: bool,
}

/// Who judges which app.
#[derive(Clone, Debug, Default)]
pub(crate) struct JudgesOf(BTreeMap<Address, Judges>);

impl Judges {
    /// Of `app`, by what was said up to a block.
    pub(crate) async fn load(store: &Store, app: Address, up_to: Option<u64>) -> Result<Self> {
        Self::until(store, app, up_to, None).await
    }

    /// The same, but no further than to those that are sought.
    async fn until(
        store: &Store,
        app: Address,
        up_to: Option<u64>,
        sought: Option<&BTreeSet<Address>>,
    ) -> Result<Self> {
        let mut told = Self::default();
        let Some(registry) = store.contract_of(Kind::AppRegistry).await? else {
            return Ok(told);
        };
        let named = Newest {
            contract: Some(registry),
            app: Some(app),
            names: &["AppEntered", "PolicySet"],
            up_to,
            limit: MOST_ACTS,
            ..Newest::default()
        };
        let named = store.newest(&named).await?;
        told.is_cut = named.len() >= MOST_ACTS as usize;
        let policy = |row: &EventRow| row.log.topics().get(2).copied().map(Address::from_word);
        let mut next = told.take(named.iter().filter_map(policy));
        for _ in 0..DEEPEST {
            let has_all = sought.is_some_and(|sought| sought.is_subset(&told.policies));
            if next.is_empty() || has_all {
                break;
            }
            let asked = store.asked_by(&next, up_to, MOST_ACTS).await?;
            told.is_cut |= asked.len() >= MOST_ACTS as usize;
            next = told.take(asked.into_iter());
        }
        Ok(told)
    }

    /// Those of `found` that are new.
    fn take(&mut self, found: impl Iterator<Item = Address>) -> Vec<Address> {
        let mut new = Vec::new();
        for policy in found {
            if self.policies.len() >= MOST && !self.policies.contains(&policy) {
                self.is_cut = true;
            } else if self.policies.insert(policy) {
                new.push(policy);
            }
        }
        new
    }

    /// Whether `policy` judges the app, or ever did; `None`: it is not known.
    fn has(&self, policy: Address) -> Option<bool> {
        match self.policies.contains(&policy) {
            true => Some(true),
            false => (!self.is_cut).then_some(false),
        }
    }
}

impl JudgesOf {
    /// Of the apps that these events of policies are about, by what was said up to a block.
    pub(crate) async fn load(
        store: &Store,
        about: impl IntoIterator<Item = (Kind, Address, Option<Address>)>,
        up_to: Option<u64>,
    ) -> Result<Self> {
        let mut sought: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
        for (_, policy, app) in about.into_iter().filter(|(kind, ..)| kind.is_policy()) {
            if let Some(app) = app {
                sought.entry(app).or_default().insert(policy);
            }
        }
        let mut told = Self::default();
        for (app, sought) in sought {
            told.0.insert(app, Judges::until(store, app, up_to, Some(&sought)).await?);
        }
        Ok(told)
    }

    /// The same, of rows.
    pub(crate) async fn of_rows(
        store: &Store,
        rows: &[EventRow],
        up_to: Option<u64>,
    ) -> Result<Self> {
        Self::load(store, rows.iter().map(|row| (row.kind, row.contract, row.app_id)), up_to).await
    }

    /// Whether what a contract said of an app is said by one that judges it, or ever did; `None`: it is no policy, is about no
    /// app, or it is not known.
    pub(crate) fn tells(
        &self,
        kind: Kind,
        contract: Address,
        app: Option<Address>,
    ) -> Option<bool> {
        if !kind.is_policy() {
            return None;
        }
        self.0.get(&app?)?.has(contract)
    }
}

/// An event, and whether the policy that says it judges the app that it names.
pub(crate) async fn one(store: &Store, row: &EventRow, as_of: &AsOf) -> Result<Event> {
    let mut event = Event::new(row, as_of);
    tell(store, std::slice::from_mut(&mut event), None).await?;
    Ok(event)
}

/// Tells of each event of a policy whether that policy judges the app that it names.
pub(crate) async fn tell(store: &Store, events: &mut [Event], up_to: Option<u64>) -> Result<()> {
    let about = events.iter().map(|event| (event.kind, event.contract, event.app_id));
    let judges = JudgesOf::load(store, about, up_to).await?;
    for event in events {
        event.judges_app = judges.tells(event.kind, event.contract, event.app_id);
    }
    Ok(())
}
