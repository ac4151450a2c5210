//! What a policy of ours emitted before an app named it: read from the naming block downwards, to its first event, beside the
//! following. Spec: docs/spec/index.md [IDX-3] [IDX-15]. Prevents: two cheap transactions that keep an index busy for hours.
//!
//! Most policies are made shortly before they are named: what one go finds comes with the naming block itself. What takes longer
//! goes on beside the following, go by go, in turns where there are several; how far each is stands in the database.

use super::{Follower, collected::collect, may_hold};
use crate::{
    chain::RegistryAt,
    decode::{Catalogue, Kind},
    endpoints::Endpoints,
    store::{LookBack, NewBlock, NewEvent, NewReceipt, Store, Watched},
    task::Task,
};
use alloy_primitives::keccak256;
use alloy_rlp::Decodable;
use anyhow::{Context, Error, Result};
use futures_util::future::join_all;
use light_client::{BlockRef, SealedHeader};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
use tracing::{debug, warn};

/// What one go reads: headers; receipts of blocks whose blooms hold the policy, and of how many at once; events.
pub(super) const HEADERS: u32 = 4096;
pub(super) const RECEIPTS: usize = 32;
const AT_ONCE: usize = 8;
const EVENTS: usize = 4096;
/// Goes while one block is taken in.
const GOES: usize = 8;

/// What is read while one block is taken in; the rest is read beside the following.
#[derive(Debug)]
pub(super) struct Budget {
    goes: usize,
    receipts: usize,
}

impl Budget {
    pub(super) const ONE_BLOCK: Self = Self { goes: GOES, receipts: RECEIPTS };
    const ONE_GO: Self = Self { goes: 1, receipts: RECEIPTS };
}

/// Where a go reads.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    pub(super) store: Store,
    pub(super) endpoints: Arc<Endpoints>,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) proofs: bool,
}

/// What a go has read.
#[derive(Debug, Default)]
pub(super) struct Go {
    pub(super) events: Vec<NewEvent>,
    pub(super) receipts: Vec<NewReceipt>,
    /// Blocks below this height are still to be read; 0: none.
    pub(super) unread: u64,
    /// Why it ended before its time.
    pub(super) failure: Option<Error>,
}

impl Reader {
    /// Reads on below `unread`. What failed is read again by the next go, and nothing above it.
    pub(super) async fn go(&self, of: &Watched, unread: u64, budget: &mut Budget) -> Result<Go> {
        let mut go = Go { unread, ..Go::default() };
        if budget.goes == 0 || budget.receipts == 0 {
            return Ok(go);
        }
        budget.goes = budget.goes.saturating_sub(1);
        let lowest = if of.kind == Kind::Policy { 0 } else { of.since.number };
        let page = self.store.headers_down(unread, lowest, HEADERS).await?;
        let (mut reached, hash) = (unread, keccak256(of.address));
        let mut is_all = page.len() < HEADERS as usize;
        let mut holding = Vec::new();
        for header in &page {
            let header = alloy::consensus::Header::decode(&mut header.as_slice())?;
            if may_hold(&header.logs_bloom, hash) {
                if budget.receipts == 0 {
                    is_all = false;
                    break;
                }
                budget.receipts = budget.receipts.saturating_sub(1);
                holding.push(SealedHeader::of(header.clone())?);
            }
            reached = header.number;
        }
        for headers in holding.chunks(AT_ONCE) {
            let told = headers.iter().map(|header| self.endpoints.receipts(header));
            for (header, proven) in headers.iter().zip(join_all(told).await) {
                match proven {
                    Ok(proven) => {
                        let one = |address| (address == of.address).then_some(of.kind);
                        let (events, receipts) =
                            collect(&self.catalogue, self.proofs, header.block(), &proven, one);
                        let is_first = events.iter().any(|event| event.decoded.seq == Some(1));
                        go.events.extend(events);
                        go.receipts.extend(receipts);
                        go.unread = header.number();
                        // Before its first event there is none.
                        if of.kind == Kind::Policy && is_first {
                            go.unread = 0;
                            return Ok(go);
                        }
                    }
                    Err(cause) => {
                        go.unread = header.number().saturating_add(1);
                        go.failure = Some(cause);
                        return Ok(go);
                    }
                }
            }
            if go.events.len() >= EVENTS {
                return Ok(go);
            }
        }
        go.unread = if is_all { 0 } else { reached };
        Ok(go)
    }
}

/// A go beside the following.
#[derive(Debug, Default)]
pub(super) struct Beside {
    now: Option<Task<Result<(Watched, Go)>>>,
    /// Whose turn it was last.
    last: Option<Key>,
}

