//! `GET /v1/events` and one event. Every row says how final it is; a cursor tells when a reorg took its page away. [IDX-9]

use super::{Refused, status::lower};
use crate::{
    run::Service,
    store::{Cursor, EventRow, Filter},
};
use alloy_primitives::{Address, B256};
use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
};
use light_client::BlockRef;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

const MAX_LIMIT: u32 = 1000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    contract: Option<Address>,
    name: Option<String>,
    app: Option<Address>,
    #[serde(default)]
    finality: Finality,
    cursor: Option<String>,
    #[serde(default = "default_limit")]
    limit: u32,
}

/// How final an event must be at least; `orphaned` are those that do not count any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Finality {
    #[default]
    Latest,
    Safe,
    Finalized,
    Orphaned,
}

const fn default_limit() -> u32 {
    100
}

pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Value>, Refused> {
    let Query(asked) = asked.map_err(|rejection| Refused::malformed(rejection.body_text()))?;
    if asked.limit == 0 || asked.limit > MAX_LIMIT {
        return Err(Refused::malformed(format!("limit: 1 to {MAX_LIMIT}")));
    }
    let cursor = service.store.cursor().await?;
    let after = asked.cursor.as_deref().map(read_cursor).transpose()?;
    if let Some((block, _)) = after
        && asked.finality != Finality::Orphaned
        && service.store.hash_at(block.number).await? != Some(block.hash)
    {
        return Err(Refused::reorged(format!(
            "block {block} is not canonical any more: begin anew from an older cursor or without one"
        )));
    }
    let filter = Filter {
        contract: asked.contract,
        name: asked.name,
        app: asked.app,
        orphaned: asked.finality == Finality::Orphaned,
        above: None,
        up_to: match asked.finality {
            Finality::Latest | Finality::Orphaned => None,
            Finality::Safe => Some(cursor.safe),
            Finality::Finalized => Some(cursor.finalized.number),
        },
        after,
        limit: asked.limit,
    };
    let rows = service.store.events(&filter).await?;
    let last = rows.last().map(|row| (row.block, row.log_index)).or(after);
    Ok(Json(json!({
        "as_of": as_of(&cursor),
        "events": rows.iter().map(|row| event(&cursor, row)).collect::<Vec<_>>(),
        "next_cursor": last.map(|(block, log_index)| write_cursor(block, log_index)),
    })))
}

pub(crate) async fn one(
    State(service): State<Arc<Service>>,
    place: Result<Path<(B256, u64)>, PathRejection>,
) -> Result<Json<Value>, Refused> {
    let row = find(&service, place).await?;
    let cursor = service.store.cursor().await?;
    Ok(Json(json!({ "as_of": as_of(&cursor), "event": event(&cursor, &row) })))
}

/// The event at a place.
pub(super) async fn find(
    service: &Service,
    place: Result<Path<(B256, u64)>, PathRejection>,
) -> Result<EventRow, Refused> {
    let Path((block, log_index)) =
        place.map_err(|rejection| Refused::malformed(rejection.body_text()))?;
    let row = service.store.event(block, log_index).await?;
    row.ok_or_else(|| Refused::not_found("no followed contract has an event there"))
}

fn as_of(cursor: &Cursor) -> Value {
    json!({
        "latest": cursor.head,
        "safe": { "number": cursor.safe },
        "finalized": cursor.finalized,
    })
}

fn event(cursor: &Cursor, row: &EventRow) -> Value {
    let args: Option<Value> = row.args.as_deref().and_then(|args| serde_json::from_str(args).ok());
    json!({
        "chain_id": cursor.chain_id,
        "block_number": row.block.number,
        "block_hash": row.block.hash,
        "block_time": row.block_time,
        "tx_index": row.tx_index,
        "log_index": row.log_index,
        "finality": finality(cursor, row),
        "contract": lower(row.contract),
        "kind": row.kind.word(),
        "standing": row.standing,
        "name": row.name,
        "app_id": row.app_id.map(lower),
        "seq": row.seq,
        "args": args,
        "topics": row.log.topics(),
        "data": row.log.data,
    })
}

fn finality(cursor: &Cursor, row: &EventRow) -> &'static str {
    match row.block.number {
        _ if !row.canonical => "orphaned",
        number if number <= cursor.finalized.number => "finalized",
        number if number <= cursor.safe => "safe",
        _ => "latest",
    }
}

/// Opaque to callers: the place of the last row that they have seen, by hash.
fn write_cursor(block: BlockRef, log_index: u64) -> String {
    let parts = [&block.number.to_be_bytes()[..], block.hash.as_slice(), &log_index.to_be_bytes()];
    hex::encode(parts.concat())
}

fn read_cursor(text: &str) -> Result<(BlockRef, u64), Refused> {
    let malformed = || Refused::malformed("cursor: not one of this API's");
    let mut bytes = [0; 48];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| malformed())?;
    let number = |at: usize| {
        let part = bytes.get(at..at.saturating_add(8)).and_then(|part| part.try_into().ok());
        part.map(u64::from_be_bytes).ok_or_else(malformed)
    };
    let hash = bytes.get(8..40).map(B256::from_slice).ok_or_else(malformed)?;
    Ok((BlockRef::new(number(0)?, hash), number(40)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_nothing_else_does() {
        let place = (BlockRef::new(7, B256::repeat_byte(3)), 9);
        let text = write_cursor(place.0, place.1);
        assert_eq!(read_cursor(&text).unwrap(), place);
        for other in ["", "zz", &text[2..], &format!("{text}00")] {
            assert!(read_cursor(other).is_err());
        }
    }
}
