//! Metadata and sources of our contracts in the layout of Sourcify's repository, so that block explorers show our events by name.
//! [API-5]
//!
//! `full_match`: the code at the address is proven to be what this metadata compiles to. A clone is 45 bytes that run another
//! contract's code, so it is a `partial_match`: the metadata is that of what it runs.

use super::Refused;
use crate::{
    builds::{Build, Deployed},
    run::Service,
};
use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// How long an explorer may keep a file: what runs at an address does not change, but a reorg may take it away.
const CACHE: &str = "public, max-age=300";

/// Whose metadata.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct Whose {
    /// `full_match`, or `partial_match` for a clone.
    level: String,
    chain_id: String,
    /// With or without checksum.
    address: String,
}

/// The compiler's metadata of the contract at an address, byte for byte. The sources that it names are beside it, under
/// `sources/`.
#[utoipa::path(
    get, path = "/contracts/{level}/{chain_id}/{address}/metadata.json", tag = "contracts", params(Whose),
    responses((status = 200, description = "metadata.json", body = Object, content_type = "application/json"))
)]
pub(crate) async fn metadata(
    State(service): State<Arc<Service>>,
    Path(whose): Path<Whose>,
) -> Result<Response, Refused> {
    let build = find(&service, &whose).await?;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, CACHE)];
    Ok((headers, build.metadata).into_response())
}

/// One source.
pub(crate) async fn source(
    State(service): State<Arc<Service>>,
    Path((level, chain_id, address, path)): Path<(String, String, String, String)>,
) -> Result<Response, Refused> {
    let build = find(&service, &Whose { level, chain_id, address }).await?;
    let text = build.source(&path);
    let text =
        text.ok_or_else(|| Refused::not_found(format!("{} has no such source", build.name)))?;
    let headers =
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, CACHE)];
    Ok((headers, text).into_response())
}

async fn find<'s>(service: &'s Service, whose: &Whose) -> Result<&'s Build, Refused> {
    let none = || Refused::not_found("no contract of ours is proven to be there");
    if whose.chain_id != service.store.cursor().await?.chain_id.to_string() {
        return Err(none());
    }
    let address = whose.address.parse().map_err(|_| none())?;
    let (build, Deployed { implementation, .. }) = service.builds.at(address).ok_or_else(none)?;
    match (whose.level.as_str(), implementation) {
        ("full_match", None) | ("partial_match", Some(_)) => Ok(build),
        _ => Err(none()),
    }
}
