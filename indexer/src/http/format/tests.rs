use super::*;
use crate::http::shape::{Event, EventPage, Finality, Height};
use alloy_primitives::{B256, Bytes};
use serde_json::json;

fn event(uri: &str) -> Event {
    Event {
        chain_id: 1,
        block_number: 7,
        block_hash: B256::repeat_byte(7),
        block_time: 9,
        tx_index: 0,
        log_index: 3,
        finality: Finality::Safe,
        contract: "0xcc".into(),
        kind: "policy",
        standing: "trail".into(),
        name: Some("ComposeHashApproved".into()),
        app_id: None,
        judges_app: None,
        seq: Some(1),
        args: Some(json!({ "uri": uri })),
        topics: vec![B256::repeat_byte(1), B256::repeat_byte(2)],
        data: Bytes::from_static(&[1, 2]),
    }
}

fn page(events: Vec<Event>, next_cursor: Option<&str>) -> EventPage {
    let block = Block { number: 9, hash: B256::repeat_byte(9) };
    let as_of = AsOf { latest: block, safe: Height { number: 8 }, finalized: block };
    EventPage {
        as_of,
        events,
        next_cursor: next_cursor.map(str::to_owned),
        stream_cursor: String::new(),
        trail: None,
    }
}

/// A reader of RFC 4180, to read back what was written.
pub(crate) fn read(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut letters) = (false, text.chars().peekable());
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => cell.push(letters.next().unwrap()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {
                assert_eq!(letters.next(), Some('\n'));
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            _ => cell.push(letter),
        }
    }
    assert!(row.is_empty() && cell.is_empty() && !quoted, "it ends with a line's end");
    rows
}

#[test]
fn whatever_is_in_a_cell_comes_back() {
    // [API-2]
    for uri in ["plain", "a,b", "with \"quotes\"", "two\r\nlines", ""] {
        let rows = read(&csv(&[event(uri), event("x")]).unwrap());
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[0], Event::COLUMNS);
        let args = Event::COLUMNS.iter().position(|column| *column == "args").unwrap();
        let told: serde_json::Value = serde_json::from_str(&rows[1][args]).unwrap();
        assert_eq!(told["uri"], uri);
        assert_eq!(rows[1][11], "");
        assert_eq!(rows[1][15], json!([B256::repeat_byte(1), B256::repeat_byte(2)]).to_string());
    }
}

#[test]
fn every_member_has_a_column() {
    // [API-2]
    let row = serde_json::to_value(event("x")).unwrap();
    let mut columns = Event::COLUMNS.to_vec();
    columns.sort_unstable();
    let mut members: Vec<&String> = row.as_object().unwrap().keys().collect();
    members.sort_unstable();
    assert_eq!(columns, members);
}

#[test]
fn the_digest_is_over_the_bytes_and_the_headers_say_what_they_are() {
    // [API-2]
    let range = Range { of: BlockRef::new(9, B256::repeat_byte(9)), from: 1, to: 9 };
    let page = page(vec![event("x")], Some("ab"));
    let query = "limit=1&cursor=00&name=A";
    let response = respond(Format::Jsonl, &page, &range, query, "\"t\"").unwrap();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    let body = Format::Jsonl.write(&page).unwrap();
    let digest = BASE64_STANDARD.encode(Sha256::digest(&body));
    assert_eq!(header("content-digest"), format!("sha-256=:{digest}:"));
    assert_eq!(header("link"), "</v1/events?limit=1&name=A&cursor=ab>; rel=\"next\"");
    let hash = B256::repeat_byte(9);
    assert_eq!(
        header("quorate-range"),
        format!("list=9;hash=\"{hash}\", from=1, to=9, count=1, more=?1")
    );
    assert!(header("content-disposition").contains("events-1-9.jsonl"));
    assert_eq!(body.iter().filter(|byte| **byte == b'\n').count(), 1);
}

#[test]
fn accept_chooses_by_quality_and_what_is_unknown_is_refused() {
    let choose = |accept: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        Format::choose(None, &headers)
    };
    for (accept, format) in [
        ("*/*", Format::Json),
        ("text/csv", Format::Csv),
        ("text/*", Format::Csv),
        ("application/x-ndjson, */*;q=0.1", Format::Jsonl),
        ("application/json;q=0.2, text/csv;q=0.9", Format::Csv),
        ("*/*, application/json;q=0", Format::Csv),
    ] {
        assert_eq!(choose(accept).unwrap(), format, "{accept}");
    }
    for accept in ["image/png", "text/csv;q=0", "json"] {
        assert!(choose(accept).is_err(), "{accept}");
    }
    assert_eq!(Format::choose(None, &HeaderMap::new()).unwrap(), Format::Json);
}

#[test]
fn a_tag_is_of_its_block_and_its_query() {
    let block = |byte| BlockRef::new(9, B256::repeat_byte(byte));
    let cursor =
        |safe| Cursor { chain_id: 1, start: block(0), head: block(9), safe, finalized: block(8) };
    let one = tag(Format::Json, "a=1", block(9), &cursor(8), &());
    assert_eq!(one, tag(Format::Json, "a=1", block(9), &cursor(8), &()));
    for other in [
        tag(Format::Json, "a=1", block(9), &cursor(8), &"complete"),
        tag(Format::Csv, "a=1", block(9), &cursor(8), &()),
        tag(Format::Json, "a=2", block(9), &cursor(8), &()),
        tag(Format::Json, "a=1", block(7), &cursor(8), &()),
        tag(Format::Json, "a=1", block(9), &cursor(7), &()),
    ] {
        assert_ne!(one, other);
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::IF_NONE_MATCH, format!("\"x\", W/{one}").parse().unwrap());
    assert!(is_known(&headers, &one) && !is_known(&headers, "\"y\""));
}
