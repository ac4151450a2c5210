//! `GET /v1/evidence/{hash}` and `GET /v1/events/{block_hash}/{log_index}/bundle`: what proves an event to somebody who trusts
//! neither this indexer nor any node. Spec: docs/spec/bundle.md [BUN-16], [BUN-17].

use super::{
    Refused,
    events::{Place, find},
    shape::hash_schema,
};
use crate::{
    run::Service,
    store::{EventRow, Kept},
};
use alloy_primitives::B256;
use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::header,
    response::{IntoResponse, Response},
};
use bundle::provable;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// Which evidence.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct Which {
    /// As events name it.
    #[param(schema_with = hash_schema)]
    hash: B256,
}

/// The bytes whose keccak256 is the hash, as nodes serve them.
#[utoipa::path(
    get, path = "/v1/evidence/{hash}", tag = "events", params(Which),
    responses((status = 200, description = "Quote, event log and collateral", body = Vec<u8>,
        content_type = "application/octet-stream"))
)]
pub(crate) async fn evidence(
    State(service): State<Arc<Service>>,
    which: Result<Path<Which>, PathRejection>,
) -> Result<Response, Refused> {
    let Path(Which { hash }) =
        which.map_err(|rejection| Refused::malformed(rejection.body_text()))?;
    let bytes = service.store.evidence(hash).await?;
    let bytes = bytes.ok_or_else(|| Refused::not_found("this evidence is not kept here"))?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes.to_vec()).into_response())
}

/// The bundle, in its one text. It ends at the block whose hash is that of its last header.
#[utoipa::path(
    get, path = "/v1/events/{block_hash}/{log_index}/bundle", tag = "events", params(Place),
    responses((status = 200, description = "An evidence bundle (docs/spec/bundle.md)", body = Object,
        content_type = "application/json"))
)]
pub(crate) async fn bundle(
    State(service): State<Arc<Service>>,
    place: Result<Path<Place>, PathRejection>,
) -> Result<Response, Refused> {
    let row = find(&service, place).await?;
    match service.store.bundle(row.block.hash, row.log_index).await? {
        Kept::Bundle(bundle) => {
            let json = [(header::CONTENT_TYPE, "application/json")];
            Ok((json, bundle.to_text()).into_response())
        }
        Kept::Failed(failure) => Err(Refused::not_found(format!("no bundle: {failure}"))),
        Kept::NotYet => Err(Refused::not_found(match is_provable(&row) {
            true => "no bundle yet: it is made once the event's block is final",
            false => "no bundle: one proves an issuance or a revocation, of a contract of ours",
        })),
    }
}

fn is_provable(row: &EventRow) -> bool {
    let name = row.name.as_deref();
    row.standing == "trail" && provable().any(|provable| name == Some(provable))
}
