//! `POST /v1/authorize`. Order: size, source, known, anchor, quote, budget, proof of r, policy. [AUTH-1]..[AUTH-8]

use super::{Json, Refused};
use crate::{chain::Snapshot, metrics::Metrics, node::Node};
use alloy::primitives::{Address, B256};
use axum::extract::State;
use kms_core::{
    Budget, JudgeError, Judged,
    authorize::{Outcome, Signer, authorize as decide},
    judge,
    judge::{Judge, Purpose},
};
use std::{
    sync::{Arc, OnceLock, atomic::Ordering},
    time::Instant,
};
use wire::{
    SeatId,
    request::{Authorization, Code, KeyRequest},
};

pub(crate) async fn authorize(
    State(node): State<Arc<Node>>,
    Json(request): Json<KeyRequest>,
) -> Result<axum::Json<Authorization>, Refused> {
    let outcome = answer(&node, &request).await;
    count(&node, &outcome);
    outcome.map(axum::Json)
}

async fn answer(node: &Node, request: &KeyRequest) -> Result<Authorization, Refused> {
    let snapshot = node.fresh()?;
    let seat = acting_seat(node)?;
    if let Some(known) = known(node, &snapshot, request).await? {
        return Ok(known);
    }
    let judged = judged(node, &snapshot, seat, Purpose::Authorize, request).await?;
    let signer = Signer { network: &node.network, seat, key: &node.key };
    let outcome = node.chain.run(&snapshot, |chain| decide(&signer, &judged, chain)).await??;
    match outcome {
        Outcome::Authorized(authorization) => {
            let now = snapshot.lock().time();
            let kept = node.store.keep_authorization(&authorization, &request.evidence, now).await;
            kept.map_err(Refused::internal)?;
            Ok(*authorization)
        }
        Outcome::Refused(refusal) => Err(refusal.into()),
    }
}

/// What was authorized before for this request in the active epoch: replayed evidence costs one look-up. [AUTH-1]
async fn known(
    node: &Node,
    snapshot: &Snapshot,
    request: &KeyRequest,
) -> Result<Option<Authorization>, Refused> {
    let network = &node.network;
    let found = node.chain.run(snapshot, |chain| {
        let epoch = network.keyset(chain.head())?.map(|keyset| keyset.epoch);
        let log = network.issuance_log(chain.head())?;
        Ok::<_, JudgeError>((epoch, judge::claimed_issuance_id(network, log, request)?))
    });
    let (Some(epoch), id) = found.await?? else {
        return Ok(None);
    };
    let kept = node.store.authorization(id, epoch).await.map_err(Refused::internal)?;
    Ok(kept.filter(|kept| kept.issuance.evidenceHash == request.evidence.hash()))
}

/// The seat of this node, if it has one and holds the shares of the epoch that it knows.
pub(super) fn acting_seat(node: &Node) -> Result<SeatId, Refused> {
    if !node.readable.load(Ordering::Relaxed) {
        let detail = "no endpoint gives true answers about the proven head";
        return Err(Refused::new(Code::HeadStale, detail));
    }
    match (node.seat(), node.shares()) {
        (Some(seat), Some(_)) => Ok(seat),
        _ => Err(Refused::new(Code::NoShare, "this node holds no share of the active epoch")),
    }
}

/// Judges a request once; the judgement is kept for its release.
pub(super) async fn judged(
    node: &Node,
    snapshot: &Snapshot,
    seat: SeatId,
    purpose: Purpose,
    request: &KeyRequest,
) -> Result<Arc<Judged>, Refused> {
    let key = Judged::cache_key(request);
    if purpose == Purpose::Release
        && let Some(kept) = node.judgements.get(key)
    {
        return Ok(kept);
    }
    let judge = Judge { network: &node.network, seat, signer: node.key.address() };
    let budget = OncePerRequest { node, granted: OnceLock::new() };
    let outcome = node
        .chain
        .run(snapshot, |chain| kms_core::judge(&judge, purpose, request, chain, &mut &budget))
        .await;
    let judged = Arc::new(outcome??);
    node.judgements.keep(key, Arc::clone(&judged));
    Ok(judged)
}

/// Takes from the budget once, however often a run is repeated for missing facts.
struct OncePerRequest<'a> {
    node: &'a Node,
    granted: OnceLock<bool>,
}

impl Budget for &OncePerRequest<'_> {
    fn take(&mut self, app: Address, device: B256, request: B256) -> bool {
        let now = Instant::now();
        *self.granted.get_or_init(|| self.node.apps.take_once((app, device), request, now))
    }
}

fn count<T>(node: &Node, outcome: &Result<T, Refused>) {
    let metrics = &node.metrics;
    Metrics::add(match outcome {
        Ok(_) => &metrics.authorized,
        Err(refused) if refused.code == Code::Denied => &metrics.denied,
        Err(refused) if refused.code == Code::Internal => &metrics.internal,
        Err(_) => &metrics.refused,
    });
}
