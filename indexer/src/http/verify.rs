//! `POST /v1/verify`: a bundle or an enclave's evidence, judged and forgotten. Spec: docs/spec/explorer.md [EXP-14].

use super::{Refused, problem::Code, shape::hash_schema};
use crate::{
    run::Service,
    views::verified::{MAX_VERIFIED_BYTES, Verified},
};
use alloy_primitives::B256;
use axum::{
    Json,
    body::{Body, to_bytes},
    extract::{Query, State, rejection::QueryRejection},
};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// What the reader trusts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// For a bundle: the block that it must end at. Without it this index vouches for that block.
    #[param(schema_with = hash_schema, required = false)]
    block: Option<B256>,
}

/// Judges an evidence bundle, or evidence as `/v1/evidence/{hash}` gives it. Nothing of it is kept.
#[utoipa::path(
    post, path = "/v1/verify", tag = "verify", params(Asked),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The exact bytes, at most 4 MiB"),
    responses((status = 200, description = "Each check that holds, and the first that does not", body = Verified))
)]
pub(crate) async fn verify(
    State(service): State<Arc<Service>>,
    asked: Result<Query<Asked>, QueryRejection>,
    body: Body,
) -> Result<Json<Verified>, Refused> {
    let Query(Asked { block }) =
        asked.map_err(|rejection| Refused::malformed(rejection.body_text()))?;
    let body = to_bytes(body, MAX_VERIFIED_BYTES).await.map_err(|_| too_large())?;
    Ok(Json(Verified::judge(&service, &body, block).await?))
}

pub(crate) fn too_large() -> Refused {
    Refused::new(Code::TooLarge, format!("at most {MAX_VERIFIED_BYTES} bytes are verified"))
}
