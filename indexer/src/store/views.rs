//! What views and pages read: by app, by kind, by topic, newest first. Each query walks an index and stops at its limit; none
//! counts. [EXP-9]

use super::{EventRow, Store, bytes, int, rows::event, uint};
use crate::decode::Kind;
use alloy_primitives::{Address, B256};
use anyhow::Result;
use light_client::BlockRef;
use sqlx::{QueryBuilder, Sqlite};

/// Names whose arguments hold whole evidence or dealings; who folds them needs the topics alone.
const BULKY: &str = "'RecipientKeyPosted', 'DealingPosted', 'ConfirmationPosted'";

/// A stored block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockRow {
    pub(crate) block: BlockRef,
    pub(crate) parent: B256,
    pub(crate) time: u64,
    pub(crate) canonical: bool,
}

/// Which events, newest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Newest<'a> {
    pub(crate) contract: Option<Address>,
    pub(crate) app: Option<Address>,
    /// Any of these; empty: all.
    pub(crate) names: &'a [&'a str],
    pub(crate) orphaned: bool,
    pub(crate) up_to: Option<u64>,
    /// Only those before this place.
    pub(crate) before: Option<(BlockRef, u64)>,
    pub(crate) limit: u32,
}

/// The second or third indexed argument of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Second,
    Third,
}

impl Topic {
    /// Exactly as in the migration, or the index is not used.
    fn column(self) -> &'static str {
        match self {
            Self::Second => "substr(e.topics, 65, 32)",
            Self::Third => "substr(e.topics, 97, 32)",
        }
    }
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
            std::cmp::Reverse((row.block.number, row.block.hash, row.log_index))
        });
        found.truncate(usize::try_from(wanted.limit)?);
        Ok(found)
    }

    async fn newest_of(&self, wanted: &Newest<'_>, name: Option<&str>) -> Result<Vec<EventRow>> {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(match wanted.orphaned {
            true => {
                "SELECT e.*, b.time AS block_time, 0 AS canonical FROM events e
                 JOIN blocks b ON b.hash = e.block_hash WHERE b.canonical = 0"
            }
            false => "SELECT e.*, 1 AS canonical FROM canonical_events e WHERE 1 = 1",
        });
        if let Some(contract) = wanted.contract {
            query.push(" AND e.contract = ").push_bind(contract.to_vec());
        }
        if let Some(app) = wanted.app {
            query.push(" AND e.app_id = ").push_bind(app.to_vec());
        }
        if let Some(name) = name {
            query.push(" AND e.name = ").push_bind(name.to_owned());
        }
        if let Some(number) = wanted.up_to {
            query.push(" AND e.block_number <= ").push_bind(int(number)?);
        }
        if let Some((block, log_index)) = wanted.before {
            query.push(" AND (e.block_number, e.block_hash, e.log_index) < (");
            query.push_bind(int(block.number)?).push(", ");
            query.push_bind(block.hash.to_vec()).push(", ");
            query.push_bind(int(log_index)?).push(")");
        }
        query.push(" ORDER BY e.block_number DESC, e.block_hash DESC, e.log_index DESC LIMIT ");
        query.push_bind(i64::from(wanted.limit));
        query.build().fetch_all(&self.0).await?.iter().map(event).collect()
    }

    /// Events of an app by these names up to a block, in the chain's order.
    pub(crate) async fn rules(
        &self,
        app: Address,
        wanted: &[&str],
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
            "SELECT e.*, 1 AS canonical FROM canonical_events e WHERE e.app_id = ",
        );
        query.push_bind(app.to_vec());
        names(&mut query, wanted);
        query.push(" AND e.block_number <= ").push_bind(int(up_to)?);
        query.push(" ORDER BY e.block_number, e.log_index LIMIT ").push_bind(i64::from(limit));
        query.build().fetch_all(&self.0).await?.iter().map(event).collect()
    }

    /// Everything that the contract of this kind said up to a block, without bulky arguments.
    pub(crate) async fn facts_of(&self, kind: Kind, up_to: u64) -> Result<Vec<EventRow>> {
        let watched = self.watched().await?;
        let Some(contract) = watched.iter().find(|w| w.kind == kind).map(|w| w.address) else {
            return Ok(Vec::new());
        };
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT ");
        query.push("e.block_number, e.block_hash, e.block_time, 1 AS canonical, e.tx_index, ");
        query.push("e.log_index, e.contract, e.kind, e.standing, e.name, e.app_id, e.seq, ");
        query.push("e.topics, zeroblob(0) AS data, CASE WHEN e.name IN (").push(BULKY);
        query.push(") THEN NULL ELSE e.args END AS args FROM canonical_events e ");
        query.push("WHERE e.contract = ").push_bind(contract.to_vec());
        query.push(" AND e.block_number <= ").push_bind(int(up_to)?);
        query.push(" ORDER BY e.block_number, e.log_index");
        query.build().fetch_all(&self.0).await?.iter().map(event).collect()
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
        let mut query: QueryBuilder<Sqlite> =
            QueryBuilder::new("SELECT e.*, 1 AS canonical FROM canonical_events e WHERE ");
        query.push(topic.column()).push(" = ").push_bind(word.to_vec());
        names(&mut query, wanted);
        query.push(match newest_first {
            true => " ORDER BY e.block_number DESC, e.log_index DESC LIMIT ",
            false => " ORDER BY e.block_number, e.log_index LIMIT ",
        });
        query.push_bind(i64::from(limit));
        query.build().fetch_all(&self.0).await?.iter().map(event).collect()
    }

    /// A block by its hash.
    pub(crate) async fn block(&self, hash: B256) -> Result<Option<BlockRow>> {
        let row = sqlx::query("SELECT number, hash, parent, time, canonical FROM blocks WHERE hash = ?")
            .bind(hash.as_slice())
            .fetch_optional(&self.0)
            .await?;
        row.map(|row| {
            Ok(BlockRow {
                block: BlockRef::new(uint(&row, "number")?, bytes(&row, "hash")?),
                parent: bytes(&row, "parent")?,
                time: uint(&row, "time")?,
                canonical: uint(&row, "canonical")? == 1,
            })
        })
        .transpose()
    }

    /// Events of one block, whether it counts or not.
    pub(crate) async fn events_in(&self, block: B256, limit: u32) -> Result<Vec<EventRow>> {
        let rows = sqlx::query(
            "SELECT e.*, b.time AS block_time, b.canonical AS canonical FROM events e
             JOIN blocks b ON b.hash = e.block_hash WHERE e.block_hash = ?
             ORDER BY e.log_index LIMIT ?",
        )
        .bind(block.as_slice())
        .bind(i64::from(limit))
        .fetch_all(&self.0)
        .await?;
        rows.iter().map(event).collect()
    }
}

fn names(query: &mut QueryBuilder<Sqlite>, wanted: &[&str]) {
    if wanted.is_empty() {
        return;
    }
    query.push(" AND e.name IN (");
    let mut list = query.separated(", ");
    for name in wanted {
        list.push_bind((*name).to_owned());
    }
    query.push(")");
}
