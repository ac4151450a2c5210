//! From proven headers and receipts to rows, in the chain's order. Spec: docs/spec/index.md [IDX-1]..[IDX-4].
//!
//! One way for a chain that is far ahead and for its newest block: receipts of the next blocks are fetched and judged while
//! rows of this one are made, and rows of many final blocks are written at once while more are made. What is written at once
//! is a block near the head, many below the finalized one.

use crate::{
    chain::{Chain, Look, RegistryAt},
    decode::{Catalogue, Kind},
    endpoints::Endpoints,
    receipts::{PlacedLog, ProvenReceipts},
    store::{Filter, NewBlock, NewEvent, NewReceipt, Store, Watched},
    task::Task,
};
use alloy_primitives::{Address, B256, Bloom, BloomInput, keccak256};
use alloy_rlp::Decodable;
use anyhow::Result;
use light_client::{BlockRef, SealedHeader};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};
use tracing::{debug, warn};

mod members;

use members::{DEEPEST, MOST_NAMED, Members, Naming};

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
    /// Whom policies name as those that they ask. [IDX-13]
    members: Members,
    /// Those that AppRegistry was asked about and did not make.
    not_ours: BTreeSet<Address>,
    /// How many of them are not followed. [IDX-14]
    left_out: usize,
    /// A step failed: `watched` may lack what canonical blocks name, or hold what none does.
    is_stale: bool,
}

