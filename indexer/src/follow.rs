//! From proven headers and receipts to rows, in the chain's order. Spec: docs/spec/index.md [IDX-1]..[IDX-4].
//!
//! One way for a chain that is far ahead and for its newest block: receipts of the next blocks are fetched and judged while
//! rows of this one are made, and rows of many final blocks are written at once while more are made. What is written at once
//! is a block near the head, many below the finalized one.

use crate::{
    chain::{Chain, Look, RegistryAt},
    decode::{Catalogue, Kind},
    receipts::{PlacedLog, ProvenReceipts},
    store::{Filter, LookBack, NewBlock, NewEvent, Store, Watched, being_read},
    task::Task,
};
use alloy_primitives::{Address, B256, Bloom, BloomInput, keccak256};
use anyhow::Result;
use light_client::{BlockRef, SealedHeader};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};
use tracing::{debug, warn};

mod collected;
mod look_back;
mod members;
mod pipeline;

use collected::collect;
use look_back::{Beside, Budget, Reader};
use members::{DEEPEST, MOST_NAMED, Members, Naming};
use pipeline::{Ahead, Writing};

/// Events that are read at once, to be told anew.
const PAGE: u32 = 1024;

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
    /// How many contracts' earlier events are being read. [IDX-15]
    being_read: usize,
    beside: Beside,
    /// A step failed: `watched` may lack what canonical blocks name, or hold what none does.
    is_stale: bool,
}

/// A followed contract.
#[derive(Clone, Copy, Debug)]
struct Followed {
    kind: Kind,
    /// Steps from a policy that AppRegistry names.
    depth: u8,
    /// The lowest block that names it.
    since: u64,
    /// keccak256 of the address, of which blooms are made.
    hash: B256,
    /// What it emitted before is not read to the end: whom it named first is not known yet.
    is_being_read: bool,
}

