//! `/texts/{hash}?against=`: a text that the chain names, as somebody sent it: what it declares, and what changed from another.
//! [EXP-13]

use super::{
    Frame, Pages,
    frame::Check,
    html::{self, Html},
    markdown::{lines, markdown, plain_lines},
};
use crate::{
    http::Refused,
    store::Sort,
    views::{
        routes::{path, query},
        text::sort_of,
    },
};
use alloy_primitives::B256;
use askama::Template;
use axum::{
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    response::Response,
};
use proposal::compose::{Declared, Fact, declared, difference, readable};
use serde::Deserialize;

/// What the declarations of one file may weigh. [EXP-9]
const MOST_DECLARED: usize = 12 * 1024;
/// Of one value the template shows so much.
const VALUE: usize = 300;
/// What stands around a fact or a value.
const TAGS: usize = 80;

#[derive(Template)]
#[template(path = "text.html")]
struct Page<'a> {
    frame: &'a Frame,
    hash: B256,
    /// `None`: nobody sent it.
    sent: Option<Sent>,
    checks: Vec<Check>,
}

/// A text, and what there is to say about it.
struct Sent {
    is_compose: bool,
    text: Html,
    declared: Option<Declared>,
    /// The other text, and what changed; `None`: that one was not sent.
    against: Option<(B256, Option<Html>)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    against: String,
}

pub(super) async fn page(
    frame: Frame,
    State(pages): State<Pages>,
    hash: Result<Path<B256>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    frame.answer(build(&frame, &pages, hash, asked).await)
}

async fn build<'a>(
    frame: &'a Frame,
    pages: &Pages,
    hash: Result<Path<B256>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Page<'a>, Refused> {
    let (hash, Asked { against }, store) = (path(hash)?, query(asked)?, &pages.service.store);
    let against: Option<B256> = match against.trim() {
        "" => None,
        text => {
            let malformed = |_| Refused::malformed("against: 64 hexadecimal digits");
            Some(text.parse().map_err(malformed)?)
        }
    };
    let other = match against {
        Some(other) => Some((other, store.text(other).await?)),
        None => None,
    };
    let text = store.text(hash).await?;
    let fetch = format!("curl -s {}/v1/texts/{hash}", frame.base);
    let checks = match &text {
        Some(text) => {
            let by = match sort_of(hash, text.as_bytes()) {
                Some(Sort::Simulation) => "openssl dgst -keccak-256",
                _ => "sha256sum",
            };
            vec![Check::new("these bytes have this hash", format!("{fetch} | {by}"))]
        }
        None => vec![Check::new(
            "send it: anybody who has the file may, the hash says whether it is the right one",
            format!("quorate publish FILE --index {}", frame.base),
        )],
    };
    Ok(Page { frame, hash, sent: text.map(|text| sent(hash, &text, other)), checks })
}

fn sent(hash: B256, text: &str, other: Option<(B256, Option<String>)>) -> Sent {
    let is_compose = sort_of(hash, text.as_bytes()) == Some(Sort::AppCompose);
    if !is_compose {
        return Sent { is_compose, text: markdown(text), declared: None, against: None };
    }
    let unfolded = readable(text).unwrap_or_else(|| text.to_owned());
    Sent {
        is_compose,
        declared: of_text(text),
        against: other
            .map(|(hash, other)| (hash, other.map(|other| lines(&changes(&other, text))))),
        text: plain_lines(&unfolded),
    }
}

/// What changed from one compose file to another, each with a line per setting.
pub(super) fn changes(before: &str, after: &str) -> String {
    let [before, after] =
        [before, after].map(|text| readable(text).unwrap_or_else(|| text.to_owned()));
    match difference(&before, &after) {
        same if same.is_empty() => "nothing".to_owned(),
        changed => changed,
    }
}

/// What an app-compose.json declares, if it can be read and is not more than a page shows: of more, a part would hide the rest.
pub(super) fn of_text(text: &str) -> Option<Declared> {
    of_text_within(text, MOST_DECLARED).map(|(declared, _)| declared)
}

/// The same, in so many bytes, and how many it takes.
pub(super) fn of_text_within(text: &str, most: usize) -> Option<(Declared, usize)> {
    let declared = declared(&serde_json::from_str(text).ok()?).ok()?;
    let facts = declared.services.iter().flat_map(|service| &service.facts).chain(&declared.around);
    let weigh = |fact: &Fact| {
        let shown = |value: &String| html::escape(&value.chars().take(VALUE).collect::<String>());
        let values: usize = fact.values.iter().map(|value| shown(value).len() + TAGS).sum();
        html::escape(&fact.key).len() + fact.words.len() + TAGS + values
    };
    let names = declared.services.iter().map(|service| html::escape(&service.name).len() + TAGS);
    let weight = facts.map(weigh).sum::<usize>() + names.sum::<usize>();
    (weight <= most).then_some((declared, weight))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_declares_more_than_a_page_shows_is_not_shown_in_part() {
        // [EXP-9] [EXP-13]
        let file = |ports: usize| {
            let ports: String = (0..ports).map(|port| format!("      - '{port}:80'\n")).collect();
            let services = format!("services:\n  web:\n    image: nginx\n    ports:\n{ports}");
            json!({ "docker_compose_file": services }).to_string()
        };
        assert!(of_text(&file(20)).is_some());
        assert!(of_text(&file(500)).is_none());
        let services = format!("services:\n  web:\n    image: \"{}\"\n", "'".repeat(290));
        let quotes = json!({ "docker_compose_file": services }).to_string();
        let (_, weight) = of_text_within(&quotes, MOST_DECLARED).unwrap();
        assert!(weight > 290 * 5, "it weighs what its HTML weighs: {weight}");
    }
}
