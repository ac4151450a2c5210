//! Events page by page, as of one block: what comes later is no part of the list. Spec: docs/spec/index.md [IDX-9].

use super::{
    EventRow, Query, Store, VerdictRow,
    rows::{event, verdict},
    views::narrow,
};
use crate::decode::Kind;
use alloy_primitives::Address;
use anyhow::{Context, Result};
use light_client::BlockRef;

/// Which events are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) contract: Option<Address>,
    pub(crate) kind: Option<Kind>,
    pub(crate) name: Option<String>,
    pub(crate) app: Option<Address>,
    pub(crate) standing: Option<&'static str>,
    pub(crate) from: Option<u64>,
    pub(crate) to: Option<u64>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageOf {
    pub(crate) selection: Selection,
    /// As of this height; `None`: those of orphaned blocks.
    pub(crate) as_of: Option<u64>,
    pub(crate) newest_first: bool,
    /// Only those beyond this place, in the list's order.
    pub(crate) after: Option<(BlockRef, u64)>,
    pub(crate) limit: u32,
}

impl Selection {
    /// The conditions, on events as `e`.
    pub(super) fn narrow(&self, query: Query) -> Query {
        narrow(query, self.contract, self.app, self.name.as_deref())
            .and("e.kind = ", self.kind.map(Kind::word))
            .and("e.standing = ", self.standing)
            .and("e.block_number >= ", self.from)
            .and("e.block_number <= ", self.to)
    }
}

/// Only canonical events `e` that count at a height. [API-2]
pub(super) fn as_of(query: Query, height: u64) -> Query {
    query
        .push_bind(" AND e.block_number <= ", height)
        .push_bind(
            " AND EXISTS (SELECT 1 FROM watched w WHERE w.address = e.contract AND w.since_number <= ",
            height,
        )
        .push_bind(" AND (w.below <= e.block_number OR (w.told_with <= ", height)
        .push(
            " AND (w.kind <> 'foreign-policy' OR w.since_number <= e.block_number)))
              AND (w.since_log < 0 OR EXISTS (
                SELECT 1 FROM blocks b WHERE b.hash = w.since_hash AND b.canonical = 1)))",
        )
}

impl Store {
    /// A page of a list. What a contract emitted before the block that names it counts from that block on, or from where it was
    /// read to the end.
    pub(crate) async fn page(&self, page: &PageOf) -> Result<Vec<EventRow>> {
        let query = match page.as_of {
            Some(height) => as_of(
                Query::new(
                    "SELECT e.*, CAST(1 AS BIGINT) AS canonical FROM canonical_events e WHERE 1 = 1",
                ),
                height,
            ),
            None => Query::new(
                "SELECT e.*, b.time AS block_time, b.canonical FROM events e
                 JOIN blocks b ON b.hash = e.block_hash WHERE b.canonical = 0",
            ),
        };
        let mut query = page.selection.narrow(query);
        // One canonical block stands at a height: its number alone orders, as the indexes do. Of orphaned ones there are more.
        let is_canonical = page.as_of.is_some();
        if let Some((block, log_index)) = page.after {
            query = query
                .push(match is_canonical {
                    true => " AND (e.block_number, e.log_index) ",
                    false => " AND (e.block_number, e.block_hash, e.log_index) ",
                })
                .push(if page.newest_first { "<" } else { ">" })
                .push_bind(" (", block.number);
            if !is_canonical {
                query = query.push_bind(", ", block.hash);
            }
            query = query.push_bind(", ", log_index).push(")");
        }
        query = query.push(match (is_canonical, page.newest_first) {
            (true, false) => " ORDER BY e.block_number, e.log_index",
            (true, true) => " ORDER BY e.block_number DESC, e.log_index DESC",
            (false, false) => " ORDER BY e.block_number, e.block_hash, e.log_index",
            (false, true) => " ORDER BY e.block_number DESC, e.block_hash DESC, e.log_index DESC",
        });
        self.fetch(query.push_bind(" LIMIT ", page.limit)).await?.iter().map(event).collect()
    }

    /// The verdict of the last audit on one contract.
    pub(crate) async fn verdict_of(&self, contract: Address) -> Result<Option<VerdictRow>> {
        let query = Query::new("SELECT * FROM verdicts WHERE contract = $1").bind(contract);
        self.fetch_one(query).await?.as_ref().map(verdict).transpose()
    }

    /// From `from` down to the newest canonical block: those that a reorg took away, downwards, and that block. `None` if
    /// `from` was never stored.
    pub(crate) async fn taken_away(
        &self,
        from: BlockRef,
    ) -> Result<Option<(Vec<BlockRef>, BlockRef)>> {
        let start = self.cursor().await?.start;
        let (mut taken, mut at) = (Vec::new(), from);
        loop {
            if at == start {
                return Ok(Some((taken, at)));
            }
            let Some(stored) = self.block(at.hash).await? else { return Ok(None) };
            if stored.block != at {
                return Ok(None);
            }
            if stored.canonical {
                return Ok(Some((taken, at)));
            }
            taken.push(at);
            let below = at.number.checked_sub(1).context("block 0 is never taken away")?;
            at = BlockRef::new(below, stored.parent);
        }
    }
}
