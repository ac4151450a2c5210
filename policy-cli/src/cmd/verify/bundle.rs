//! `quorate verify bundle`: one issuance or one revocation, from one file, offline. The judging is crate `bundle`'s.

use crate::{
    cli::Global, exit::Exit, failure::Failure, file, network::NetworkFileError, output::Output,
    values, words::plain,
};
use alloy::primitives::B256;
use bundle::{Claim, MAX_BUNDLE_BYTES, Trusted, Verdict, verify};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use wire::network::{Fork, Network};

const AFTER: &str = "You name what you trust: a final block, by its hash, from a node or an explorer that you believe, and the network.
Everything else comes from the file and is proven under that block. Exit code 0 only if every check holds; 4 if one does not.

Example:
  quorate verify bundle boot.json --block 0x1111111111111111111111111111111111111111111111111111111111111111 --network network.toml";

/// Checks an evidence bundle (quorate-evidence/v1): one issuance or one revocation, offline
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct VerifyBundle {
    /// The bundle; - is stdin
    #[arg(value_name = "FILE")]
    bundle: PathBuf,
    /// Hash of the final block that the bundle ends at. --network may be a network hash instead of a file
    #[arg(long, value_name = "HASH", value_parser = values::hash)]
    block: B256,
    /// Accept this attestation root alone (SHA-256 of its certificate), not any that the network has open
    #[arg(long, value_name = "HASH", value_parser = values::hash)]
    root: Option<B256>,
    /// Rules of the EVM at that block: prague or osaka; left out: network.toml's, or osaka
    #[arg(long, value_name = "FORK", value_parser = fork)]
    fork: Option<Fork>,
}

impl VerifyBundle {
    pub(crate) fn run(&self, global: &Global, output: &mut Output<'_>) -> Result<Exit, Failure> {
        let (network, fork) = network(global.network.as_deref())?;
        let fork = self.fork.unwrap_or(fork);
        let trusted = Trusted { block: self.block, network, fork, root: self.root };
        let text = file::read_text_up_to(&self.bundle, MAX_BUNDLE_BYTES as u64)?;
        let verdict = verify(&text, &trusted);
        let fields = json!({
            "verdict": verdict.word(),
            "checks": verdict.checks,
            "claim": verdict.outcome.as_ref().ok(),
            "failure": verdict.outcome.as_ref().err().map(ToString::to_string),
            "trusted": {
                "block": trusted.block,
                "network": trusted.network,
                "fork": fork_word(fork),
                "root": trusted.root,
            },
        });
        output.answer("quorate.verify.bundle", fields, &words(&trusted, &verdict))?;
        Ok(if verdict.outcome.is_ok() { Exit::Ok } else { Exit::Denied })
    }
}

/// The network that the reader names, by its file or by its hash.
fn network(named: Option<&Path>) -> Result<(B256, Fork), NetworkFileError> {
    let path = named.ok_or(NetworkFileError::Unnamed)?;
    if let Some(hash) = path.to_str().filter(|word| word.starts_with("0x"))
        && let Ok(hash) = values::hash(hash)
    {
        return Ok((hash, Fork::Osaka));
    }
    let text = file::read_text(path)?;
    let network = Network::parse(&text)
        .map_err(|source| NetworkFileError::Invalid { path: path.into(), source })?;
    let hash = network.hash().ok_or_else(|| NetworkFileError::NotDeployed { path: path.into() })?;
    Ok((hash, network.chain.fork))
}

fn fork(word: &str) -> Result<Fork, String> {
    match word {
        "prague" => Ok(Fork::Prague),
        "osaka" => Ok(Fork::Osaka),
        _ => Err("prague or osaka".to_owned()),
    }
}

fn fork_word(fork: Fork) -> &'static str {
    match fork {
        Fork::Prague => "prague",
        Fork::Osaka => "osaka",
    }
}

fn words(trusted: &Trusted, verdict: &Verdict) -> String {
    let mut text = format!(
        "you trust block {}\n      and network {}, under the EVM's {} rules\n",
        trusted.block,
        trusted.network,
        fork_word(trusted.fork)
    );
    text.push_str(&match trusted.root {
        Some(root) => format!("      and attestation root {root} alone\n"),
        None => "      and whatever attestation roots that network has open\n".to_owned(),
    });
    for check in &verdict.checks {
        text.push_str(&format!("holds  {:<11} {}\n", check.name, plain(&check.says)));
    }
    match &verdict.outcome {
        Ok(claim) => text.push_str(&format!("ok: {}\n", claim_words(claim))),
        Err(refusal) => {
            let words = plain(&refusal.to_string());
            text.push_str(&format!("FAILS  {}: {words}\nnot ok\n", refusal.code()));
        }
    }
    text
}

fn claim_words(claim: &Claim) -> String {
    match claim {
        Claim::Issuance { app_id, compose_hash, block, time, device_id, seats, .. } => format!(
            "at block {block}, {}, the chain recorded that an enclave may have a key of app {app_id}:\n    code {compose_hash}\n    machine {device_id}\n    judged by seats {seats:?}",
            crate::words::moment(time.0)
        ),
        Claim::Revocation { event, arguments, contract, block, time, until } => {
            let mut text = format!(
                "from block {block} on, {}, and up to block {} at least, {event} of {contract} stands:",
                crate::words::moment(time.0),
                until.number
            );
            for (name, value) in arguments {
                let value = match (name.as_str(), value.as_u64().map(u8::try_from), value) {
                    ("reason", Some(Ok(code)), _) => crate::reason::text(code),
                    (_, _, Value::String(text)) => plain(text),
                    (_, _, other) => other.to_string(),
                };
                text.push_str(&format!("\n    {name} {value}"));
            }
            text
        }
    }
}
