//! `quorate app lock`: gives up the right to replace the policy contract, for ever.

use crate::{
    apps::App, cli::Global, exit::Exit, failure::Failure, output::Output, send::SendArgs, values,
};
use abi::AppRegistry;
use alloy::primitives::Address;
use clap::Args;

const AFTER: &str = "The policy's own lists still change as its code says; the contract does not. Nothing takes this back.

Example:
  quorate app lock 0x1111111111111111111111111111111111111111 --network network.toml";

/// Locks an app's policy contract, for ever
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Lock {
    /// The app's id
    #[arg(value_name = "APP", value_parser = values::address)]
    app: Address,
    #[command(flatten)]
    send: SendArgs,
}

impl Lock {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = crate::cmd::connect(global).await?;
        let app = App::find(&chain, self.app).await?;
        output.warn("nothing takes a lock back")?;
        let call = AppRegistry::lockPolicyCall { appId: self.app };
        super::at_once((&chain, &app), "quorate.app.lock", &call, &self.send, output).await
    }
}
