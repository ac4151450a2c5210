//! `quorate operator`: who runs a node is whom governance says it is. Its label counts for P7.

use crate::{
    cli::Global,
    cmd::managed::{Duty, ManagedArgs, managed},
    exit::Exit,
    failure::Failure,
    output::Output,
    values,
};
use abi::KmsCommittee;
use alloy::primitives::{Address, B256};
use clap::{ArgGroup, Args, Subcommand};

const AFTER: &str = "Example:
  quorate operator assign --help";

const ASSIGN: &str = "A candidate gets a seat only if it names the operator that it was assigned. No operator holds more than t - 1 seats.

Example:
  quorate operator assign 0x1111111111111111111111111111111111111111 operator-6 --propose \"Operator 6 runs a node\" --network network.toml";

/// Says who runs a node
#[derive(Subcommand)]
#[command(disable_help_subcommand = true, after_help = AFTER)]
pub(crate) enum Operator {
    Assign(Assign),
}

/// Assigns a node to an operator, or takes the assignment away, after the delay of the committee's governance
#[derive(Args)]
#[command(after_help = ASSIGN, group = ArgGroup::new("whom").required(true))]
pub(crate) struct Assign {
    /// The node's signing address
    #[arg(value_name = "SIGNER", value_parser = values::address)]
    signer: Address,
    /// The operator's label
    #[arg(value_name = "OPERATOR", value_parser = values::label, group = "whom")]
    operator: Option<B256>,
    /// Nobody: the node gets no seat
    #[arg(long, group = "whom")]
    nobody: bool,
    #[command(flatten)]
    send: ManagedArgs,
}

impl Operator {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let Self::Assign(Assign { signer, operator, send, .. }) = self;
        let chain = super::connect(global).await?;
        let (signer, operator) = (*signer, operator.unwrap_or_default());
        let call = KmsCommittee::assignOperatorCall { signer, operator };
        let verb = ("quorate.operator.assign", Duty::Grant);
        managed(&chain, verb, chain.contracts.kms_committee, &call, send, output).await
    }
}
