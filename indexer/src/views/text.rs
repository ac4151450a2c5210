//! Whether the chain names a text, and by which hash. Spec: docs/spec/api.md [API-6].

use super::proposal::content_of;
use crate::store::{Sort, Store};
use alloy_primitives::{B256, keccak256};
use anyhow::Result;
use proposal::{approvals, compose::compose_hash, simulation_of};

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
    for row in store.proposals_with(hash).await? {
        let Some(content) = content_of(&row) else { continue };
        let names_it = match sort {
            Sort::Simulation => simulation_of(&content.description) == Some(hash),
            Sort::AppCompose => approvals(&content.calls).is_ok_and(|approved| {
                let is_code = |what: &str| matches!(what, "compose hash" | "node compose hash");
                approved.iter().any(|approval| approval.hash == hash && is_code(approval.what))
            }),
        };
        if names_it {
            return Ok(true);
        }
    }
    Ok(false)
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
