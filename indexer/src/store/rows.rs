//! What is read back: events by filter, receipts, verdicts.

use super::{Store, address, bytes, int, uint};
use crate::decode::Kind;
use alloy_primitives::{Address, B256, Bytes, LogData, U256};
use anyhow::{Context, Result};
use light_client::BlockRef;
use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};

/// An event as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EventRow {
    pub(crate) block: BlockRef,
    pub(crate) block_time: u64,
    pub(crate) canonical: bool,
    pub(crate) tx_index: u64,
    pub(crate) log_index: u64,
    pub(crate) contract: Address,
    pub(crate) kind: Kind,
    pub(crate) standing: String,
    pub(crate) name: Option<String>,
    pub(crate) app_id: Option<Address>,
    pub(crate) seq: Option<u64>,
    pub(crate) log: LogData,
    pub(crate) args: Option<String>,
}

/// A receipt as it is stored, with its header.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReceiptRow {
    pub(crate) header: Bytes,
    pub(crate) tx_index: u64,
    pub(crate) first_log: u64,
    pub(crate) receipt: Bytes,
    pub(crate) proof: Vec<Bytes>,
}

/// Which events are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) contract: Option<Address>,
    pub(crate) name: Option<String>,
    pub(crate) app: Option<Address>,
    /// Those of orphaned blocks instead of those that count.
    pub(crate) orphaned: bool,
    /// At most this block.
    pub(crate) up_to: Option<u64>,
    /// Only those after this place.
    pub(crate) after: Option<(BlockRef, u64)>,
    pub(crate) limit: u32,
}

/// The comparison of one trail with its proven slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VerdictRow {
    pub(crate) contract: Address,
    pub(crate) kind: Kind,
    pub(crate) finalized: BlockRef,
    pub(crate) proven_seq: u64,
    pub(crate) proven_head: U256,
    pub(crate) verdict: String,
    pub(crate) wrong_seq: Option<u64>,
}

impl Store {
    /// Events in the chain's order.
    pub(crate) async fn events(&self, filter: &Filter) -> Result<Vec<EventRow>> {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(match filter.orphaned {
            true => {
                "SELECT e.*, b.time AS block_time, 0 AS canonical FROM events e
                 JOIN blocks b ON b.hash = e.block_hash WHERE b.canonical = 0"
            }
            false => "SELECT e.*, 1 AS canonical FROM canonical_events e WHERE 1 = 1",
        });
        if let Some(contract) = filter.contract {
            query.push(" AND e.contract = ").push_bind(contract.to_vec());
        }
        if let Some(name) = &filter.name {
            query.push(" AND e.name = ").push_bind(name.clone());
        }
        if let Some(app) = filter.app {
            query.push(" AND e.app_id = ").push_bind(app.to_vec());
        }
        if let Some(number) = filter.up_to {
            query.push(" AND e.block_number <= ").push_bind(int(number)?);
        }
        if let Some((block, log_index)) = filter.after {
            query.push(" AND (e.block_number, e.block_hash, e.log_index) > (");
            query.push_bind(int(block.number)?).push(", ");
            query.push_bind(block.hash.to_vec()).push(", ");
            query.push_bind(int(log_index)?).push(")");
        }
        query.push(" ORDER BY e.block_number, e.block_hash, e.log_index LIMIT ");
        query.push_bind(i64::from(filter.limit));
        query.build().fetch_all(&self.0).await?.iter().map(event).collect()
    }

    /// One event by its place, canonical or not.
    pub(crate) async fn event(&self, block: B256, log_index: u64) -> Result<Option<EventRow>> {
        let row = sqlx::query(
            "SELECT e.*, b.time AS block_time, b.canonical AS canonical FROM events e
             JOIN blocks b ON b.hash = e.block_hash WHERE e.block_hash = ? AND e.log_index = ?",
        )
        .bind(block.as_slice())
        .bind(int(log_index)?)
        .fetch_optional(&self.0)
        .await?;
        row.as_ref().map(event).transpose()
    }

