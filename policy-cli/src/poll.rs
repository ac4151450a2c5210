//! A proposal as somebody sees it before acting on it: its text, its calls in words, how the vote stands, and whether the
//! text says what the calls do.

use crate::{
    chain::Chain,
    decode::{Interfaces, ShownCall, shown_as_readable},
    failure::Failure,
    governor::{Proposal, State},
    send::Facts,
    words::{account, moment, plain},
};
use abi::QuorateGovernor;
use alloy::primitives::{U256, utils::format_ether};
use proposal::{TextError, text_against_calldata};
use serde_json::{Value, json};

/// Numbers above are seconds since 1970, numbers below are blocks.
const FIRST_SECOND: u64 = 1_000_000_000;

/// What is shown of a proposal.
pub(crate) struct Poll {
    /// `Some`: the text does not stand for the calls.
    pub(crate) mismatch: Option<TextError>,
    /// Whether it calls something that no interface of ours has.
    pub(crate) is_unknown: bool,
    pub(crate) facts: Facts,
}

impl Poll {
    pub(crate) async fn of(chain: &Chain, proposal: &Proposal) -> Result<Self, Failure> {
        let state = proposal.state(chain).await?;
        let [against, in_favour, abstain] = proposal.votes(chain).await?;
        let calls = shown_as_readable(&Interfaces::ours(), &proposal.calls);
        let mismatch = text_against_calldata(&proposal.description, &proposal.calls).err();
        let mut facts = Facts::default();
        facts.add(
            "proposal",
            proposal.id.to_string(),
            "proposalId",
            json!(proposal.id.to_string()),
        );
        facts.add("proposer", account(proposal.proposer), "proposer", json!(proposal.proposer));
        facts.add("state", state.word(), "state", json!(state.word()));
        let votes = [in_favour, against, abstain].map(format_ether);
        let [for_, against_, abstain_] = votes.each_ref().map(|votes| without_zeros(votes));
        let words = format!("{for_} for, {against_} against, {abstain_} abstain");
        let exact = json!({ "for": in_favour.to_string(), "against": against.to_string(), "abstain": abstain.to_string() });
        facts.add("votes", words, "votes", exact);
        let span = format!("after {} until {}", at(proposal.vote_start), at(proposal.vote_end));
        let bounds = json!([proposal.vote_start.to_string(), proposal.vote_end.to_string()]);
        facts.add("vote", span, "voteSpan", bounds);
        add_eta(chain, proposal, state, &mut facts).await?;
        let text: Vec<String> = proposal.description.lines().map(plain).collect();
        facts.add("text", text.join("\n"), "description", json!(proposal.description));
        let shown: Vec<String> = calls.iter().map(ToString::to_string).collect();
        let list: Value = calls.iter().map(ShownCall::to_json).collect();
        facts.add("it calls", shown.join("\n"), "calls", list);
        let verdict = match &mismatch {
            None => "says what the calls approve".to_owned(),
            Some(mismatch) => format!("MISMATCH: {mismatch}"),
        };
        let problem = mismatch.as_ref().map(ToString::to_string);
        facts.add("the text", verdict, "textMismatch", json!(problem));
        let is_unknown = calls.iter().any(ShownCall::is_unknown);
        Ok(Self { mismatch, is_unknown, facts })
    }
}

async fn add_eta(
    chain: &Chain,
    proposal: &Proposal,
    state: State,
    facts: &mut Facts,
) -> Result<(), Failure> {
    if state.word() == "queued" {
        let call = QuorateGovernor::proposalEtaCall { proposalId: proposal.id };
        let eta = chain.view("Governor", proposal.governor, &call).await?;
        let eta = u64::try_from(eta).unwrap_or(u64::MAX);
        facts.add("executable", format!("from {} on", moment(eta)), "executableAt", json!(eta));
    }
    Ok(())
}

fn without_zeros(ether: &str) -> &str {
    ether.trim_end_matches('0').trim_end_matches('.')
}

/// A time in the Governor's clock.
fn at(clock: U256) -> String {
    match u64::try_from(clock) {
        Ok(second) if second >= FIRST_SECOND => moment(second),
        _ => format!("block {clock}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn votes_and_times_are_words() {
        assert_eq!(without_zeros(&format_ether(U256::from(1_500_000_000_000_000_000_u64))), "1.5");
        assert_eq!(without_zeros(&format_ether(U256::ZERO)), "0");
        assert_eq!(at(U256::from(7)), "block 7");
        assert!(at(U256::from(1_795_256_139_u64)).starts_with("2026-11-21"));
    }
}
