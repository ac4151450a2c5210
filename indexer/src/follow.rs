//! From proven headers and receipts to rows, in the chain's order. Spec: docs/spec/index.md [IDX-1]..[IDX-4].
//!
//! One way for a chain that is far ahead and for its newest block: receipts of the next blocks are fetched and judged while
//! rows of this one are made, and rows of many final blocks are written at once while more are made. What is written at once
//! is a block near the head, many below the finalized one.

use crate::{
    chain::{Chain, Look},
    decode::{Catalogue, Kind},
    endpoints::Endpoints,
    receipts::{PlacedLog, ProvenReceipts},
    store::{NewBlock, NewEvent, NewReceipt, Store, Watched},
    task::Task,
};
use alloy_primitives::{Address, B256, Bloom, BloomInput, keccak256};
use alloy_rlp::Decodable;
use anyhow::Result;
use light_client::{BlockRef, SealedHeader};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
use tracing::{debug, warn};

/// Blocks whose receipts are fetched ahead.
const AHEAD: usize = 8;
/// What is written at once at most, in blocks and events.
const BLOCKS_AT_ONCE: usize = 256;
const EVENTS_AT_ONCE: usize = 4096;
/// Stored headers that are read at once.
const HEADERS: u32 = 1024;

/// What makes rows of blocks.
#[derive(Debug)]
pub(crate) struct Follower {
    catalogue: Arc<Catalogue>,
    app_registry: Address,
    /// Whether receipts are kept with their proofs. [IDX-7]
    proofs: bool,
    watched: BTreeMap<Address, Followed>,
    /// A step failed: `watched` may lack what canonical blocks name, or hold what none does.
    is_stale: bool,
}

/// A followed contract.
#[derive(Clone, Copy, Debug)]
struct Followed {
    kind: Kind,
    /// keccak256 of the address, of which blooms are made.
    hash: B256,
}

/// Where a look has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) finalized: BlockRef,
    /// The agreed head is further on.
    pub(crate) is_behind: bool,
}

/// Blocks that are written while more are made. One write at a time.
#[derive(Debug)]
struct Writing<'a> {
    store: &'a Store,
    now: Option<Task<Result<bool>>>,
    next: Vec<NewBlock>,
    events: usize,
}

/// Receipts of blocks to come, fetched ahead.
#[derive(Debug)]
struct Ahead<'a> {
    endpoints: &'a Arc<Endpoints>,
    headers: std::slice::Iter<'a, SealedHeader>,
    /// `None`: the bloom held nothing of what was followed when it was looked at.
    fetched: VecDeque<Option<Task<Result<ProvenReceipts>>>>,
}

impl Follower {
    pub(crate) async fn new(store: &Store, app_registry: Address, proofs: bool) -> Result<Self> {
        let catalogue = Arc::new(Catalogue::new()?);
        let watched = BTreeMap::new();
        let mut follower = Self { catalogue, app_registry, proofs, watched, is_stale: true };
        follower.reload(store).await?;
        Ok(follower)
    }

    pub(crate) fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// Looks once: every block from the last common one up to the head of the look is stored, each at once with its cursor.
    /// What does not hold stores nothing.
    pub(crate) async fn step(&mut self, store: &Store, chain: &mut Chain) -> Result<Reached> {
        let look = chain.look().await?;
        if self.is_stale {
            self.reload(store).await?;
        }
        self.is_stale = true;
        self.take_in(store, chain.endpoints(), &look).await?;
        self.is_stale = false;
        let finalized = look.headers.finalized();
        store.set_finality(look.safe, finalized).await?;
        let is_behind = look.is_behind;
        chain.take(look);
        Ok(Reached { finalized, is_behind })
    }

    async fn take_in(
        &mut self,
        store: &Store,
        endpoints: &Arc<Endpoints>,
        look: &Look,
    ) -> Result<()> {
        let new = unstored(store, &look.new).await?;
        // The first block of another branch takes away what its own branch never had.
        if let Some(first) = new.first()
            && store.cursor().await?.head != parent(first)
        {
            warn!(block = %first.block(), "reorg");
            self.forget_from(store, first.number()).await?;
        }
        let finalized = look.headers.finalized().number;
        let mut ahead = Ahead { endpoints, headers: new.iter(), fetched: VecDeque::new() };
        let mut writing = Writing { store, now: None, next: Vec::new(), events: 0 };
        for header in new {
            ahead.fill(&self.watched);
            let fetched = ahead.fetched.pop_front().flatten();
            let rows = self.rows(&mut writing, endpoints, header, fetched).await?;
            debug!(block = %header.block(), events = rows.events.len(), "made");
            writing.add(rows, header.number() <= finalized).await?;
        }
        writing.finish().await
    }

