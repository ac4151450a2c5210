//! The explorer: views as pages for people who audit. Spec: docs/spec/explorer.md. Server-rendered, embedded in the binary,
//! whole without scripts; one file and one template per page. [EXP-7]

mod about;
mod apps;
mod assets;
mod codes;
mod committee;
mod contracts;
mod error;
mod events;
mod frame;
mod html;
mod issuances;
mod markdown;
mod overview;
mod picture;
mod proposals;
mod revocations;
mod search;
mod sessions;
mod texts;
mod timeline;
mod utc;
mod verify;

use crate::run::Service;
use axum::{Router, middleware, routing::get};
use frame::{Cached, Frame};
use std::sync::Arc;

/// What pages are made of.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    service: Arc<Service>,
    /// What every page warns of, until there is another head.
    cached: Arc<Cached>,
}

/// Every page, and what they load.
pub(crate) fn routes(service: Arc<Service>) -> Router {
    let pages = Pages { service, cached: Arc::default() };
    Router::new()
        .route("/", get(overview::page))
        .route("/events", get(timeline::page))
        .route("/events/{block_hash}/{log_index}", get(events::page))
        .route("/blocks/{hash}", get(events::block))
        .route("/apps", get(apps::list))
        .route("/apps/{app_id}", get(apps::page))
        .route("/issuances", get(issuances::list))
        .route("/issuances/{issuance_id}", get(issuances::page))
        .route("/revocations", get(revocations::list))
        .route("/revocations/{block_hash}/{log_index}", get(revocations::page))
        .route("/proposals", get(proposals::list))
        .route("/proposals/{id}", get(proposals::page))
        .route("/texts/{hash}", get(texts::page))
        .route("/committee", get(committee::page))
        .route("/roots", get(committee::roots))
        .route("/contracts", get(contracts::list))
        .route("/contracts/{address}", get(contracts::page))
        .route("/search", get(search::page))
        .route("/find/{text}", get(search::find))
        .route("/export", get(about::export))
        .route("/verify", get(verify::page).post(verify::brought))
        .route("/assets/{name}", get(assets::asset))
        .fallback(error::not_found)
        .layer(middleware::map_response(assets::harden))
        .with_state(pages)
}
