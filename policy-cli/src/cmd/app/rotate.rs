//! `quorate app rotate`: a new version of the app's keys, and the end of an older one.

use crate::{
    apps::App, cli::Global, exit::Exit, failure::Failure, output::Output, reason, send::SendArgs,
    values,
};
use abi::AppRegistry;
use alloy::primitives::Address;
use clap::Args;

const AFTER: &str = "Enclaves ask for the current version. The one before is readable only with --keep-previous, until --delist ends it.
A sealed secret is not rotated by this.

Example:
  quorate app rotate 0x1111111111111111111111111111111111111111 --keep-previous --network network.toml";

/// Rotates an app's keys to a new version, or ends an older one
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Rotate {
    /// The app's id
    #[arg(value_name = "APP", value_parser = values::address)]
    app: Address,
    /// The version before can still be had, so that data can be moved
    #[arg(long, conflicts_with = "delist")]
    keep_previous: bool,
    /// End this older version instead; the owner or the guardian sends it
    #[arg(long, value_name = "VERSION", requires = "reason")]
    delist: Option<u32>,
    /// Why it ends: unspecified, vulnerable, compromised, superseded, retired, legal, or a code from 0 to 255
    #[arg(long, value_parser = reason::parse, requires = "delist")]
    reason: Option<u8>,
    #[command(flatten)]
    send: SendArgs,
}

impl Rotate {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = crate::cmd::connect(global).await?;
        let app = App::find(&chain, self.app).await?;
        let id = self.app;
        let (Some(version), Some(reason)) = (self.delist, self.reason) else {
            let call =
                AppRegistry::rotateCall { appId: id, keepPreviousReadable: self.keep_previous };
            let schema = "quorate.app.rotate";
            return super::at_once((&chain, &app), schema, &call, &self.send, output).await;
        };
        let call = AppRegistry::delistKeyVersionCall { appId: id, keyVersion: version, reason };
        let what = ("quorate.app.delist", "nothing is recorded for this key version");
        super::take_away((&chain, &app), what, &call, &self.send, output).await
    }
}
