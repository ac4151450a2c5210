//! The views as JSON, under `/v1`. Every answer says as of which block. [EXP-1]

use super::{
    AsOf, Event, Moment,
    app::App,
    committee::Committee,
    issuance::{Chain, Issuance},
    overview::Overview,
    revocation::Revocation,
    roots::Roots,
    says::Act,
    trail::Contract,
};
use crate::{
    http::Refused,
    run::Service,
    store::{Newest, Store},
};
use alloy_primitives::{Address, B256};
use axum::{
    Json, Router,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    routing::get,
};
use light_client::BlockRef;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// Rows of a list, unless asked for fewer.
pub(crate) const PAGE: u32 = 50;
const MOST: u32 = 1000;

type Answer = Result<Json<Value>, Refused>;
type Asked<T> = Result<Query<T>, QueryRejection>;

pub(crate) fn routes(service: Arc<Service>) -> Router {
    Router::new()
        .route("/v1/overview", get(overview))
        .route("/v1/apps", get(apps))
        .route("/v1/apps/{app_id}", get(app))
        .route("/v1/issuances", get(issuances))
        .route("/v1/issuances/{issuance_id}", get(issuance))
        .route("/v1/revocations", get(revocations))
        .route("/v1/revocations/{block_hash}/{log_index}", get(revocation))
        .route("/v1/committee", get(committee))
        .route("/v1/roots", get(roots))
        .route("/v1/contracts", get(contracts))
        .with_state(service)
}

/// `?at=`: the state as of an older block.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct At {
    pub(crate) at: Option<u64>,
}

/// `?before=&limit=&app=` of lists, newest first.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    before: Option<String>,
    limit: Option<u32>,
    app: Option<Address>,
}

/// The place that a page ended at: `number-hash-log`.
pub(crate) fn write_before(event: &Event) -> String {
    let place = &event.place;
    format!("{}-{}-{}", place.block_number, place.block_hash, place.log_index)
}

/// The place of `?before=`, if its block still counts.
pub(crate) async fn read_before(
    store: &Store,
    text: Option<&str>,
    orphaned: bool,
) -> Result<Option<(BlockRef, u64)>, Refused> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let malformed = || Refused::malformed("before: not one that an earlier page gave");
    let mut parts = text.split('-');
    let mut next = || parts.next().ok_or_else(malformed);
    let number = next()?.parse().map_err(|_| malformed())?;
    let hash = next()?.parse().map_err(|_| malformed())?;
    let log_index = next()?.parse().map_err(|_| malformed())?;
    if parts.next().is_some() || i64::try_from(number).is_err() || i64::try_from(log_index).is_err()
    {
        return Err(malformed());
    }
    let block = BlockRef::new(number, hash);
    if !orphaned && store.hash_at(number).await? != Some(hash) {
        let common = store.taken_away(block).await?.map(|(_, common)| common);
        return Err(Refused::reorged(block, common));
    }
    Ok(Some((block, log_index)))
}

/// The moment that `?at=` names.
pub(crate) async fn moment(store: &Store, as_of: &AsOf, at: At) -> Result<Moment, Refused> {
    if at.at.is_some_and(|number| number > as_of.latest.number) {
        return Err(Refused::not_found(format!("the newest block is {}", as_of.latest.number)));
    }
    let found = as_of.at(store, at.at).await?;
    found.ok_or_else(|| Refused::not_found("the index begins after that block"))
}

pub(crate) fn path<T>(path: Result<Path<T>, PathRejection>) -> Result<T, Refused> {
    Ok(path.map_err(|rejection| Refused::malformed(rejection.body_text()))?.0)
}

pub(crate) fn query<T>(query: Asked<T>) -> Result<T, Refused> {
    Ok(query.map_err(|rejection| Refused::malformed(rejection.body_text()))?.0)
}

fn answer(as_of: &AsOf, name: &str, what: &impl Serialize) -> Answer {
    let what = serde_json::to_value(what).map_err(anyhow::Error::from)?;
    Ok(Json(json!({ "as_of": as_of, name: what })))
}

