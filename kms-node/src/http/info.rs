//! `GET /v1/info`, health, readiness, and the admin listener's pages.

use super::Refused;
use crate::node::Node;
use axum::{Json, extract::State, http::StatusCode};
use kms_core::JudgeError;
use light_client::ProvenState;
use std::sync::{Arc, PoisonError};
use wire::request::{BlockInfo, Info, KeysetInfo};

pub(crate) async fn info(State(node): State<Arc<Node>>) -> Result<Json<Info>, Refused> {
    let snapshot = node.chain.newest();
    let (keyset, issuance_log, head, finalized) = match &snapshot {
        None => (None, Default::default(), None, None),
        Some(snapshot) => {
            let found = node.chain.run(snapshot, |chain| {
                let state = chain.head();
                Ok::<_, JudgeError>((keyset(&node, state)?, node.network.issuance_log(state)?))
            });
            let (keyset, log) = found.await??;
            let chain = snapshot.lock();
            (keyset, log, Some(block(chain.head())), Some(block(chain.finalized())))
        }
    };
    Ok(Json(Info {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        network_hash: node.network.network_hash,
        chain_id: node.network.rules.chain_id,
        committee: node.network.committee,
        issuance_log,
        head_source: node.chain.source().to_string(),
        signer: node.key.address(),
        seat: node.seat(),
        sealing: node.sealing,
        keyset,
        head,
        finalized,
        share_epoch: node.shares().map(|shares| shares.epoch()),
        canary: node.canary(),
        ceremony: node.ceremony.read().unwrap_or_else(PoisonError::into_inner).clone(),
    }))
}

fn keyset(node: &Node, state: &ProvenState) -> Result<Option<KeysetInfo>, JudgeError> {
    let Some(keyset) = node.network.keyset(state)? else {
        return Ok(None);
    };
    let epoch = node.network.epoch(state, keyset.epoch)?;
    Ok(Some(KeysetInfo {
        id: keyset.id,
        derive_public_key: keyset.derive_public_key,
        unseal_public_key: keyset.unseal_public_key,
        epoch: keyset.epoch,
        threshold: keyset.threshold,
        seats: epoch.members,
    }))
}

fn block(state: &ProvenState) -> BlockInfo {
    let block = state.block();
    BlockInfo { number: block.number, hash: block.hash, timestamp: state.header().timestamp().0 }
}

/// The process runs.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// The node can answer: its head is fresh and it holds a share.
pub(crate) async fn readyz(State(node): State<Arc<Node>>) -> Result<&'static str, Refused> {
    node.fresh()?;
    super::authorize::acting_seat(&node)?;
    Ok("ready\n")
}

pub(crate) async fn metrics(State(node): State<Arc<Node>>) -> String {
    let (head, finalized) = match node.chain.newest() {
        None => (0, 0),
        Some(snapshot) => {
            let chain = snapshot.lock();
            (chain.head().block().number, chain.finalized().block().number)
        }
    };
    let epoch = node.shares().map_or(0, |shares| shares.epoch());
    node.metrics.render(&[
        ("quorate_head_block", "proven head", head),
        ("quorate_finalized_block", "proven finalized block", finalized),
        ("quorate_share_epoch", "epoch of the share in use, 0 for none", epoch),
    ])
}

/// Calls that wait for anyone to send them.
pub(crate) async fn statements(
    State(node): State<Arc<Node>>,
) -> Result<Json<serde_json::Value>, (StatusCode, String)> {
    let waiting = node.store.statements().await;
    let waiting = waiting.map_err(|_| (StatusCode::INTERNAL_SERVER_ERROR, String::new()))?;
    Ok(Json(serde_json::json!({ "statements": waiting })))
}
