//! `PUT` and `GET /v1/texts/{hash}`: the app-compose.json behind a compose hash, the report behind a simulation's hash. Anybody
//! sends, the hash says whether it is the right one. Spec: docs/spec/api.md [API-6], [API-7].

use super::{
    Refused,
    problem::{Code, Problem},
    shape::hash_schema,
};
use crate::{
    run::Service,
    store::Sort,
    views::text::{Room, room_for, sort_of},
};
use alloy_primitives::{Address, B256};
use axum::{
    Json,
    body::{Body, to_bytes},
    extract::{Path, State, rejection::PathRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The longest text that is kept.
pub(crate) const MAX_TEXT_BYTES: usize = 256 * 1024;

/// Bytes under one hash never change; whatever they say, a browser shows them as text and runs nothing.
const HEADERS: [(header::HeaderName, &str); 4] = [
    (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
    (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox; frame-ancestors 'none'"),
];

/// Which text.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct Which {
    /// SHA-256 of an app-compose.json, keccak256 of a simulation's report.
    #[param(schema_with = hash_schema)]
    hash: B256,
}

/// What was kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Kept {
    #[schema(schema_with = hash_schema)]
    hash: B256,
    /// `app-compose` or `simulation`.
    sort: &'static str,
}

/// A text that the chain names, if somebody sent it.
#[utoipa::path(
    get, path = "/v1/texts/{hash}", tag = "texts", params(Which),
    responses((status = 200, description = "The bytes that have this hash", body = String, content_type = "text/plain"))
)]
pub(crate) async fn read(
    State(service): State<Arc<Service>>,
    which: Result<Path<Which>, PathRejection>,
) -> Result<Response, Refused> {
    let hash = hash(which)?;
    let text = service.store.text(hash).await?;
    let text = text.ok_or_else(|| Refused::not_found("nobody sent the text behind this hash"))?;
    Ok((HEADERS, text).into_response())
}

/// Sends a text that an event or a proposal names by this hash.
#[utoipa::path(
    put, path = "/v1/texts/{hash}", tag = "texts", params(Which),
    request_body(content = String, content_type = "text/plain", description = "The exact bytes, at most 256 KiB of UTF-8"),
    responses(
        (status = 200, description = "It was there already", body = Kept),
        (status = 201, description = "It is kept", body = Kept),
        (status = 403, description = "`not_named`", body = Problem, content_type = "application/problem+json"),
        (status = 507, description = "`full`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong_hash`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn send(
    State(service): State<Arc<Service>>,
    which: Result<Path<Which>, PathRejection>,
    body: Body,
) -> Result<Response, Refused> {
    let (hash, store) = (hash(which)?, &service.store);
    let too_large =
        |_| Refused::new(Code::TooLarge, format!("a text: at most {MAX_TEXT_BYTES} bytes"));
    let body = to_bytes(body, MAX_TEXT_BYTES).await.map_err(too_large)?;
    let sort = sort_of(hash, &body).ok_or_else(wrong_hash)?;
    let text = std::str::from_utf8(&body).ok().filter(|text| !text.contains('\0'));
    let text = text.ok_or_else(|| Refused::malformed("a text is UTF-8 without NUL"))?;
    let kept = Json(Kept { hash, sort: sort.word() });
    if store.text(hash).await?.is_some() {
        return Ok((StatusCode::OK, kept).into_response());
    }
    let app = match room_for(store, service.texts, (hash, sort, body.len())).await? {
        Room::For(app) => app,
        Room::NotNamed => return Err(not_named(sort)),
        Room::AppFull(app) => return Err(full(&app_is_full(&service, app))),
        Room::Full => return Err(full(&all_is_full(&service))),
    };
    store.keep_text(hash, sort, app, text).await?;
    Ok((StatusCode::CREATED, kept).into_response())
}

fn hash(which: Result<Path<Which>, PathRejection>) -> Result<B256, Refused> {
    let Path(Which { hash }) =
        which.map_err(|rejection| Refused::malformed(rejection.body_text()))?;
    Ok(hash)
}

fn wrong_hash() -> Refused {
    let words = "neither SHA-256 nor keccak256 of these bytes: send the exact bytes of the file, with no byte more";
    Refused::new(Code::WrongHash, words)
}

fn full(words: &str) -> Refused {
    let words =
        format!("{words}. Put it where the approval's uri says, or run an index of your own");
    Refused::new(Code::Full, words)
}

fn app_is_full(service: &Service, app: Address) -> String {
    let most = service.texts.per_app;
    format!(
        "{most} texts are kept for app {app}, which alone names this one; whoever runs this index may raise `per_app` in [texts]"
    )
}

fn all_is_full(service: &Service) -> String {
    let most = service.texts.total_megabytes;
    format!(
        "{most} MB of texts are kept; whoever runs this index may raise `total_megabytes` in [texts]"
    )
}

fn not_named(sort: Sort) -> Refused {
    let words = match sort {
        Sort::AppCompose => {
            "no approval by a policy of ours, no issuance and no proposal names this compose hash, up to the newest block here"
        }
        Sort::Simulation => "no proposal's text names this report, up to the newest block here",
    };
    Refused::new(Code::NotNamed, words)
}
