//! What each block brings to whoever follows the index, and takes away again if it is orphaned. Spec: docs/spec/api.md
//! [API-3].
//!
//! A block brings its events; and if it is the first to name a policy of ours, also what that policy emitted in blocks before. So
//! every event comes exactly once, with a block that does not change any more unless it is orphaned.

use super::{EventRow, Query, Selection, Store, Watched, rows::event, watched};
use crate::decode::Kind;
use alloy_primitives::{Address, B256};
use anyhow::Result;
use light_client::BlockRef;
use std::collections::BTreeMap;

/// How far somebody has followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// The block whose events came last.
    pub(crate) block: BlockRef,
    /// Of them, those up to this block number and log index.
    pub(crate) up_to: (u64, u64),
}

/// The heights from which a contract is followed.
#[derive(Clone, Copy, Debug, Default)]
struct Since {
    any: Option<u64>,
    as_ours: Option<u64>,
}

/// All of a block.
pub(crate) const ALL: (u64, u64) = (u64::MAX, u64::MAX);

impl Position {
    /// After everything that the block brings.
    pub(crate) const fn after(block: BlockRef) -> Self {
        Self { block, up_to: ALL }
    }
}

impl Store {
    /// The next canonical block from `from` on, up to `to`, that may bring something.
    pub(crate) async fn next_bringing(
        &self,
        selection: &Selection,
        from: u64,
        to: u64,
    ) -> Result<Option<BlockRef>> {
        // Bounds on the event's own block don't bound the block that brings it.
        let wanted = Selection { from: None, to: None, ..selection.clone() };
        let query = Query::new(
            "SELECT e.block_number AS number FROM canonical_events e WHERE e.block_number >= $1
                AND e.block_number <= $2",
        );
        let query =
            wanted.narrow(query.bind(from).bind(to)).push(" ORDER BY e.block_number LIMIT 1");
        let own = self.fetch_one(query).await?.map(|row| row.uint("number")).transpose()?;
        let query = Query::new(
            "SELECT w.since_number AS number FROM watched w
             JOIN blocks b ON b.hash = w.since_hash AND b.canonical = 1
             WHERE w.since_number >= $1 AND w.since_number <= $2 AND w.since_log >= 0",
        );
        let query = query.bind(from).bind(to).and("w.address = ", wanted.contract);
        let query = query.push(" ORDER BY w.since_number LIMIT 1");
        let named = self.fetch_one(query).await?.map(|row| row.uint("number")).transpose()?;
        let Some(number) = own.into_iter().chain(named).min() else { return Ok(None) };
        Ok(self.hash_at(number).await?.map(|hash| BlockRef::new(number, hash)))
    }

    /// What `block` brings, in the chain's order. `branch`: the blocks above the newest canonical one that it stands on, itself
    /// included, if a reorg took it away; empty if it is canonical.
    pub(crate) async fn brought(
        &self,
        selection: &Selection,
        block: BlockRef,
        branch: &[BlockRef],
    ) -> Result<Vec<EventRow>> {
        let query = Query::new(
            "SELECT e.*, b.time AS block_time, b.canonical FROM events e
             JOIN blocks b ON b.hash = e.block_hash WHERE e.block_hash = $1",
        );
        let rows = self.fetch(selection.narrow(query.bind(block.hash))).await?;
        let own: Vec<EventRow> = rows.iter().map(event).collect::<Result<_>>()?;
        let mut since = BTreeMap::new();
        let mut brought = Vec::new();
        for row in own {
            let known = match since.get(&row.contract) {
                Some(known) => *known,
                None => {
                    let known = self.since(row.contract, branch).await?;
                    since.insert(row.contract, known);
                    known
                }
            };
            // A later block names its contract, and brings it.
            if known.any.is_some_and(|known| known <= block.number) {
                brought.push(row);
            }
        }
        for named in self.named_by(block.hash).await? {
            let known = self.since(named.address, branch).await?;
            let is_first = known.as_ours == Some(block.number);
            let is_wanted = selection.contract.is_none_or(|contract| contract == named.address);
            if named.kind == Kind::Policy && is_first && is_wanted {
                // What came since it was followed as foreign has been brought.
                let below = known.any.unwrap_or(block.number);
                brought.extend(self.before(selection, &named, below, branch).await?);
            }
        }
        brought.sort_by_key(|row| (row.block.number, row.log_index));
        brought.dedup_by_key(|row| (row.block.hash, row.log_index));
        Ok(brought)
    }

    /// From where on a contract is followed, on the canonical chain or a branch of it.
    async fn since(&self, contract: Address, branch: &[BlockRef]) -> Result<Since> {
        let query = Query::new(
            "SELECT w.*, b.canonical AS canonical FROM watched w
             LEFT JOIN blocks b ON b.hash = w.since_hash WHERE w.address = $1",
        );
        let fork = branch.iter().map(|block| block.number).min();
        let mut since = Since::default();
        let least = |one: Option<u64>, number: u64| Some(one.map_or(number, |it| number.min(it)));
        for row in self.fetch(query.bind(contract)).await? {
            let named = watched(&row)?;
            let below_fork = fork.is_none_or(|fork| named.since.number < fork);
            let counts = named.since_log < 0
                || branch.contains(&named.since)
                || (below_fork && row.optional_uint("canonical")? == Some(1));
            if counts {
                since.any = least(since.any, named.since.number);
                if named.kind == Kind::Policy {
                    since.as_ours = least(since.as_ours, named.since.number);
                }
            }
        }
        Ok(since)
    }

    async fn named_by(&self, block: B256) -> Result<Vec<Watched>> {
        let query = Query::new("SELECT * FROM watched w WHERE since_hash = $1 AND since_log >= 0");
        self.fetch(query.bind(block)).await?.iter().map(watched).collect()
    }

    /// What `named` emitted below a height, on the branch of the block that names it.
    async fn before(
        &self,
        selection: &Selection,
        named: &Watched,
        below: u64,
        branch: &[BlockRef],
    ) -> Result<Vec<EventRow>> {
        let fork = branch.iter().map(|block| block.number).min();
        let query = Query::new(
            "SELECT e.*, b.time AS block_time, b.canonical FROM events e
             JOIN blocks b ON b.hash = e.block_hash WHERE e.contract = $1 AND e.block_number < $2",
        );
        let query = query.bind(named.address).bind(below);
        let rows = self.fetch(selection.narrow(query)).await?;
        let rows: Vec<EventRow> = rows.iter().map(event).collect::<Result<_>>()?;
        let is_below = |row: &EventRow| match fork {
            Some(fork) if row.block.number >= fork => branch.contains(&row.block),
            _ => row.canonical,
        };
        Ok(rows.into_iter().filter(is_below).collect())
    }
}
