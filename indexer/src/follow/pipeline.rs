//! Receipts fetched ahead of the block that is taken in, and rows written behind it. Spec: docs/spec/index.md [IDX-11].

use super::{Followed, may_hold_any};
use crate::{
    endpoints::Endpoints,
    receipts::ProvenReceipts,
    store::{NewBlock, Store},
    task::Task,
};
use alloy_primitives::Address;
use anyhow::Result;
use light_client::SealedHeader;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// Blocks whose receipts are fetched ahead.
const AHEAD: usize = 8;
/// What is written at once at most, in blocks and events.
const BLOCKS_AT_ONCE: usize = 256;
const EVENTS_AT_ONCE: usize = 4096;
/// Blocks that are written while more are made. One write at a time.
#[derive(Debug)]
pub(super) struct Writing<'a> {
    store: &'a Store,
    now: Option<Task<Result<bool>>>,
    next: Vec<NewBlock>,
    events: usize,
}

/// Receipts of blocks to come, fetched ahead.
#[derive(Debug)]
pub(super) struct Ahead<'a> {
    endpoints: &'a Arc<Endpoints>,
    headers: std::slice::Iter<'a, SealedHeader>,
    /// `None`: the bloom held nothing of what was followed when it was looked at.
    fetched: VecDeque<Option<Task<Result<ProvenReceipts>>>>,
}

impl<'a> Ahead<'a> {
    pub(super) fn new(endpoints: &'a Arc<Endpoints>, headers: &'a [SealedHeader]) -> Self {
        Self { endpoints, headers: headers.iter(), fetched: VecDeque::new() }
    }

    /// What was fetched for the next block.
    pub(super) fn next(&mut self) -> Option<Task<Result<ProvenReceipts>>> {
        self.fetched.pop_front().flatten()
    }

    pub(super) fn fill(&mut self, watched: &BTreeMap<Address, Followed>) {
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

impl<'a> Writing<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store, now: None, next: Vec::new(), events: 0 }
    }

    pub(super) async fn add(&mut self, new: NewBlock, is_final: bool) -> Result<()> {
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
    pub(super) async fn flush(&mut self) -> Result<()> {
        self.begin().await?;
        self.begin().await
    }

    pub(super) async fn finish(mut self) -> Result<()> {
        self.flush().await
    }
}
