//! A proposal of the Governor, from its events: what it would do, whether its text says so, how the vote stands. [EXP-11]
//!
//! Trusts: the index for the events, nothing of what the proposer wrote. Calls and text come from the event and count because
//! they hash to the id. [GOV-22] Driven by: `routes` (JSON) and `pages/proposals.rs`, once per request.

mod entry;
mod poll;

pub(crate) use entry::Entry;
pub(crate) use poll::{Ballot, Clock, Poll, State, Support, Vote};

use super::{AsOf, Event, Place};
use crate::store::{EventRow, Store};
use abi::QuorateGovernor;
use alloy::sol_types::SolEvent;
use alloy_primitives::{Address, B256, U256};
use anyhow::Result;
use proposal::{
    Call, approvals,
    decode::{Interfaces, ShownCall, shown_as_readable},
    proposal_id, rows, simulation_of, text_against_calldata,
};
use serde::{Serialize, Serializer};
use std::sync::LazyLock;
use tokio::task::spawn_blocking;

/// Events of one proposal that a page folds; above it the page says that it stops there.
pub(crate) const MOST_EVENTS: u32 = 5_000;

/// Every interface of ours, parsed once.
static INTERFACES: LazyLock<Interfaces> = LazyLock::new(Interfaces::ours);

/// A proposal.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Proposal {
    /// In decimal, as wallets and `quorate` write it.
    #[serde(serialize_with = "in_decimal")]
    pub(crate) id: U256,
    pub(crate) governor: Address,
    pub(crate) proposer: Address,
    pub(crate) proposed: Place,
    pub(crate) title: String,
    /// Markdown, as it was proposed.
    pub(crate) description: String,
    /// Whether calls and text hash to the id.
    pub(crate) is_its_content: bool,
    /// What the text says that the calls do not do, or hides; `None`: it names what they approve and nothing else.
    pub(crate) text_mismatch: Option<String>,
    /// What the calls approve, by hash.
    pub(crate) approves: Vec<Approved>,
    #[serde(serialize_with = "in_words")]
    pub(crate) calls: Vec<ShownCall>,
    /// keccak256 of the simulation's report that the text names.
    pub(crate) simulation: Option<B256>,
    pub(crate) poll: Poll,
}

/// An approval among the calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Approved {
    pub(crate) what: &'static str,
    pub(crate) at: Address,
    pub(crate) hash: B256,
    pub(crate) uri: String,
}

/// What a proposal's event carries.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) id: U256,
    pub(crate) proposer: Address,
    pub(crate) calls: Vec<Call>,
    pub(crate) description: String,
    pub(crate) vote_start: U256,
    pub(crate) vote_end: U256,
}

/// Calls and text of a `ProposalCreated`; `None` for any other event.
pub(crate) fn content_of(row: &EventRow) -> Option<Content> {
    let event = QuorateGovernor::ProposalCreated::decode_log_data(&row.log).ok()?;
    Some(Content {
        id: event.proposalId,
        proposer: event.proposer,
        calls: rows(event.targets, event.values, event.calldatas)?,
        description: event.description,
        vote_start: event.voteStart,
        vote_end: event.voteEnd,
    })
}

impl Proposal {
    pub(crate) async fn load(store: &Store, as_of: &AsOf, id: U256) -> Result<Option<Self>> {
        let found = store.of_proposal(B256::from(id), MOST_EVENTS).await?;
        let created = found.iter().find_map(|row| Some((row, content_of(row)?)));
        let Some((row, content)) = created else { return Ok(None) };
        let mut events = Event::all(&found, as_of);
        let extensions = store.extensions_of(B256::from(id)).await?;
        events.extend(Event::all(&extensions, as_of));
        let delay = store.of_governor("BaseDelaySet", 1).await?;
        let delay = Event::all(&delay, as_of);
        let base_delay = delay.first().and_then(|e| e.args.number("newBaseDelaySeconds").ok());
        let poll = Poll::fold(&content, &events, base_delay, &as_of.now())?;
        let poll = Poll { is_cut: found.len() >= MOST_EVENTS as usize, ..poll };
        // A proposer chooses how long that takes.
        let (row, as_of) = (row.clone(), as_of.clone());
        let told = spawn_blocking(move || Self::new(content, &row, &as_of, poll)).await?;
        Ok(Some(told))
    }

    fn new(content: Content, row: &EventRow, as_of: &AsOf, poll: Poll) -> Self {
        let Content { id, proposer, calls, description, .. } = content;
        let mismatch = text_against_calldata(&description, &calls).err();
        let approved = approvals(&calls).unwrap_or_default().into_iter();
        Self {
            id,
            governor: row.contract,
            proposer,
            proposed: Event::new(row, as_of).place,
            title: title_of(&description),
            is_its_content: proposal_id(&calls, &description) == id,
            text_mismatch: mismatch.map(|mismatch| mismatch.to_string()),
            approves: approved
                .map(|approval| Approved {
                    what: approval.what,
                    at: approval.at,
                    hash: approval.hash,
                    uri: approval.uri,
                })
                .collect(),
            calls: shown_as_readable(&INTERFACES, &calls),
            simulation: simulation_of(&description),
            description,
            poll,
        }
    }

    /// Whether calls, or calls within them, are of no interface of ours.
    pub(crate) fn has_unknown_calls(&self) -> bool {
        self.calls.iter().any(ShownCall::is_unknown)
    }
}

/// The first heading, or the first line, cut where a list has no room.
pub(crate) fn title_of(description: &str) -> String {
    const MOST: usize = 140;
    let first = description.lines().map(str::trim).find(|line| !line.is_empty());
    let title = first.unwrap_or_default().trim_start_matches('#').trim();
    match title.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", title.get(..end).unwrap_or_default()),
        None if title.is_empty() => "(without a title)".to_owned(),
        None => title.to_owned(),
    }
}

fn in_decimal<S: Serializer>(id: &U256, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(id)
}

fn in_words<S: Serializer>(calls: &[ShownCall], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(calls.iter().map(ShownCall::to_json))
}

#[cfg(test)]
mod tests;
