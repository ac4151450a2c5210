//! `quorate app freeze`: nobody gets the app's keys, at once.

use crate::{
    apps::App, cli::Global, exit::Exit, failure::Failure, output::Output, reason, send::SendArgs,
    values,
};
use abi::AppRegistry;
use alloy::primitives::Address;
use clap::Args;

const AFTER: &str = "The owner or the guardian sends it. Only the owner thaws, after the grant delay.

Example:
  quorate app freeze 0x1111111111111111111111111111111111111111 --reason compromised --network network.toml --broadcast --keystore guardian.json";

/// Freezes an app, at once: nobody gets its keys
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Freeze {
    /// The app's id
    #[arg(value_name = "APP", value_parser = values::address)]
    app: Address,
    /// Why: unspecified, vulnerable, compromised, superseded, retired, legal, or a code from 0 to 255
    #[arg(long, value_parser = reason::parse)]
    reason: u8,
    #[command(flatten)]
    send: SendArgs,
}

impl Freeze {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = crate::cmd::connect(global).await?;
        let app = App::find(&chain, self.app).await?;
        let call = AppRegistry::freezeCall { appId: self.app, reason: self.reason };
        let what = ("quorate.app.freeze", "nothing is recorded for this app");
        super::take_away((&chain, &app), what, &call, &self.send, output).await
    }
}
