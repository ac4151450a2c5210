//! `GET /v1/events` and one event. Every row says how final it is; every page belongs to one block, and a cursor tells when a reorg
//! took that block away. [IDX-9] [API-2]

use super::{
    Refused,
    cursor::{PageCursor, write_position},
    filter::{AskedStanding, address, asked_address, height, kind, selection},
    format::{self, Format},
    problem::Problem,
    shape::{AsOf, Event, EventPage, OneEvent, Trail, kind_schema},
};
use crate::{
    decode::Kind,
    run::Service,
    store::{Cursor, EventRow, PageOf, Position, Selection, Store},
    views::judges::JudgesOf,
};
use alloy_primitives::{Address, B256};
use axum::{
    Json,
    extract::{
        Path, Query, RawQuery, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::HeaderMap,
    response::Response,
};
use light_client::BlockRef;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

pub(super) const MAX_LIMIT: u32 = 1000;

/// Which events, and how. An event must meet all conditions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The contract that emitted it.
    #[serde(default, deserialize_with = "address")]
    #[param(schema_with = asked_address)]
    contract: Option<Address>,
    /// What that contract is.
    #[serde(default, deserialize_with = "kind")]
    #[param(schema_with = kind_schema)]
    kind: Option<Kind>,
    /// The event's name.
    #[param(pattern = "^[A-Za-z][A-Za-z0-9_]{0,63}$")]
    name: Option<String>,
    /// The app that it is about.
    #[serde(default, deserialize_with = "address")]
    #[param(schema_with = asked_address)]
    app: Option<Address>,
    /// Whether a trail commits to it.
    #[param(inline)]
    standing: Option<AskedStanding>,
    /// The first block.
    #[param(minimum = 0, maximum = 9007199254740991_u64)]
    from_block: Option<u64>,
    /// The last block.
    #[param(minimum = 0, maximum = 9007199254740991_u64)]
    to_block: Option<u64>,
    /// How final it must be at least; `orphaned`: those that count no more, instead.
    #[serde(default)]
    #[param(inline)]
    finality: AskedFinality,
    #[serde(default)]
    #[param(inline)]
    order: Order,
    /// Goes before `Accept`.
    #[param(inline)]
    format: Option<Format>,
    /// `next_cursor` of the page before. The other conditions should be the same.
    #[param(pattern = "^01[0-9a-f]{176}$")]
    cursor: Option<String>,
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
}

/// How final.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AskedFinality {
    #[default]
    Latest,
    Safe,
    Finalized,
    Orphaned,
}

/// The chain's order, or backwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    #[default]
    Oldest,
    Newest,
}

const fn default_limit() -> u32 {
    100
}

