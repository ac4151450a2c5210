use super::*;
use crate::{
    decode::Kind,
    http::format::{Row, tests::read},
    views::{Place, event::Args, trail::Verdict},
};
use alloy_primitives::B256;
use serde_json::{Value, json};

const TEXTS: [&str; 6] =
    ["plain", "a,b", "with \"quotes\"", "two\r\nlines", "", "{\"a\":[1,\"=2\"]}"];

fn block(number: u8) -> BlockRef {
    BlockRef::new(number.into(), B256::repeat_byte(number))
}

fn as_of() -> AsOf {
    AsOf { latest: block(9), latest_time: 90, safe: 8, finalized: block(7), chain_id: 1 }
}

/// With text from the chain in it.
fn event(name: &str, text: &str) -> Event {
    Event {
        place: Place {
            block_number: 7,
            block_hash: block(7).hash,
            block_time: 70,
            tx_index: 0,
            log_index: 3,
            finality: "finalized",
        },
        contract: Address::repeat_byte(0xcc),
        kind: Kind::Policy,
        standing: "trail".into(),
        act: Act::of(name),
        name: Some(name.to_owned()),
        app_id: None,
        judges_app: None,
        seq: Some(1),
        args: Args(json!({ "uri": text, "list": [1, 2] }).as_object().unwrap().clone()),
        indexed: Vec::new(),
    }
}

fn contract(text: &str) -> Contract {
    Contract {
        contract: Address::repeat_byte(0xcc),
        kind: "policy",
        has_trail: true,
        is_foreign: false,
        since: block(1),
        verdict: Some(Verdict {
            verdict: text.to_owned(),
            at: block(7),
            seq: 2,
            head: "0x00".into(),
            wrong_seq: None,
        }),
    }
}

fn found(name: &str) -> Found {
    let events = TEXTS.iter().map(|text| event(name, text)).collect();
    Found { as_of: as_of(), events, next_cursor: Some("ab".into()) }
}

/// CSV and JSON Lines hold what JSON holds, whatever text is in it.
fn is_the_same_in_every_format<P: Page>(page: &P) {
    let json: Value = serde_json::from_slice(&Format::Json.write(page).unwrap()).unwrap();
    let rows = json[P::NAME].as_array().unwrap();
    assert_eq!(rows.len(), TEXTS.len());

    let lines = String::from_utf8(Format::Jsonl.write(page).unwrap()).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(&lines, rows);

    let text = String::from_utf8(Format::Csv.write(page).unwrap()).unwrap();
    let table = read(&text);
    assert_eq!(table[0], P::Row::COLUMNS);
    for (row, cells) in rows.iter().zip(&table[1..]) {
        let members = row.as_object().unwrap();
        assert_eq!(members.len(), P::Row::COLUMNS.len(), "a member without a column: {row}");
        for (column, cell) in P::Row::COLUMNS.iter().zip(cells) {
            match &members[*column] {
                Value::Null => assert_eq!(cell, ""),
                Value::String(text) => assert_eq!(cell, text),
                nested => assert_eq!(&serde_json::from_str::<Value>(cell).unwrap(), nested),
            }
        }
    }
    assert_eq!(table.len(), rows.len() + 1);
    // Quotes of the JSON in a cell, doubled.
    assert!(text.contains("\\\"\"quotes\\\"\""), "{text}");
}

#[test]
fn apps_are_the_same_in_every_format() {
    // [API-2]
    is_the_same_in_every_format(&Apps::from(found("AppEntered")));
}

#[test]
fn issuances_are_the_same_in_every_format() {
    // [API-2]
    is_the_same_in_every_format(&Issuances::from(found("KeyIssued")));
}

#[test]
fn revocations_are_the_same_in_every_format() {
    // [API-2]
    is_the_same_in_every_format(&Revocations::from(found("ComposeHashRevoked")));
}

#[test]
fn contracts_are_the_same_in_every_format() {
    // [API-2]
    let contracts = TEXTS.iter().map(|text| contract(text)).collect();
    is_the_same_in_every_format(&Contracts { as_of: as_of(), contracts, next_cursor: None });
}

#[test]
fn the_headers_name_the_list_and_its_next_page() {
    // [API-2]
    let page = Issuances::from(found("KeyIssued"));
    let range = format::Range { of: block(9), from: 1, to: 9 };
    let query = "limit=6&format=csv";
    let response = format::respond(Format::Csv, &page, &range, query, "\"t\"").unwrap();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("link"), "</v1/issuances?limit=6&format=csv&cursor=ab>; rel=\"next\"");
    assert!(header("content-disposition").contains("issuances-1-9.csv"));
    assert!(header("quorate-range").ends_with("count=6, more=?1"));
    assert!(header("quorate-as-of").contains("safe=8, finalized=7;hash="));
    let last = Contracts { as_of: as_of(), contracts: Vec::new(), next_cursor: None };
    let response = format::respond(Format::Csv, &last, &range, "", "\"t\"").unwrap();
    assert!(response.headers()["quorate-range"].to_str().unwrap().ends_with("count=0, more=?0"));
    assert!(!response.headers().contains_key("link"));
}
