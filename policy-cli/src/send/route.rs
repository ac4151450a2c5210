//! Whose call it becomes: the sender's own, or that of a Governor after a vote.

use super::{Call, Facts};
use crate::{
    chain::Chain,
    failure::Failure,
    file,
    governor::{self, Governor},
    values, words,
};
use abi::QuorateGovernor;
use alloy::primitives::{Address, B256, keccak256};
use clap::Args;
use proposal::{Draft, columns, describe, proposal_id};
use serde_json::json;
use std::path::PathBuf;

/// Flags of a proposal.
#[derive(Args, Default)]
#[command(next_help_heading = "As a proposal")]
pub(crate) struct ProposeArgs {
    /// Propose it to the Governor under this title, instead of calling
    #[arg(long, value_name = "TITLE")]
    pub(crate) propose: Option<String>,
    #[command(flatten)]
    pub(crate) words: ProposalWords,
    /// The Governor, instead of the network file's
    #[arg(long, value_name = "ADDRESS", requires = "propose", value_parser = values::address)]
    pub(crate) governor: Option<Address>,
}

/// What a proposal says beside its title and its calls.
#[derive(Args, Default)]
pub(crate) struct ProposalWords {
    /// Markdown for its text; - is stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) text: Option<PathBuf>,
    /// Report of a simulation; its keccak256 goes into the text
    #[arg(long, value_name = "FILE")]
    pub(crate) simulation: Option<PathBuf>,
}

/// What a verb knows about its own call, for the text of a proposal.
#[derive(Default)]
pub(crate) struct About {
    /// The images behind compose hashes.
    pub(crate) images: Vec<(B256, Vec<String>)>,
    /// The difference to the compose file before.
    pub(crate) diff: String,
}

/// A proposal in the making: where it goes, and all of its text but the block.
pub(crate) struct Route {
    pub(crate) governor: Governor,
    draft: Draft,
}

impl Route {
    pub(crate) async fn to_governor(
        chain: &Chain,
        title: &str,
        governor: Option<Address>,
        words: &ProposalWords,
        proposer: Option<Address>,
    ) -> Result<Self, Failure> {
        let governor = governor::find(chain, governor).await?;
        let body = words.text.as_deref().map(file::read_text).transpose()?.unwrap_or_default();
        let simulation = words.simulation.as_deref().map(file::read).transpose()?;
        let draft = Draft {
            title: title.to_owned(),
            body,
            simulation: simulation.map(keccak256),
            proposer,
            ..Draft::default()
        };
        Ok(Self { governor, draft })
    }

    /// The call that proposes these calls.
    pub(super) fn wrap(
        self,
        calls: &[Call],
        about: About,
        facts: &mut Facts,
    ) -> Result<Call, Failure> {
        let draft = Draft { images: about.images, diff: about.diff, ..self.draft };
        let description = describe(&draft, calls)?;
        let id = proposal_id(calls, &description);
        let (targets, values, calldatas) = columns(calls);
        let known =
            if draft.proposer.is_some() { "" } else { ", another one once a proposer is named" };
        facts.add("proposal", format!("{id}{known}"), "proposalId", json!(id.to_string()));
        let shown: Vec<String> = description.lines().map(words::plain).collect();
        facts.add("text", shown.join("\n"), "description", json!(description));
        let call = QuorateGovernor::proposeCall { targets, values, calldatas, description };
        Ok(Call::new(self.governor.address, &call))
    }
}

/// What a proposal is told when it stands.
pub(super) fn next_steps(facts: &mut Facts, id: &str) {
    let words = format!("quorate vote {id} for");
    facts.add("next", words, "next", json!(["vote", "queue", "execute"]));
}