/// Events in the chain's order, as JSON, CSV (RFC 4180) or JSON Lines.
///
/// All pages of a list are as of one block, which the cursor names: what comes later is not in them, and if a reorg takes the
/// block away the next page is refused as `reorged`. To go on following, use `/v1/stream`. The headers say what the rows are:
/// `quorate-as-of`, `quorate-range`, `quorate-trail` (with `contract`), `content-digest`, and `link` to the next page.
#[utoipa::path(
    get, path = "/v1/events", tag = "events", params(Asked),
    responses(
        (status = 200, description = "Some events", content(
            (EventPage = "application/json"), (String = "text/csv"), (String = "application/jsonl"),
        )),
        (status = 304, description = "Nothing has changed since the answer that `if-none-match` names"),
        (status = 406, description = "No such format", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A reorg took away the block that the cursor belongs to", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(asked) = asked.map_err(|rejection| Refused::malformed(rejection.body_text()))?;
    let format = Format::choose(asked.format, &headers)?;
    let store = service.store.moment().await?;
    let cursor = store.cursor().await?;
    let wanted = Wanted::new(&store, &cursor, asked).await?;
    let trail = match wanted.page.selection.contract {
        Some(contract) => store.verdict_of(contract).await?.as_ref().map(Trail::from),
        None => None,
    };
    let query = query.unwrap_or_default();
    let tag = format::tag(format, &query, wanted.of, &cursor, &trail);
    if format::is_known(&headers, &tag) {
        return Ok(format::not_modified(&tag));
    }
    let (rows, next_cursor) = wanted.rows(&store).await?;
    let judges = JudgesOf::of_rows(&store, &rows, wanted.page.as_of).await?;
    let page = EventPage {
        as_of: AsOf::from(&cursor),
        events: rows.iter().map(|row| Event::new(&cursor, row, &judges)).collect(),
        next_cursor,
        stream_cursor: write_position(Position::after(wanted.of)),
        trail,
    };
    format::respond(format, &page, &wanted.range(&cursor), &query, &tag)
}

/// What was asked for, checked against what there is.
struct Wanted {
    page: PageOf,
    /// The newest block of the list.
    of: BlockRef,
}

impl Wanted {
    async fn new(store: &Store, cursor: &Cursor, asked: Asked) -> Result<Self, Refused> {
        if asked.limit == 0 || asked.limit > MAX_LIMIT {
            return Err(Refused::malformed(format!("limit: 1 to {MAX_LIMIT}")));
        }
        let selection = Selection {
            from: height("from_block", asked.from_block)?,
            to: height("to_block", asked.to_block)?,
            ..selection(asked.contract, asked.kind, asked.name, asked.app, asked.standing)?
        };
        let is_orphaned = asked.finality == AskedFinality::Orphaned;
        let (of, after) = match asked.cursor.as_deref().map(PageCursor::read).transpose()? {
            Some(page) if is_orphaned => (page.of, Some(page.after)),
            Some(page) => (still_canonical(store, page.of).await?, Some(page.after)),
            None => (asked.finality.block(store, cursor).await?, None),
        };
        let page = PageOf {
            selection,
            as_of: (!is_orphaned).then_some(of.number),
            newest_first: asked.order == Order::Newest,
            after,
            limit: asked.limit,
        };
        Ok(Self { page, of })
    }

    /// The rows, and the cursor for the rest if there is one.
    async fn rows(&self, store: &Store) -> Result<(Vec<EventRow>, Option<String>), Refused> {
        let limit = usize::try_from(self.page.limit).unwrap_or(usize::MAX);
        let page = PageOf { limit: self.page.limit.saturating_add(1), ..self.page.clone() };
        let mut rows = store.page(&page).await?;
        let is_cut = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| is_cut).map(|row| (row.block, row.log_index));
        let next = last.map(|after| PageCursor { of: self.of, after }.write());
        Ok((rows, next))
    }

    fn range(&self, cursor: &Cursor) -> format::Range {
        let Selection { from, to, .. } = self.page.selection;
        format::Range {
            of: self.of,
            from: from.unwrap_or_default().max(cursor.start.number),
            to: to.unwrap_or(self.of.number).min(self.of.number),
        }
    }
}

impl AskedFinality {
    /// The newest block that is as final as this.
    pub(super) async fn block(self, store: &Store, cursor: &Cursor) -> Result<BlockRef, Refused> {
        Ok(match self {
            Self::Latest | Self::Orphaned => cursor.head,
            Self::Finalized => cursor.finalized,
            Self::Safe => match store.hash_at(cursor.safe).await? {
                Some(hash) => BlockRef::new(cursor.safe, hash),
                None => cursor.start,
            },
        })
    }
}

/// The newest block of a list, if it still counts.
pub(super) async fn still_canonical(store: &Store, block: BlockRef) -> Result<BlockRef, Refused> {
    match store.taken_away(block).await? {
        Some((taken, _)) if taken.is_empty() => Ok(block),
        Some((_, common)) => Err(Refused::reorged(block, Some(common))),
        None => Err(Refused::reorged(block, None)),
    }
}

/// One event, canonical or orphaned.
#[utoipa::path(
    get, path = "/v1/events/{block_hash}/{log_index}", tag = "events", params(Place),
    responses((status = 200, description = "The event", body = OneEvent))
)]
pub(crate) async fn one(
    State(service): State<Arc<Service>>,
    place: Result<Path<Place>, PathRejection>,
) -> Result<Json<OneEvent>, Refused> {
    let row = find(&service, place).await?;
    let cursor = service.store.cursor().await?;
    let judges = JudgesOf::of_rows(&service.store, std::slice::from_ref(&row), None).await?;
    Ok(Json(OneEvent { as_of: AsOf::from(&cursor), event: Event::new(&cursor, &row, &judges) }))
}

/// Where an event is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct Place {
    #[param(schema_with = super::shape::hash_schema)]
    block_hash: B256,
    /// In the block.
    #[param(minimum = 0, maximum = 9007199254740991_u64)]
    log_index: u64,
}

/// The event at a place.
pub(crate) async fn find(
    service: &Service,
    place: Result<Path<Place>, PathRejection>,
) -> Result<EventRow, Refused> {
    let Path(place) = place.map_err(|rejection| Refused::malformed(rejection.body_text()))?;
    let log_index = height("log_index", Some(place.log_index))?.unwrap_or_default();
    let row = service.store.event(place.block_hash, log_index).await?;
    row.ok_or_else(|| Refused::not_found("no followed contract has an event there"))
}
