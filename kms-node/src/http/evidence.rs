//! `GET /v1/evidence/{hash}`: evidence by its hash, in the canonical encoding. Whoever takes it checks the hash. (P10)

use super::Refused;
use crate::node::Node;
use alloy::primitives::B256;
use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use std::sync::Arc;
use wire::request::Code;

pub(crate) async fn evidence(
    State(node): State<Arc<Node>>,
    Path(hash): Path<String>,
) -> Result<Response, Refused> {
    let hash: B256 = hash
        .parse()
        .map_err(|_| Refused::new(Code::Malformed, "the hash has 32 bytes of hex after 0x"))?;
    let found = node.store.evidence(hash).await.map_err(Refused::internal)?;
    let bytes =
        found.ok_or_else(|| Refused::new(Code::NotFound, "this node has no such evidence"))?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}
