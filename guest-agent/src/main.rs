//! `guest-agent boot`: gets this enclave's keys and prints their public part.

use clap::{Parser, Subcommand, ValueEnum};
use guest_agent::{BootConfig, BootError, Event, Reason, ScopeChoice, boot_with};
use std::{path::PathBuf, process::ExitCode, time::Duration};
use wire::KeyVersion;

/// Boots in the enclave and asks the committee for this app's keys.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Quotes a request, has it authorized and recorded, combines the key, prints its public part. Never a secret.
    ///
    /// Example: guest-agent boot --socket /var/run/dstack.sock --pccs https://pccs.example --nodes https://a.example,https://b.example,https://c.example
    Boot(BootArgs),
}

#[derive(Debug, clap::Args)]
struct BootArgs {
    /// The dstack socket of this guest.
    #[arg(long)]
    socket: PathBuf,
    /// Where collateral is fetched.
    #[arg(long)]
    pccs: String,
    /// The nodes' public APIs, separated by commas.
    #[arg(long, value_delimiter = ',', required = true)]
    nodes: Vec<String>,
    /// Whose key.
    #[arg(long, value_enum, default_value_t = ScopeArg::App)]
    scope: ScopeArg,
    /// Which version of the app's keys.
    #[arg(long, default_value_t = 1)]
    key_version: KeyVersion,
    /// Path of the subkey whose public part is printed.
    #[arg(long, default_value = "quorate/demo")]
    path: String,
    /// Its purpose.
    #[arg(long, default_value = "demo")]
    purpose: String,
    /// Seconds after which to give up.
    #[arg(long, default_value_t = 120)]
    timeout: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScopeArg {
    /// The app's: survives upgrades that the policy allows.
    App,
    /// That of this very code.
    Code,
    /// That of this instance.
    Instance,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Command::Boot(args) = Cli::parse().command;
    let json = args.json;
    match boot_with(args.into(), |event| eprintln!("{}", words(&event))).await {
        Ok(outcome) if json => println!("{}", serde_json::to_string_pretty(&outcome.report)?),
        Ok(outcome) => println!("{}", outcome.report),
        Err(error) => {
            explain(&error);
            return Ok(ExitCode::from(exit_code(&error)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn words(event: &Event) -> String {
    match event {
        Event::Quoted { issuance_id } => format!("quoted issuance {issuance_id}"),
        Event::Sent { node, transaction } => format!("{node} sent the record: {transaction}"),
        Event::SendYourself { to, data } => format!(
            "no relay pays for this app. The boot goes on once somebody sends:\n  to   {to}\n  data {data}"
        ),
    }
}

/// `error:` with its causes, what each node said, then `hint:`.
fn explain(error: &BootError) {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        let next_text = next.to_string();
        if !text.ends_with(&next_text) {
            text = format!("{text}: {next_text}");
        }
        cause = next.source();
    }
    eprintln!("error: {text}");
    for reason in error.reasons() {
        eprintln!("  {reason}");
        if let Reason::Denied(denial) = &reason.reason {
            // The signed statement, for whoever wants to hold the node to it.
            let signed = serde_json::to_string(denial).unwrap_or_default();
            eprintln!("    signed: {signed}");
        }
    }
    if let Some(hint) = hint(error) {
        eprintln!("hint: {hint}");
    }
}

fn hint(error: &BootError) -> Option<&'static str> {
    match error {
        BootError::Socket(_) => Some("--socket names the socket of the dstack guest agent"),
        BootError::Compose(_) | BootError::Pinned(_) => Some(
            "app-compose.json needs a block \"quorate\" with the network, the keyset and its public keys",
        ),
        BootError::NoCommittee { .. } => {
            Some("--nodes needs at least t nodes of the pinned network and keyset")
        }
        BootError::Denied { .. } => {
            Some("the app's policy decides: approve this code, or boot code that is approved")
        }
        BootError::NotRecorded { .. } => Some(
            "a relay pays only for the apps that it lists, and the chain refuses what the policy denies",
        ),
        _ => None,
    }
}

/// 1 here, 4 denied, 5 nodes or network, 6 chain.
fn exit_code(error: &BootError) -> u8 {
    match error {
        BootError::Denied { .. } => 4,
        BootError::NoCommittee { .. }
        | BootError::NotAuthorized { .. }
        | BootError::NotReleased { .. } => 5,
        BootError::NotRecorded { .. } => 6,
        _ => 1,
    }
}

impl From<BootArgs> for BootConfig {
    fn from(args: BootArgs) -> Self {
        let scope = match args.scope {
            ScopeArg::App => ScopeChoice::App,
            ScopeArg::Code => ScopeChoice::Code,
            ScopeArg::Instance => ScopeChoice::Instance,
        };
        let timeout = Duration::from_secs(args.timeout);
        let base = Self::new(args.socket, args.pccs, args.nodes);
        Self {
            scope,
            key_version: args.key_version,
            path: args.path,
            purpose: args.purpose,
            timeout,
            ..base
        }
    }
}