async fn overview(State(service): State<Arc<Service>>) -> Answer {
    let as_of = AsOf::load(&service.store).await?;
    answer(&as_of, "overview", &Overview::load(&service.store, &as_of).await?)
}

async fn app(
    State(service): State<Arc<Service>>,
    id: Result<Path<Address>, PathRejection>,
    at: Asked<At>,
) -> Answer {
    let (store, id, at) = (&service.store, path(id)?, query(at)?);
    let as_of = AsOf::load(store).await?;
    let at = moment(store, &as_of, at).await?;
    let app = App::load(store, &as_of, id, at).await?;
    let app = app.ok_or_else(|| Refused::not_found("no such app was registered by that block"))?;
    answer(&as_of, "app", &app)
}

async fn issuance(
    State(service): State<Arc<Service>>,
    id: Result<Path<B256>, PathRejection>,
) -> Answer {
    let (store, id) = (&service.store, path(id)?);
    let as_of = AsOf::load(store).await?;
    let issuance = Issuance::load(store, &as_of, id, service.release_window_blocks).await?;
    let issuance = issuance.ok_or_else(|| Refused::not_found("no such issuance is recorded"))?;
    answer(&as_of, "issuance", &Chain::load(store, &as_of, issuance).await?)
}

async fn revocation(
    State(service): State<Arc<Service>>,
    place: Result<Path<(B256, u64)>, PathRejection>,
) -> Answer {
    let (store, (block, log_index)) = (&service.store, path(place)?);
    let as_of = AsOf::load(store).await?;
    let row = store.event(block, log_index).await?;
    let event = row.map(|row| Event::new(&row, &as_of)).filter(Revocation::is_one);
    let event = event.ok_or_else(|| Refused::not_found("no revocation stands there"))?;
    let window = service.release_window_blocks;
    answer(&as_of, "revocation", &Revocation::load(store, &as_of, event, window).await?)
}

async fn committee(State(service): State<Arc<Service>>, at: Asked<At>) -> Answer {
    let (store, at) = (&service.store, query(at)?);
    let as_of = AsOf::load(store).await?;
    let at = moment(store, &as_of, at).await?;
    let roots = Roots::load(store, &as_of, at.block.number).await?;
    let committee = Committee::load(store, &as_of, &roots, at).await?;
    let bears = committee.bears();
    Ok(Json(json!({ "as_of": as_of, "committee": committee, "bears": bears })))
}

async fn roots(State(service): State<Arc<Service>>, at: Asked<At>) -> Answer {
    let (store, at) = (&service.store, query(at)?);
    let as_of = AsOf::load(store).await?;
    let at = moment(store, &as_of, at).await?;
    answer(&as_of, "roots", &Roots::load(store, &as_of, at.block.number).await?)
}

async fn contracts(State(service): State<Arc<Service>>) -> Answer {
    let as_of = AsOf::load(&service.store).await?;
    answer(&as_of, "contracts", &Contract::list(&service.store, MOST).await?)
}

async fn apps(State(service): State<Arc<Service>>, asked: Asked<List>) -> Answer {
    list(&service, "apps", &["AppEntered"], query(asked)?).await
}

async fn issuances(State(service): State<Arc<Service>>, asked: Asked<List>) -> Answer {
    list(&service, "issuances", Act::Key.names(), query(asked)?).await
}

async fn revocations(State(service): State<Arc<Service>>, asked: Asked<List>) -> Answer {
    list(&service, "revocations", Act::Revocation.names(), query(asked)?).await
}

/// The events that begin each of them, newest first.
async fn list(service: &Service, name: &str, names: &[&str], asked: List) -> Answer {
    let limit = asked.limit.unwrap_or(PAGE);
    if limit == 0 || limit > MOST {
        return Err(Refused::malformed(format!("limit: 1 to {MOST}")));
    }
    let store = &service.store;
    let as_of = AsOf::load(store).await?;
    let before = read_before(store, asked.before.as_deref(), false).await?;
    let wanted = Newest { app: asked.app, names, before, limit, ..Newest::default() };
    let events = Event::all(&store.newest(&wanted).await?, &as_of);
    let next = events.last().map(write_before);
    Ok(Json(json!({ "as_of": as_of, name: events, "next_before": next })))
}
