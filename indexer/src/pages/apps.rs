//! `/apps` and `/apps/{app_id}`: what may boot now and since when. [EXP-2]

use super::{
    Frame, Pages, codes,
    codes::CodeText,
    frame::Check,
    html::{self, Html, lower},
    picture,
    sessions::{self, Session},
    timeline::{self, Asked, Sort},
};
use crate::{
    http::Refused,
    store::Newest,
    views::{
        Event, Moment,
        app::{App, MOST_FOLDED},
        app_policy::{Allowlist, Entry, State as Standing},
        issuance::ISSUANCE,
        roots::Roots,
        routes::{At, moment, path, query},
    },
};
use alloy_primitives::Address;
use askama::Template;
use axum::{
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    response::Response,
};

/// Issuances and events of its history that an app's page shows; the rest is in the timeline.
const FEW: u32 = 20;
/// Codes of each state, and entries of each other list, that it shows.
const SHOWN: usize = 20;
/// What the addresses behind the codes of one list may weigh. [EXP-9]
const MOST_OF_URIS: usize = 8 * 1024;
/// Issuances in the picture.
const PICTURED: u32 = 150;

#[derive(Template)]
#[template(path = "app.html")]
struct Page<'a> {
    frame: &'a Frame,
    app: App,
    at: Moment,
    is_now: bool,
    says: String,
    codes: Few,
    pending: Few,
    ended: Few,
    machines: Few,
    measurements: Few,
    instances: Few,
    next_codes: Few,
    roots: Roots,
    lanes: Html,
    texts: Vec<CodeText>,
    sessions: Vec<Session>,
    issuances: Vec<Event>,
    history: Vec<Event>,
    /// Older policies of the app are not in its history.
    has_more_policies: bool,
    most: u64,
    checks: Vec<Check>,
}

/// The newest of a list, in the chain's order.
#[derive(Default)]
struct Few {
    shown: Vec<Entry>,
    /// How many are older.
    more: u64,
}

impl Few {
    fn of<'a>(all: impl IntoIterator<Item = &'a Entry>) -> Self {
        let all: Vec<&Entry> = all.into_iter().collect();
        let newest = all.iter().rev().take(SHOWN).copied();
        let weigh = |entry: &&Entry| html::uri(&entry.uri).0.len();
        let mut shown: Vec<Entry> =
            html::fitting(newest, MOST_OF_URIS, weigh).into_iter().cloned().collect();
        shown.reverse();
        let more = all.len().saturating_sub(shown.len());
        Self { shown, more: more as u64 }
    }
}

pub(super) async fn list(
    frame: Frame,
    State(pages): State<Pages>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let sort = Sort {
        title: "Apps",
        lead: "Every app that entered the registry, newest first. Its name is its address.",
        path: "/apps",
        names: &["AppEntered"],
    };
    timeline::list(&frame, &pages, asked, sort).await
}

pub(super) async fn page(
    frame: Frame,
    State(pages): State<Pages>,
    id: Result<Path<Address>, PathRejection>,
    at: Result<Query<At>, QueryRejection>,
) -> Response {
    frame.answer(build(&frame, &pages, id, at).await)
}

async fn build<'a>(
    frame: &'a Frame,
    pages: &Pages,
    id: Result<Path<Address>, PathRejection>,
    at: Result<Query<At>, QueryRejection>,
) -> Result<Page<'a>, Refused> {
    let (id, store, as_of) = (path(id)?, &pages.service.store, &frame.as_of);
    let at = moment(store, as_of, query(at)?).await?;
    let app = App::load(store, as_of, id, at).await?;
    let app = app.ok_or_else(|| Refused::not_found("no such app was registered by that block"))?;
    let up_to = Some(at.block.number);
    let keys = Newest {
        app: Some(id),
        names: &["KeyIssued"],
        up_to,
        limit: PICTURED,
        ..Newest::default()
    };
    let pictured = Event::all(&store.newest(&keys).await?, as_of);
    let issuances = Newest { names: &ISSUANCE, limit: FEW, ..keys };
    let issuances = Event::all(&store.newest(&issuances).await?, as_of);
    let lanes = app.allowlist.as_ref().map(|list| picture::lanes(&list.codes, &pictured, &at));
    let list = app.allowlist.as_ref();
    let by = |wanted: &[Standing]| {
        let codes = list.into_iter().flat_map(|list| &list.codes);
        Few::of(codes.filter(|code| wanted.contains(&code.state)))
    };
    let few = |entries: fn(&Allowlist) -> &Vec<Entry>| Few::of(list.into_iter().flat_map(entries));
    let (history, has_more_policies) = App::history(store, as_of, id, at, FEW).await?;
    Ok(Page {
        frame,
        at,
        is_now: at == as_of.now(),
        says: app.says(),
        codes: by(&[Standing::InForce]),
        pending: by(&[Standing::Pending]),
        ended: by(&[Standing::Revoked, Standing::Cancelled]),
        machines: few(|list| &list.devices),
        measurements: few(|list| &list.measurements),
        instances: few(|list| &list.instances),
        next_codes: Few::of(app.pending_allowlist.iter().flat_map(|list| &list.codes)),
        roots: Roots::load(store, as_of, at.block.number).await?,
        lanes: lanes.unwrap_or_default(),
        texts: codes::texts(store, list).await?,
        sessions: sessions::newest(store, &issuances).await?,
        issuances,
        history,
        has_more_policies,
        most: u64::from(MOST_FOLDED),
        checks: checks(frame, &app, &at),
        app,
    })
}

fn checks(frame: &Frame, app: &App, at: &Moment) -> Vec<Check> {
    let (id, registry, policy) =
        (lower(&app.app_id), lower(&app.registry), lower(&app.policy.address));
    let block = format!("--block {} --rpc-url \"$ETH_RPC_URL\"", at.block.number);
    let mut checks = vec![Check::new(
        "which policy judges it, from an endpoint of your own",
        format!("cast call {registry} 'policyOf(address)(address)' {id} {block}"),
    )];
    if let Some(code) = app.allowlist.as_ref().and_then(|list| list.codes.last()) {
        checks.push(Check::new(
            "when a code counts: unix seconds, 0 if it does not",
            format!(
                "cast call {policy} 'composeHashEffectiveAt(bytes32)(uint64)' {} {block}",
                code.id
            ),
        ));
    }
    checks.push(Check::new(
        "this page as JSON",
        format!("curl -s '{}/v1/apps/{id}?at={}'", frame.base, at.block.number),
    ));
    checks
}
