//! `POST /v1/release`: repeatable; a node that did not authorize judges the evidence first. [REL-1]..[REL-6]

use super::{
    Json, Refused,
    authorize::{acting_seat, judged},
};
use crate::{metrics::Metrics, node::Node, state_file::rng};
use axum::extract::State;
use kms_core::{
    authorize::Signer,
    judge::Purpose,
    release::{Outcome, release as decide},
};
use std::sync::Arc;
use wire::request::{Code, KeyRequest, Release};

pub(crate) async fn release(
    State(node): State<Arc<Node>>,
    Json(request): Json<KeyRequest>,
) -> Result<axum::Json<Release>, Refused> {
    let outcome = answer(&node, &request).await;
    let metrics = &node.metrics;
    Metrics::add(match &outcome {
        Ok(_) => &metrics.released,
        Err(refused) if refused.code == Code::Denied => &metrics.denied,
        Err(refused) if refused.code == Code::Internal => &metrics.internal,
        Err(_) => &metrics.refused,
    });
    outcome.map(axum::Json)
}

async fn answer(node: &Node, request: &KeyRequest) -> Result<Release, Refused> {
    let snapshot = node.fresh()?;
    let seat = acting_seat(node)?;
    let shares = node.shares().ok_or_else(|| Refused::new(Code::NoShare, "no share"))?;
    let judged = judged(node, &snapshot, seat, Purpose::Release, request).await?;
    let signer = Signer { network: &node.network, seat, key: &node.key };
    let window = node.measured.limits.release_window_blocks;
    let outcome = node
        .chain
        .run(&snapshot, |chain| decide(&signer, &judged, chain, &shares, window, &mut rng()))
        .await;
    match outcome?? {
        Outcome::Released(release) => {
            let now = snapshot.lock().time();
            let marked = node.store.mark_released(judged.issuance_id(), now).await;
            marked.map_err(Refused::internal)?;
            Ok(*release)
        }
        Outcome::Refused(refusal) => Err(refusal.into()),
        Outcome::NotRecorded { block } => {
            let detail = format!("not recorded at block {block}: record it, or wait for the block");
            Err(Refused::new(Code::NotRecorded, detail))
        }
    }
}
