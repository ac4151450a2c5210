//! `quorate seat`: who sits in the committee.

mod admit;
mod list;

use crate::{
    cli::Global,
    cmd::managed::{Duty, ManagedArgs, managed},
    exit::Exit,
    failure::Failure,
    output::Output,
    reason,
};
use abi::KmsCommittee;
use clap::{Args, Subcommand};

const AFTER: &str = "Example:
  quorate seat list --network network.toml";

const SUSPEND: &str = "It neither authorizes, releases nor receives shares any more. Seats of an active epoch keep counting for its threshold.

Example:
  quorate seat suspend 3 --reason compromised --network network.toml --broadcast --keystore guardian.json";

const UNSUSPEND: &str = "Example:
  quorate seat unsuspend 3 --propose \"Seat 3 is mended\" --network network.toml";

const REMOVE: &str = "For ever: its number is never given again. What is urgent is quorate seat suspend, which waits for nothing.

Example:
  quorate seat remove 3 --reason retired --propose \"Operator 3 leaves\" --network network.toml";

/// Shows, admits, suspends and removes seats of the committee
#[derive(Subcommand)]
#[command(disable_help_subcommand = true, after_help = AFTER)]
pub(crate) enum Seat {
    List(list::List),
    Admit(admit::Admit),
    Suspend(Suspend),
    Unsuspend(Unsuspend),
    Remove(Remove),
}

/// Suspends a seat, at once
#[derive(Args)]
#[command(after_help = SUSPEND)]
pub(crate) struct Suspend {
    /// The seat's number
    #[arg(value_name = "SEAT")]
    seat: u16,
    /// Why: unspecified, vulnerable, compromised, superseded, retired, legal, or a code from 0 to 255
    #[arg(long, value_parser = reason::parse)]
    reason: u8,
    #[command(flatten)]
    send: ManagedArgs,
}

/// Lets a suspended seat act again, after the delay of the committee's governance
#[derive(Args)]
#[command(after_help = UNSUSPEND)]
pub(crate) struct Unsuspend {
    /// The seat's number
    #[arg(value_name = "SEAT")]
    seat: u16,
    #[command(flatten)]
    send: ManagedArgs,
}

/// Removes a seat for ever, after the delay of the committee's governance
#[derive(Args)]
#[command(after_help = REMOVE)]
pub(crate) struct Remove {
    /// The seat's number
    #[arg(value_name = "SEAT")]
    seat: u16,
    /// Why: unspecified, vulnerable, compromised, superseded, retired, legal, or a code from 0 to 255
    #[arg(long, value_parser = reason::parse)]
    reason: u8,
    #[command(flatten)]
    send: ManagedArgs,
}

impl Seat {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = super::connect(global).await?;
        let to = chain.contracts.kms_committee;
        match self {
            Self::List(list) => list.run(&chain, output).await,
            Self::Admit(admit) => admit.run(&chain, output).await,
            Self::Suspend(Suspend { seat, reason, send }) => {
                let call = KmsCommittee::suspendSeatCall { id: *seat, reason: *reason };
                let what = Duty::TakeAway("this seat's signature counts for no record");
                managed(&chain, ("quorate.seat.suspend", what), to, &call, send, output).await
            }
            Self::Unsuspend(Unsuspend { seat, send }) => {
                let call = KmsCommittee::unsuspendSeatCall { id: *seat };
                let verb = ("quorate.seat.unsuspend", Duty::Grant);
                managed(&chain, verb, to, &call, send, output).await
            }
            Self::Remove(Remove { seat, reason, send }) => {
                let call = KmsCommittee::removeSeatCall { id: *seat, reason: *reason };
                let verb = ("quorate.seat.remove", Duty::Grant);
                managed(&chain, verb, to, &call, send, output).await
            }
        }
    }
}
