//! The index in SQLite or Postgres; see migrations/ for the tables and why they are there. Spec: docs/spec/index.md [IDX-4].
//!
//! A block, its events, what they name, and the cursor are written in one transaction, or none of it.
//!
//! **To add a query**, make `store/<topic>.rs` with `impl Store { … }` in it: write SQL once, for both databases, as a
//! [`Query`] (`Query::new("SELECT … WHERE a = $1").bind(a)`, and `push`, `push_bind`, `and` for conditions that may be left
//! out), run it with [`Store::fetch`] or [`Store::fetch_one`], and read columns off a [`Row`] (`row.uint("number")?`,
//! `row.hash("block_hash")?`, …). To write, take [`Store::write`], a transaction: `insert` for many rows of a [`Table`],
//! `execute` for the rest, `commit` at the end. [`Store::moment`] is the same store, held at one moment: whoever reads twice and
//! compares reads through it. A new table is a new file in migrations/ and a line in `database.rs`; nothing is released, so one
//! that is in `0001_init.sql` may be changed there.
//!
//! Portable SQL means: `$1` placeholders; BIGINT, BYTEA, TEXT; no booleans; `CASE` for the least of two; `CAST(SUM(x) AS
//! BIGINT)`; `ON CONFLICT (key) DO UPDATE SET x = excluded.x`; pages never ordered by TEXT (databases sort it differently).

use crate::decode::{Decoded, Kind};
use alloy_primitives::{Address, B256, Bytes, LogData};
use anyhow::{Context, Result, ensure};
use database::Database;
use light_client::{BlockRef, SealedHeader};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{SystemTime, UNIX_EPOCH},
};

mod database;
mod delivered;
mod dump;
mod evidence;
mod insert;
mod judges;
mod list;
mod look_backs;
mod members;
mod proposals;
mod rows;
mod sql;
mod texts;
mod views;

pub(crate) use database::Write;
pub(crate) use delivered::{ALL, Position};
pub use dump::dump;
pub(crate) use evidence::{Kept, Quorum};
pub(crate) use insert::{Table, Type};
pub(crate) use list::{PageOf, Selection};
pub(crate) use members::MemberRow;
pub(crate) use rows::{EventRow, Filter, ReceiptRow, TrailProof, VerdictRow};
pub(crate) use sql::{Query, Row, Value};
pub(crate) use texts::{Namers, Share, Sort};
pub(crate) use views::{About, BlockRow, FollowedFrom, Newest, Side, Topic, TrailRow};

/// The database.
#[derive(Clone, Debug)]
pub(crate) struct Store(Database);

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
    /// −1 for those that network.toml names.
    pub(crate) since_log: i64,
    /// Steps from a policy that AppRegistry names: zero for that policy itself.
    pub(crate) depth: u8,
    pub(crate) back: LookBack,
}

/// What a contract emitted before it was followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LookBack {
    /// From this height on its events were taken in with their blocks.
    pub(crate) below: u64,
    /// Blocks below this height are still to be read; 0: its members are to be followed yet.
    pub(crate) unread: Option<u64>,
    /// From this height on what stands below counts.
    pub(crate) told_with: Option<u64>,
}

impl LookBack {
    /// Nothing below `number` is looked for.
    pub(crate) const fn none(number: u64) -> Self {
        Self { below: number, unread: None, told_with: None }
    }

    /// Everything below `number` is here, with the block at that height.
    pub(crate) const fn whole(number: u64) -> Self {
        Self { below: number, unread: None, told_with: Some(number) }
    }

    /// What is below `number` is to be read, from there downwards.
    pub(crate) const fn to_read(number: u64, unread: u64) -> Self {
        Self { below: number, unread: Some(unread), told_with: None }
    }
}

