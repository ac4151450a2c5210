//! `/issuances` and `/issuances/{issuance_id}`: what stood behind a key, link by link. [EXP-5]

use super::{
    Frame, Pages,
    frame::Check,
    html::{self, lower},
    timeline::{self, Asked, Sort},
};
use crate::{
    http::Refused,
    views::{
        issuance::{Chain, Issuance},
        routes::path,
        says::Act,
    },
};
use alloy_primitives::B256;
use askama::Template;
use axum::{
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    response::Response,
};

#[derive(Template)]
#[template(path = "issuance.html")]
struct Page<'a> {
    frame: &'a Frame,
    id: B256,
    chain: Chain,
    issuance: Issuance,
    window: u64,
    checks: Vec<Check>,
}

pub(super) async fn list(
    frame: Frame,
    State(pages): State<Pages>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let sort = Sort {
        title: "Issuances",
        lead: "Every key that the chain recorded for an enclave, newest first; one line per input.",
        path: "/issuances",
        names: Act::Key.names(),
    };
    timeline::list(&frame, &pages, asked, sort).await
}

pub(super) async fn page(
    frame: Frame,
    State(pages): State<Pages>,
    id: Result<Path<B256>, PathRejection>,
) -> Response {
    frame.answer(build(&frame, &pages, id).await)
}

async fn build<'a>(
    frame: &'a Frame,
    pages: &Pages,
    id: Result<Path<B256>, PathRejection>,
) -> Result<Page<'a>, Refused> {
    let (id, service) = (path(id)?, &pages.service);
    let window = service.release_window_blocks;
    let issuance = Issuance::load(&service.store, &frame.as_of, id, window).await?;
    let issuance = issuance
        .ok_or_else(|| Refused::not_found("no such issuance is recorded on the canonical chain"))?;
    let chain = Chain::load(&service.store, &frame.as_of, issuance).await?;
    let issuance = chain.issuance.clone();
    Ok(Page { frame, id, checks: checks(frame, &issuance), window, issuance, chain })
}

fn checks(frame: &Frame, issuance: &Issuance) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(place) = issuance.inputs.first().map(|input| input.place) {
        let here = format!("{}/v1/events/{}/{}", frame.base, place.block_hash, place.log_index);
        checks.push(Check::new("receipt, trie nodes and header", format!("curl -s {here}/proof")));
        checks.push(Check::bundle(frame, &here));
    }
    checks.push(Check::new(
        "this page as JSON",
        format!("curl -s {}/v1/issuances/{}", frame.base, issuance.issuance_id),
    ));
    checks.push(Check::new(
        "every event of the app",
        format!("curl -s '{}/v1/events?app={}'", frame.base, lower(&issuance.app_id)),
    ));
    checks
}
