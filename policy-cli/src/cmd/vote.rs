//! `quorate vote`: for, against or abstain. The proposal's calls are shown in words before anything is signed.

use crate::{
    cli::Global,
    exit::Exit,
    failure::Failure,
    governor::{GovernorArgs, Proposal},
    output::Output,
    poll::Poll,
    send::{ANYBODY, Call, DirectArgs, Facts, Request, carry_out},
    values,
};
use abi::QuorateGovernor;
use alloy::primitives::U256;
use clap::{Args, ValueEnum};

const AFTER: &str = "A vote for a proposal whose text names another hash than its calls is refused with exit code 4.

Example:
  quorate vote 79228162514264337593543950336 for --network network.toml";

/// Votes on a proposal
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Vote {
    /// The proposal's id
    #[arg(value_name = "ID", value_parser = values::number)]
    id: U256,
    /// What you vote
    #[arg(value_enum)]
    choice: Choice,
    /// Why, for everybody to read
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
    /// Vote for it though its text does not say what its calls do
    #[arg(long)]
    danger_text_mismatch: bool,
    #[command(flatten)]
    governor: GovernorArgs,
    #[command(flatten)]
    send: DirectArgs,
}

/// As GovernorCountingSimple counts them.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Choice {
    Against = 0,
    For = 1,
    Abstain = 2,
}

impl Vote {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = super::connect(global).await?;
        let proposal = Proposal::find(&chain, self.id, &self.governor, output).await?;
        let Poll { mismatch, is_unknown, facts, .. } = Poll::of(&chain, &proposal).await?;
        if is_unknown {
            output.warn(
                "the proposal makes calls that are none of ours: read the code that they reach",
            )?;
        }
        match mismatch {
            Some(mismatch) if self.choice == Choice::For && !self.danger_text_mismatch => {
                return Err(mismatch.into());
            }
            Some(mismatch) => output.warn(&mismatch.to_string())?,
            None => {}
        }
        let (proposal_id, support) = (self.id, self.choice as u8);
        let call = match &self.because {
            Some(reason) => Call::new(
                proposal.governor,
                &QuorateGovernor::castVoteWithReasonCall {
                    proposalId: proposal_id,
                    support,
                    reason: reason.clone(),
                },
            ),
            None => Call::new(
                proposal.governor,
                &QuorateGovernor::castVoteCall { proposalId: proposal_id, support },
            ),
        };
        let sender = self.send.sender(ANYBODY, output)?;
        let request = Request::new("quorate.vote", call, facts);
        carry_out(&chain, sender, request, output, |_| Facts::default()).await
    }
}
