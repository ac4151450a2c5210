//! The API. One file per resource. Spec: docs/spec/index.md [IDX-8], [IDX-9].

mod events;
mod evidence;
mod problem;
mod proof;
mod status;

use crate::run::Service;
use axum::{Router, routing::get};
pub(crate) use problem::Refused;
use std::{sync::Arc, time::Duration};

/// A request that takes longer than this is given up.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The public API.
pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/v1/status", get(status::status))
        .route("/v1/events", get(events::list))
        .route("/v1/events/{block_hash}/{log_index}", get(events::one))
        .route("/v1/events/{block_hash}/{log_index}/proof", get(proof::proof))
        .route("/v1/events/{block_hash}/{log_index}/bundle", get(evidence::bundle))
        .route("/v1/evidence/{hash}", get(evidence::evidence))
        .route("/healthz", get(status::healthz))
        .route("/readyz", get(status::readyz))
        .route("/metrics", get(status::metrics))
        .fallback(|| async { Refused::not_found("see docs/spec/index.md for what there is") })
        .layer(tower_http::timeout::TimeoutLayer::with_status_code(
            axum::http::StatusCode::GATEWAY_TIMEOUT,
            TIMEOUT,
        ))
        .with_state(service)
}
