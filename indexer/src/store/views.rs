//! What views and pages read: by app, by kind, by topic, newest first. Each query walks an index and stops at its limit; none
//! counts. [EXP-9]

use super::{EventRow, Query, Row, Store, list::as_of, rows::event};
use crate::decode::Kind;
use alloy_primitives::{Address, B256};
use anyhow::{Context, Result};
use light_client::BlockRef;

/// A stored block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockRow {
    pub(crate) block: BlockRef,
    pub(crate) parent: B256,
    pub(crate) time: u64,
    pub(crate) canonical: bool,
}

/// A followed contract and the last comparison of its trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrailRow {
    pub(crate) contract: Address,
    pub(crate) kind: Kind,
    pub(crate) since: BlockRef,
    /// The event that names it; −1: the network file does.
    pub(crate) since_log: i64,
    /// Verdict, block, proven seq and head, first wrong seq.
    pub(crate) verdict: Option<(String, BlockRef, u64, B256, Option<u64>)>,
}

/// A place among the followed contracts, in the order in which they were named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FollowedFrom {
    pub(crate) number: u64,
    pub(crate) log: i64,
    pub(crate) contract: Address,
}

impl TrailRow {
    pub(crate) fn place(&self) -> FollowedFrom {
        let Self { contract, since, since_log, .. } = *self;
        FollowedFrom { number: since.number, log: since_log, contract }
    }
}

const TRAILS: &str =
    "SELECT w.address, w.kind, w.since_number, w.since_hash, w.since_log, v.verdict, v.finalized_number,
        v.finalized_hash, v.proven_seq, v.proven_head, v.wrong_seq
    FROM watched w LEFT JOIN verdicts v ON v.contract = w.address
    WHERE (w.since_log < 0
        OR EXISTS (SELECT 1 FROM blocks n WHERE n.hash = w.since_hash AND n.canonical = 1))
        AND NOT EXISTS (SELECT 1 FROM watched o JOIN blocks n ON n.hash = o.since_hash AND n.canonical = 1
            WHERE o.address = w.address AND ((o.kind = 'policy' AND w.kind = 'foreign-policy')
                OR (o.kind = w.kind AND (o.since_number, o.since_log) < (w.since_number, w.since_log))))";

fn trail(row: &Row) -> Result<TrailRow> {
    let kind = row.text("kind")?;
    let verdict = match row.optional_text("verdict")? {
        None => None,
        Some(verdict) => Some((
            verdict,
            BlockRef::new(row.uint("finalized_number")?, row.hash("finalized_hash")?),
            row.uint("proven_seq")?,
            row.hash("proven_head")?,
            row.optional_uint("wrong_seq")?,
        )),
    };
    Ok(TrailRow {
        contract: row.address("address")?,
        kind: Kind::from_word(&kind).with_context(|| format!("a kind {kind:?}"))?,
        since: BlockRef::new(row.uint("since_number")?, row.hash("since_hash")?),
        since_log: row.int("since_log")?,
        verdict,
    })
}

/// Which events, newest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Newest<'a> {
    pub(crate) contract: Option<Address>,
    pub(crate) app: Option<Address>,
    /// By one of these contracts; empty: by any.
    pub(crate) by: &'a [Address],
    /// Any of these; empty: all.
    pub(crate) names: &'a [&'a str],
    pub(crate) orphaned: bool,
    pub(crate) up_to: Option<u64>,
    /// Only those before this place.
    pub(crate) before: Option<(BlockRef, u64)>,
    pub(crate) limit: u32,
}

