//! `/events/{block_hash}/{log_index}` and `/blocks/{hash}`.

use super::{
    Frame, Pages,
    frame::Check,
    html::{self, Html, lower},
};
use crate::{
    decode::Kind,
    http::Refused,
    store::BlockRow,
    views::{
        Event, judges,
        revocation::Revocation,
        routes::{PAGE, path, query},
    },
};
use alloy_primitives::{B256, hex};
use askama::Template;
use axum::{
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    response::Response,
};
use serde::Deserialize;
use serde_json::Value;

/// Characters of one value that a page shows; the rest is in the JSON.
const MOST_SHOWN: usize = 640;
/// What all arguments may weigh together, as far as lists are long. [EXP-9]
const MOST_ARGS: usize = 32 * 1024;

#[derive(Template)]
#[template(path = "event.html")]
struct Page<'a> {
    frame: &'a Frame,
    event: Event,
    args: Vec<(String, Html)>,
    topics: Vec<B256>,
    data: Html,
    is_revocation: bool,
    issuance: Option<B256>,
    /// In decimal.
    proposal: Option<String>,
    checks: Vec<Check>,
}

#[derive(Template)]
#[template(path = "block.html")]
struct BlockPage<'a> {
    frame: &'a Frame,
    block: BlockRow,
    finality: &'static str,
    events: Vec<Event>,
    /// Earlier events of the block are on pages before.
    is_continued: bool,
    /// Where the rest of the block is.
    next: Option<String>,
    checks: Vec<Check>,
}

/// From which of its events on.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Part {
    from_log: u64,
}

type Place = Result<Path<(B256, u64)>, PathRejection>;

pub(super) async fn page(frame: Frame, State(pages): State<Pages>, place: Place) -> Response {
    frame.answer(build(&frame, &pages, place).await)
}

async fn build<'a>(frame: &'a Frame, pages: &Pages, place: Place) -> Result<Page<'a>, Refused> {
    let (block, log_index) = path(place)?;
    let row = pages.service.store.event(block, log_index).await?;
    let row = row.ok_or_else(|| Refused::not_found("no followed contract has an event there"))?;
    let event = judges::one(&pages.service.store, &row, &frame.as_of).await?;
    let mut left = MOST_ARGS;
    let args = event.args.0.iter();
    let args = args.map(|(name, value)| (name.clone(), shown(&event, name, value, 0, &mut left)));
    let args = args.collect();
    let here = format!("{}/v1/events/{block}/{log_index}", frame.base);
    let checks = vec![
        Check::new("receipt, trie nodes and header of this event", format!("curl -s {here}/proof")),
        Check::new(
            "the same log, from an endpoint of your own",
            format!(
                "cast logs --from-block {n} --to-block {n} --address {contract} --rpc-url \"$ETH_RPC_URL\"",
                n = event.place.block_number,
                contract = lower(&event.contract),
            ),
        ),
    ];
    let issuance = match event.name() {
        "KeyIssued" | "KeyReleasedOffRecord" => event.args.hash("issuanceId").ok(),
        _ => None,
    };
    let proposal = match event.kind {
        Kind::Governor => event.args.text("proposalId").ok().map(str::to_owned),
        _ => None,
    };
    Ok(Page {
        frame,
        args,
        proposal,
        topics: row.log.topics().to_vec(),
        data: long(&hex::encode_prefixed(&row.log.data)),
        is_revocation: Revocation::is_one(&event),
        issuance,
        event,
        checks,
    })
}

