//! The views as JSON, under `/v1`. Every answer says as of which block. [EXP-1]

use super::{
    AsOf, Event, Moment,
    app::App,
    committee::{Bears, Committee},
    issuance::{Chain, Issuance},
    judges,
    members::Members,
    overview::Overview,
    proposal::Proposal,
    revocation::Revocation,
    roots::Roots,
};
use crate::{
    http::{Place, Refused, find, shape},
    run::Service,
    store::Store,
};
use alloy_primitives::{Address, B256, U256};
use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
};
use light_client::BlockRef;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Rows of a page, unless asked for fewer.
pub(crate) const PAGE: u32 = 50;

type Answer<T> = Result<Json<T>, Refused>;
type Asked<T> = Result<Query<T>, QueryRejection>;

/// `?at=`: the state as of an older block.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct At {
    /// The state as of this block; the newest, if none is named.
    #[param(minimum = 0, maximum = 9007199254740991_u64)]
    pub(crate) at: Option<u64>,
}

/// Which app.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct AppId {
    #[param(schema_with = shape::address_schema)]
    app_id: Address,
}

/// Which issuance.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct IssuanceId {
    #[param(schema_with = shape::hash_schema)]
    issuance_id: B256,
}

/// Which proposal.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ProposalId {
    /// In decimal.
    #[param(pattern = "^(0|[1-9][0-9]{0,77})$")]
    id: String,
}

impl ProposalId {
    pub(crate) fn number(&self) -> Result<U256, Refused> {
        let is_decimal = !self.id.is_empty() && self.id.bytes().all(|byte| byte.is_ascii_digit());
        let number = is_decimal.then(|| U256::from_str_radix(&self.id, 10).ok()).flatten();
        number.ok_or_else(|| Refused::malformed("id: a decimal number below 2^256"))
    }
}

/// The front page.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OverviewNow {
    as_of: AsOf,
    /// Contracts and trails, those that are wrong or not compared yet, roots, committee, latest events, grants on their way.
    overview: Overview,
}

/// An app.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppThen {
    as_of: AsOf,
    /// Owner, guardian, key versions, freeze, policy, vendors, and what may boot, each with the event that says so.
    app: App,
    /// Whom the policy in force asks, and whom those ask.
    #[serde(flatten)]
    members: Members,
}

/// An issuance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IssuanceTold {
    as_of: AsOf,
    /// Its record and inputs, the approval, root and seats behind it, and until which block it could be released.
    issuance: Chain,
}

/// A proposal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProposalTold {
    as_of: AsOf,
    /// Its text and whether it stands for the calls, the calls decoded, what they approve, and how the vote stands.
    #[schema(value_type = Object)]
    proposal: Proposal,
}

/// A revocation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RevocationTold {
    as_of: AsOf,
    /// Its event, the last record before it and the first after, and until which block a node could still release.
    revocation: Revocation,
}

/// The committee.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommitteeThen {
    as_of: AsOf,
    /// Seats, epochs, ceremonies, node code, where the head comes from.
    committee: Committee,
    /// How many seats may fail, and how many may be evil; null before the first epoch.
    bears: Option<Bears>,
}

/// The roots.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RootsThen {
    as_of: AsOf,
    /// Attestation roots with their rules, and OS images.
    roots: Roots,
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

/// What the front page shows: the state of everything at the newest block.
#[utoipa::path(
    get, path = "/v1/overview", tag = "views",
    responses((status = 200, description = "The state of everything", body = OverviewNow))
)]
pub(crate) async fn overview(State(service): State<Arc<Service>>) -> Answer<OverviewNow> {
    let as_of = AsOf::load(&service.store).await?;
    let overview = Overview::load(&service.store, &as_of).await?;
    Ok(Json(OverviewNow { as_of, overview }))
}

/// An app: who may change it, and what may boot.
#[utoipa::path(
    get, path = "/v1/apps/{app_id}", tag = "views", params(AppId, At),
    responses((status = 200, description = "The app as of `at`", body = AppThen))
)]
pub(crate) async fn app(
    State(service): State<Arc<Service>>,
    id: Result<Path<AppId>, PathRejection>,
    at: Asked<At>,
) -> Answer<AppThen> {
    let (store, AppId { app_id }, at) = (&service.store, path(id)?, query(at)?);
    let as_of = AsOf::load(store).await?;
    let at = moment(store, &as_of, at).await?;
    let app = App::load(store, &as_of, app_id, at).await?;
    let app = app.ok_or_else(|| Refused::not_found("no such app was registered by that block"))?;
    // A list asks nobody.
    let members = match app.allowlist {
        Some(_) => Members::default(),
        None => Members::load(store, &as_of, &app.policy, at).await?,
    };
    Ok(Json(AppThen { as_of, app, members }))
}

