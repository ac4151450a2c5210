//! Whether the chain names a text, by which hash, and whether there is room for it. Spec: docs/spec/api.md [API-6], [API-8].

use super::proposal::content_of;
use crate::{
    config::TextLimits,
    store::{EventRow, Namers, Share, Sort, Store},
};
use alloy_primitives::{Address, B256, keccak256};
use anyhow::Result;
use proposal::{approvals, compose::compose_hash, simulation_of};
use tokio::task::spawn_blocking;

/// What `body` is, if it has this hash.
pub(crate) fn sort_of(hash: B256, body: &[u8]) -> Option<Sort> {
    match () {
        () if B256::from(compose_hash(body)) == hash => Some(Sort::AppCompose),
        () if keccak256(body) == hash => Some(Sort::Simulation),
        () => None,
    }
}

/// Whether a text may be kept, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// For this app, or for governance.
    For(Option<Address>),
    /// The chain does not name it.
    NotNamed,
    /// Whoever names it has as many already.
    AppFull(Address),
    /// There is no room for any app, or none for governance.
    Full,
}

/// Whether and for whom a text of this length is kept. [API-6] [API-8]
pub(crate) async fn room_for(
    store: &Store,
    limits: TextLimits,
    (hash, sort, length): (B256, Sort, usize),
) -> Result<Room> {
    let namers = match sort {
        Sort::AppCompose => store.namers_of(hash).await?,
        Sort::Simulation => Namers::default(),
    };
    let fits = |share: Share| {
        let bytes = share.bytes.saturating_add(length as u64);
        bytes <= limits.total_megabytes.saturating_mul(1_000_000)
    };
    let is_governance = namers.is_governance || is_proposed(store, hash, sort).await?;
    if is_governance && fits(store.kept_for(None).await?) {
        return Ok(Room::For(None));
    }
    let Some(first) = namers.apps.first() else {
        return Ok(if is_governance { Room::Full } else { Room::NotNamed });
    };
    if !fits(store.kept_for_apps().await?) {
        return Ok(Room::Full);
    }
    for app in &namers.apps {
        if store.kept_for(Some(*app)).await?.texts < limits.per_app {
            return Ok(Room::For(Some(*app)));
        }
    }
    Ok(Room::AppFull(*first))
}

/// Whether the calls or the text of a proposal name such a text by this hash.
async fn is_proposed(store: &Store, hash: B256, sort: Sort) -> Result<bool> {
    let proposals = store.proposals_with(hash).await?;
    // Proposers choose how long that takes.
    Ok(spawn_blocking(move || proposals.iter().any(|row| is_in(row, hash, sort))).await?)
}

/// Whether the calls or the text of a proposal name it.
fn is_in(row: &EventRow, hash: B256, sort: Sort) -> bool {
    let Some(content) = content_of(row) else { return false };
    match sort {
        Sort::Simulation => simulation_of(&content.description) == Some(hash),
        Sort::AppCompose => approvals(&content.calls).is_ok_and(|approved| {
            let is_code = |what: &str| matches!(what, "compose hash" | "node compose hash");
            approved.iter().any(|approval| approval.hash == hash && is_code(approval.what))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_its_hash_says() {
        // [API-6]
        let body = b"{}";
        assert_eq!(sort_of(compose_hash(body).into(), body), Some(Sort::AppCompose));
        assert_eq!(sort_of(keccak256(body), body), Some(Sort::Simulation));
        assert_eq!(sort_of(keccak256(body), b"{} "), None);
    }
}
