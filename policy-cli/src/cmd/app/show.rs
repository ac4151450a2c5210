//! `quorate app show`: one app, as the RPC endpoint tells it. The same as `quorate status APP`.

use crate::{
    cli::Global, cmd::status::show_app, exit::Exit, failure::Failure, output::Output, values,
};
use alloy::primitives::Address;
use clap::Args;

const AFTER: &str = "Example:
  quorate app show 0x1111111111111111111111111111111111111111 --network network.toml";

/// Shows an app: who may do what, and which code may have its keys
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Show {
    /// The app's id
    #[arg(value_name = "APP", value_parser = values::address)]
    app: Address,
    /// Block from which the app's approvals are searched
    #[arg(long, value_name = "BLOCK", default_value_t = 0)]
    from_block: u64,
}

impl Show {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = crate::cmd::connect(global).await?;
        show_app(&chain, self.app, self.from_block, output).await
    }
}