/// One event that names a contract, by its place.
type Key = (alloy_primitives::Address, alloy_primitives::B256, i64);

fn key(watched: &Watched) -> Key {
    (watched.address, watched.since.hash, watched.since_log)
}

impl Follower {
    /// A policy of ours may have been made in a block before the one that names it (`createPolicy`). Where its first event is
    /// here, there is nothing before. [IDX-3]
    pub(super) async fn look_back(
        &self,
        reader: &Reader,
        new: &mut NewBlock,
        watched: &Watched,
        budget: &mut Budget,
    ) -> Result<LookBack> {
        let (policy, number) = (watched.address, new.header.number());
        if watched.kind != Kind::Policy {
            return Ok(LookBack::none(number));
        }
        let is_first = |event: &NewEvent| event.contract == policy && event.decoded.seq == Some(1);
        if new.events.iter().any(is_first) {
            return Ok(LookBack::whole(number));
        }
        let go = reader.go(watched, number, budget).await?;
        new.events.extend(go.events);
        new.receipts.extend(go.receipts);
        if go.unread == 0 {
            return Ok(LookBack::whole(number));
        }
        warn!(contract = %policy, below = go.unread, "what it emitted before is read beside");
        Ok(LookBack::to_read(number, go.unread))
    }

    /// Keeps what the last go has read, if it has ended.
    pub(super) async fn end_of_go(&mut self, store: &Store) -> Result<()> {
        if self.beside.now.as_ref().is_none_or(|go| !go.is_finished()) {
            return Ok(());
        }
        let Some(now) = self.beside.now.take() else { return Ok(()) };
        let (of, go) = now.end().await?;
        if let Some(cause) = &go.failure {
            warn!(contract = %of.address, "reading what it emitted before: {cause:#}");
        }
        debug!(contract = %of.address, events = go.events.len(), below = go.unread, "read");
        store.keep_read(&of, &go.events, &go.receipts, go.unread).await?;
        if go.unread == 0 {
            self.reload(store).await?;
        }
        Ok(())
    }

    /// Follows the members of what was read to the end, and begins the next go.
    pub(super) async fn read_on(
        &mut self,
        reader: Reader,
        registry: &RegistryAt<'_>,
    ) -> Result<()> {
        let unread = reader.store.unread().await?;
        for of in unread.iter().filter(|of| of.back.unread == Some(0)) {
            let members = self.spread(&reader.store, registry, of).await?;
            reader.store.follow_members(of, &members).await?;
            self.reload(&reader.store).await?;
        }
        let unread: Vec<Watched> =
            unread.into_iter().filter(|of| of.back.unread != Some(0)).collect();
        self.being_read = unread.len();
        if self.beside.now.is_some() {
            return Ok(());
        }
        let next = unread.iter().find(|of| self.beside.last.is_none_or(|last| key(of) > last));
        let Some(of) = next.or(unread.first()).copied() else { return Ok(()) };
        self.beside.last = Some(key(&of));
        self.beside.now = Some(Task::spawn(async move {
            let from = of.back.unread.context("it is to be read")?;
            let go = reader.go(&of, from, &mut Budget { ..Budget::ONE_GO }).await?;
            Ok((of, go))
        }));
        Ok(())
    }

    /// Whom a policy that was read to the end names, and whom those name: followed from where they would have been, had it been read
    /// at once; what they emitted up to now is to be read in turn. [IDX-13]
    async fn spread(
        &mut self,
        store: &Store,
        registry: &RegistryAt<'_>,
        of: &Watched,
    ) -> Result<Vec<Watched>> {
        let next = store.cursor().await?.head.number.saturating_add(1);
        let mut found = BTreeMap::new();
        let mut namers = VecDeque::from([(of.address, of.since)]);
        while let Some((namer, since)) = namers.pop_front() {
            if namer != of.address && self.is_being_read(namer) {
                continue;
            }
            for naming in self.members.of(namer) {
                let since = match naming.block > since.number {
                    true => {
                        let hash = store.hash_at(naming.block).await?;
                        BlockRef::new(naming.block, hash.context("it is stored")?)
                    }
                    false => since,
                };
                let before = self.watched.get(&naming.member).copied();
                let Some(mut watched) = self.member(registry, since, namer, naming).await? else {
                    continue;
                };
                let is_known = before.is_some_and(|before| {
                    before.kind == watched.kind && before.since <= since.number
                });
                watched.back = match is_known {
                    true => LookBack::none(next),
                    false => LookBack::to_read(next, next),
                };
                self.note(&watched);
                found.insert(key(&watched), watched);
                namers.push_back((watched.address, watched.since));
            }
        }
        self.count_left_out();
        Ok(found.into_values().collect())
    }
}

#[cfg(test)]
mod tests;
