//! `/committee` and `/roots`: who holds the shares, and whose machines count. [EXP-3] [EXP-4]

use super::{
    Frame, Pages,
    frame::Check,
    html::{self, Html, lower},
    picture,
};
use crate::{
    decode::Kind,
    http::Refused,
    views::{
        Moment,
        committee::{Bears, Committee},
        roots::Roots,
        routes::{At, moment, query},
    },
};
use askama::Template;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};

#[derive(Template)]
#[template(path = "committee.html")]
struct Page<'a> {
    frame: &'a Frame,
    at: Moment,
    is_now: bool,
    committee: Committee,
    bears: Option<Bears>,
    seats: Html,
    checks: Vec<Check>,
}

#[derive(Template)]
#[template(path = "roots.html")]
struct RootsPage<'a> {
    frame: &'a Frame,
    at: Moment,
    is_now: bool,
    roots: Roots,
    checks: Vec<Check>,
}

type Asked = Result<Query<At>, QueryRejection>;

pub(super) async fn page(frame: Frame, State(pages): State<Pages>, at: Asked) -> Response {
    frame.answer(build(&frame, &pages, at).await)
}

async fn build<'a>(frame: &'a Frame, pages: &Pages, at: Asked) -> Result<Page<'a>, Refused> {
    let (store, as_of) = (&pages.service.store, &frame.as_of);
    let at = moment(store, as_of, query(at)?).await?;
    let roots = Roots::load(store, as_of, at.block.number).await?;
    let committee = Committee::load(store, as_of, &roots, at).await?;
    let contract = contract(pages, Kind::KmsCommittee).await?;
    let checks = vec![
        Check::new(
            "keyset, epoch and threshold, from an endpoint of your own",
            format!(
                "cast call {contract} 'keyset()(bytes32,bytes,bytes,uint64,uint16,bytes32)' --block {} --rpc-url \"$ETH_RPC_URL\"",
                at.block.number
            ),
        ),
        Check::new(
            "this page as JSON",
            format!("curl -s '{}/v1/committee?at={}'", frame.base, at.block.number),
        ),
    ];
    let bears = committee.bears();
    let seats = bears.as_ref().map(|bears| picture::seats(&committee, bears)).unwrap_or_default();
    Ok(Page { frame, at, is_now: at == as_of.now(), committee, bears, seats, checks })
}

pub(super) async fn roots(frame: Frame, State(pages): State<Pages>, at: Asked) -> Response {
    frame.answer(build_roots(&frame, &pages, at).await)
}

async fn build_roots<'a>(
    frame: &'a Frame,
    pages: &Pages,
    at: Asked,
) -> Result<RootsPage<'a>, Refused> {
    let (store, as_of) = (&pages.service.store, &frame.as_of);
    let at = moment(store, as_of, query(at)?).await?;
    let contract = contract(pages, Kind::AttestationRegistry).await?;
    let checks = vec![
        Check::new(
            "every root ever opened, from an endpoint of your own",
            format!(
                "cast call {contract} 'roots()(bytes32[])' --block {} --rpc-url \"$ETH_RPC_URL\"",
                at.block.number
            ),
        ),
        Check::new(
            "this page as JSON",
            format!("curl -s '{}/v1/roots?at={}'", frame.base, at.block.number),
        ),
    ];
    let roots = Roots::load(store, as_of, at.block.number).await?;
    Ok(RootsPage { frame, at, is_now: at == as_of.now(), roots, checks })
}

async fn contract(pages: &Pages, kind: Kind) -> Result<String, Refused> {
    let contract = pages.service.store.contract_of(kind).await?;
    Ok(contract.map(|contract| lower(&contract)).unwrap_or_default())
}
