//! `quorate app thaw`: takes a freeze back, after the grant delay.

use crate::{
    apps::App, cli::Global, exit::Exit, failure::Failure, output::Output, send::SendArgs, values,
};
use abi::AppRegistry;
use alloy::primitives::Address;
use clap::Args;

const AFTER: &str = "The owner sends it, or --propose puts it to the vote of the Governor that owns the app. It counts after the delay;
until then a freeze cancels it.

Example:
  quorate app thaw 0x1111111111111111111111111111111111111111 --network network.toml";

/// Thaws a frozen app, after its grant delay
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Thaw {
    /// The app's id
    #[arg(value_name = "APP", value_parser = values::address)]
    app: Address,
    #[command(flatten)]
    send: SendArgs,
}

impl Thaw {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = crate::cmd::connect(global).await?;
        let app = App::find(&chain, self.app).await?;
        let call = AppRegistry::thawCall { appId: self.app };
        super::grant((&chain, &app), "quorate.app.thaw", &call, &self.send, output).await
    }
}
