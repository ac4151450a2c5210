//! `quorate status`: the network, or one app, as the RPC endpoint tells it. Nothing of it is proven; it says so.

mod app;
mod network;

pub(crate) use app::status as show_app;

use crate::{cli::Global, exit::Exit, failure::Failure, output::Output, values};
use alloy::primitives::Address;
use clap::Args;

const AFTER: &str = "What it prints is what one RPC endpoint says at one block: good enough to look at, proof of nothing.

Example:
  quorate status --network network.toml";

/// Shows the network, or one app
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Status {
    /// An app's id
    #[arg(value_name = "APP", value_parser = values::address)]
    app: Option<Address>,
    /// Block from which the app's approvals are searched
    #[arg(long, value_name = "BLOCK", default_value_t = 0, requires = "app")]
    from_block: u64,
}

impl Status {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = super::connect(global).await?;
        match self.app {
            Some(id) => app::status(&chain, id, self.from_block, output).await,
            None => network::status(&chain, output).await,
        }
    }
}
