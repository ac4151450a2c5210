//! `quorate image`: the OS images that AttestationRegistry knows.

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
use clap::{Args, Subcommand};

const AFTER: &str = "Example:
  quorate image approve --help";

const APPROVE: &str = "Every app whose policy names no measurement accepts machines that run it.

Example:
  quorate image approve 0x2222222222222222222222222222222222222222222222222222222222222222 --uri https://example.org/image --propose \"New OS image\" --network network.toml";

const REVOKE: &str = "Example:
  quorate image revoke 0x2222222222222222222222222222222222222222222222222222222222222222 --reason vulnerable --network network.toml --broadcast --keystore guardian.json";

/// Approves and revokes OS images for the whole network
#[derive(Subcommand)]
#[command(disable_help_subcommand = true, after_help = AFTER)]
pub(crate) enum Image {
    Approve(Approve),
    Revoke(Revoke),
}

/// Approves an OS image for the network, after the delay of its grantors
#[derive(Args)]
#[command(after_help = APPROVE)]
pub(crate) struct Approve {
    /// SHA-256 of MRTD, RTMR1 and RTMR2
    #[arg(value_name = "HASH", value_parser = values::hash)]
    hash: B256,
    /// Where the image and how it was built can be read
    #[arg(long, default_value = "", hide_default_value = true)]
    uri: String,
    #[command(flatten)]
    send: ManagedArgs,
}

/// Revokes an OS image, at once, for every app
#[derive(Args)]
#[command(after_help = REVOKE)]
pub(crate) struct Revoke {
    /// The image
    #[arg(value_name = "HASH", value_parser = values::hash)]
    hash: B256,
    /// Why: unspecified, vulnerable, compromised, superseded, retired, legal, or a code from 0 to 255
    #[arg(long, value_parser = reason::parse)]
    reason: u8,
    #[command(flatten)]
    send: ManagedArgs,
}

impl Image {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = super::connect(global).await?;
        let to = chain.contracts.attestation_registry;
        match self {
            Self::Approve(Approve { hash, uri, send }) => {
                if uri.is_empty() {
                    output.warn("no --uri: nobody can read what this hash stands for")?;
                }
                let call = AttestationRegistry::approveOsImageCall {
                    osImageHash: *hash,
                    uri: uri.clone(),
                };
                let verb = ("quorate.image.approve", Duty::Grant);
                managed(&chain, verb, to, &call, send, output).await
            }
            Self::Revoke(Revoke { hash, reason, send }) => {
                let call =
                    AttestationRegistry::revokeOsImageCall { osImageHash: *hash, reason: *reason };
                let verb = (
                    "quorate.image.revoke",
                    Duty::TakeAway("nothing is recorded for machines that run it"),
                );
                managed(&chain, verb, to, &call, send, output).await
            }
        }
    }
}
