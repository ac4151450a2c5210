//! `quorate revoke`: the shortest path there is. One command, a reason, one signature.

use crate::{
    apps::App,
    cli::Global,
    cmd::at_once,
    exit::Exit,
    failure::Failure,
    output::Output,
    reason,
    send::{Call, Facts, Request, SendArgs, carry_out},
    values,
};
use abi::AllowlistPolicy;
use alloy::primitives::{Address, B256};
use clap::Args;

const AFTER: &str = "The owner or the guardian sends it. It counts from its own block on and cancels a pending approval. A key that was
delivered can't be called back: rotate the app's keys afterwards.

Example:
  quorate revoke 0x1111111111111111111111111111111111111111 0x2222222222222222222222222222222222222222222222222222222222222222 --reason compromised --network network.toml --broadcast --keystore guardian.json";

/// Revokes a compose hash of an app, at once
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Revoke {
    /// The app's id
    #[arg(value_name = "APP", value_parser = values::address)]
    app: Address,
    /// The compose hash
    #[arg(value_name = "HASH", value_parser = values::hash)]
    hash: B256,
    /// Why: unspecified, vulnerable, compromised, superseded, retired, legal, or a code from 0 to 255
    #[arg(long, value_parser = reason::parse)]
    reason: u8,
    #[command(flatten)]
    send: SendArgs,
}

impl Revoke {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = super::connect(global).await?;
        let app = App::find(&chain, self.app).await?;
        let call =
            AllowlistPolicy::revokeComposeHashCall { composeHash: self.hash, reason: self.reason };
        let limit = chain.network.limits.max_head_age_seconds;
        let sender = self.send.sender(&chain, app.revoker(), output).await?;
        let facts = if sender.is_rehearsal() { at_once::planned(limit) } else { Facts::default() };
        let request = Request::new("quorate.revoke", Call::new(app.allowlist()?, &call), facts);
        let what = "nothing is recorded for this code";
        carry_out(&chain, sender, request, output, |sent| at_once::sent(sent, what, limit)).await
    }
}