    async fn reload(&mut self, store: &Store) -> Result<()> {
        self.watched = followed(store.watched().await?);
        Ok(())
    }

    /// Follows no longer what only blocks from `number` on have named.
    async fn forget_from(&mut self, store: &Store, number: u64) -> Result<()> {
        let mut watched = store.watched().await?;
        watched.retain(|watched| watched.since_log < 0 || watched.since.number < number);
        self.watched = followed(watched);
        Ok(())
    }

    /// The rows of one block. The header's bloom has no false negatives: where it names no followed contract there is no
    /// event, and no receipt is fetched. [IDX-2]
    async fn rows(
        &mut self,
        writing: &mut Writing<'_>,
        endpoints: &Endpoints,
        header: &SealedHeader,
        fetched: Option<Task<Result<ProvenReceipts>>>,
    ) -> Result<NewBlock> {
        let mut new = NewBlock {
            header: header.clone(),
            watched: Vec::new(),
            events: Vec::new(),
            receipts: Vec::new(),
        };
        // Asked again: a block in between may have named more.
        if !may_hold_any(header, &self.watched) {
            return Ok(new);
        }
        let proven = match fetched {
            Some(fetched) => fetched.end().await?,
            None => endpoints.receipts(header).await?,
        };
        new.watched = self.named(header.block(), &proven);
        self.watched.extend(followed(new.watched.clone()));
        self.collect(&mut new, header.block(), &proven, None);
        for watched in new.watched.clone() {
            // Where its first event is here, there is nothing before.
            let is_first = |event: &NewEvent| {
                event.contract == watched.address && event.decoded.seq == Some(1)
            };
            if watched.kind == Kind::Policy && !new.events.iter().any(is_first) {
                self.look_back(writing, endpoints, &mut new, watched.address).await?;
            }
        }
        Ok(new)
    }

    /// Policies that AppRegistry names in this block for the first time. [IDX-3]
    fn named(&self, block: BlockRef, proven: &ProvenReceipts) -> Vec<Watched> {
        let mut named: Vec<Watched> = Vec::new();
        for PlacedLog { log, log_index, .. } in proven.logs() {
            if log.address != self.app_registry {
                continue;
            }
            let decoded = self.catalogue.decode(Kind::AppRegistry, &log.data);
            let Some(policy) = decoded.named_policy() else { continue };
            let is_known = self.watched.contains_key(&policy.address)
                || named.iter().any(|watched| watched.address == policy.address);
            if !is_known {
                named.push(Watched {
                    address: policy.address,
                    kind: policy.kind,
                    since: block,
                    since_log: i64::try_from(log_index).unwrap_or(i64::MAX),
                });
            }
        }
        named
    }

    /// Events in one block of what is followed, or of `one` contract only, and the receipts that hold them.
    fn collect(
        &self,
        new: &mut NewBlock,
        block: BlockRef,
        proven: &ProvenReceipts,
        one: Option<Address>,
    ) {
        let mut holding = Vec::new();
        for PlacedLog { tx_index, log_index, log } in proven.logs() {
            let Some(Followed { kind, .. }) = self.watched.get(&log.address).copied() else {
                continue;
            };
            if one.is_some_and(|one| one != log.address) {
                continue;
            }
            if holding.last() != Some(&tx_index) {
                holding.push(tx_index);
            }
            new.events.push(NewEvent {
                block,
                tx_index,
                log_index,
                contract: log.address,
                kind,
                decoded: self.catalogue.decode(kind, &log.data),
                log: log.data.clone(),
            });
        }
        if !self.proofs || holding.is_empty() {
            return;
        }
        for (tx_index, proof) in holding.iter().copied().zip(proven.prove(&holding)) {
            let Some(receipt) = proven.encoded(tx_index) else { continue };
            new.receipts.push(NewReceipt {
                block_hash: block.hash,
                tx_index,
                first_log: proven.first_log(tx_index),
                receipt: receipt.clone(),
                proof,
            });
        }
    }

