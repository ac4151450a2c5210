//! What a devnet is made of, before anything runs: the network file, where things go, and every seed.
//!
//! **Software.** All seeds follow from one that stands here: whoever reads this can make any quote of a devnet.

use alloy::primitives::{B256, keccak256};
use anyhow::{Context, Result, ensure};
use policy_cli::compose::{NewCompose, QuorateBlock, app_compose};
use soft_tee::{Authority, OsImage};
use std::path::{Path, PathBuf};
use wire::network::{MeasuredNode, Network};

/// The seed of all seeds.
const SEED: &str = "quorate devnet: not a secret";

/// The docker compose file of a node. A devnet runs the program that was built beside it, under this measurement.
const NODE_COMPOSE: &str = include_str!("../compose/kms-node.yml");

/// A devnet to be brought up.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The network file as it was written.
    pub network: Network,
    /// Where forge runs and finds the contracts.
    pub repository: PathBuf,
    /// Logs, node data, configuration.
    pub folder: PathBuf,
    /// Unix sockets: a short path, they have at most about a hundred bytes.
    pub sockets: PathBuf,
    /// How many records a day each node pays for, for each app.
    pub relayed_records: u32,
    /// Milliseconds between a node's looks at the chain.
    pub poll_milliseconds: u64,
    /// Other endpoints for single nodes, by index: what stands between them and the chain.
    pub endpoints: Vec<(usize, Vec<String>)>,
}

/// A machine of a software authority, and what boots in it.
#[derive(Clone, Debug)]
pub struct MachineSpec {
    /// Its name here; socket and log are called so.
    pub name: String,
    /// The authority's label, which is the vendor's.
    pub vendor: String,
    /// The machine.
    pub machine: String,
    /// app-compose.json.
    pub compose: Vec<u8>,
}

impl Plan {
    /// Checks what a devnet needs beyond a network.
    pub fn check(&self) -> Result<()> {
        let attestation = &self.network.attestation;
        ensure!(
            attestation.allows_software,
            "attestation.allows_software = false: a devnet has no other machines"
        );
        ensure!(
            attestation.roots.iter().all(|root| root.sha256.is_none()),
            "attestation.roots: a devnet makes its roots itself; leave sha256 out"
        );
        ensure!(
            self.network.contracts.is_none(),
            "[contracts]: a devnet deploys its own; leave them out"
        );
        Ok(())
    }

    /// The seed of authorities and machines.
    pub fn machine_seed() -> [u8; 32] {
        seed("machines")
    }

    /// The authority of a vendor.
    pub fn authority(vendor: &str) -> Authority {
        Authority::from_seed(Self::machine_seed(), vendor)
    }

    /// The image that every machine runs.
    pub fn os_image() -> OsImage {
        OsImage::from_seed(seed("os image"))
    }

    /// The gas key of a node.
    pub fn gas_key(index: usize) -> B256 {
        seed(&format!("gas key {index}")).into()
    }

    /// One root per vendor, as AttestationRegistry names it.
    pub fn roots(&self) -> Vec<(String, B256)> {
        let vendors = self.network.attestation.roots.iter().map(|root| &root.vendor);
        vendors
            .map(|vendor| (vendor.clone(), Self::authority(vendor).root_sha256().into()))
            .collect()
    }

    /// soft-tee's configuration for a machine.
    pub fn soft_tee(&self, spec: &MachineSpec) -> soft_tee::Config {
        soft_tee::Config {
            seed: Self::machine_seed(),
            authority_label: spec.vendor.clone(),
            machine_id: spec.machine.clone(),
            compose: spec.compose.clone(),
            app_id: None,
            os_image: seed("os image"),
            socket: self.sockets.join(format!("{}.sock", spec.name)),
            pccs_listen: ([127, 0, 0, 1], 0).into(),
            ready_file: Some(self.folder.join(format!("{}.ready.json", spec.name))),
            collateral_issued: None,
        }
    }

    /// app-compose.json of every node of `network`, which is deployed.
    pub fn node_compose(network: &Network) -> Result<Vec<u8>> {
        let contracts = network.contracts.context("the contracts are not deployed")?;
        let measured = MeasuredNode {
            chain: network.chain.clone(),
            kms_committee: contracts.kms_committee,
            allows_software: network.attestation.allows_software,
            limits: network.limits,
        };
        let new = NewCompose {
            name: "kms-node",
            docker_compose_file: NODE_COMPOSE,
            local_key_provider: true,
            quorate: Some(QuorateBlock::Node(&measured)),
        };
        Ok(app_compose(&new)?)
    }
}

/// The repository: the nearest folder upwards with our deploy script.
pub fn find_repository(start: &Path) -> Result<PathBuf> {
    let start = std::path::absolute(start)?;
    start
        .ancestors()
        .find(|folder| folder.join("script/Deploy.s.sol").is_file())
        .map(Path::to_owned)
        .with_context(|| {
            format!("{}: not inside the repository (script/Deploy.s.sol)", start.display())
        })
}

fn seed(what: &str) -> [u8; 32] {
    keccak256(format!("{SEED}/{what}")).0
}
