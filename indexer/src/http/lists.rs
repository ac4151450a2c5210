//! `GET /v1/apps`, `/v1/issuances`, `/v1/revocations`, `/v1/proposals`, `/v1/contracts`: the events that begin each of them, newest first, and the
//! followed contracts; as JSON, CSV or JSON Lines. [API-2] [EXP-1]

use super::{
    Refused,
    cursor::{ContractsCursor, PageCursor},
    events::{MAX_LIMIT, still_canonical},
    filter::{address, asked_address},
    format::{self, Format, Page},
    problem::Problem,
    shape,
};
use crate::{
    run::Service,
    store::{Cursor, Newest, Store},
    views::{AsOf, Event, judges, says::Act, trail::Contract},
};
use alloy_primitives::Address;
use axum::{
    extract::{Query, RawQuery, State, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};
use light_client::BlockRef;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Which of them, and how.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The app that they are about.
    #[serde(default, deserialize_with = "address")]
    #[param(schema_with = asked_address)]
    app: Option<Address>,
    /// Goes before `Accept`.
    #[param(inline)]
    format: Option<Format>,
    /// `next_cursor` of the page before. The other conditions should be the same.
    #[param(pattern = "^01[0-9a-f]{176}$")]
    cursor: Option<String>,
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: u32,
}

/// How, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedContracts {
    /// Goes before `Accept`.
    #[param(inline)]
    format: Option<Format>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^03[0-9a-f]{152}$")]
    cursor: Option<String>,
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: u32,
}

const fn default_limit() -> u32 {
    50
}

