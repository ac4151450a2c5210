//! `quorate revoke`: the shortest path there is. One command, a reason, one signature.

use crate::{
    apps::App,
    cli::Global,
    exit::Exit,
    failure::Failure,
    output::Output,
    reason,
    send::{Call, Facts, Request, SendArgs, Sent, carry_out},
    values,
};
use abi::AllowlistPolicy;
use alloy::primitives::{Address, B256};
use clap::Args;
use serde_json::json;

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
        let mut facts = Facts::default();
        if !self.send.broadcast {
            let words =
                format!("from its block on; on nodes with their next head, within {limit} s");
            facts.add("effective", words, "effectiveOnNodesWithinSeconds", json!(limit));
        }
        let assumed = match app.info.guardian {
            guardian if guardian.is_zero() => (app.info.owner, "the app's owner"),
            guardian => (guardian, "the app's guardian"),
        };
        let sender = self.send.sender(assumed, output)?;
        let request =
            Request { schema: "quorate.revoke", call: Call::new(app.allowlist()?, &call), facts };
        carry_out(&chain, sender, request, output, |sent| effective(sent, limit)).await
    }
}

/// P5, in words: what the chain does from this block on, and what a node can still do.
fn effective(sent: &Sent, limit: u64) -> Facts {
    let mut facts = Facts::default();
    let block = sent.block;
    facts.add(
        "on chain",
        format!("from block {block} on nothing is recorded for this code"),
        "effectiveFromBlock",
        json!(block),
    );
    facts.add(
        "on nodes",
        format!(
            "as soon as their head descends from block {block}; with a head older than {limit} s they answer nothing
\
             a node whose host holds it back, clock included, can release only what was recorded before"
        ),
        "effectiveOnNodesWithinSeconds",
        json!(limit),
    );
    facts
}
