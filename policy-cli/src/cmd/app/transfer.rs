//! `quorate app transfer`: hands an app over, in two steps: the owner offers, the other takes.

use crate::{
    apps::App,
    cli::Global,
    exit::Exit,
    failure::Failure,
    output::Output,
    send::{Call, Facts, Request, SendArgs, carry_out},
    values,
};
use abi::AppRegistry;
use alloy::primitives::Address;
use clap::{ArgGroup, Args};

const AFTER: &str = "Until it is taken the offer changes nothing; another offer replaces it, one to the zero address takes it back.

Example:
  quorate app transfer 0x1111111111111111111111111111111111111111 --to 0x2222222222222222222222222222222222222222 --network network.toml";

/// Hands an app over: offer it, then the other accepts
#[derive(Args)]
#[command(after_help = AFTER, group = ArgGroup::new("step").required(true))]
pub(crate) struct Transfer {
    /// The app's id
    #[arg(value_name = "APP", value_parser = values::address)]
    app: Address,
    /// Offer it; the owner sends this
    #[arg(long, value_name = "ADDRESS", value_parser = values::address, group = "step")]
    to: Option<Address>,
    /// Take what was offered; the new owner sends this
    #[arg(long, group = "step")]
    accept: bool,
    #[command(flatten)]
    send: SendArgs,
}

impl Transfer {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = crate::cmd::connect(global).await?;
        let app = App::find(&chain, self.app).await?;
        let (schema, id) = ("quorate.app.transfer", self.app);
        if let Some(to) = self.to {
            let call = AppRegistry::offerOwnershipCall { appId: id, newOwner: to };
            return super::at_once((&chain, &app), schema, &call, &self.send, output).await;
        }
        let offered = (app.info.pendingOwner, "who it is offered to");
        let sender = self.send.sender(&chain, offered, output).await?;
        let call = Call::new(app.registry, &AppRegistry::takeOwnershipCall { appId: id });
        let request = Request::new(schema, call, Facts::default());
        carry_out(&chain, sender, request, output, |_| Facts::default()).await
    }
}