/// A value of an argument, whatever its shape.
fn shown(event: &Event, name: &str, value: &Value, depth: usize, left: &mut usize) -> Html {
    let html = match value {
        Value::String(text) if event.is_findable(name, text) => html::hash(text),
        Value::String(text) if text.starts_with("0x") && matches!(text.len(), 42 | 66) => {
            html::plain(text)
        }
        Value::String(text) if text.starts_with("http") => html::uri(text),
        Value::String(text) => long(text),
        Value::Array(values) => {
            let mut shown = Vec::new();
            for value in values {
                if *left == 0 {
                    let rest = html::digits(&((values.len() - shown.len()) as u64));
                    let rest = format!(r#"<span class="faint">{rest} more in the JSON</span>"#);
                    shown.push(rest);
                    break;
                }
                shown.push(self::shown(event, name, value, depth + 1, left).0);
            }
            return Html(if shown.is_empty() { "none".to_owned() } else { shown.join(", ") });
        }
        Value::Object(fields) if depth < 4 => {
            let mut list = String::from("<dl class=\"inner\">");
            for (name, value) in fields {
                let value = self::shown(event, name, value, depth + 1, left);
                list.push_str(&format!("<dt>{}</dt><dd>{value}</dd>", html::escape(name)));
            }
            list.push_str("</dl>");
            return Html(list);
        }
        other => long(&other.to_string()),
    };
    *left = left.saturating_sub(html.0.len());
    html
}

/// Text that may be very long.
pub(super) fn long(text: &str) -> Html {
    match text.char_indices().nth(MOST_SHOWN) {
        None => Html(format!(r#"<span class="text">{}</span>"#, html::escape(text))),
        Some((end, _)) => {
            let (begin, bytes) =
                (html::escape(text.get(..end).unwrap_or_default()), text.len() / 2);
            let bytes = html::digits(&(bytes as u64));
            Html(format!(
                r#"<span class="text">{begin}…</span> <span class="faint">{bytes} bytes; whole in the JSON</span>"#
            ))
        }
    }
}

pub(super) async fn block(
    frame: Frame,
    State(pages): State<Pages>,
    hash: Result<Path<B256>, PathRejection>,
    part: Result<Query<Part>, QueryRejection>,
) -> Response {
    frame.answer(build_block(&frame, &pages, hash, part).await)
}

async fn build_block<'a>(
    frame: &'a Frame,
    pages: &Pages,
    hash: Result<Path<B256>, PathRejection>,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<BlockPage<'a>, Refused> {
    let (hash, from_log, store) = (path(hash)?, query(part)?.from_log, &pages.service.store);
    let block = store.block(hash).await?;
    let block = block.ok_or_else(|| Refused::not_found("the index has no such block"))?;
    // One more than shown: it begins the next page.
    let rows = store.events_in(hash, from_log, PAGE.saturating_add(1)).await?;
    let mut events = Event::all(&rows, &frame.as_of);
    let rest = events.split_off(events.len().min(PAGE as usize));
    judges::tell(store, &mut events, None).await?;
    let next = rest.first().map(|event| {
        format!("/blocks/{hash}?from_log={log_index}", log_index = event.place.log_index)
    });
    let number = block.block.number;
    let mut checks = vec![Check::new(
        "the same header, from an endpoint of your own",
        format!("cast block {hash} --rpc-url \"$ETH_RPC_URL\""),
    )];
    if block.canonical {
        let events = format!("/v1/events?from_block={number}&to_block={number}&limit=1000");
        checks.push(Check::new(
            "all events of the block as JSON",
            format!("curl -s '{}{events}'", frame.base),
        ));
    }
    let finality = frame.as_of.finality(number, block.canonical);
    let is_continued = from_log > 0;
    Ok(BlockPage { frame, block, finality, events, is_continued, next, checks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_cut_and_says_so() {
        // [EXP-9]
        let cut = long(&"ab".repeat(100_000)).0;
        assert!(cut.len() < 2000 && cut.contains("100,000 bytes"), "{cut}");
        assert!(!long("short").0.contains("bytes"));
        let multi = long(&"é".repeat(1000)).0;
        assert!(multi.contains('…'));
    }

    #[test]
    fn fields_of_structs_have_names_and_no_tags() {
        let value = serde_json::json!({"<b>": ["0x12", {"deep": 1}]});
        let args = serde_json::json!({});
        let event = crate::views::app::tests::event(
            crate::decode::Kind::Policy,
            alloy_primitives::Address::ZERO,
            "Any",
            args,
            1,
        );
        let mut left = MOST_ARGS;
        // A list without end is cut, and says so.
        let many = serde_json::json!(vec!["'".repeat(640); 10_000]);
        let cut = shown(&event, "x", &many, 0, &mut left).0;
        assert!(cut.len() < MOST_ARGS + 5000 && cut.contains("more in the JSON"), "{}", cut.len());
        let mut left = MOST_ARGS;
        let text = shown(&event, "x", &value, 0, &mut left).0;
        assert!(text.contains("&lt;b&gt;") && text.contains("deep"), "{text}");
    }
}
