//! `quorate root`: the attestation roots that AttestationRegistry knows, and what it accepts under each.

mod rules;
mod show;

use crate::{
    cli::Global,
    cmd::managed::{Duty, ManagedArgs, managed},
    exit::Exit,
    failure::Failure,
    output::Output,
    reason, values,
};
use abi::AttestationRegistry;
use alloy::primitives::B256;
use clap::{Args, Subcommand, ValueEnum};
use rules::RuleArgs;

const AFTER: &str = "Example:
  quorate root show --help";

const OPEN: &str = "A root that the contract's code does not know is software, whatever its label, and opens only where software is allowed.

Example:
  quorate root open 0x2222222222222222222222222222222222222222222222222222222222222222 --vendor intel --platform tdx --propose \"Open Intel's root\" --network network.toml";

const RULES: &str = "What is not given stays as it is.

Example:
  quorate root rules 0x2222222222222222222222222222222222222222222222222222222222222222 --least-tcb-evaluation 18 --propose \"Newer TCB\" --network network.toml";

const CLOSE: &str = "No evidence under it passes any more. Its seats are suspended apart from this.

Example:
  quorate root close 0x2222222222222222222222222222222222222222222222222222222222222222 --reason compromised --network network.toml --broadcast --keystore guardian.json";

const ADVISORY: &str = "Denying counts at once, accepting again after the delay of the network's grantors.

Example:
  quorate root advisory 0x2222222222222222222222222222222222222222222222222222222222222222 INTEL-SA-00615 --deny --network network.toml";

/// Shows, opens and closes attestation roots, and sets what is accepted under them
#[derive(Subcommand)]
#[command(disable_help_subcommand = true, after_help = AFTER)]
pub(crate) enum Root {
    Show(show::Show),
    Open(Open),
    Rules(Rules),
    Close(Close),
    Advisory(Advisory),
}

/// A kind of machine.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Platform {
    Tdx = 1,
    Snp = 2,
    Nitro = 3,
}

/// Opens a root, after the delay of the network's grantors
#[derive(Args)]
#[command(after_help = OPEN)]
pub(crate) struct Open {
    /// SHA-256 of the root certificate (DER)
    #[arg(value_name = "ROOT", value_parser = values::hash)]
    root: B256,
    /// Whose root it is
    #[arg(long, value_name = "NAME", value_parser = values::label)]
    vendor: B256,
    /// What its machines are
    #[arg(long, value_enum)]
    platform: Platform,
    #[command(flatten)]
    rules: RuleArgs,
    #[command(flatten)]
    send: ManagedArgs,
}

/// Sets what is accepted under a root, after the delay of the network's grantors
#[derive(Args)]
#[command(after_help = RULES)]
pub(crate) struct Rules {
    /// The root
    #[arg(value_name = "ROOT", value_parser = values::hash)]
    root: B256,
    #[command(flatten)]
    rules: RuleArgs,
    #[command(flatten)]
    send: ManagedArgs,
}

/// Closes a root, at once
#[derive(Args)]
#[command(after_help = CLOSE)]
pub(crate) struct Close {
    /// The root
    #[arg(value_name = "ROOT", value_parser = values::hash)]
    root: B256,
    /// Why: unspecified, vulnerable, compromised, superseded, retired, legal, or a code from 0 to 255
    #[arg(long, value_parser = reason::parse)]
    reason: u8,
    #[command(flatten)]
    send: ManagedArgs,
}

/// Denies machines with an advisory under a root, or accepts them again
#[derive(Args)]
#[command(after_help = ADVISORY, group = clap::ArgGroup::new("verdict").required(true))]
pub(crate) struct Advisory {
    /// The root
    #[arg(value_name = "ROOT", value_parser = values::hash)]
    root: B256,
    /// The vendor's id
    #[arg(value_name = "ID")]
    advisory: String,
    /// At once
    #[arg(long, group = "verdict")]
    deny: bool,
    /// After the delay
    #[arg(long, group = "verdict")]
    accept: bool,
    #[command(flatten)]
    send: ManagedArgs,
}

impl Root {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = super::connect(global).await?;
        let to = chain.contracts.attestation_registry;
        match self {
            Self::Show(show) => show.run(&chain, output).await,
            Self::Open(Open { root, vendor, platform, rules, send }) => {
                let call = AttestationRegistry::openRootCall {
                    root: *root,
                    vendor: *vendor,
                    platform: *platform as u8,
                    rules: rules.over(RuleArgs::least()),
                };
                let verb = ("quorate.root.open", Duty::Grant);
                managed(&chain, verb, to, &call, send, output).await
            }
            Self::Rules(Rules { root, rules, send }) => {
                let policy = AttestationRegistry::rootPolicyCall { root: *root };
                let present = chain.view("AttestationRegistry", to, &policy).await?.rules;
                let rules = rules.over(present);
                let call = AttestationRegistry::setRootRulesCall { root: *root, rules };
                let verb = ("quorate.root.rules", Duty::Grant);
                managed(&chain, verb, to, &call, send, output).await
            }
            Self::Close(Close { root, reason, send }) => {
                let call = AttestationRegistry::closeRootCall { root: *root, reason: *reason };
                let verb =
                    ("quorate.root.close", Duty::TakeAway("nothing is recorded under this root"));
                managed(&chain, verb, to, &call, send, output).await
            }
            Self::Advisory(Advisory { root, advisory, deny: true, send, .. }) => {
                let (root, advisory) = (*root, advisory.clone());
                let call = AttestationRegistry::denyAdvisoryCall { root, advisoryId: advisory };
                let verb = (
                    "quorate.root.advisory.deny",
                    Duty::TakeAway("nothing is recorded for machines with it"),
                );
                managed(&chain, verb, to, &call, send, output).await
            }
            Self::Advisory(Advisory { root, advisory, send, .. }) => {
                let (root, advisory) = (*root, advisory.clone());
                let call = AttestationRegistry::acceptAdvisoryCall { root, advisoryId: advisory };
                let verb = ("quorate.root.advisory.accept", Duty::Grant);
                managed(&chain, verb, to, &call, send, output).await
            }
        }
    }
}
