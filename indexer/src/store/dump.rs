//! What the index says now, as text that two indexes of the same chain have in common, byte for byte.

use super::{Store, bytes, uint};
use anyhow::Result;
use sqlx::Row;
use std::{fmt::Write, path::Path};

/// Every canonical block, event and receipt of the index at `database`, in the chain's order.
///
/// # Errors
/// If the file is no index.
pub async fn dump(database: &Path) -> Result<String> {
    let store = Store::connect(database).await?;
    let mut text = String::new();
    for row in sqlx::query("SELECT * FROM blocks WHERE canonical = 1 ORDER BY number")
        .fetch_all(&store.0)
        .await?
    {
        let header = hex::encode(row.try_get::<&[u8], _>("header")?);
        writeln!(text, "block {} {} {header}", uint(&row, "number")?, bytes(&row, "hash")?)?;
    }
    for watched in store.watched().await? {
        writeln!(text, "watched {watched:?}")?;
    }
    for row in sqlx::query("SELECT * FROM canonical_events ORDER BY block_number, log_index")
        .fetch_all(&store.0)
        .await?
    {
        let blob =
            |column: &str| row.try_get::<Option<&[u8]>, _>(column).map(|b| b.map(hex::encode));
        let word = |column: &str| row.try_get::<Option<&str>, _>(column);
        writeln!(
            text,
            "event {} {} {} {} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            uint(&row, "chain_id")?,
            bytes(&row, "block_hash")?,
            uint(&row, "log_index")?,
            uint(&row, "tx_index")?,
            blob("contract")?,
            word("kind")?,
            word("standing")?,
            word("name")?,
            blob("app_id")?,
            row.try_get::<Option<i64>, _>("seq")?,
            blob("topics")?,
            blob("data")?,
            word("args")?,
        )?;
    }
    for row in sqlx::query(
        "SELECT DISTINCT r.*, e.block_number FROM receipts r JOIN canonical_events e
            ON e.block_hash = r.block_hash AND e.tx_index = r.tx_index
         ORDER BY e.block_number, r.tx_index",
    )
    .fetch_all(&store.0)
    .await?
    {
        let receipt = hex::encode(row.try_get::<&[u8], _>("receipt")?);
        let proof: &str = row.try_get("proof")?;
        writeln!(text, "receipt {} {receipt} {proof}", bytes(&row, "block_hash")?)?;
    }
    store.close().await;
    Ok(text)
}
