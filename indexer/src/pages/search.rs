//! `/search?q=`, and `/find/{text}` where every hash leads: what the index knows by a hash, address or number.

use super::{
    Frame, Pages,
    frame::Check,
    html::{self, lower},
};
use crate::{
    decode::Kind,
    http::Refused,
    store::{Newest, Topic},
    views::{
        AsOf, Event, Moment, app::App, issuance::Issuance, judges, roots::Roots, routes::path,
        trail::Contract,
    },
};
use alloy_primitives::{Address, B256};
use askama::Template;
use axum::{
    extract::{Path, Query, State, rejection::PathRejection},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

/// Events by a hash that a page shows.
const FEW: u32 = 40;
/// What anybody types is shorter.
const LONGEST: usize = 200;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "search.html")]
struct Page<'a> {
    frame: &'a Frame,
    text: String,
    events: Vec<Event>,
    is_root: bool,
    checks: Vec<Check>,
}

/// What a text leads to.
enum Found {
    Path(String),
    Events(Vec<Event>, bool),
}

pub(super) async fn page(
    frame: Frame,
    State(pages): State<Pages>,
    Query(asked): Query<Asked>,
) -> Response {
    answer(&frame, &pages, &asked.q).await
}

pub(super) async fn find(
    frame: Frame,
    State(pages): State<Pages>,
    text: Result<Path<String>, PathRejection>,
) -> Response {
    match path(text) {
        Ok(text) => answer(&frame, &pages, &text).await,
        Err(refused) => super::error::page(&frame, &refused),
    }
}

async fn answer(frame: &Frame, pages: &Pages, text: &str) -> Response {
    match look(&frame.as_of, pages, text.trim()).await {
        Ok(Found::Path(path)) => Redirect::to(&path).into_response(),
        Ok(Found::Events(events, is_root)) => {
            let text = text.trim().to_owned();
            let checks = Vec::new();
            frame.answer(Ok(Page { frame, text, events, is_root, checks }))
        }
        Err(refused) => super::error::page(frame, &refused),
    }
}

async fn look(as_of: &AsOf, pages: &Pages, text: &str) -> Result<Found, Refused> {
    if text.len() > LONGEST {
        return Err(Refused::malformed("too long: a hash, an address, or a block number"));
    }
    let digits = text.replace(['_', ','], "");
    if let Ok(number) = digits.parse::<u64>() {
        return block(pages, number).await;
    }
    let bare = text.strip_prefix("0x").unwrap_or(text);
    if let Ok(address) = bare.parse::<Address>() {
        return by_address(as_of, pages, address).await;
    }
    match bare.parse::<B256>() {
        Ok(hash) => by_hash(as_of, pages, hash).await,
        Err(_) => Err(Refused::malformed(
            "a hash is 64 hexadecimal digits, an address 40, a block a number",
        )),
    }
}

async fn block(pages: &Pages, number: u64) -> Result<Found, Refused> {
    let hash = match i64::try_from(number) {
        Ok(_) => pages.service.store.hash_at(number).await?,
        Err(_) => None,
    };
    let hash = hash.ok_or_else(|| Refused::not_found("the index has no block of that number"))?;
    Ok(Found::Path(format!("/blocks/{hash}")))
}

/// An app, a followed contract, or whatever names the address in an indexed argument.
async fn by_address(as_of: &AsOf, pages: &Pages, address: Address) -> Result<Found, Refused> {
    let store = &pages.service.store;
    let now: Moment = as_of.now();
    if App::registered(store, as_of, address, now).await?.is_some() {
        return Ok(Found::Path(format!("/apps/{}", lower(&address))));
    }
    if Contract::find(store, address).await?.is_some() {
        return Ok(Found::Path(format!("/contracts/{}", lower(&address))));
    }
    mentions(as_of, pages, address.into_word(), false).await
}

/// A block, an issuance, a root, or whatever names the hash in an indexed argument.
async fn by_hash(as_of: &AsOf, pages: &Pages, hash: B256) -> Result<Found, Refused> {
    let store = &pages.service.store;
    if store.block(hash).await?.is_some() {
        return Ok(Found::Path(format!("/blocks/{hash}")));
    }
    let window = pages.service.release_window_blocks;
    if Issuance::load(store, as_of, hash, window).await?.is_some() {
        return Ok(Found::Path(format!("/issuances/{hash}")));
    }
    let roots = Roots::load(store, as_of, as_of.latest.number).await?;
    mentions(as_of, pages, hash, roots.of(hash).is_some()).await
}

async fn mentions(
    as_of: &AsOf,
    pages: &Pages,
    word: B256,
    is_root: bool,
) -> Result<Found, Refused> {
    let store = &pages.service.store;
    let mut rows = store.by_topic(Topic::Second, word, &[], true, FEW).await?;
    rows.extend(store.by_topic(Topic::Third, word, &[], true, FEW).await?);
    // The first argument of what governance and nodes say; those contracts say little.
    for kind in [Kind::KmsCommittee, Kind::AttestationRegistry] {
        let Some(contract) = store.contract_of(kind).await? else { continue };
        let newest = Newest { contract: Some(contract), limit: 500, ..Newest::default() };
        let said = store.newest(&newest).await?.into_iter();
        rows.extend(said.filter(|row| row.log.topics().get(1) == Some(&word)));
    }
    rows.sort_by_key(|row| std::cmp::Reverse((row.block.number, row.log_index)));
    rows.dedup_by_key(|row| (row.block.hash, row.log_index));
    rows.truncate(FEW as usize);
    if rows.is_empty() {
        return Err(Refused::not_found("the index knows nothing by that name"));
    }
    let mut events = Event::all(&rows, as_of);
    judges::tell(store, &mut events, None).await?;
    Ok(Found::Events(events, is_root))
}