/// A database that was made with other contracts than the network file names now: blocks that it has were never read for them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchError {
    /// Its earlier events would be missing.
    #[error(
        "the network file names the {kind} {contract}, which this database did not follow from its start: begin a new database"
    )]
    New {
        /// Whose.
        contract: Address,
        /// What it is.
        kind: &'static str,
    },
    /// Its later events would be missing, or those of another be taken for its own.
    #[error(
        "this database follows the {kind} {contract}, which the network file does not name any more: begin a new database"
    )]
    Gone {
        /// Whose.
        contract: Address,
        /// What it is.
        kind: &'static str,
    },
    /// The database did not answer.
    #[error(transparent)]
    Local(#[from] anyhow::Error),
}

/// The contracts of which not everything is read that they emitted: their trails can't be compared. One that was read to the end
/// once stays so, whoever else names it.
pub(crate) fn being_read(watched: &[Watched]) -> BTreeSet<Address> {
    let is_whole = |one: &&Watched| one.back.told_with.is_some() && one.back.unread.is_none();
    let whole: BTreeSet<_> = watched.iter().filter(is_whole).map(|one| one.address).collect();
    let unread = watched.iter().filter(|one| one.back.unread.is_some()).map(|one| one.address);
    unread.filter(|address| !whole.contains(address)).collect()
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
    /// Opens the database, brings it up to date, and holds it to one network and one start. Nobody else may write it.
    pub(crate) async fn open(
        url: &str,
        network: B256,
        chain_id: u64,
        start: BlockRef,
    ) -> Result<Self> {
        let store = Self(Database::open(url).await?);
        let mut write = store.write().await?;
        let begin = Query::new(
            "INSERT INTO cursor VALUES (1, $1, $2, $3, $4, $3, $4, $3, $3, $4)
             ON CONFLICT (id) DO NOTHING",
        );
        let begin = begin.bind(network).bind(chain_id).bind(start.number).bind(start.hash);
        write.execute(begin).await?;
        write.commit().await?;
        let row = store.fetch_one(Query::new("SELECT network FROM cursor")).await?;
        let found = row.context("there is a cursor")?.hash("network")?;
        ensure!(found == network, "{} indexes network {found}", store.0.place());
        let found = store.cursor().await?.start;
        ensure!(found == start, "{} begins at block {found}, not {start}", store.0.place());
        Ok(store)
    }

    /// Opens an index that is there, to read it.
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        Ok(Self(Database::connect(url).await?))
    }

    /// The same store at one moment: what is written from now on is not seen.
    pub(crate) async fn moment(&self) -> Result<Self> {
        Ok(Self(self.0.moment().await?))
    }

    /// The rows of a query.
    pub(crate) async fn fetch(&self, query: Query) -> Result<Vec<Row>> {
        self.0.fetch(query).await
    }

    /// The first row of a query, if there is one.
    pub(crate) async fn fetch_one(&self, query: Query) -> Result<Option<Row>> {
        Ok(self.fetch(query).await?.into_iter().next())
    }

    /// A transaction. One at a time: who asks for a second one waits.
    pub(crate) async fn write(&self) -> Result<Write> {
        self.0.write().await
    }

    /// Closes every connection.
    pub(crate) async fn close(&self) {
        self.0.close().await;
    }

    /// How far the index is.
    pub(crate) async fn cursor(&self) -> Result<Cursor> {
        let row = self.fetch_one(Query::new("SELECT * FROM cursor")).await?;
        let row = row.context("the database is no index")?;
        let block = |number, hash| {
            Ok::<_, anyhow::Error>(BlockRef::new(row.uint(number)?, row.hash(hash)?))
        };
        Ok(Cursor {
            chain_id: row.uint("chain_id")?,
            start: block("start_number", "start_hash")?,
            head: block("head_number", "head_hash")?,
            safe: row.uint("safe_number")?,
            finalized: block("finalized_number", "finalized_hash")?,
        })
    }

    /// The canonical block at a height.
    pub(crate) async fn hash_at(&self, number: u64) -> Result<Option<B256>> {
        let query = Query::new("SELECT hash FROM blocks WHERE canonical = 1 AND number = $1");
        let row = self.fetch_one(query.bind(number)).await?;
        row.map(|row| row.hash("hash")).transpose()
    }

    /// The canonical blocks at heights from `first` to `last`.
    pub(crate) async fn hashes(&self, first: u64, last: u64) -> Result<BTreeMap<u64, B256>> {
        let query = Query::new(
            "SELECT number, hash FROM blocks WHERE canonical = 1 AND number >= $1 AND number <= $2",
        );
        let rows = self.fetch(query.bind(first).bind(last)).await?;
        rows.iter().map(|row| Ok((row.uint("number")?, row.hash("hash")?))).collect()
    }

    /// The time of the newest stored block.
    pub(crate) async fn head_time(&self) -> Result<Option<u64>> {
        let query =
            Query::new("SELECT time FROM blocks WHERE canonical = 1 ORDER BY number DESC LIMIT 1");
        self.fetch_one(query).await?.map(|row| row.uint("time")).transpose()
    }

    /// The contracts that the network file names: the same for as long as the database lives, once it has blocks. [IDX-16]
    pub(crate) async fn watch_from_start(
        &self,
        contracts: &[(Address, Kind)],
    ) -> Result<(), WatchError> {
        let cursor = self.cursor().await?;
        let since = cursor.start;
        let query = Query::new("SELECT * FROM watched WHERE since_log < 0");
        let rows = self.fetch(query).await?;
        let known: Result<Vec<_>> = rows.iter().map(watched).collect();
        let known: BTreeMap<_, _> =
            known?.into_iter().map(|watched| (watched.address, watched.kind)).collect();
        if cursor.head != since {
            for (contract, kind) in contracts {
                if known.get(contract) != Some(kind) {
                    return Err(WatchError::New { contract: *contract, kind: kind.word() });
                }
            }
            let is_named = |address| contracts.iter().any(|(named, _)| named == address);
            if let Some((contract, kind)) = known.iter().find(|(address, _)| !is_named(*address)) {
                return Err(WatchError::Gone { contract: *contract, kind: kind.word() });
            }
        }
        let back = LookBack::none(since.number);
        let watched = contracts.iter().map(|(address, kind)| {
            let (address, kind) = (*address, *kind);
            watched_row(&Watched { address, kind, since, since_log: -1, depth: 0, back })
        });
        let mut write = self.write().await?;
        write.execute(Query::new("DELETE FROM watched WHERE since_log < 0")).await?;
        write.insert(&WATCHED, watched.collect()).await?;
        Ok(write.commit().await?)
    }

    /// The contracts that are followed now.
    pub(crate) async fn watched(&self) -> Result<Vec<Watched>> {
        let query = Query::new(
            "SELECT * FROM watched w WHERE since_log < 0
                OR EXISTS (SELECT 1 FROM blocks b WHERE b.hash = w.since_hash AND b.canonical = 1)
             ORDER BY since_number, since_log, depth DESC, address",
        );
        self.fetch(query).await?.iter().map(watched).collect()
    }

    /// Headers of canonical blocks from `from` on and below `below`, RLP, upwards, at most `limit`.
    pub(crate) async fn headers(&self, from: u64, below: u64, limit: u32) -> Result<Vec<Vec<u8>>> {
        let query = Query::new(
            "SELECT header FROM blocks WHERE canonical = 1 AND number >= $1 AND number < $2
             ORDER BY number LIMIT $3",
        );
        let rows = self.fetch(query.bind(from).bind(below).bind(limit)).await?;
        rows.iter().map(|row| row.bytes("header")).collect()
    }

    /// Appends blocks, each to the one before it and the first to its parent, whatever stood above that. True if blocks were
    /// orphaned. [IDX-4]
    pub(crate) async fn append(&self, new: &[NewBlock]) -> Result<bool> {
        let (Some(first), Some(last)) = (new.first(), new.last()) else { return Ok(false) };
        let (block, cursor) = (first.header.block(), self.cursor().await?);
        ensure!(
            block.number > cursor.finalized.number,
            "block {block} would replace finalized ones up to {}",
            cursor.finalized
        );
        let parent = first.header.parent().context("block 0 is never appended")?;
        let below = match parent.number == cursor.start.number {
            true => Some(cursor.start.hash),
            false => self.hash_at(parent.number).await?,
        };
        ensure!(below == Some(parent.hash), "block {block} does not follow on what is stored");
        for (one, next) in new.iter().zip(new.iter().skip(1)) {
            ensure!(next.header.parent() == Some(one.header.block()), "blocks do not follow");
        }
        let now = now();
        let mut write = self.write().await?;
        let orphan = Query::new(
            "UPDATE blocks SET canonical = 0, orphaned_at = $1 WHERE canonical = 1 AND number >= $2",
        );
        let orphaned = write.execute(orphan.bind(now).bind(block.number)).await?;
        let blocks: Result<_> = new.iter().map(|new| block_row(&new.header, now)).collect();
        write.insert(&BLOCKS, blocks?).await?;
        // Of what is named twice in one place the last counts.
        let watched = new.iter().flat_map(|new| &new.watched);
        let watched: BTreeMap<_, _> = watched
            .map(|one| ((one.address, one.since.number, one.since_log), watched_row(one)))
            .collect();
        write.insert(&WATCHED, watched.into_values().collect()).await?;
        let events = new.iter().flat_map(|new| &new.events);
        let receipts = new.iter().flat_map(|new| &new.receipts);
        write.insert_events(cursor.chain_id, events, receipts).await?;
        let to = last.header.block();
        let advance = Query::new(
            "UPDATE cursor SET head_number = $1, head_hash = $2,
                safe_number = CASE WHEN safe_number > $3 THEN $3 ELSE safe_number END",
        );
        write.execute(advance.bind(to.number).bind(to.hash).bind(parent.number)).await?;
        write.commit().await?;
        Ok(orphaned > 0)
    }

    /// Notes what is safe and final.
    pub(crate) async fn set_finality(&self, safe: u64, finalized: BlockRef) -> Result<()> {
        let mut write = self.write().await?;
        let query = Query::new(
            "UPDATE cursor SET safe_number = $1, finalized_number = $2, finalized_hash = $3",
        );
        write.execute(query.bind(safe).bind(finalized.number).bind(finalized.hash)).await?;
        write.commit().await
    }
}

