//! `quorate measurement` and `quorate device`: what an app's AllowlistPolicy lists beside code.

use crate::{
    apps::App,
    chain::Chain,
    cli::Global,
    cmd::at_once,
    exit::Exit,
    failure::Failure,
    output::Output,
    reason,
    send::{Call, Facts, Request, SendArgs, carry_out},
    values,
    words::{duration, moment},
};
use abi::AllowlistPolicy;
use alloy::primitives::{Address, B256};
use alloy::sol_types::SolCall;
use clap::{Args, Subcommand};
use serde_json::json;

const MEASUREMENT: &str =
    "An app that lists none accepts any machine that runs an approved OS image.

Example:
  quorate measurement approve --help";

const DEVICE: &str =
    "Only a device list authenticates machines: whoever breaks one chip owns only that one.

Example:
  quorate device approve --help";

/// Approves and revokes measurements (mrSystem) for an app
#[derive(Subcommand)]
#[command(disable_help_subcommand = true, after_help = MEASUREMENT)]
pub(crate) enum Measurement {
    #[command(
        after_help = "Example:\n  quorate measurement approve 0x1111111111111111111111111111111111111111 0x2222222222222222222222222222222222222222222222222222222222222222 --network network.toml"
    )]
    Approve(Approve),
    #[command(
        after_help = "Example:\n  quorate measurement revoke 0x1111111111111111111111111111111111111111 0x2222222222222222222222222222222222222222222222222222222222222222 --reason retired --network network.toml"
    )]
    Revoke(Revoke),
}

/// Approves and revokes devices for an app
#[derive(Subcommand)]
#[command(disable_help_subcommand = true, after_help = DEVICE)]
pub(crate) enum Device {
    #[command(
        after_help = "Example:\n  quorate device approve 0x1111111111111111111111111111111111111111 0x2222222222222222222222222222222222222222222222222222222222222222 --network network.toml"
    )]
    Approve(Approve),
    #[command(
        after_help = "Example:\n  quorate device revoke 0x1111111111111111111111111111111111111111 0x2222222222222222222222222222222222222222222222222222222222222222 --reason compromised --network network.toml"
    )]
    Revoke(Revoke),
}

/// Approves it for an app; it counts after the app's grant delay
#[derive(Args)]
pub(crate) struct Approve {
    /// The app's id
    #[arg(value_name = "APP", value_parser = values::address)]
    app: Address,
    /// The measurement or device id
    #[arg(value_name = "HASH", value_parser = values::hash)]
    hash: B256,
    #[command(flatten)]
    send: SendArgs,
}

/// Revokes it for an app, at once
#[derive(Args)]
pub(crate) struct Revoke {
    /// The app's id
    #[arg(value_name = "APP", value_parser = values::address)]
    app: Address,
    /// The measurement or device id
    #[arg(value_name = "HASH", value_parser = values::hash)]
    hash: B256,
    /// Why: unspecified, vulnerable, compromised, superseded, retired, legal, or a code from 0 to 255
    #[arg(long, value_parser = reason::parse)]
    reason: u8,
    #[command(flatten)]
    send: SendArgs,
}

impl Measurement {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        match self {
            Self::Approve(approve) => {
                let call = AllowlistPolicy::approveMeasurementCall { mrSystem: approve.hash };
                approve.run("quorate.measurement.approve", &call, global, output).await
            }
            Self::Revoke(revoke) => {
                let (hash, reason) = (revoke.hash, revoke.reason);
                let call = AllowlistPolicy::revokeMeasurementCall { mrSystem: hash, reason };
                revoke.run("quorate.measurement.revoke", &call, global, output).await
            }
        }
    }
}

impl Device {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        match self {
            Self::Approve(approve) => {
                let call = AllowlistPolicy::addDeviceCall { deviceId: approve.hash };
                approve.run("quorate.device.approve", &call, global, output).await
            }
            Self::Revoke(revoke) => {
                let (hash, reason) = (revoke.hash, revoke.reason);
                let call = AllowlistPolicy::revokeDeviceCall { deviceId: hash, reason };
                revoke.run("quorate.device.revoke", &call, global, output).await
            }
        }
    }
}

impl Approve {
    async fn run(
        &self,
        schema: &'static str,
        call: &impl SolCall,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let (chain, app) = found(global, self.app).await?;
        let policy = app.allowlist()?;
        let sender = self.send.sender(&chain, app.owner(), output).await?;
        let mut facts = Facts::default();
        if sender.is_rehearsal() {
            let delay =
                chain.view("AllowlistPolicy", policy, &AllowlistPolicy::grantDelayCall {}).await?;
            let at = chain.head.time.saturating_add(u64::from(delay));
            let words =
                format!("{} if mined now: {} after its block", moment(at), duration(delay.into()));
            facts.add("effective", words, "effectiveAt", json!(at));
        }
        let request = Request::new(schema, Call::new(policy, call), facts);
        carry_out(&chain, sender, request, output, |_| Facts::default()).await
    }
}

impl Revoke {
    async fn run(
        &self,
        schema: &'static str,
        call: &impl SolCall,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let (chain, app) = found(global, self.app).await?;
        let limit = chain.network.limits.max_head_age_seconds;
        let sender = self.send.sender(&chain, app.revoker(), output).await?;
        let facts = if sender.is_rehearsal() { at_once::planned(limit) } else { Facts::default() };
        let request = Request::new(schema, Call::new(app.allowlist()?, call), facts);
        let what = "nothing is recorded that only this allowed";
        carry_out(&chain, sender, request, output, |sent| at_once::sent(sent, what, limit)).await
    }
}

async fn found(global: &Global, id: Address) -> Result<(Chain, App), Failure> {
    let chain = super::connect(global).await?;
    let app = App::find(&chain, id).await?;
    Ok((chain, app))
}
