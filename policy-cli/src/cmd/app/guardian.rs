//! `quorate app guardian`: another guardian, after the grant delay.

use crate::{
    apps::App, cli::Global, exit::Exit, failure::Failure, output::Output, send::SendArgs, values,
};
use abi::AppRegistry;
use alloy::primitives::Address;
use clap::Args;

const AFTER: &str = "The owner sends it, or --propose puts it to the vote. The guardian in office can't cancel it.

Example:
  quorate app guardian 0x1111111111111111111111111111111111111111 0x2222222222222222222222222222222222222222 --network network.toml";

/// Names another guardian of an app, after its grant delay
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Guardian {
    /// The app's id
    #[arg(value_name = "APP", value_parser = values::address)]
    app: Address,
    /// Who can revoke and freeze at once, and grant nothing; the zero address is nobody
    #[arg(value_name = "ADDRESS", value_parser = values::address)]
    guardian: Address,
    #[command(flatten)]
    send: SendArgs,
}

impl Guardian {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = crate::cmd::connect(global).await?;
        let app = App::find(&chain, self.app).await?;
        let call = AppRegistry::setGuardianCall { appId: self.app, guardian: self.guardian };
        super::grant((&chain, &app), "quorate.app.guardian", &call, &self.send, output).await
    }
}