impl Write {
    /// Writes `rows`, of which no two have the same key; a row that is there already takes the new values.
    pub(crate) async fn insert(&mut self, table: &Table, rows: Vec<Vec<Value>>) -> Result<()> {
        insert::insert(self.on(), table, rows).await
    }

    /// A look back may come upon what its own block has told: each place once.
    async fn insert_events(
        &mut self,
        chain_id: u64,
        events: impl Iterator<Item = &NewEvent>,
        receipts: impl Iterator<Item = &NewReceipt>,
    ) -> Result<()> {
        let events: BTreeMap<_, _> =
            events.map(|event| ((event.block.number, event.log_index), event)).collect();
        let events = events.into_values().map(|event| event_row(chain_id, event));
        self.insert(&EVENTS, events.collect()).await?;
        let receipts: BTreeMap<_, _> =
            receipts.map(|receipt| ((receipt.block_hash, receipt.tx_index), receipt)).collect();
        let receipts: Result<_> = receipts.into_values().map(receipt_row).collect();
        self.insert(&RECEIPTS, receipts?).await
    }
}

const BLOCKS: Table = Table {
    name: "blocks",
    columns: &[
        ("hash", Type::Bytes),
        ("number", Type::Int),
        ("parent", Type::Bytes),
        ("time", Type::Int),
        ("header", Type::Bytes),
        ("canonical", Type::Int),
        ("seen_at", Type::Int),
        ("orphaned_at", Type::Int),
    ],
    key: &["hash"],
    keeps: &["seen_at"],
};