    /// The receipt of a transaction, with its header.
    pub(crate) async fn receipt(&self, block: B256, tx_index: u64) -> Result<Option<ReceiptRow>> {
        let row = sqlx::query(
            "SELECT r.*, b.header FROM receipts r JOIN blocks b ON b.hash = r.block_hash
             WHERE r.block_hash = ? AND r.tx_index = ?",
        )
        .bind(block.as_slice())
        .bind(int(tx_index)?)
        .fetch_optional(&self.0)
        .await?;
        row.map(|row| {
            Ok(ReceiptRow {
                header: row.try_get::<Vec<u8>, _>("header")?.into(),
                tx_index: uint(&row, "tx_index")?,
                first_log: uint(&row, "first_log")?,
                receipt: row.try_get::<Vec<u8>, _>("receipt")?.into(),
                proof: serde_json::from_str(row.try_get("proof")?)?,
            })
        })
        .transpose()
    }

    /// Keeps the verdicts of one audit, in place of the last one's.
    pub(crate) async fn keep_verdicts(&self, verdicts: &[VerdictRow]) -> Result<()> {
        let mut transaction = self.0.begin().await?;
        sqlx::query("DELETE FROM verdicts").execute(&mut *transaction).await?;
        for verdict in verdicts {
            sqlx::query("INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
                .bind(verdict.contract.as_slice())
                .bind(verdict.kind.word())
                .bind(int(verdict.finalized.number)?)
                .bind(verdict.finalized.hash.as_slice())
                .bind(int(verdict.proven_seq)?)
                .bind(verdict.proven_head.to_be_bytes::<32>().as_slice())
                .bind(&verdict.verdict)
                .bind(verdict.wrong_seq.map(int).transpose()?)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The verdicts of the last audit.
    pub(crate) async fn verdicts(&self) -> Result<Vec<VerdictRow>> {
        let rows = sqlx::query("SELECT * FROM verdicts ORDER BY kind, contract")
            .fetch_all(&self.0)
            .await?;
        rows.iter()
            .map(|row| {
                let finalized =
                    BlockRef::new(uint(row, "finalized_number")?, bytes(row, "finalized_hash")?);
                Ok(VerdictRow {
                    contract: address(row, "contract")?,
                    kind: kind(row)?,
                    finalized,
                    proven_seq: uint(row, "proven_seq")?,
                    proven_head: U256::from_be_bytes(bytes(row, "proven_head")?.0),
                    verdict: row.try_get("verdict")?,
                    wrong_seq: optional_uint(row, "wrong_seq")?,
                })
            })
            .collect()
    }
}

pub(super) fn event(row: &SqliteRow) -> Result<EventRow> {
    let topics = row.try_get::<&[u8], _>("topics")?;
    let data: Vec<u8> = row.try_get("data")?;
    let app_id = row.try_get::<Option<&[u8]>, _>("app_id")?;
    Ok(EventRow {
        block: BlockRef::new(uint(row, "block_number")?, bytes(row, "block_hash")?),
        block_time: uint(row, "block_time")?,
        canonical: row.try_get::<i64, _>("canonical")? == 1,
        tx_index: uint(row, "tx_index")?,
        log_index: uint(row, "log_index")?,
        contract: address(row, "contract")?,
        kind: kind(row)?,
        standing: row.try_get("standing")?,
        name: row.try_get("name")?,
        app_id: app_id.map(Address::try_from).transpose()?,
        seq: optional_uint(row, "seq")?,
        log: LogData::new_unchecked(
            topics.chunks_exact(32).map(B256::from_slice).collect(),
            data.into(),
        ),
        args: row.try_get("args")?,
    })
}

fn kind(row: &SqliteRow) -> Result<Kind> {
    let kind: &str = row.try_get("kind")?;
    Kind::from_word(kind).with_context(|| format!("a kind {kind:?}"))
}

fn optional_uint(row: &SqliteRow, column: &str) -> Result<Option<u64>> {
    let number = row.try_get::<Option<i64>, _>(column)?;
    Ok(number.map(u64::try_from).transpose()?)
}
