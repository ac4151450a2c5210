//! A proposal as lists tell it. What its event carries is read once: it never changes, and its proposer chose how long that takes.

use super::{Clock, content_of, title_of};
use crate::store::EventRow;
use alloy_primitives::{Address, B256, U256};
use anyhow::Result;
use proposal::text_against_calldata;
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};
use tokio::task::spawn_blocking;

/// Proposals that are remembered.
const MOST: usize = 1024;

/// By the event's place, which says what it carries. `None`: it is no proposal that can be read.
type Known = HashMap<(B256, u64), Option<Arc<Entry>>>;

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// What a list tells of a proposal.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) id: U256,
    pub(crate) title: String,
    pub(crate) proposer: Address,
    pub(crate) vote_end: Clock,
    /// Whether its text names what its calls approve, and nothing else.
    pub(crate) is_honest: bool,
}

impl Entry {
    /// Those of `ProposalCreated` events, in their order; `None` for any other event.
    pub(crate) async fn all(rows: &[EventRow]) -> Result<Vec<Option<Arc<Self>>>> {
        let mut found = Vec::new();
        for row in rows {
            let place = (row.block.hash, row.log_index);
            let known = known().get(&place).cloned();
            found.push(match known {
                Some(known) => known,
                None => {
                    let row = row.clone();
                    let read = spawn_blocking(move || Self::read(&row).map(Arc::new)).await?;
                    let mut known = self::known();
                    if known.len() >= MOST {
                        known.clear();
                    }
                    known.insert(place, read.clone());
                    read
                }
            });
        }
        Ok(found)
    }

    fn read(row: &EventRow) -> Option<Self> {
        let content = content_of(row)?;
        Some(Self {
            id: content.id,
            title: title_of(&content.description),
            proposer: content.proposer,
            vote_end: Clock::of(content.vote_end),
            is_honest: text_against_calldata(&content.description, &content.calls).is_ok(),
        })
    }
}

fn known() -> std::sync::MutexGuard<'static, Known> {
    // What a panic left behind is whole: each entry is put in at once.
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}