fn block_row(header: &SealedHeader, now: u64) -> Result<Vec<Value>> {
    let parent = header.parent().context("block 0 is never appended")?;
    Ok(vec![
        header.hash().into(),
        header.number().into(),
        parent.hash.into(),
        header.timestamp().0.into(),
        alloy_rlp::encode(header.fields()).into(),
        1i64.into(),
        now.into(),
        None::<i64>.into(),
    ])
}

const WATCHED: Table = Table {
    name: "watched",
    columns: &[
        ("address", Type::Bytes),
        ("kind", Type::Text),
        ("since_hash", Type::Bytes),
        ("since_number", Type::Int),
        ("since_log", Type::Int),
        ("depth", Type::Int),
        ("below", Type::Int),
        ("unread", Type::Int),
        ("told_with", Type::Int),
    ],
    key: &["address", "since_hash", "since_log"],
    // A block that comes back finds what was read below it.
    keeps: &["below", "unread", "told_with"],
};

fn watched_row(watched: &Watched) -> Vec<Value> {
    vec![
        watched.address.into(),
        watched.kind.word().into(),
        watched.since.hash.into(),
        watched.since.number.into(),
        watched.since_log.into(),
        u32::from(watched.depth).into(),
        watched.back.below.into(),
        watched.back.unread.into(),
        watched.back.told_with.into(),
    ]
}