impl Newest<'_> {
    pub(super) fn query(&self, name: Option<&str>) -> Query {
        let mut query = Query::new(match self.orphaned {
            true => {
                "SELECT e.*, b.time AS block_time, b.canonical FROM events e
                 JOIN blocks b ON b.hash = e.block_hash WHERE b.canonical = 0"
            }
            false => {
                "SELECT e.*, CAST(1 AS BIGINT) AS canonical FROM canonical_events e WHERE 1 = 1"
            }
        });
        query = narrow(query, self.contract, self.app, name);
        for (place, contract) in self.by.iter().enumerate() {
            let before = if place == 0 { " AND substr(e.contract, 1) IN (" } else { ", " };
            query = query.push_bind(before, *contract);
        }
        if !self.by.is_empty() {
            query = query.push(")");
        }
        query = match (self.up_to, self.orphaned) {
            (Some(height), false) => as_of(query, height),
            (height, _) => query.and("e.block_number <= ", height),
        };
        // One canonical block stands at a height: its number alone orders, as the indexes do. Of orphaned ones there are more.
        let (from, by) = match self.orphaned {
            true => (
                " AND (e.block_number, e.log_index, e.block_hash) < (",
                " ORDER BY e.block_number DESC, e.log_index DESC, e.block_hash DESC LIMIT ",
            ),
            false => (
                " AND (e.block_number, e.log_index) < (",
                " ORDER BY e.block_number DESC, e.log_index DESC LIMIT ",
            ),
        };
        if let Some((block, log_index)) = self.before {
            query = query.push_bind(from, block.number).push_bind(", ", log_index);
            if self.orphaned {
                query = query.push_bind(", ", block.hash);
            }
            query = query.push(")");
        }
        query.push_bind(by, self.limit)
    }
}

/// The second or third indexed argument of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Second,
    Third,
}

impl Topic {
    /// Exactly as in migrations/0003_views.sql, or the index is not used.
    fn equals(self) -> &'static str {
        match self {
            Self::Second => "length(e.topics) >= 96 AND substr(e.topics, 65, 32) = ",
            Self::Third => "length(e.topics) >= 128 AND substr(e.topics, 97, 32) = ",
        }
    }
}

/// Events of one app, by contracts of one kind and these names, that name `word`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    pub(crate) app: Address,
    pub(crate) kind: Kind,
    pub(crate) contract: Option<Address>,
    pub(crate) word: Option<(Topic, B256)>,
    pub(crate) names: &'a [&'a str],
}

impl About<'_> {
    pub(super) fn query(&self, side: Side, limit: u32) -> Query {
        let query =
            Query::new("SELECT e.*, CAST(1 AS BIGINT) AS canonical FROM canonical_events e WHERE ");
        let (mut query, name) = match self.word {
            None => (
                query.push_bind("substr(e.app_id, 1, 20) = ", self.app),
                " AND substr(e.name, 1, 64) IN (",
            ),
            Some((Topic::Second, word)) => (
                query
                    .push_bind(Topic::Second.equals(), word)
                    .push_bind(" AND substr(e.app_id, 1) = ", self.app),
                " AND substr(e.name, 1) IN (",
            ),
            Some((Topic::Third, word)) => (
                query
                    .push("length(e.topics) >= 128")
                    .push_bind(" AND substr(e.topics, 97, 33) = ", word)
                    .push_bind(" AND substr(e.app_id, 1, 21) = ", self.app),
                " AND substr(e.name, 1) IN (",
            ),
        };
        for (place, wanted) in self.names.iter().enumerate() {
            query = query.push_bind(if place == 0 { name } else { ", " }, *wanted);
        }
        query = query
            .push(")")
            .push_bind(" AND substr(e.kind, 1) = ", self.kind.word())
            .and("substr(e.contract, 1) = ", self.contract);
        let (from, (number, log_index), by) = match side {
            Side::Before(number, log_index) => (
                " AND (e.block_number, e.log_index) < (",
                (number, log_index),
                " ORDER BY e.block_number DESC, e.log_index DESC LIMIT ",
            ),
            Side::After(number, log_index) => (
                " AND (e.block_number, e.log_index) > (",
                (number, log_index),
                " ORDER BY e.block_number, e.log_index LIMIT ",
            ),
        };
        let query = query.push_bind(from, number).push_bind(", ", log_index).push(")");
        query.push_bind(by, limit)
    }
}

/// Which way from a place (block number, log index); the place itself is on neither side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Newest first.
    Before(u64, u64),
    /// In the chain's order.
    After(u64, u64),
}