/// A page of events under the list's name.
macro_rules! page_of_events {
    ($(#[$words:meta])* $page:ident, $name:ident) => {
        $(#[$words])*
        #[derive(Debug, Serialize, ToSchema)]
        pub(crate) struct $page {
            as_of: AsOf,
            $name: Vec<Event>,
            /// For the rest of the list; null at its end.
            next_cursor: Option<String>,
        }

        impl From<Found> for $page {
            fn from(Found { as_of, events, next_cursor }: Found) -> Self {
                Self { as_of, $name: events, next_cursor }
            }
        }

        impl Page for $page {
            type Row = Event;
            const NAME: &'static str = stringify!($name);

            fn rows(&self) -> &[Event] {
                &self.$name
            }

            fn as_of(&self) -> shape::AsOf {
                (&self.as_of).into()
            }

            fn next_cursor(&self) -> Option<&str> {
                self.next_cursor.as_deref()
            }
        }
    };
}

page_of_events!(
    /// The registrations of some apps.
    Apps, apps
);
page_of_events!(
    /// Some records of keys that went out.
    Issuances, issuances
);
page_of_events!(
    /// Some acts that took something away.
    Revocations, revocations
);

page_of_events!(
    /// Some proposals of the Governor.
    Proposals, proposals
);

/// Followed contracts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Contracts {
    as_of: AsOf,
    contracts: Vec<Contract>,
    /// For the rest of the list; null at its end.
    next_cursor: Option<String>,
}

impl Page for Contracts {
    type Row = Contract;
    const NAME: &'static str = "contracts";

    fn rows(&self) -> &[Contract] {
        &self.contracts
    }

    fn as_of(&self) -> shape::AsOf {
        (&self.as_of).into()
    }

    fn next_cursor(&self) -> Option<&str> {
        self.next_cursor.as_deref()
    }
}

/// The registrations of apps, newest first, as JSON, CSV (RFC 4180) or JSON Lines.
#[utoipa::path(
    get, path = "/v1/apps", tag = "views", params(Asked),
    responses(
        (status = 200, description = "Some registrations", content(
            (Apps = "application/json"), (String = "text/csv"), (String = "application/jsonl"),
        )),
        (status = 304, description = "Nothing has changed since the answer that `if-none-match` names"),
        (status = 406, description = "No such format", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A reorg took away the block that the cursor belongs to", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(crate) async fn apps(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refused> {
    list::<Apps>(&service, &["AppEntered"], query, &headers, asked).await
}

/// Records of keys that went out, newest first, as JSON, CSV (RFC 4180) or JSON Lines. One of several inputs comes as often.
#[utoipa::path(
    get, path = "/v1/issuances", tag = "views", params(Asked),
    responses(
        (status = 200, description = "Some records", content(
            (Issuances = "application/json"), (String = "text/csv"), (String = "application/jsonl"),
        )),
        (status = 304, description = "Nothing has changed since the answer that `if-none-match` names"),
        (status = 406, description = "No such format", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A reorg took away the block that the cursor belongs to", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(crate) async fn issuances(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refused> {
    list::<Issuances>(&service, Act::Key.names(), query, &headers, asked).await
}

/// Acts that took something away, newest first, as JSON, CSV (RFC 4180) or JSON Lines.
#[utoipa::path(
    get, path = "/v1/revocations", tag = "views", params(Asked),
    responses(
        (status = 200, description = "Some acts", content(
            (Revocations = "application/json"), (String = "text/csv"), (String = "application/jsonl"),
        )),
        (status = 304, description = "Nothing has changed since the answer that `if-none-match` names"),
        (status = 406, description = "No such format", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A reorg took away the block that the cursor belongs to", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(crate) async fn revocations(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refused> {
    list::<Revocations>(&service, Act::Revocation.names(), query, &headers, asked).await
}

/// Proposals of the network's Governor as they were made, newest first, as JSON, CSV (RFC 4180) or JSON Lines.
#[utoipa::path(
    get, path = "/v1/proposals", tag = "views", params(Asked),
    responses(
        (status = 200, description = "Some proposals", content(
            (Proposals = "application/json"), (String = "text/csv"), (String = "application/jsonl"),
        )),
        (status = 304, description = "Nothing has changed since the answer that `if-none-match` names"),
        (status = 406, description = "No such format", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A reorg took away the block that the cursor belongs to", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(crate) async fn proposals(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refused> {
    list::<Proposals>(&service, &["ProposalCreated"], query, &headers, asked).await
}

/// The followed contracts and how their trails compare with the chain, those of the network file first, as JSON, CSV (RFC 4180) or
/// JSON Lines.
#[utoipa::path(
    get, path = "/v1/contracts", tag = "views", params(AskedContracts),
    responses(
        (status = 200, description = "Some contracts", content(
            (Contracts = "application/json"), (String = "text/csv"), (String = "application/jsonl"),
        )),
        (status = 304, description = "Nothing has changed since the answer that `if-none-match` names"),
        (status = 406, description = "No such format", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A reorg took away the block that the cursor belongs to", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(crate) async fn contracts(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    asked: Result<Query<AskedContracts>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(asked) = asked.map_err(|rejection| Refused::malformed(rejection.body_text()))?;
    if asked.limit == 0 || asked.limit > MAX_LIMIT {
        return Err(Refused::malformed(format!("limit: 1 to {MAX_LIMIT}")));
    }
    let format = Format::choose(asked.format, &headers)?;
    let store = service.store.moment().await?;
    let (cursor, as_of) = (store.cursor().await?, AsOf::load(&store).await?);
    let (of, after) = match asked.cursor.as_deref().map(ContractsCursor::read).transpose()? {
        Some(page) => (still_canonical(&store, page.of).await?, Some(page.after)),
        None => (cursor.head, None),
    };
    let (contracts, last) = Contract::page(&store, of.number, after, asked.limit).await?;
    let next_cursor = last.map(|after| ContractsCursor { of, after }.write());
    let query = query.unwrap_or_default();
    let tag = format::tag(format, &query, of, &cursor, &contracts);
    if format::is_known(&headers, &tag) {
        return Ok(format::not_modified(&tag));
    }
    let page = Contracts { as_of, contracts, next_cursor };
    format::respond(format, &page, &range(&cursor, of), &query, &tag)
}

/// A page of a list, before it has the list's name.
struct Found {
    as_of: AsOf,
    events: Vec<Event>,
    next_cursor: Option<String>,
}

/// Events by these names, newest first.
async fn list<P: Page + From<Found>>(
    service: &Service,
    names: &[&str],
    query: Option<String>,
    headers: &HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(asked) = asked.map_err(|rejection| Refused::malformed(rejection.body_text()))?;
    if asked.limit == 0 || asked.limit > MAX_LIMIT {
        return Err(Refused::malformed(format!("limit: 1 to {MAX_LIMIT}")));
    }
    let format = Format::choose(asked.format, headers)?;
    let store = service.store.moment().await?;
    let cursor = store.cursor().await?;
    let (of, before) = match asked.cursor.as_deref().map(PageCursor::read).transpose()? {
        Some(page) => (still_canonical(&store, page.of).await?, Some(page.after)),
        None => (cursor.head, None),
    };
    let query = query.unwrap_or_default();
    let tag = format::tag(format, &query, of, &cursor, &());
    if format::is_known(headers, &tag) {
        return Ok(format::not_modified(&tag));
    }
    let wanted = Newest {
        app: asked.app,
        names,
        up_to: Some(of.number),
        before,
        limit: asked.limit,
        ..Newest::default()
    };
    let page = P::from(found(&store, wanted, of).await?);
    format::respond(format, &page, &range(&cursor, of), &query, &tag)
}

async fn found(store: &Store, wanted: Newest<'_>, of: BlockRef) -> Result<Found, Refused> {
    let limit = usize::try_from(wanted.limit).unwrap_or(usize::MAX);
    let one_more = Newest { limit: wanted.limit.saturating_add(1), ..wanted };
    let mut rows = store.newest(&one_more).await?;
    let is_cut = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| is_cut).map(|row| (row.block, row.log_index));
    let next_cursor = last.map(|after| PageCursor { of, after }.write());
    let as_of = AsOf::load(store).await?;
    let mut events = Event::all(&rows, &as_of);
    judges::tell(store, &mut events, Some(of.number)).await?;
    Ok(Found { events, as_of, next_cursor })
}

/// From the first block of the index to the newest of the list.
fn range(cursor: &Cursor, of: BlockRef) -> format::Range {
    format::Range { of, from: cursor.start.number, to: of.number }
}

#[cfg(test)]
mod tests;
