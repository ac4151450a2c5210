//! `quorate simulate`: what a proposal would do, before anybody votes on it.

use crate::{
    calls,
    cli::Global,
    exit::Exit,
    failure::Failure,
    file,
    network::Target,
    output::Output,
    proven::{At, Proven},
    send::Call,
    simulate::{self, Input, SimulateError, Way},
    values,
};
use alloy::primitives::{Address, Bytes, U256};
use clap::Args;
use std::path::PathBuf;

const AFTER: &str = "Runs it on proven state with the contracts' own code, supposes that the vote passes, moves time on to where all of it
counts, and asks the question that every node asks: who could boot now, later without the proposal, and later with it.
Exit 4: an invariant breaks, or the text names another hash than the calls. Exit 6: it reverts. The report hash goes into
the description, so that everybody can check that they saw the same.

Example:
  quorate simulate --governor 0x1111111111111111111111111111111111111111 --proposal 4242 --network network.toml";

/// Runs a proposal, a Safe batch or calls on proven state, and says who could boot before and after
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Simulate {
    /// The Governor that decides
    #[arg(long, value_name = "ADDRESS", value_parser = values::address, conflicts_with = "from")]
    governor: Option<Address>,
    /// A live proposal of the Governor; without --governor that of network.toml
    #[arg(long, value_name = "ID", conflicts_with_all = ["safe_batch", "to", "from"])]
    proposal: Option<U256>,
    /// Block before which the proposal is not searched
    #[arg(long, value_name = "BLOCK", default_value_t = 0, requires = "proposal")]
    from_block: u64,
    /// A Safe Transaction Builder file; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    safe_batch: Option<PathBuf>,
    /// Who makes the calls: an account or a Safe
    #[arg(long, value_name = "ADDRESS", value_parser = values::address)]
    from: Option<Address>,
    /// A call's target; repeat it with --data
    #[arg(long, value_name = "ADDRESS", value_parser = values::address, required_unless_present_any = ["proposal", "safe_batch"])]
    to: Vec<Address>,
    /// A call's calldata
    #[arg(long, value_name = "HEX")]
    data: Vec<Bytes>,
    /// What the voters are told; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "proposal")]
    description: Option<PathBuf>,
    /// Ask about this enclave too: its evidence as nodes keep it
    #[arg(long = "as", value_name = "FILE")]
    quotes: Vec<PathBuf>,
    /// The block: finalized, latest, a number, or a hash that you vouch for
    #[arg(long, value_name = "BLOCK", default_value = "finalized", value_parser = at)]
    block: At,
    /// Seconds between blocks, when time moves on
    #[arg(long, value_name = "SECONDS", default_value_t = 12)]
    block_seconds: u64,
    /// Exit 10 if anything changes who could boot or which key can be had
    #[arg(long)]
    exit_code: bool,
}

/// A block as people name it.
pub(crate) fn at(word: &str) -> Result<At, String> {
    match word {
        "finalized" => Ok(At::Finalized),
        "latest" => Ok(At::Latest),
        _ if word.len() >= 64 => {
            values::hash(word).map(At::Hash).map_err(|error| error.to_string())
        }
        _ => word
            .parse()
            .map(At::Number)
            .map_err(|_| "finalized, latest, a number, or a block hash".to_owned()),
    }
}

impl Simulate {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        self.check()?;
        let mut proven = Proven::connect(Target::load(global)?, self.block).await?;
        let input = self.input(&mut proven, output).await?;
        simulate::simulate(
            &mut proven,
            input,
            self.quotes.clone(),
            self.block_seconds,
            self.exit_code,
            output,
        )
        .await
    }

    /// What can be refused before anything is asked.
    fn check(&self) -> Result<(), SimulateError> {
        let (targets, calldatas) = (self.to.len(), self.data.len());
        if targets != calldatas {
            return Err(SimulateError::UnevenCalls { targets, calldatas });
        }
        if self.proposal.is_none() && self.governor.is_none() && self.from.is_none() {
            return Err(SimulateError::NobodyNamed);
        }
        Ok(())
    }

    async fn input(&self, proven: &mut Proven, output: &mut Output<'_>) -> Result<Input, Failure> {
        if let Some(id) = self.proposal {
            let named = proven.chain.network.governance.as_ref().and_then(|named| named.governor);
            let governor = self.governor.or(named).ok_or(SimulateError::NoGovernor)?;
            return simulate::live(proven, (governor, id), self.from_block, output).await;
        }
        let text = match &self.description {
            Some(path) => file::read_text(path)?,
            None => String::new(),
        };
        let actions: Vec<Call> = match &self.safe_batch {
            Some(path) => calls::batch(path, proven.rules.chain_id)?,
            None => {
                let calls = self.to.iter().zip(&self.data);
                calls
                    .map(|(to, data)| Call { to: *to, value: U256::ZERO, calldata: data.clone() })
                    .collect()
            }
        };
        let way = match (self.governor, self.from) {
            (Some(governor), _) => Way::Governor { governor, id: None, description: text.clone() },
            (None, Some(from)) => Way::Account(from),
            (None, None) => return Err(SimulateError::NobodyNamed.into()),
        };
        Ok(Input { actions, way, text })
    }
}
