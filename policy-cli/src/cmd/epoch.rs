//! `quorate epoch`: the ceremony that gives seats their shares.

mod show;

use crate::{
    chain::Chain,
    cli::Global,
    cmd::managed::{Duty, Managed, ManagedArgs},
    committee,
    exit::Exit,
    failure::Failure,
    output::Output,
    send::Facts,
};
use abi::KmsCommittee;
use clap::{Args, Subcommand};
use serde_json::json;

const AFTER: &str = "Example:
  quorate epoch show --network network.toml";

const OPEN: &str = "Any THRESHOLD of the seats can use the keys, so nobody may hold as many: the contract refuses a vendor or an operator with
more than THRESHOLD - 1 of them, and fewer than 2 THRESHOLD - 1 seats. Nodes begin the ceremony by themselves once it is final.
An activated committee keeps its seats until resharing is built.

Example:
  quorate epoch open --seats 1,2,3,4,5 --threshold 3 --propose \"Open the first epoch\" --network network.toml";

/// Opens a key ceremony, and shows the one that runs
#[derive(Subcommand)]
#[command(disable_help_subcommand = true, after_help = AFTER)]
pub(crate) enum Epoch {
    Open(Box<Open>),
    Show(show::Show),
}

/// Opens the ceremony of an epoch, after the delay of the committee's governance
#[derive(Args)]
#[command(after_help = OPEN)]
pub(crate) struct Open {
    /// The seats that are to hold shares, ascending, with commas between
    #[arg(long, value_name = "SEAT", value_delimiter = ',', required = true)]
    seats: Vec<u16>,
    /// How many of them can use the keys
    #[arg(short, long, value_name = "SEATS")]
    threshold: u16,
    #[command(flatten)]
    send: ManagedArgs,
}

impl Epoch {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = super::connect(global).await?;
        match self {
            Self::Show(show) => show.run(&chain, output).await,
            Self::Open(open) => open.run(&chain, output).await,
        }
    }
}

impl Open {
    async fn run(&self, chain: &Chain, output: &mut Output<'_>) -> Result<Exit, Failure> {
        let call = KmsCommittee::openEpochCall { seats: self.seats.clone(), t: self.threshold };
        let verb = ("quorate.epoch.open", Duty::Grant);
        let mut wanted = Managed::new(verb, chain.contracts.kms_committee, &call);
        wanted.facts = self.who(chain).await?;
        wanted.carry_out(chain, &self.send, output).await
    }

    /// Whose the seats are: what P7 counts.
    async fn who(&self, chain: &Chain) -> Result<Facts, Failure> {
        let all = committee::seats(chain).await?;
        let named: Vec<_> = all.iter().filter(|seat| self.seats.contains(&seat.seat)).collect();
        let words: Vec<String> = named.iter().map(|seat| seat.words()).collect();
        let mut facts = Facts::default();
        if !words.is_empty() {
            facts.add("seats", words.join("\n"), "seats", json!(named));
        }
        Ok(facts)
    }
}
