//! What the index says now, as text that two indexes of the same chain have in common, byte for byte, whatever database they
//! are in.

use super::{Query, Store};
use crate::decode::Kind;
use anyhow::Result;
use std::{collections::BTreeMap, fmt::Write};

/// Every canonical block, event and receipt of the index at `database` (a path or URL), in the chain's order.
///
/// # Errors
/// If there is no index.
pub async fn dump(database: &str) -> Result<String> {
    let store = Store::connect(database).await?;
    let text = text(&store.moment().await?).await;
    store.close().await;
    text
}

async fn text(store: &Store) -> Result<String> {
    let mut text = String::new();
    let blocks = Query::new("SELECT * FROM blocks WHERE canonical = 1 ORDER BY number");
    for row in store.fetch(blocks).await? {
        let header = hex::encode(row.bytes("header")?);
        writeln!(text, "block {} {} {header}", row.uint("number")?, row.hash("hash")?)?;
    }
    // By which of several events a contract is followed, and what was read when, is this index's own.
    let mut followed = BTreeMap::new();
    for watched in store.watched().await? {
        let since = (watched.since.number, watched.since_log);
        let ours = (watched.kind != Kind::ForeignPolicy).then_some((since, watched.kind));
        let one = followed.entry(watched.address).or_insert((since, ours, watched.depth));
        one.0 = one.0.min(since);
        one.1 = [one.1, ours].into_iter().flatten().min_by_key(|(since, _)| *since);
        one.2 = one.2.min(watched.depth);
    }
    for (address, (since, ours, depth)) in followed {
        writeln!(text, "watched {address} {since:?} {ours:?} {depth}")?;
    }
    let events = Query::new("SELECT * FROM canonical_events ORDER BY block_number, log_index");
    for row in store.fetch(events).await? {
        writeln!(
            text,
            "event {} {} {} {} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            row.uint("chain_id")?,
            row.hash("block_hash")?,
            row.uint("log_index")?,
            row.uint("tx_index")?,
            row.address("contract")?,
            row.text("kind")?,
            row.text("standing")?,
            row.optional_text("name")?,
            row.optional_address("app_id")?,
            row.optional_uint("seq")?,
            hex::encode(row.bytes("topics")?),
            hex::encode(row.bytes("data")?),
            row.optional_text("args")?,
        )?;
    }
    let receipts = Query::new(
        "SELECT DISTINCT r.*, e.block_number FROM receipts r JOIN canonical_events e
            ON e.block_hash = r.block_hash AND e.tx_index = r.tx_index
         ORDER BY e.block_number, r.tx_index",
    );
    for row in store.fetch(receipts).await? {
        let receipt = hex::encode(row.bytes("receipt")?);
        writeln!(text, "receipt {} {receipt} {}", row.hash("block_hash")?, row.text("proof")?)?;
    }
    Ok(text)
}
