//! `/events`: every event, newest first, filtered and page by page; and the same list for other pages.

use super::{
    Frame, Pages,
    frame::Check,
    html::{self, lower},
};
use crate::{
    http::Refused,
    store::Newest,
    views::{
        Event, judges,
        routes::{PAGE, query, read_before, write_before},
        says::Act,
    },
};
use alloy_primitives::Address;
use askama::Template;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use serde::Deserialize;

/// What a reader asks for; a form sends empty fields too.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    pub(super) app: String,
    pub(super) contract: String,
    pub(super) name: String,
    pub(super) act: String,
    pub(super) finality: String,
    pub(super) before: String,
}

#[derive(Template)]
#[template(path = "timeline.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: &'static str,
    lead: &'static str,
    /// Where the form and the next page lead.
    path: &'static str,
    /// The list is of one sort of events: no choice of names.
    is_fixed: bool,
    asked: Asked,
    acts: [Act; 5],
    events: Vec<Event>,
    next: Option<String>,
    checks: Vec<Check>,
}

/// A list of one sort of events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sort {
    pub(super) title: &'static str,
    pub(super) lead: &'static str,
    pub(super) path: &'static str,
    pub(super) names: &'static [&'static str],
}

const EVERYTHING: Sort = Sort {
    title: "Timeline",
    lead: "Every event of the followed contracts, newest first.",
    path: "/events",
    names: &[],
};

pub(super) async fn page(
    frame: Frame,
    State(pages): State<Pages>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    list(&frame, &pages, asked, EVERYTHING).await
}

pub(super) async fn list(
    frame: &Frame,
    pages: &Pages,
    asked: Result<Query<Asked>, QueryRejection>,
    sort: Sort,
) -> Response {
    frame.answer(build(frame, pages, asked, sort).await)
}

async fn build<'a>(
    frame: &'a Frame,
    pages: &Pages,
    asked: Result<Query<Asked>, QueryRejection>,
    sort: Sort,
) -> Result<Page<'a>, Refused> {
    let (asked, store) = (query(asked)?, &pages.service.store);
    let name = [asked.name.trim()];
    let act = match asked.act.as_str() {
        "" => None,
        word => {
            let act = Act::from_word(word).filter(|act| !act.names().is_empty());
            Some(act.ok_or_else(|| Refused::malformed("act: grant, revocation, key or committee"))?)
        }
    };
    let names: &[&str] = match (sort.names, name[0], act) {
        (names, ..) if !names.is_empty() => names,
        (_, "", None) => &[],
        (_, "", Some(act)) => act.names(),
        _ => &name,
    };
    let orphaned = asked.finality == "orphaned";
    let wanted = Newest {
        contract: address("contract", &asked.contract)?,
        app: address("app", &asked.app)?,
        names,
        by: &[],
        orphaned,
        up_to: match asked.finality.as_str() {
            "" | "latest" | "orphaned" => None,
            "safe" => Some(frame.as_of.safe),
            "finalized" => Some(frame.as_of.finalized.number),
            _ => return Err(Refused::malformed("finality: latest, safe, finalized or orphaned")),
        },
        before: read_before(store, Some(&asked.before), orphaned).await?,
        // One more than shown: is there a next page?
        limit: PAGE.saturating_add(1),
    };
    let mut events = Event::all(&store.newest(&wanted).await?, &frame.as_of);
    let is_more = events.len() > PAGE as usize;
    events.truncate(PAGE as usize);
    judges::tell(store, &mut events, wanted.up_to).await?;
    let next = events.last().filter(|_| is_more).map(|last| next(&sort, &asked, last));
    let curl = match wanted.app {
        Some(app) => format!("curl -s '{}/v1/events?app={}&limit=50'", frame.base, lower(&app)),
        None => format!("curl -s '{}/v1/events?limit=50'", frame.base),
    };
    let checks = vec![
        Check::new("the same events as JSON, oldest first", curl),
        Check::new(
            "none is missing: each trail's verdict",
            format!("curl -s {}/v1/contracts", frame.base),
        ),
    ];
    Ok(Page {
        frame,
        title: sort.title,
        lead: sort.lead,
        path: sort.path,
        is_fixed: !sort.names.is_empty(),
        asked,
        acts: Act::ALL,
        events,
        next,
        checks,
    })
}

/// The link to what comes before the last one.
fn next(sort: &Sort, asked: &Asked, last: &Event) -> String {
    let mut link = format!("{}?before={}", sort.path, write_before(last));
    let filters = [
        ("app", &asked.app),
        ("contract", &asked.contract),
        ("name", &asked.name),
        ("act", &asked.act),
        ("finality", &asked.finality),
    ];
    for (key, value) in filters {
        if !value.is_empty() {
            link.push_str(&format!("&{key}={}", percent(value.trim())));
        }
    }
    link
}

/// All but letters and digits as %XX.
pub(super) fn percent(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte.is_ascii_alphanumeric() {
            true => encoded.push(char::from(byte)),
            false => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

pub(super) fn address(name: &str, text: &str) -> Result<Option<Address>, Refused> {
    match text.trim() {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| Refused::malformed(format!("{name}: 0x and 40 hexadecimal digits"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_typed_can_not_leave_its_place_in_a_link() {
        assert_eq!(percent("Key Issued&app=\"x\""), "Key%20Issued%26app%3D%22x%22");
    }

    #[test]
    fn an_address_is_one_or_refused() {
        assert_eq!(address("app", "  ").unwrap(), None);
        assert!(address("app", "0x12").is_err());
    }
}