    /// A policy of ours may have been made in a block before the one that names it (`createPolicy`): its first events are
    /// fetched now, from the blocks whose blooms have it. [IDX-3]
    async fn look_back(
        &self,
        writing: &mut Writing<'_>,
        endpoints: &Endpoints,
        new: &mut NewBlock,
        policy: Address,
    ) -> Result<()> {
        // What is not written yet is not found in the database.
        writing.flush().await?;
        let hash = keccak256(policy);
        let (mut from, below) = (0, new.header.number());
        loop {
            let page = writing.store.headers(from, below, HEADERS).await?;
            for header in &page {
                let header = alloy::consensus::Header::decode(&mut header.as_slice())?;
                from = header.number.saturating_add(1);
                if may_hold(&header.logs_bloom, hash) {
                    let header = SealedHeader::of(header)?;
                    let proven = endpoints.receipts(&header).await?;
                    self.collect(new, header.block(), &proven, Some(policy));
                }
            }
            if page.is_empty() {
                return Ok(());
            }
        }
    }
}

impl Ahead<'_> {
    fn fill(&mut self, watched: &BTreeMap<Address, Followed>) {
        while self.fetched.len() <= AHEAD
            && let Some(header) = self.headers.next()
        {
            let (endpoints, header) = (Arc::clone(self.endpoints), header.clone());
            self.fetched.push_back(
                may_hold_any(&header, watched)
                    .then(|| Task::spawn(async move { endpoints.receipts(&header).await })),
            );
        }
    }
}

impl Writing<'_> {
    async fn add(&mut self, new: NewBlock, is_final: bool) -> Result<()> {
        self.events = self.events.saturating_add(new.events.len());
        self.next.push(new);
        if !is_final || self.next.len() >= BLOCKS_AT_ONCE || self.events >= EVENTS_AT_ONCE {
            self.begin().await?;
        }
        Ok(())
    }

    /// Waits for the last write and begins the next.
    async fn begin(&mut self) -> Result<()> {
        if let Some(now) = self.now.take() {
            now.end().await?;
        }
        self.events = 0;
        let (store, blocks) = (self.store.clone(), std::mem::take(&mut self.next));
        if !blocks.is_empty() {
            self.now = Some(Task::spawn(async move { store.append(&blocks).await }));
        }
        Ok(())
    }

    /// Everything is written.
    async fn flush(&mut self) -> Result<()> {
        self.begin().await?;
        self.begin().await
    }

    async fn finish(mut self) -> Result<()> {
        self.flush().await
    }
}

/// Those of `headers`, which are linked, from the first on that is not canonical here.
async fn unstored<'a>(store: &Store, headers: &'a [SealedHeader]) -> Result<&'a [SealedHeader]> {
    let (Some(first), Some(last)) = (headers.first(), headers.last()) else { return Ok(&[]) };
    let stored = store.hashes(first.number(), last.number()).await?;
    let is_stored = |header: &&SealedHeader| stored.get(&header.number()) == Some(&header.hash());
    let count = headers.iter().take_while(is_stored).count();
    let (_, new) = headers.split_at_checked(count).unwrap_or_default();
    Ok(new)
}

fn followed(watched: Vec<Watched>) -> BTreeMap<Address, Followed> {
    let one =
        |Watched { address, kind, .. }| (address, Followed { kind, hash: keccak256(address) });
    watched.into_iter().map(one).collect()
}

fn may_hold_any(header: &SealedHeader, watched: &BTreeMap<Address, Followed>) -> bool {
    let bloom = &header.fields().logs_bloom;
    !bloom.is_zero() && watched.values().any(|followed| may_hold(bloom, followed.hash))
}

/// `hash` is keccak256 of a contract's address.
fn may_hold(bloom: &Bloom, hash: B256) -> bool {
    bloom.contains_input(BloomInput::Hash(hash))
}

fn parent(header: &SealedHeader) -> BlockRef {
    header.parent().unwrap_or(header.block())
}
