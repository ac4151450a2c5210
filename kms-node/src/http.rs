//! The public API and the admin listener. Spec: docs/spec/authorize.md, release.md. One file per resource.

mod authorize;
mod evidence;
mod info;
mod problem;
mod record;
mod release;

use crate::node::Node;
use axum::{
    Router,
    extract::{
        ConnectInfo, DefaultBodyLimit, FromRequest, Request, State, rejection::JsonRejection,
    },
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
pub(crate) use problem::Refused;
use serde::de::DeserializeOwned;
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use wire::{limits::MAX_BODY_BYTES, request::Code};

/// A request that takes longer than this is given up.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The public API.
pub(crate) fn public(node: Arc<Node>) -> Router {
    let judged = Router::new()
        .route("/v1/authorize", post(authorize::authorize))
        .route("/v1/release", post(release::release))
        .route("/v1/record", post(record::record))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&node), within_budget));
    Router::new()
        .merge(judged)
        .route("/v1/info", get(info::info))
        .route("/v1/evidence/{hash}", get(evidence::evidence))
        .route("/healthz", get(info::healthz))
        .route("/readyz", get(info::readyz))
        .fallback(|| async { Refused::new(Code::NotFound, "see docs/spec for what there is") })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(tower_http::timeout::TimeoutLayer::with_status_code(
            axum::http::StatusCode::GATEWAY_TIMEOUT,
            TIMEOUT,
        ))
        .with_state(node)
}

/// The admin listener: keep it private.
pub(crate) fn admin(node: Arc<Node>) -> Router {
    Router::new()
        .route("/metrics", get(info::metrics))
        .route("/statements", get(info::statements))
        .with_state(node)
}

/// The budget of one source comes first: a refusal costs next to nothing. [AUTH-1]
async fn within_budget(
    State(node): State<Arc<Node>>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Result<Response, Refused> {
    if !node.sources.take(source.ip(), Instant::now()) {
        let detail = format!(
            "at most {} requests a minute from one address",
            node.measured.limits.requests_per_minute
        );
        return Err(Refused::new(Code::RateLimited, detail));
    }
    Ok(next.run(request).await)
}

/// JSON whose rejections are problems.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let axum::Json(body) = axum::Json::from_request(request, state).await?;
        Ok(Self(body))
    }
}

impl From<JsonRejection> for Refused {
    fn from(rejection: JsonRejection) -> Self {
        let code = match rejection.status() {
            axum::http::StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
            _ => Code::Malformed,
        };
        Self::new(code, rejection.body_text())
    }
}
