//! The API. One file per resource. Spec: docs/spec/api.md [API-1]..[API-5], index.md [IDX-8], [IDX-9].

mod cursor;
mod events;
mod evidence;
mod filter;
mod format;
mod guard;
mod lists;
mod openapi;
mod problem;
mod proof;
pub(crate) mod shape;
mod sourcify;
mod status;
mod stream;
mod texts;
mod verify;

use crate::{run::Service, views::routes as views};
use axum::{Router, http::header, middleware::from_fn_with_state, routing::get};
use std::sync::Arc;
pub(crate) use stream::MAX_STREAMS;
use utoipa_axum::{router::OpenApiRouter, routes};
pub(crate) use {
    events::{Place, find},
    format::Row,
    problem::Refused,
    verify::too_large,
};

/// Everything that has a description.
fn resources() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(status::status))
        .routes(routes!(events::list))
        .routes(routes!(events::one))
        .routes(routes!(proof::proof))
        .routes(routes!(evidence::bundle))
        .routes(routes!(evidence::evidence))
        .routes(routes!(stream::stream))
        .routes(routes!(views::overview))
        .routes(routes!(lists::apps))
        .routes(routes!(views::app))
        .routes(routes!(lists::issuances))
        .routes(routes!(views::issuance))
        .routes(routes!(lists::revocations))
        .routes(routes!(views::revocation))
        .routes(routes!(lists::proposals))
        .routes(routes!(views::proposal))
        .routes(routes!(texts::read, texts::send))
        .routes(routes!(verify::verify))
        .routes(routes!(views::committee))
        .routes(routes!(views::roots))
        .routes(routes!(lists::contracts))
        .routes(routes!(sourcify::metadata))
        .routes(routes!(status::healthz))
        .routes(routes!(status::readyz))
        .routes(routes!(status::metrics))
}

/// The API's description, as it is served.
pub(crate) fn description() -> String {
    openapi::text(&openapi::with_refusals(resources().into_openapi()))
}

/// The public API.
pub(crate) fn router(service: Arc<Service>) -> Router {
    let description: Arc<str> = description().into();
    let described =
        get(async move || ([(header::CONTENT_TYPE, "application/json")], description.to_string()));
    Router::from(resources())
        .route("/v1/openapi.json", described)
        .route("/contracts/{level}/{chain_id}/{address}/sources/{*path}", get(sourcify::source))
        .with_state(Arc::clone(&service))
        .merge(crate::pages::routes(service))
        .layer(from_fn_with_state(guard::Limits::default(), guard::guard))
}
