//! `/verify`: an event, checked in the reader's browser against a block hash that this server did not choose. [EXP-10]

use super::{Frame, Pages, assets::POLICY_OF_VERIFY, frame::Check};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::{HeaderValue, header},
    response::Response,
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    block: String,
    #[serde(default)]
    log: String,
}

#[derive(Template)]
#[template(path = "verify.html")]
struct Page<'a> {
    frame: &'a Frame,
    block: String,
    log: String,
    checks: Vec<Check>,
}

pub(super) async fn page(
    frame: Frame,
    State(_): State<Pages>,
    Query(asked): Query<Asked>,
) -> Response {
    let is_hash = asked.block.parse::<alloy_primitives::B256>().is_ok();
    let is_number = asked.log.parse::<u64>().is_ok();
    let mut checks = Vec::new();
    if is_hash && is_number {
        let here = format!("{}/v1/events/{}/{}", frame.base, asked.block, asked.log);
        checks
            .push(Check::new("the proof that the script checks", format!("curl -s {here}/proof")));
        checks.push(Check::new(
            "the block's receiptsRoot, from an endpoint of your own",
            format!("cast block {} --field receiptsRoot --rpc-url \"$ETH_RPC_URL\"", asked.block),
        ));
    }
    let page = Page { frame: &frame, block: asked.block, log: asked.log, checks };
    let mut response = frame.answer(Ok(page));
    let policy = HeaderValue::from_static(POLICY_OF_VERIFY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}
