//! What each block brings to whoever follows the index, and takes away again if it is orphaned. Spec: docs/spec/api.md
//! [API-3].
//!
//! A block brings its events; and what a policy of ours emitted before the block that names it comes with that block, or, if there
//! was much to read, with the first one after it was read to the end. So every event comes exactly once, with a block that does
//! not change any more unless it is orphaned.

use super::{EventRow, Query, Selection, Store, Watched, rows::event, watched};
use crate::decode::Kind;
use alloy_primitives::Address;
use anyhow::Result;
use light_client::BlockRef;
use std::collections::{BTreeMap, btree_map::Entry};

/// How far somebody has followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// The block whose events came last.
    pub(crate) block: BlockRef,
    /// Of them, those up to this block number and log index.
    pub(crate) up_to: (u64, u64),
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
            "SELECT w.told_with AS number FROM watched w
             JOIN blocks b ON b.hash = w.since_hash AND b.canonical = 1
             WHERE w.told_with >= $1 AND w.told_with <= $2",
        );
        let query = query.bind(from).bind(to).and("w.address = ", wanted.contract);
        let query = query.push(" ORDER BY w.told_with LIMIT 1");
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
        let mut counting = BTreeMap::new();
        let mut rows = own;
        for contract in self.told_with(block.number).await? {
            if selection.contract.is_none_or(|wanted| wanted == contract) {
                rows.extend(self.before(selection, contract, block.number, branch).await?);
            }
        }
        let mut brought = Vec::new();
        for row in rows {
            let watched = match counting.entry(row.contract) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => {
                    unknown.insert(self.counting(row.contract, branch).await?)
                }
            };
            if brought_at(row.block.number, watched) == Some(block.number) {
                brought.push(row);
            }
        }
        brought.sort_by_key(|row| (row.block.number, row.log_index));
        brought.dedup_by_key(|row| (row.block.hash, row.log_index));
        Ok(brought)
    }

    /// By what a contract is followed, on the canonical chain or a branch of it.
    async fn counting(&self, contract: Address, branch: &[BlockRef]) -> Result<Vec<Watched>> {
        let query = Query::new(
            "SELECT w.*, b.canonical AS canonical FROM watched w
             LEFT JOIN blocks b ON b.hash = w.since_hash WHERE w.address = $1",
        );
        let fork = branch.iter().map(|block| block.number).min();
        let mut counting = Vec::new();
        for row in self.fetch(query.bind(contract)).await? {
            let named = watched(&row)?;
            let below_fork = fork.is_none_or(|fork| named.since.number < fork);
            let counts = named.since_log < 0
                || branch.contains(&named.since)
                || (below_fork && row.optional_uint("canonical")? == Some(1));
            if counts {
                counting.push(named);
            }
        }
        Ok(counting)
    }

    /// The contracts whose earlier events come with the block at a height.
    async fn told_with(&self, number: u64) -> Result<Vec<Address>> {
        let query = Query::new("SELECT DISTINCT address FROM watched WHERE told_with = $1");
        self.fetch(query.bind(number)).await?.iter().map(|row| row.address("address")).collect()
    }

    /// What a contract emitted below a height, on a branch.
    async fn before(
        &self,
        selection: &Selection,
        contract: Address,
        below: u64,
        branch: &[BlockRef],
    ) -> Result<Vec<EventRow>> {
        let fork = branch.iter().map(|block| block.number).min();
        let query = Query::new(
            "SELECT e.*, b.time AS block_time, b.canonical FROM events e
             JOIN blocks b ON b.hash = e.block_hash WHERE e.contract = $1 AND e.block_number < $2",
        );
        let query = query.bind(contract).bind(below);
        let rows = self.fetch(selection.narrow(query)).await?;
        let rows: Vec<EventRow> = rows.iter().map(event).collect::<Result<_>>()?;
        let is_below = |row: &EventRow| match fork {
            Some(fork) if row.block.number >= fork => branch.contains(&row.block),
            _ => row.canonical,
        };
        Ok(rows.into_iter().filter(is_below).collect())
    }
}

/// With the block at which height an event of a block at `number` comes, by what its contract is followed.
fn brought_at(number: u64, watched: &[Watched]) -> Option<u64> {
    let by_one = |one: &Watched| match (one.back.below <= number, one.kind) {
        (true, _) => Some(number.max(one.since.number)),
        (false, Kind::ForeignPolicy) if number < one.since.number => None,
        (false, _) => one.back.told_with,
    };
    watched.iter().filter_map(by_one).min()
}