impl Store {
    /// Events, newest first. Of several names each is a walk of its own along the index by name: however rare one is, none
    /// reads through the others.
    pub(crate) async fn newest(&self, wanted: &Newest<'_>) -> Result<Vec<EventRow>> {
        if wanted.names.is_empty() {
            return self.newest_of(wanted, None).await;
        }
        let mut found = Vec::new();
        for name in wanted.names {
            found.extend(self.newest_of(wanted, Some(name)).await?);
        }
        found.sort_unstable_by_key(|row| {
            std::cmp::Reverse((row.block.number, row.log_index, row.block.hash))
        });
        found.truncate(usize::try_from(wanted.limit)?);
        Ok(found)
    }

    async fn newest_of(&self, wanted: &Newest<'_>, name: Option<&str>) -> Result<Vec<EventRow>> {
        self.fetch(wanted.query(name)).await?.iter().map(event).collect()
    }

    /// Everything that the contract of this kind said up to a block. Where arguments hold whole evidence or dealings, and whoever
    /// folds them needs the topics alone, they are left out; so is raw data.
    pub(crate) async fn facts_of(&self, kind: Kind, up_to: u64) -> Result<Vec<EventRow>> {
        let Some(contract) = self.contract_of(kind).await? else { return Ok(Vec::new()) };
        let query = Query::new(
            "SELECT e.block_number, e.block_hash, e.block_time, CAST(1 AS BIGINT) AS canonical,
                e.tx_index, e.log_index, e.contract, e.kind, e.standing, e.name, e.app_id, e.seq,
                e.topics, substr(e.data, 1, 0) AS data,
                CASE WHEN e.name IN ('RecipientKeyPosted', 'DealingPosted', 'ConfirmationPosted')
                    THEN NULL ELSE e.args END AS args
             FROM canonical_events e WHERE e.contract = $1 AND e.block_number <= $2
             ORDER BY e.block_number, e.log_index",
        );
        self.fetch(query.bind(contract).bind(up_to)).await?.iter().map(event).collect()
    }

    /// The contract of this kind that the network file names.
    pub(crate) async fn contract_of(&self, kind: Kind) -> Result<Option<Address>> {
        let query =
            Query::new("SELECT address FROM watched WHERE kind = $1 AND since_log < 0 LIMIT 1");
        let row = self.fetch_one(query.bind(kind.word())).await?;
        row.map(|row| row.address("address")).transpose()
    }

    /// Followed contracts and their verdicts: one, or all from those of the network file on.
    pub(crate) async fn trails(&self, only: Option<Address>, limit: u32) -> Result<Vec<TrailRow>> {
        let query = Query::new(TRAILS).and("w.address = ", only);
        let query =
            query.push_bind(" ORDER BY w.since_number, w.since_log, w.address LIMIT ", limit);
        self.fetch(query).await?.iter().map(trail).collect()
    }

    /// Those that blocks up to `of` name, after a place of the list.
    pub(crate) async fn trails_page(
        &self,
        of: u64,
        after: Option<FollowedFrom>,
        limit: u32,
    ) -> Result<Vec<TrailRow>> {
        let mut query = Query::new(TRAILS).push_bind(" AND w.since_number <= ", of);
        if let Some(FollowedFrom { number, log, contract }) = after {
            query = query
                .push_bind(" AND (w.since_number, w.since_log, w.address) > (", number)
                .push_bind(", ", log)
                .push_bind(", ", contract)
                .push(")");
        }
        let query =
            query.push_bind(" ORDER BY w.since_number, w.since_log, w.address LIMIT ", limit);
        self.fetch(query).await?.iter().map(trail).collect()
    }

    /// Those whose trail is not what the chain has, or is not proven.
    pub(crate) async fn wrong_trails(&self, limit: u32) -> Result<Vec<TrailRow>> {
        let query =
            Query::new(TRAILS).push(" AND v.verdict <> 'complete' AND v.verdict <> 'being-read'");
        self.fetch(query.push_bind(" LIMIT ", limit)).await?.iter().map(trail).collect()
    }

