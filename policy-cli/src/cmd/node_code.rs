//! `quorate node-code`: which code a node of the committee may run, as (OS image, compose hash).

use crate::{
    chain::Chain,
    cli::Global,
    cmd::managed::{Duty, Managed, ManagedArgs, managed},
    committee::CommitteeError,
    compose::{compose_hash, docker_compose_of, images},
    exit::Exit,
    failure::Failure,
    file,
    output::Output,
    reason,
    send::About,
    values,
};
use abi::KmsCommittee;
use alloy::primitives::B256;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use wire::network::{MeasuredNode, network_hash};

const AFTER: &str = "Example:
  quorate node-code approve --help";

const APPROVE: &str = "Every candidate that runs it can be given a seat. Dealers verify each quote themselves and deal to no other code.

Example:
  quorate node-code approve --os-image 0x2222222222222222222222222222222222222222222222222222222222222222 --compose node-compose.json --uri https://example.org/node --propose \"Node release 2\" --network network.toml";

const REVOKE: &str = "No candidate that runs it gets a seat, and no ceremony deals to it. Seats that run it keep their shares and serve: quorate seat suspend.

Example:
  quorate node-code revoke --os-image 0x2222222222222222222222222222222222222222222222222222222222222222 --compose-hash 0x3333333333333333333333333333333333333333333333333333333333333333 --reason vulnerable --network network.toml --broadcast --keystore guardian.json";

/// Approves and revokes the code of the committee's nodes
#[derive(Subcommand)]
#[command(disable_help_subcommand = true, after_help = AFTER)]
pub(crate) enum NodeCode {
    Approve(Approve),
    Revoke(Revoke),
}

/// Approves code for nodes, after the delay of the committee's governance
#[derive(Args)]
#[command(after_help = APPROVE)]
pub(crate) struct Approve {
    /// SHA-256 of MRTD, RTMR1 and RTMR2
    #[arg(long, value_name = "HASH", value_parser = values::hash)]
    os_image: B256,
    /// The compose hash of the node's app-compose.json
    #[arg(long, value_name = "HASH", value_parser = values::hash, required_unless_present = "compose")]
    compose_hash: Option<B256>,
    /// Hash this app-compose.json, and refuse it if its node is for another network; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "compose_hash")]
    compose: Option<PathBuf>,
    /// Where the code and how it was built can be read
    #[arg(long, default_value = "", hide_default_value = true)]
    uri: String,
    #[command(flatten)]
    send: ManagedArgs,
}

/// Revokes code of nodes, at once
#[derive(Args)]
#[command(after_help = REVOKE)]
pub(crate) struct Revoke {
    /// The OS image
    #[arg(long, value_name = "HASH", value_parser = values::hash)]
    os_image: B256,
    /// The compose hash
    #[arg(long, value_name = "HASH", value_parser = values::hash)]
    compose_hash: B256,
    /// Why: unspecified, vulnerable, compromised, superseded, retired, legal, or a code from 0 to 255
    #[arg(long, value_parser = reason::parse)]
    reason: u8,
    #[command(flatten)]
    send: ManagedArgs,
}

impl NodeCode {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = super::connect(global).await?;
        match self {
            Self::Approve(approve) => approve.run(&chain, output).await,
            Self::Revoke(Revoke { os_image, compose_hash, reason, send }) => {
                let call = KmsCommittee::revokeNodeCodeCall {
                    osImageHash: *os_image,
                    composeHash: *compose_hash,
                    reason: *reason,
                };
                let verb = ("quorate.node-code.revoke", Duty::Withhold);
                let to = chain.contracts.kms_committee;
                managed(&chain, verb, to, &call, send, output).await
            }
        }
    }
}

impl Approve {
    async fn run(&self, chain: &Chain, output: &mut Output<'_>) -> Result<Exit, Failure> {
        if self.uri.is_empty() {
            output.warn("no --uri: nobody can read what this code is")?;
        }
        let (compose_hash, about) = match &self.compose {
            Some(path) => of_file(chain, path, output)?,
            // clap requires one of the two.
            None => (self.compose_hash.unwrap_or_default(), About::default()),
        };
        let call = KmsCommittee::approveNodeCodeCall {
            osImageHash: self.os_image,
            composeHash: compose_hash,
            uri: self.uri.clone(),
        };
        let verb = ("quorate.node-code.approve", Duty::Grant);
        let mut wanted = Managed::new(verb, chain.contracts.kms_committee, &call);
        wanted.about = about;
        wanted.carry_out(chain, &self.send, output).await
    }
}

/// The hash of a node's compose file, and its images for the voters.
fn of_file(chain: &Chain, path: &Path, output: &mut Output<'_>) -> Result<(B256, About), Failure> {
    let bytes = file::read(path)?;
    let docker_compose = docker_compose_of(&bytes).map_err(Failure::in_file(path))?;
    match MeasuredNode::from_compose(&bytes).ok().and_then(|node| node.network_hash()) {
        Some(actual) => {
            let committee = chain.contracts.kms_committee;
            let expected = network_hash(chain.network.chain.id, chain.genesis_hash, committee);
            if actual != expected {
                return Err(CommitteeError::OtherNetwork { expected, actual }.into());
            }
        }
        None => output.warn(
            "the compose file has no block `quorate` for a node with a genesis hash: nothing in it names this network",
        )?,
    }
    let hash = B256::from(compose_hash(&bytes));
    let names = images(&docker_compose).into_iter().map(|image| image.reference).collect();
    Ok((hash, About { images: vec![(hash, names)], ..About::default() }))
}
