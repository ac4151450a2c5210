//! `/contracts` and `/contracts/{address}`: every followed contract, and whether its trail is whole.

use super::{
    Frame, Pages,
    frame::Check,
    html::{self, lower},
};
use crate::{
    http::Refused,
    store::Newest,
    views::{Event, judges, routes::path, trail::Contract},
};
use alloy_primitives::Address;
use askama::Template;
use axum::{
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};

/// Events that a contract's page shows.
const FEW: u32 = 25;
/// Contracts that the list shows: a network with more is read as JSON.
const MOST: u32 = 150;

#[derive(Template)]
#[template(path = "contracts.html")]
struct List<'a> {
    frame: &'a Frame,
    contracts: Vec<Contract>,
    is_cut: bool,
    checks: Vec<Check>,
}

#[derive(Template)]
#[template(path = "contract.html")]
struct Page<'a> {
    frame: &'a Frame,
    contract: Contract,
    events: Vec<Event>,
    app: Option<Address>,
    /// That app never named it.
    is_nothing_to_app: bool,
    checks: Vec<Check>,
}

pub(super) async fn list(frame: Frame, State(pages): State<Pages>) -> Response {
    frame.answer(build_list(&frame, &pages).await)
}

async fn build_list<'a>(frame: &'a Frame, pages: &Pages) -> Result<List<'a>, Refused> {
    let store = &pages.service.store;
    // What is wrong comes first.
    let mut contracts = Contract::wrong(store).await?;
    let rest = Contract::list(store, MOST).await?;
    let is_cut = rest.len() == MOST as usize;
    contracts.extend(rest.into_iter().filter(|c| c.is_whole() || c.verdict.is_none()));
    let checks =
        vec![Check::new("every contract as JSON", format!("curl -s {}/v1/contracts", frame.base))];
    Ok(List { frame, contracts, is_cut, checks })
}

pub(super) async fn page(
    frame: Frame,
    State(pages): State<Pages>,
    address: Result<Path<Address>, PathRejection>,
) -> Response {
    frame.answer(build(&frame, &pages, address).await)
}

async fn build<'a>(
    frame: &'a Frame,
    pages: &Pages,
    address: Result<Path<Address>, PathRejection>,
) -> Result<Page<'a>, Refused> {
    let (address, store) = (path(address)?, &pages.service.store);
    let contract = Contract::find(store, address).await?;
    let contract =
        contract.ok_or_else(|| Refused::not_found("the index follows no such contract"))?;
    let newest = Newest { contract: Some(address), limit: FEW, ..Newest::default() };
    let mut events = Event::all(&store.newest(&newest).await?, &frame.as_of);
    judges::tell(store, &mut events, None).await?;
    let app = match contract.kind {
        "policy" | "foreign-policy" => events.iter().find_map(|event| event.app_id),
        _ => None,
    };
    let (text, finalized) = (lower(&address), frame.as_of.finalized.number);
    let mut checks = Vec::new();
    if contract.has_trail {
        let at = contract.verdict.as_ref().map_or(finalized, |verdict| verdict.at.number);
        checks.push(Check::new(
            "how many events it has emitted and the hash over them, from an endpoint of your own",
            format!(
                "cast call {text} 'trail()(uint64,uint192)' --block {at} --rpc-url \"$ETH_RPC_URL\""
            ),
        ));
    }
    checks.push(Check::new(
        "its events as JSON",
        format!("curl -s '{}/v1/events?contract={text}'", frame.base),
    ));
    let of_app = events.iter().find(|event| app.is_some() && event.app_id == app);
    let is_nothing_to_app = of_app.is_some_and(Event::is_nothing_to_app);
    Ok(Page { frame, contract, events, app, is_nothing_to_app, checks })
}
