//! The index in SQLite; see migrations/ for the tables and why they are there. Spec: docs/spec/index.md [IDX-4].
//!
//! A block, its events, what they name, and the cursor are written in one transaction, or none of it.

use crate::decode::{Decoded, Kind};
use alloy_primitives::{Address, B256, Bytes, LogData};
use anyhow::{Context, Result, ensure};
use light_client::{BlockRef, SealedHeader};
use sqlx::{
    AssertSqlSafe, Row, SqlSafeStr, Sqlite, SqlitePool, Transaction,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
    },
};
use std::path::Path;

mod dump;
mod rows;
mod views;

pub use dump::dump;
pub(crate) use rows::{EventRow, Filter, VerdictRow};
pub(crate) use views::{BlockRow, Newest, Topic};

/// The database.
#[derive(Clone, Debug)]
pub(crate) struct Store(SqlitePool);

/// How far the index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) chain_id: u64,
    pub(crate) start: BlockRef,
    pub(crate) head: BlockRef,
    pub(crate) safe: u64,
    pub(crate) finalized: BlockRef,
}

/// A followed contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watched {
    pub(crate) address: Address,
    pub(crate) kind: Kind,
    pub(crate) since: BlockRef,
    /// −1 for the four that network.toml names.
    pub(crate) since_log: i64,
}

/// An event on its way in.
#[derive(Clone, Debug)]
pub(crate) struct NewEvent {
    pub(crate) block: BlockRef,
    pub(crate) tx_index: u64,
    pub(crate) log_index: u64,
    pub(crate) contract: Address,
    pub(crate) kind: Kind,
    pub(crate) log: LogData,
    pub(crate) decoded: Decoded,
}

/// A receipt on its way in.
#[derive(Clone, Debug)]
pub(crate) struct NewReceipt {
    pub(crate) block_hash: B256,
    pub(crate) tx_index: u64,
    pub(crate) first_log: u64,
    pub(crate) receipt: Bytes,
    pub(crate) proof: Vec<Bytes>,
}

/// A block and all that it adds.
#[derive(Clone, Debug)]
pub(crate) struct NewBlock {
    pub(crate) header: SealedHeader,
    pub(crate) watched: Vec<Watched>,
    pub(crate) events: Vec<NewEvent>,
    pub(crate) receipts: Vec<NewReceipt>,
}