/// A followed contract.
#[derive(Clone, Copy, Debug)]
struct Followed {
    kind: Kind,
    /// Steps from a policy that AppRegistry names.
    depth: u8,
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
        let mut follower = Self {
            catalogue,
            app_registry,
            proofs,
            watched: BTreeMap::new(),
            members: Members::default(),
            not_ours: BTreeSet::new(),
            left_out: 0,
            is_stale: true,
        };
        follower.reload(store).await?;
        Ok(follower)
    }

    pub(crate) fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// How many contracts policies name as members that are not followed. [IDX-14]
    pub(crate) fn left_out(&self) -> usize {
        self.left_out
    }

    /// Looks once: every block from the last common one up to the head of the look is stored, each at once with its cursor.
    /// What does not hold stores nothing.
    pub(crate) async fn step(&mut self, store: &Store, chain: &mut Chain) -> Result<Reached> {
        let look = chain.look().await?;
        if self.is_stale {
            self.reload(store).await?;
        }
        self.is_stale = true;
        let registry = chain.registry(&look, self.app_registry);
        self.take_in(store, chain.endpoints(), &registry, &look).await?;
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
        registry: &RegistryAt<'_>,
        look: &Look,
    ) -> Result<()> {
        let new = unstored(store, &look.new).await?;
        let mut told_anew = Vec::new();
        // The first block of another branch takes away what its own branch never had.
        if let Some(first) = new.first()
            && store.cursor().await?.head != parent(first)
        {
            warn!(block = %first.block(), "reorg");
            let before = std::mem::take(&mut self.watched);
            self.forget_from(store, first.number()).await?;
            told_anew = self.told_anew(store, &before, first.number()).await?;
        }
        let finalized = look.headers.finalized().number;
        let mut ahead = Ahead { endpoints, headers: new.iter(), fetched: VecDeque::new() };
        let mut writing = Writing { store, now: None, next: Vec::new(), events: 0 };
        for header in new {
            ahead.fill(&self.watched);
            let fetched = ahead.fetched.pop_front().flatten();
            let mut rows = self.rows(&mut writing, endpoints, registry, header, fetched).await?;
            // What this block says of an event that stands below comes after.
            rows.events.splice(0..0, std::mem::take(&mut told_anew));
            debug!(block = %header.block(), events = rows.events.len(), "made");
            writing.add(rows, header.number() <= finalized).await?;
        }
        writing.finish().await
    }

    async fn reload(&mut self, store: &Store) -> Result<()> {
        self.forget_from(store, u64::MAX).await
    }

    /// Follows no longer what only blocks from `number` on have named.
    async fn forget_from(&mut self, store: &Store, number: u64) -> Result<()> {
        let mut watched = store.watched().await?;
        watched.retain(|watched| watched.since_log < 0 || watched.since.number < number);
        self.watched = followed(&watched);
        self.members = Members::new(store.members_below(number, MOST_NAMED).await?);
        self.not_ours.clear();
        self.count_left_out();
        Ok(())
    }

    /// Events below `number` of contracts that only the blocks taken away have called ours.
    async fn told_anew(
        &self,
        store: &Store,
        before: &BTreeMap<Address, Followed>,
        number: u64,
    ) -> Result<Vec<NewEvent>> {
        let mut events = Vec::new();
        for (address, now) in &self.watched {
            if before.get(address).is_none_or(|before| before.kind == now.kind) {
                continue;
            }
            let mut filter = Filter {
                contract: Some(*address),
                up_to: number.checked_sub(1),
                limit: HEADERS,
                ..Filter::default()
            };
            loop {
                let rows = store.events(&filter).await?;
                let Some(last) = rows.last() else { break };
                filter.after = Some((last.block, last.log_index));
                events.extend(rows.into_iter().map(|row| NewEvent {
                    block: row.block,
                    tx_index: row.tx_index,
                    log_index: row.log_index,
                    contract: row.contract,
                    kind: now.kind,
                    decoded: self.catalogue.decode(now.kind, &row.log),
                    log: row.log,
                }));
            }
        }
        Ok(events)
    }

    /// The rows of one block. The header's bloom has no false negatives: where it names no followed contract there is no
    /// event, and no receipt is fetched. [IDX-2]
    async fn rows(
        &mut self,
        writing: &mut Writing<'_>,
        endpoints: &Endpoints,
        registry: &RegistryAt<'_>,
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
        let block = header.block();
        let named = self.named(block, &proven);
        new.watched = named.iter().map(|(watched, _)| *watched).collect();
        self.collect(&mut new, block, &proven, None);
        for (watched, _) in named.into_iter().filter(|(_, is_new)| *is_new) {
            self.look_back(writing, endpoints, &mut new, watched).await?;
        }
        let mut namers = VecDeque::from_iter(new.watched.iter().map(|named| named.address));
        namers.extend(self.members.note(&new.events));
        if namers.is_empty() {
            return Ok(new);
        }
        // Whoever is named may name others in turn.
        while let Some(namer) = namers.pop_front() {
            for naming in self.members.of(namer) {
                let Some(watched) = self.member(registry, block, namer, naming).await? else {
                    continue;
                };
                let before = self.watched.insert(watched.address, Followed::of(&watched));
                new.watched.push(watched);
                if before.is_none_or(|before| before.kind != watched.kind) {
                    let from = new.events.len();
                    self.collect(&mut new, block, &proven, Some(watched.address));
                    self.look_back(writing, endpoints, &mut new, watched).await?;
                    self.members.note(new.events.get(from..).unwrap_or_default());
                }
                namers.push_back(watched.address);
            }
        }
        self.count_left_out();
        Ok(new)
    }

    /// A contract that a policy names as its member, if it is to be followed from here on, or is nearer to an app than was known:
    /// then more of those below it are in reach. [IDX-13] [IDX-14]
    async fn member(
        &mut self,
        registry: &RegistryAt<'_>,
        block: BlockRef,
        namer: Address,
        naming: Naming,
    ) -> Result<Option<Watched>> {
        let Some(namer) = self.watched.get(&namer).copied() else { return Ok(None) };
        let (member, depth) = (naming.member, namer.depth.saturating_add(1));
        let known = self.watched.get(&member).copied();
        // The network's own contracts are what they are.
        if depth > DEEPEST || known.is_some_and(|known| !known.kind.is_policy()) {
            return Ok(None);
        }
        let kind = match known.map(|known| known.kind) {
            Some(Kind::Policy) => Kind::Policy,
            // A policy of ours asks contracts that are there; any other names what it likes, and is believed nothing.
            _ if namer.kind == Kind::Policy && !self.not_ours.contains(&member) => {
                registry.kind_of(member).await?
            }
            _ => Kind::ForeignPolicy,
        };
        if namer.kind == Kind::Policy && kind == Kind::ForeignPolicy {
            self.not_ours.insert(member);
        }
        let depth = known.map_or(depth, |known| known.depth.min(depth));
        if known.is_some_and(|known| (known.kind, known.depth) == (kind, depth)) {
            return Ok(None);
        }
        // What was named before and comes into reach only now has its place at the beginning of this block.
        let log_index = if naming.block == block.number { naming.log_index } else { 0 };
        let since_log = i64::try_from(log_index).unwrap_or(i64::MAX);
        Ok(Some(Watched { address: member, kind, since: block, since_log, depth }))
    }

    fn count_left_out(&mut self) {
        let left_out = self.members.count_without(|member| self.watched.contains_key(member));
        if left_out > self.left_out {
            warn!(left_out, "policies name members beyond what is followed");
        }
        self.left_out = left_out;
    }

    /// Policies that AppRegistry names in this block for the first time, and whether they were not followed before, or not as what
    /// they are. [IDX-3]
    fn named(&mut self, block: BlockRef, proven: &ProvenReceipts) -> Vec<(Watched, bool)> {
        let mut named = Vec::new();
        for PlacedLog { log, log_index, .. } in proven.logs() {
            if log.address != self.app_registry {
                continue;
            }
            let decoded = self.catalogue.decode(Kind::AppRegistry, &log.data);
            let Some(policy) = decoded.named_policy() else { continue };
            // Whatever was seen as a member before is an app's own policy from now on, and ours if AppRegistry says so.
            let known = self.watched.get(&policy.address).copied();
            let is_known = known.is_some_and(|known| {
                let is_as_good = known.kind == Kind::Policy || policy.kind == Kind::ForeignPolicy;
                !known.kind.is_policy() || (known.depth == 0 && is_as_good)
            });
            if !is_known {
                let watched = Watched {
                    address: policy.address,
                    kind: policy.kind_beside(known.map(|known| known.kind)),
                    since: block,
                    since_log: i64::try_from(log_index).unwrap_or(i64::MAX),
                    depth: 0,
                };
                self.watched.insert(watched.address, Followed::of(&watched));
                named.push((watched, known.is_none_or(|known| known.kind != watched.kind)));
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
    /// fetched now, from the blocks whose blooms have it. Where its first event is here, there is nothing before. [IDX-3]
    async fn look_back(
        &self,
        writing: &mut Writing<'_>,
        endpoints: &Endpoints,
        new: &mut NewBlock,
        watched: Watched,
    ) -> Result<()> {
        let policy = watched.address;
        let is_first = |event: &NewEvent| event.contract == policy && event.decoded.seq == Some(1);
        if watched.kind != Kind::Policy || new.events.iter().any(is_first) {
            return Ok(());
        }
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

impl Followed {
    fn of(watched: &Watched) -> Self {
        Self { kind: watched.kind, depth: watched.depth, hash: keccak256(watched.address) }
    }
}

/// Each contract by all that names it: the shortest way to it counts, and that one of them has called it ours.
fn followed(watched: &[Watched]) -> BTreeMap<Address, Followed> {
    let mut followed = BTreeMap::new();
    for watched in watched {
        let one = followed.entry(watched.address).or_insert(Followed::of(watched));
        one.depth = one.depth.min(watched.depth);
        if watched.kind == Kind::Policy {
            one.kind = Kind::Policy;
        }
    }
    followed
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
