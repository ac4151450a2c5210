//! From proven headers and receipts to rows, block by block. Spec: docs/spec/index.md [IDX-1]..[IDX-4].

use crate::{
    chain::Chain,
    decode::{Catalogue, Kind},
    receipts::{PlacedLog, ProvenReceipts},
    store::{NewBlock, NewEvent, NewReceipt, Store, Watched},
};
use alloy_primitives::{Address, Bloom, BloomInput};
use alloy_rlp::Decodable;
use anyhow::Result;
use light_client::{BlockRef, SealedHeader};
use std::collections::{BTreeMap, BTreeSet};
use tracing::{debug, warn};

/// Blocks after which a restart would go on from here, while the index is far behind.
const PROGRESS: u64 = 256;
/// Stored headers that are read at once.
const HEADERS: u32 = 1024;

/// What makes rows of blocks.
#[derive(Debug)]
pub(crate) struct Follower {
    catalogue: Catalogue,
    app_registry: Address,
    watched: BTreeMap<Address, Kind>,
}

impl Follower {
    pub(crate) async fn new(store: &Store, app_registry: Address) -> Result<Self> {
        let watched = BTreeMap::new();
        let mut follower = Self { catalogue: Catalogue::new()?, app_registry, watched };
        follower.reload(store).await?;
        Ok(follower)
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Looks once: every block from the last common one up to the agreed head is stored, each at once with its cursor. What
    /// does not hold stores nothing. Returns the finalized block.
    pub(crate) async fn step(&mut self, store: &Store, chain: &mut Chain) -> Result<BlockRef> {
        let look = chain.look().await?;
        let finalized = look.headers.finalized();
        if !look.new.is_empty() {
            // A step that failed half way may have forgotten contracts of blocks that are canonical still.
            self.reload(store).await?;
        }
        for header in &look.new {
            if store.hash_at(header.number()).await? == Some(header.hash()) {
                continue;
            }
            // The first block of another branch takes away what its own branch never had.
            if store.cursor().await?.head != parent(header) {
                warn!(block = %header.block(), "reorg");
                self.forget_from(store, header.number()).await?;
            }
            let new = self.rows(store, chain, header).await?;
            store.append(std::slice::from_ref(&new)).await?;
            self.watched.extend(new.watched.iter().map(|watched| (watched.address, watched.kind)));
            debug!(block = %header.block(), events = new.events.len(), "stored");
            // A long way up is not begun anew after a restart.
            if header.number() < finalized.number && header.number().is_multiple_of(PROGRESS) {
                store.set_finality(header.number(), header.block()).await?;
            }
        }
        store.set_finality(look.safe, finalized).await?;
        chain.take(look);
        Ok(finalized)
    }

    async fn reload(&mut self, store: &Store) -> Result<()> {
        let watched = store.watched().await?;
        self.watched = watched.iter().map(|watched| (watched.address, watched.kind)).collect();
        Ok(())
    }

    /// Follows no longer what only blocks from `number` on have named.
    async fn forget_from(&mut self, store: &Store, number: u64) -> Result<()> {
        let watched = store.watched().await?;
        let below =
            watched.iter().filter(|watched| watched.since_log < 0 || watched.since.number < number);
        self.watched = below.map(|watched| (watched.address, watched.kind)).collect();
        Ok(())
    }

    /// The rows of one block. The header's bloom has no false negatives: where it names no followed contract there is no
    /// event, and no receipt is fetched. [IDX-2]
    async fn rows(&self, store: &Store, chain: &Chain, header: &SealedHeader) -> Result<NewBlock> {
        let bloom = &header.fields().logs_bloom;
        let mut new = NewBlock {
            header: header.clone(),
            watched: Vec::new(),
            events: Vec::new(),
            receipts: Vec::new(),
        };
        if !self.watched.keys().any(|contract| may_hold(bloom, *contract)) {
            return Ok(new);
        }
        let proven = chain.receipts(header).await?;
        new.watched = self.named(header.block(), &proven);
        let mut contracts = self.watched.clone();
        for watched in &new.watched {
            contracts.insert(watched.address, watched.kind);
        }
        self.collect(&mut new, header.block(), &proven, &contracts);
        for watched in new.watched.clone() {
            if watched.kind == Kind::Policy {
                self.look_back(store, chain, &mut new, watched.address).await?;
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

    /// Events of `contracts` in one block, and the receipts that hold them.
    fn collect(
        &self,
        new: &mut NewBlock,
        block: BlockRef,
        proven: &ProvenReceipts,
        contracts: &BTreeMap<Address, Kind>,
    ) {
        let mut holding = BTreeSet::new();
        for PlacedLog { tx_index, log_index, log } in proven.logs() {
            let Some(kind) = contracts.get(&log.address).copied() else { continue };
            holding.insert(tx_index);
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
        for tx_index in holding {
            let Some(receipt) = proven.encoded(tx_index) else { continue };
            new.receipts.push(NewReceipt {
                block_hash: block.hash,
                tx_index,
                first_log: proven.first_log(tx_index),
                receipt: receipt.clone(),
                proof: proven.prove(tx_index),
            });
        }
    }

    /// A policy of ours may have been made in a block before the one that names it (`createPolicy`): its first events are
    /// fetched now, from the blocks whose blooms have it. [IDX-3]
    async fn look_back(
        &self,
        store: &Store,
        chain: &Chain,
        new: &mut NewBlock,
        policy: Address,
    ) -> Result<()> {
        let contracts = BTreeMap::from([(policy, Kind::Policy)]);
        let (mut from, below) = (0, new.header.number());
        loop {
            let page = store.headers(from, below, HEADERS).await?;
            for header in &page {
                let header = alloy::consensus::Header::decode(&mut header.as_slice())?;
                from = header.number.saturating_add(1);
                if may_hold(&header.logs_bloom, policy) {
                    let header = SealedHeader::of(header)?;
                    let proven = chain.receipts(&header).await?;
                    self.collect(new, header.block(), &proven, &contracts);
                }
            }
            if page.is_empty() {
                return Ok(());
            }
        }
    }
}

fn may_hold(bloom: &Bloom, contract: Address) -> bool {
    bloom.contains_input(BloomInput::Raw(contract.as_slice()))
}

fn parent(header: &SealedHeader) -> BlockRef {
    header.parent().unwrap_or(header.block())
}
