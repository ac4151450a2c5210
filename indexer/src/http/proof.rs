//! `GET /v1/events/{block_hash}/{log_index}/proof`: header and receipt proof, as they were taken at index time. Whoever knows
//! the block's hash to be true needs nothing else from here. [IDX-7]

use super::{Refused, events::find};
use crate::run::Service;
use alloy_primitives::{B256, hex};
use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) async fn proof(
    State(service): State<Arc<Service>>,
    place: Result<Path<(B256, u64)>, PathRejection>,
) -> Result<Json<Value>, Refused> {
    let row = find(&service, place).await?;
    let receipt = service.store.receipt(row.block.hash, row.tx_index).await?;
    let receipt = receipt.ok_or_else(|| Refused::not_found("the receipt was not kept"))?;
    Ok(Json(json!({
        "block_number": row.block.number,
        "block_hash": row.block.hash,
        "header": receipt.header,
        "tx_index": receipt.tx_index,
        "key": hex::encode_prefixed(alloy_rlp::encode(receipt.tx_index)),
        "receipt": receipt.receipt,
        "proof": receipt.proof,
        "log_in_receipt": row.log_index.saturating_sub(receipt.first_log),
    })))
}
