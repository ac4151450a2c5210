//! Whether the chain names a text, and by which hash. Spec: docs/spec/api.md [API-6].

use super::proposal::content_of;
use crate::store::{EventRow, Sort, Store};
use alloy_primitives::{B256, keccak256};
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

/// Whether a canonical event, or the calls or the text of a proposal, names such a text by this hash.
pub(crate) async fn is_named(store: &Store, hash: B256, sort: Sort) -> Result<bool> {
    if sort == Sort::AppCompose && store.is_named_code(hash).await? {
        return Ok(true);
    }
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
