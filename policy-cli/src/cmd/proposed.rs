//! `quorate queue`, `execute`, `cancel` and `veto`: what happens to a proposal after, or instead of, its vote.
//!
//! The calls go out with each of them, so that what is signed says what is done and works with every Governor of OpenZeppelin.

use crate::{
    cli::Global,
    exit::Exit,
    failure::Failure,
    governor::{GovernorArgs, Proposal},
    output::Output,
    poll::Poll,
    send::{ANYBODY, Call, DirectArgs, Facts, Request, Sender, carry_out},
    values,
};
use abi::QuorateGovernor;
use alloy::primitives::{Address, U256};
use clap::Args;
use proposal::{columns, description_hash};

/// Queues an accepted proposal: its delay begins
#[derive(Args)]
#[command(
    after_help = "Anybody may send it.\n\nExample:\n  quorate queue 79228162514264337593543950336 --network network.toml"
)]
pub(crate) struct Queue {
    #[command(flatten)]
    of: OfProposal,
}

/// Executes a queued proposal whose delay is over
#[derive(Args)]
#[command(
    after_help = "Anybody may send it.\n\nExample:\n  quorate execute 79228162514264337593543950336 --network network.toml"
)]
pub(crate) struct Execute {
    #[command(flatten)]
    of: OfProposal,
}

/// Cancels a proposal of one's own before the vote begins
#[derive(Args)]
#[command(
    after_help = "Its proposer sends it; after the proposal guardian's term also later.\n\nExample:\n  quorate cancel 79228162514264337593543950336 --network network.toml"
)]
pub(crate) struct Cancel {
    #[command(flatten)]
    of: OfProposal,
}

/// Vetoes a proposal, at any time before it is executed
#[derive(Args)]
#[command(
    after_help = "The proposal guardian sends it during its term. What does nothing but replace guardians can't be vetoed.\n\nExample:\n  quorate veto 79228162514264337593543950336 --network network.toml --broadcast --keystore guardian.json"
)]
pub(crate) struct Veto {
    #[command(flatten)]
    of: OfProposal,
}

#[derive(Args)]
struct OfProposal {
    /// The proposal's id
    #[arg(value_name = "ID", value_parser = values::number)]
    id: U256,
    #[command(flatten)]
    governor: GovernorArgs,
    #[command(flatten)]
    send: DirectArgs,
}

impl Queue {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        self.of.carry_out("quorate.queue", Step::Queue, global, output).await
    }
}

impl Execute {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        self.of.carry_out("quorate.execute", Step::Execute, global, output).await
    }
}

impl Cancel {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        self.of.carry_out("quorate.cancel", Step::Cancel, global, output).await
    }
}

impl Veto {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        self.of.carry_out("quorate.veto", Step::Veto, global, output).await
    }
}

#[derive(Clone, Copy)]
enum Step {
    Queue,
    Execute,
    Cancel,
    Veto,
}

impl OfProposal {
    async fn carry_out(
        &self,
        schema: &'static str,
        step: Step,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = super::connect(global).await?;
        let proposal = Proposal::find(&chain, self.id, &self.governor, output).await?;
        let poll = Poll::of(&chain, &proposal).await?;
        let sender: Sender = match step {
            Step::Queue | Step::Execute => self.send.sender(ANYBODY, output)?,
            Step::Cancel => self.send.sender((proposal.proposer, "its proposer"), output)?,
            Step::Veto => {
                let call = QuorateGovernor::proposalGuardianCall {};
                let guardian = chain.view("Governor", proposal.governor, &call).await?;
                self.send.sender(vetoer(guardian), output)?
            }
        };
        let request = Request::new(schema, call(step, &proposal), poll.facts);
        carry_out(&chain, sender, request, output, |_| Facts::default()).await
    }
}

fn vetoer(guardian: Address) -> (Address, &'static str) {
    if guardian.is_zero() { ANYBODY } else { (guardian, "the proposal guardian") }
}

fn call(step: Step, proposal: &Proposal) -> Call {
    let (targets, values, calldatas) = columns(&proposal.calls);
    let (at, text) = (proposal.governor, description_hash(&proposal.description));
    match step {
        Step::Queue => Call::new(
            at,
            &QuorateGovernor::queue_0Call { targets, values, calldatas, descriptionHash: text },
        ),
        Step::Execute => Call::new(
            at,
            &QuorateGovernor::execute_0Call { targets, values, calldatas, descriptionHash: text },
        ),
        Step::Cancel | Step::Veto => Call::new(
            at,
            &QuorateGovernor::cancel_1Call { targets, values, calldatas, descriptionHash: text },
        ),
    }
}