const EVENTS: Table = Table {
    name: "events",
    columns: &[
        ("chain_id", Type::Int),
        ("block_hash", Type::Bytes),
        ("log_index", Type::Int),
        ("block_number", Type::Int),
        ("tx_index", Type::Int),
        ("contract", Type::Bytes),
        ("kind", Type::Text),
        ("standing", Type::Text),
        ("name", Type::Text),
        ("app_id", Type::Bytes),
        ("seq", Type::Int),
        ("topics", Type::Bytes),
        ("data", Type::Bytes),
        ("args", Type::Text),
    ],
    key: &["chain_id", "block_hash", "log_index"],
    keeps: &[],
};

fn event_row(chain_id: u64, event: &NewEvent) -> Vec<Value> {
    let decoded = &event.decoded;
    vec![
        chain_id.into(),
        event.block.hash.into(),
        event.log_index.into(),
        event.block.number.into(),
        event.tx_index.into(),
        event.contract.into(),
        event.kind.word().into(),
        decoded.standing.word().into(),
        decoded.name.clone().into(),
        decoded.app_id.into(),
        decoded.seq.into(),
        event.log.topics().concat().into(),
        event.log.data.clone().into(),
        decoded.args.clone().into(),
    ]
}

const RECEIPTS: Table = Table {
    name: "receipts",
    columns: &[
        ("block_hash", Type::Bytes),
        ("tx_index", Type::Int),
        ("first_log", Type::Int),
        ("receipt", Type::Bytes),
        ("proof", Type::Text),
    ],
    key: &["block_hash", "tx_index"],
    keeps: &[],
};

fn receipt_row(receipt: &NewReceipt) -> Result<Vec<Value>> {
    Ok(vec![
        receipt.block_hash.into(),
        receipt.tx_index.into(),
        receipt.first_log.into(),
        receipt.receipt.clone().into(),
        serde_json::to_string(&receipt.proof)?.into(),
    ])
}

fn watched(row: &Row) -> Result<Watched> {
    let kind = row.text("kind")?;
    Ok(Watched {
        address: row.address("address")?,
        kind: Kind::from_word(&kind).with_context(|| format!("a kind {kind:?}"))?,
        since: BlockRef::new(row.uint("since_number")?, row.hash("since_hash")?),
        since_log: row.int("since_log")?,
        depth: u8::try_from(row.int("depth")?)?,
        back: LookBack {
            below: row.uint("below")?,
            unread: row.optional_uint("unread")?,
            told_with: row.optional_uint("told_with")?,
        },
    })
}

/// Seconds of this host's clock.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
