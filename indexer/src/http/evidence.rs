//! `GET /v1/evidence/{hash}` and `GET /v1/events/{block_hash}/{log_index}/bundle`: what proves an event to somebody who trusts
//! neither this indexer nor any node. Spec: docs/spec/bundle.md [BUN-16], [BUN-17].

use super::{Refused, events::find};
use crate::{run::Service, store::Kept};
use alloy_primitives::B256;
use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::header,
    response::{IntoResponse, Response},
};
use std::sync::Arc;

/// The bytes whose keccak256 is the hash, as nodes serve them.
pub(crate) async fn evidence(
    State(service): State<Arc<Service>>,
    hash: Result<Path<B256>, PathRejection>,
) -> Result<Response, Refused> {
    let Path(hash) = hash.map_err(|rejection| Refused::malformed(rejection.body_text()))?;
    let bytes = service.store.evidence(hash).await?;
    let bytes = bytes.ok_or_else(|| Refused::not_found("this evidence is not kept here"))?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes.to_vec()).into_response())
}

/// The bundle, in its one text. It ends at the block whose hash is that of its last header.
pub(crate) async fn bundle(
    State(service): State<Arc<Service>>,
    place: Result<Path<(B256, u64)>, PathRejection>,
) -> Result<Response, Refused> {
    let row = find(&service, place).await?;
    match service.store.bundle(row.block.hash, row.log_index).await? {
        Kept::Bundle(bundle) => {
            let json = [(header::CONTENT_TYPE, "application/json")];
            Ok((json, bundle.to_text()).into_response())
        }
        Kept::Failed(failure) => Err(Refused::not_found(format!("no bundle: {failure}"))),
        Kept::NotYet => Err(Refused::not_found(
            "no bundle: made for KeyIssued and ComposeHashRevoked, once their block is final",
        )),
    }
}
