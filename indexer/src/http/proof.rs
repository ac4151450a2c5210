//! `GET /v1/events/{block_hash}/{log_index}/proof`: header and receipt proof, as they were taken at index time. Whoever knows
//! the block's hash to be true needs nothing else from here. [IDX-7]

use super::{
    Refused,
    events::{Place, find},
    shape::EventProof,
};
use crate::run::Service;
use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use std::sync::Arc;

/// What proves an event to whoever knows the block's hash to be true.
#[utoipa::path(
    get, path = "/v1/events/{block_hash}/{log_index}/proof", tag = "events", params(Place),
    responses((status = 200, description = "Header, receipt, and the trie nodes between", body = EventProof))
)]
pub(crate) async fn proof(
    State(service): State<Arc<Service>>,
    place: Result<Path<Place>, PathRejection>,
) -> Result<Json<EventProof>, Refused> {
    let row = find(&service, place).await?;
    let receipt = service.store.receipt(row.block.hash, row.tx_index).await?;
    let receipt = receipt.ok_or_else(|| Refused::not_found("the receipt was not kept"))?;
    Ok(Json(EventProof::new(&row, receipt)))
}