impl Store {
    /// Opens the database, brings it up to date, and holds it to one network and one start.
    pub(crate) async fn open(
        path: &Path,
        network: B256,
        chain_id: u64,
        start: BlockRef,
    ) -> Result<Self> {
        let store = Self::connect(path).await?;
        let init = include_str!("../migrations/0001_init.sql");
        let migrations = vec![Migration::new(
            1,
            "init".into(),
            MigrationType::Simple,
            AssertSqlSafe(init).into_sql_str(),
            false,
        )];
        Migrator::with_migrations(migrations).run(&store.0).await.context("migrating")?;
        sqlx::query(
            "INSERT INTO cursor VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(network.as_slice())
        .bind(int(chain_id)?)
        .bind(int(start.number)?)
        .bind(start.hash.as_slice())
        .bind(int(start.number)?)
        .bind(start.hash.as_slice())
        .bind(int(start.number)?)
        .bind(int(start.number)?)
        .bind(start.hash.as_slice())
        .execute(&store.0)
        .await?;
        let row = sqlx::query("SELECT network FROM cursor").fetch_one(&store.0).await?;
        let found: B256 = bytes(&row, "network")?;
        ensure!(found == network, "{} indexes network {found}", path.display());
        let found = store.cursor().await?.start;
        ensure!(found == start, "{} begins at block {found}, not {start}", path.display());
        Ok(store)
    }

    async fn connect(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .synchronous(SqliteSynchronous::Normal)
            .journal_mode(SqliteJournalMode::Wal);
        let pool = SqlitePoolOptions::new().max_connections(8).connect_with(options).await;
        Ok(Self(pool.with_context(|| format!("opening {}", path.display()))?))
    }

    /// Closes every connection.
    pub(crate) async fn close(&self) {
        self.0.close().await;
    }

    /// How far the index is.
    pub(crate) async fn cursor(&self) -> Result<Cursor> {
        let row = sqlx::query("SELECT * FROM cursor").fetch_one(&self.0).await?;
        Ok(Cursor {
            chain_id: uint(&row, "chain_id")?,
            start: BlockRef::new(uint(&row, "start_number")?, bytes(&row, "start_hash")?),
            head: BlockRef::new(uint(&row, "head_number")?, bytes(&row, "head_hash")?),
            safe: uint(&row, "safe_number")?,
            finalized: BlockRef::new(
                uint(&row, "finalized_number")?,
                bytes(&row, "finalized_hash")?,
            ),
        })
    }

    /// The canonical block at a height.
    pub(crate) async fn hash_at(&self, number: u64) -> Result<Option<B256>> {
        let row = sqlx::query("SELECT hash FROM blocks WHERE number = ? AND canonical = 1")
            .bind(int(number)?)
            .fetch_optional(&self.0)
            .await?;
        row.map(|row| bytes(&row, "hash")).transpose()
    }

    /// The time of the newest stored block.
    pub(crate) async fn head_time(&self) -> Result<Option<u64>> {
        let row =
            sqlx::query("SELECT time FROM blocks WHERE canonical = 1 ORDER BY number DESC LIMIT 1")
                .fetch_optional(&self.0)
                .await?;
        row.map(|row| uint(&row, "time")).transpose()
    }

    /// The contracts that the network file names.
    pub(crate) async fn watch_from_start(&self, contracts: &[(Address, Kind)]) -> Result<()> {
        let start = self.cursor().await?.start;
        let mut transaction = self.0.begin().await?;
        for (address, kind) in contracts {
            let watched = Watched { address: *address, kind: *kind, since: start, since_log: -1 };
            insert_watched(&mut transaction, &watched).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The contracts that are followed now.
    pub(crate) async fn watched(&self) -> Result<Vec<Watched>> {
        let rows = sqlx::query(
            "SELECT * FROM watched WHERE since_log < 0
                OR since_hash IN (SELECT hash FROM blocks WHERE canonical = 1)
             ORDER BY since_number, since_log, address",
        )
        .fetch_all(&self.0)
        .await?;
        rows.iter().map(watched).collect()
    }

    /// Headers of canonical blocks below `number`, RLP, upwards.
    pub(crate) async fn headers_below(&self, number: u64) -> Result<Vec<Vec<u8>>> {
        let rows = sqlx::query(
            "SELECT header FROM blocks WHERE canonical = 1 AND number < ? ORDER BY number",
        )
        .bind(int(number)?)
        .fetch_all(&self.0)
        .await?;
        rows.iter().map(|row| Ok(row.try_get("header")?)).collect()
    }

    /// Appends a block to its parent, whatever stood above that. True if blocks were orphaned. [IDX-4]
    pub(crate) async fn append(&self, new: &NewBlock) -> Result<bool> {
        let (block, cursor) = (new.header.block(), self.cursor().await?);
        ensure!(
            block.number > cursor.finalized.number,
            "block {block} would replace finalized ones up to {}",
            cursor.finalized
        );
        let parent = new.header.parent().context("block 0 is never appended")?;
        let below = match parent.number == cursor.start.number {
            true => Some(cursor.start.hash),
            false => self.hash_at(parent.number).await?,
        };
        ensure!(below == Some(parent.hash), "block {block} does not follow on what is stored");
        let mut transaction = self.0.begin().await?;
        let orphaned =
            sqlx::query("UPDATE blocks SET canonical = 0 WHERE canonical = 1 AND number >= ?")
                .bind(int(block.number)?)
                .execute(&mut *transaction)
                .await?
                .rows_affected();
        insert_block(&mut transaction, &new.header).await?;
        for watched in &new.watched {
            insert_watched(&mut transaction, watched).await?;
        }
        for event in &new.events {
            insert_event(&mut transaction, cursor.chain_id, event).await?;
        }
        for receipt in &new.receipts {
            insert_receipt(&mut transaction, receipt).await?;
        }
        sqlx::query(
            "UPDATE cursor SET head_number = ?, head_hash = ?, safe_number = MIN(safe_number, ?)",
        )
        .bind(int(block.number)?)
        .bind(block.hash.as_slice())
        .bind(int(parent.number)?)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(orphaned > 0)
    }

    /// Notes what is safe and final.
    pub(crate) async fn set_finality(&self, safe: u64, finalized: BlockRef) -> Result<()> {
        sqlx::query("UPDATE cursor SET safe_number = ?, finalized_number = ?, finalized_hash = ?")
            .bind(int(safe)?)
            .bind(int(finalized.number)?)
            .bind(finalized.hash.as_slice())
            .execute(&self.0)
            .await?;
        Ok(())
    }
}

async fn insert_block(to: &mut Transaction<'_, Sqlite>, header: &SealedHeader) -> Result<()> {
    let parent = header.parent().context("block 0 is never appended")?;
    sqlx::query("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?, 1)")
        .bind(header.hash().as_slice())
        .bind(int(header.number())?)
        .bind(parent.hash.as_slice())
        .bind(int(header.timestamp().0)?)
        .bind(alloy_rlp::encode(header.fields()))
        .execute(&mut **to)
        .await?;
    Ok(())
}

async fn insert_watched(to: &mut Transaction<'_, Sqlite>, watched: &Watched) -> Result<()> {
    sqlx::query("INSERT OR REPLACE INTO watched VALUES (?, ?, ?, ?, ?)")
        .bind(watched.address.as_slice())
        .bind(watched.kind.word())
        .bind(watched.since.hash.as_slice())
        .bind(int(watched.since.number)?)
        .bind(watched.since_log)
        .execute(&mut **to)
        .await?;
    Ok(())
}

async fn insert_event(
    to: &mut Transaction<'_, Sqlite>,
    chain_id: u64,
    event: &NewEvent,
) -> Result<()> {
    let decoded = &event.decoded;
    sqlx::query("INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(int(chain_id)?)
        .bind(event.block.hash.as_slice())
        .bind(int(event.log_index)?)
        .bind(int(event.block.number)?)
        .bind(int(event.tx_index)?)
        .bind(event.contract.as_slice())
        .bind(event.kind.word())
        .bind(decoded.standing.word())
        .bind(decoded.name.as_deref())
        .bind(decoded.app_id.map(|app| app.to_vec()))
        .bind(decoded.seq.map(int).transpose()?)
        .bind(event.log.topics().concat())
        .bind(event.log.data.as_ref())
        .bind(decoded.args.as_deref())
        .execute(&mut **to)
        .await?;
    Ok(())
}

async fn insert_receipt(to: &mut Transaction<'_, Sqlite>, receipt: &NewReceipt) -> Result<()> {
    sqlx::query("INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?, ?)")
        .bind(receipt.block_hash.as_slice())
        .bind(int(receipt.tx_index)?)
        .bind(int(receipt.first_log)?)
        .bind(receipt.receipt.as_ref())
        .bind(serde_json::to_string(&receipt.proof)?)
        .execute(&mut **to)
        .await?;
    Ok(())
}

fn watched(row: &SqliteRow) -> Result<Watched> {
    let kind: &str = row.try_get("kind")?;
    Ok(Watched {
        address: address(row, "address")?,
        kind: Kind::from_word(kind).with_context(|| format!("a kind {kind:?}"))?,
        since: BlockRef::new(uint(row, "since_number")?, bytes(row, "since_hash")?),
        since_log: row.try_get("since_log")?,
    })
}

/// SQLite has no unsigned numbers.
fn int(number: u64) -> Result<i64> {
    Ok(i64::try_from(number)?)
}

fn uint(row: &SqliteRow, column: &str) -> Result<u64> {
    Ok(u64::try_from(row.try_get::<i64, _>(column)?)?)
}

fn bytes(row: &SqliteRow, column: &str) -> Result<B256> {
    Ok(B256::try_from(row.try_get::<&[u8], _>(column)?)?)
}

fn address(row: &SqliteRow, column: &str) -> Result<Address> {
    Ok(Address::try_from(row.try_get::<&[u8], _>(column)?)?)
}

#[cfg(test)]
mod tests;