/// A key that went out, and what stood behind it.
#[utoipa::path(
    get, path = "/v1/issuances/{issuance_id}", tag = "views", params(IssuanceId),
    responses((status = 200, description = "The issuance", body = IssuanceTold))
)]
pub(crate) async fn issuance(
    State(service): State<Arc<Service>>,
    id: Result<Path<IssuanceId>, PathRejection>,
) -> Answer<IssuanceTold> {
    let (store, IssuanceId { issuance_id: id }) = (&service.store, path(id)?);
    let as_of = AsOf::load(store).await?;
    let issuance = Issuance::load(store, &as_of, id, service.release_window_blocks).await?;
    let issuance = issuance.ok_or_else(|| Refused::not_found("no such issuance is recorded"))?;
    let issuance = Chain::load(store, &as_of, issuance).await?;
    Ok(Json(IssuanceTold { as_of, issuance }))
}

/// A proposal of the Governor: what it would do, and how the vote stands.
#[utoipa::path(
    get, path = "/v1/proposals/{id}", tag = "views", params(ProposalId),
    responses((status = 200, description = "The proposal", body = ProposalTold))
)]
pub(crate) async fn proposal(
    State(service): State<Arc<Service>>,
    id: Result<Path<ProposalId>, PathRejection>,
) -> Answer<ProposalTold> {
    let (store, id) = (&service.store, path(id)?.number()?);
    let as_of = AsOf::load(store).await?;
    let proposal = Proposal::load(store, &as_of, id).await?;
    let proposal = proposal.ok_or_else(|| Refused::not_found("no such proposal was made"))?;
    Ok(Json(ProposalTold { as_of, proposal }))
}

/// An act that took something away, and when nodes stopped.
#[utoipa::path(
    get, path = "/v1/revocations/{block_hash}/{log_index}", tag = "views", params(Place),
    responses((status = 200, description = "The revocation", body = RevocationTold))
)]
pub(crate) async fn revocation(
    State(service): State<Arc<Service>>,
    place: Result<Path<Place>, PathRejection>,
) -> Answer<RevocationTold> {
    let store = &service.store;
    let row = find(&service, place).await?;
    let as_of = AsOf::load(store).await?;
    let event = Some(judges::one(store, &row, &as_of).await?).filter(Revocation::is_one);
    let event = event.ok_or_else(|| Refused::not_found("no revocation stands there"))?;
    let window = service.release_window_blocks;
    let revocation = Revocation::load(store, &as_of, event, window).await?;
    Ok(Json(RevocationTold { as_of, revocation }))
}

/// Who holds the shares: seats, epochs, ceremonies, node code.
#[utoipa::path(
    get, path = "/v1/committee", tag = "views", params(At),
    responses((status = 200, description = "The committee as of `at`", body = CommitteeThen))
)]
pub(crate) async fn committee(
    State(service): State<Arc<Service>>,
    at: Asked<At>,
) -> Answer<CommitteeThen> {
    let (store, at) = (&service.store, query(at)?);
    let as_of = AsOf::load(store).await?;
    let at = moment(store, &as_of, at).await?;
    let roots = Roots::load(store, &as_of, at.block.number).await?;
    let committee = Committee::load(store, &as_of, &roots, at).await?;
    let bears = committee.bears();
    Ok(Json(CommitteeThen { as_of, committee, bears }))
}

/// The attestation roots, their rules, and OS images.
#[utoipa::path(
    get, path = "/v1/roots", tag = "views", params(At),
    responses((status = 200, description = "The roots as of `at`", body = RootsThen))
)]
pub(crate) async fn roots(State(service): State<Arc<Service>>, at: Asked<At>) -> Answer<RootsThen> {
    let (store, at) = (&service.store, query(at)?);
    let as_of = AsOf::load(store).await?;
    let at = moment(store, &as_of, at).await?;
    let roots = Roots::load(store, &as_of, at.block.number).await?;
    Ok(Json(RootsThen { as_of, roots }))
}