    /// Those that have a trail and were not compared yet, be it that their earlier events are being read.
    pub(crate) async fn uncompared(&self, limit: u32) -> Result<Vec<TrailRow>> {
        let mut query = Query::new(TRAILS)
            .push(" AND (v.contract IS NULL OR v.verdict = 'being-read') AND w.kind IN (");
        for (place, kind) in Kind::ALL.into_iter().filter(|kind| kind.has_trail()).enumerate() {
            query = query.push_bind(if place == 0 { "" } else { ", " }, kind.word());
        }
        self.fetch(query.push_bind(") LIMIT ", limit)).await?.iter().map(trail).collect()
    }

    /// Canonical events by an indexed argument, in the chain's order, or newest first.
    pub(crate) async fn by_topic(
        &self,
        topic: Topic,
        word: B256,
        wanted: &[&str],
        newest_first: bool,
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        let query =
            Query::new("SELECT e.*, CAST(1 AS BIGINT) AS canonical FROM canonical_events e WHERE ");
        let query = names(query.push_bind(topic.equals(), word), wanted);
        let query = query.push_bind(
            match newest_first {
                true => " ORDER BY e.block_number DESC, e.log_index DESC LIMIT ",
                false => " ORDER BY e.block_number, e.log_index LIMIT ",
            },
            limit,
        );
        self.fetch(query).await?.iter().map(event).collect()
    }

    /// Canonical events of one app about one thing, from a place on. Many apps may approve one code, and one app may get many
    /// keys: which index is walked is said by slices (migrations/0003_views.sql), and no index has `substr(x, 1)`.
    pub(crate) async fn about(
        &self,
        about: &About<'_>,
        side: Side,
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        self.fetch(about.query(side, limit)).await?.iter().map(event).collect()
    }

    /// A block that is or was stored; the one that the index starts at is never stored.
    pub(crate) async fn block(&self, hash: B256) -> Result<Option<BlockRow>> {
        let query =
            Query::new("SELECT number, hash, parent, time, canonical FROM blocks WHERE hash = $1");
        let row = self.fetch_one(query.bind(hash)).await?;
        row.map(|row| {
            Ok(BlockRow {
                block: BlockRef::new(row.uint("number")?, row.hash("hash")?),
                parent: row.hash("parent")?,
                time: row.uint("time")?,
                canonical: row.uint("canonical")? == 1,
            })
        })
        .transpose()
    }

    /// Events of one block, whether it counts or not, from a place in it on.
    pub(crate) async fn events_in(
        &self,
        block: B256,
        from_log: u64,
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        let query = Query::new(
            "SELECT e.*, b.time AS block_time, b.canonical FROM events e
             JOIN blocks b ON b.hash = e.block_hash WHERE e.block_hash = $1 AND e.log_index >= $2
             ORDER BY e.log_index LIMIT $3",
        );
        let query = query.bind(block).bind(from_log).bind(limit);
        self.fetch(query).await?.iter().map(event).collect()
    }
}

/// Only of this contract, this app, by this name. An app's events by name have an index of their own, whose slices these are:
/// neither what else the app's contracts said nor its keys are read through.
pub(super) fn narrow(
    query: Query,
    contract: Option<Address>,
    app: Option<Address>,
    name: Option<&str>,
) -> Query {
    match (app, name) {
        (Some(app), Some(name)) => query
            .push_bind(" AND substr(e.app_id, 1, 20) = ", app)
            .push_bind(" AND substr(e.name, 1, 64) = ", name)
            .and("substr(e.contract, 1) = ", contract),
        (app, name) => {
            query.and("e.contract = ", contract).and("e.app_id = ", app).and("e.name = ", name)
        }
    }
}

/// Only events by these names; none: all. The topic says which index is walked.
fn names(mut query: Query, wanted: &[&str]) -> Query {
    for (place, name) in wanted.iter().enumerate() {
        query =
            query.push_bind(if place == 0 { " AND substr(e.name, 1) IN (" } else { ", " }, *name);
    }
    if wanted.is_empty() { query } else { query.push(")") }
}