/// Where a look has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) finalized: BlockRef,
    /// The agreed head is further on.
    pub(crate) is_behind: bool,
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
            being_read: 0,
            beside: Beside::default(),
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

    /// How many contracts' earlier events are being read. [IDX-15]
    pub(crate) fn being_read(&self) -> usize {
        self.being_read
    }

    /// Looks once: every block from the last common one up to the head of the look is stored, each at once with its cursor.
    /// What does not hold stores nothing.
    pub(crate) async fn step(&mut self, store: &Store, chain: &mut Chain) -> Result<Reached> {
        let look = chain.look().await?;
        if self.is_stale {
            self.reload(store).await?;
        }
        self.is_stale = true;
        self.end_of_go(store).await?;
        let registry = chain.registry(&look, self.app_registry);
        let reader = Reader {
            store: store.clone(),
            endpoints: Arc::clone(chain.endpoints()),
            catalogue: Arc::clone(&self.catalogue),
            proofs: self.proofs,
        };
        self.take_in(&reader, &registry, &look).await?;
        self.read_on(reader, &registry).await?;
        self.is_stale = false;
        let finalized = look.headers.finalized();
        store.set_finality(look.safe, finalized).await?;
        let is_behind = look.is_behind;
        chain.take(look);
        Ok(Reached { finalized, is_behind })
    }

    async fn take_in(
        &mut self,
        reader: &Reader,
        registry: &RegistryAt<'_>,
        look: &Look,
    ) -> Result<()> {
        let Reader { store, endpoints, .. } = reader;
        let new = unstored(store, &look.new).await?;
        let comes_back = match (new.first(), new.last()) {
            (Some(first), Some(last)) => store.has_orphans(first.number(), last.number()).await?,
            _ => false,
        };
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
        let mut ahead = Ahead::new(endpoints, new);
        let mut writing = Writing::new(store);
        for header in new {
            ahead.fill(&self.watched);
            let fetched = ahead.next();
            let mut rows = self.rows(&mut writing, reader, registry, header, fetched).await?;
            // What this block says of an event that stands below comes after.
            rows.events.splice(0..0, std::mem::take(&mut told_anew));
            debug!(block = %header.block(), events = rows.events.len(), "made");
            writing.add(rows, header.number() <= finalized).await?;
            // A block that was here before may have been found to name more than it names by itself.
            if comes_back {
                writing.flush().await?;
                self.reload(store).await?;
            }
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
                limit: PAGE,
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
        reader: &Reader,
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
            None => reader.endpoints.receipts(header).await?,
        };
        let block = header.block();
        let (named, mut budget) = (self.named(block, &proven), Budget::ONE_BLOCK);
        self.collect(&mut new, block, &proven, None);
        for (mut watched, is_new) in named {
            if is_new {
                // What is not written yet is not found in the database.
                writing.flush().await?;
                watched.back = self.look_back(reader, &mut new, &watched, &mut budget).await?;
            }
            self.note(&watched);
            new.watched.push(watched);
        }
        let mut namers = VecDeque::from_iter(new.watched.iter().map(|named| named.address));
        namers.extend(self.members.note(&new.events));
        if namers.is_empty() {
            return Ok(new);
        }
        // Whoever is named may name others in turn.
        while let Some(namer) = namers.pop_front() {
            if self.is_being_read(namer) {
                continue;
            }
            for naming in self.members.of(namer) {
                let before = self.watched.get(&naming.member).copied();
                let Some(mut watched) = self.member(registry, block, namer, naming).await? else {
                    continue;
                };
                self.note(&watched);
                if before.is_none_or(|before| before.kind != watched.kind) {
                    let from = new.events.len();
                    self.collect(&mut new, block, &proven, Some(watched.address));
                    writing.flush().await?;
                    watched.back = self.look_back(reader, &mut new, &watched, &mut budget).await?;
                    self.note(&watched);
                    self.members.note(new.events.get(from..).unwrap_or_default());
                }
                new.watched.push(watched);
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
        since: BlockRef,
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
        let is_so = |known: Followed| {
            (known.kind, known.depth) == (kind, depth) && known.since <= since.number
        };
        if known.is_some_and(is_so) {
            return Ok(None);
        }
        // What was named before and comes into reach only now has its place at the beginning of this block.
        let log_index = if naming.block == since.number { naming.log_index } else { 0 };
        let since_log = i64::try_from(log_index).unwrap_or(i64::MAX);
        let back = LookBack::none(since.number);
        Ok(Some(Watched { address: member, kind, since, since_log, depth, back }))
    }

    /// Follows a contract from now on, or knows more of it.
    fn note(&mut self, watched: &Watched) {
        let one = Followed::of(watched);
        self.watched.entry(watched.address).and_modify(|known| known.learn(one)).or_insert(one);
    }

    fn is_being_read(&self, contract: Address) -> bool {
        self.watched.get(&contract).is_some_and(|followed| followed.is_being_read)
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
                    back: LookBack::none(block.number),
                };
                self.note(&watched);
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
        let kind_of = |address| match one {
            Some(one) if one != address => None,
            _ => self.watched.get(&address).map(|followed| followed.kind),
        };
        let (events, receipts) = collect(&self.catalogue, self.proofs, block, proven, kind_of);
        new.events.extend(events);
        new.receipts.extend(receipts);
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
        Self {
            kind: watched.kind,
            depth: watched.depth,
            since: watched.since.number,
            hash: keccak256(watched.address),
            is_being_read: watched.back.unread.is_some(),
        }
    }

    /// The shortest way to it counts, and that one of those that name it has called it ours.
    fn learn(&mut self, one: Self) {
        self.depth = self.depth.min(one.depth);
        self.since = self.since.min(one.since);
        if one.kind == Kind::Policy {
            self.kind = Kind::Policy;
        }
        self.is_being_read |= one.is_being_read;
    }
}

/// Each contract by all that names it.
fn followed(watched: &[Watched]) -> BTreeMap<Address, Followed> {
    let unread = being_read(watched);
    let mut followed = BTreeMap::new();
    for watched in watched {
        let one = Followed::of(watched);
        followed
            .entry(watched.address)
            .and_modify(|it: &mut Followed| it.learn(one))
            .or_insert(one);
    }
    for (address, followed) in &mut followed {
        followed.is_being_read = unread.contains(address);
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
