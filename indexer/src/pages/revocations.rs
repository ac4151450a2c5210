//! `/revocations` and `/revocations/{block_hash}/{log_index}`: from which block on nothing was recorded. [EXP-5]

use super::{
    Frame, Pages,
    frame::Check,
    html::{self, lower},
    timeline::{self, Asked, Sort},
};
use crate::{
    http::Refused,
    views::{judges, revocation::Revocation, routes::path, says::Act},
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
#[template(path = "revocation.html")]
struct Page<'a> {
    frame: &'a Frame,
    view: Revocation,
    window: u64,
    checks: Vec<Check>,
}

pub(super) async fn list(
    frame: Frame,
    State(pages): State<Pages>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let sort = Sort {
        title: "Revocations",
        lead: "Whatever narrows who may have keys, newest first. Each counts in its own block.",
        path: "/revocations",
        names: Act::Revocation.names(),
    };
    timeline::list(&frame, &pages, asked, sort).await
}

pub(super) async fn page(
    frame: Frame,
    State(pages): State<Pages>,
    place: Result<Path<(B256, u64)>, PathRejection>,
) -> Response {
    frame.answer(build(&frame, &pages, place).await)
}

async fn build<'a>(
    frame: &'a Frame,
    pages: &Pages,
    place: Result<Path<(B256, u64)>, PathRejection>,
) -> Result<Page<'a>, Refused> {
    let ((block, log_index), service) = (path(place)?, &pages.service);
    let row = service.store.event(block, log_index).await?;
    let event = match &row {
        Some(row) => Some(judges::one(&service.store, row, &frame.as_of).await?),
        None => None,
    };
    let event = event.filter(Revocation::is_one);
    let event = event.ok_or_else(|| Refused::not_found("no revocation stands there"))?;
    let window = service.release_window_blocks;
    let view = Revocation::load(&service.store, &frame.as_of, event, window).await?;
    Ok(Page { frame, checks: checks(frame, &view), view, window })
}

fn checks(frame: &Frame, view: &Revocation) -> Vec<Check> {
    let (event, base) = (&view.event, &frame.base);
    let here = format!("{base}/v1/events/{}/{}", event.place.block_hash, event.place.log_index);
    let mut checks =
        vec![Check::new("receipt, trie nodes and header", format!("curl -s {here}/proof"))];
    if let Ok(code) = event.args.hash("composeHash") {
        checks.push(Check::bundle(frame, &here));
        checks.push(Check::new(
            "that the code does not count: 0",
            format!(
                "cast call {} 'composeHashEffectiveAt(bytes32)(uint64)' {code} --block {} --rpc-url \"$ETH_RPC_URL\"",
                lower(&event.contract),
                event.place.block_number,
            ),
        ));
    }
    if let Some(app) = event.app_id {
        checks.push(Check::new(
            "every record of the app",
            format!("curl -s '{base}/v1/issuances?app={}'", lower(&app)),
        ));
    }
    checks
}
