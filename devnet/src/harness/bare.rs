//! A chain with our contracts and nobody to serve: for stories about what reads the chain, where finality may be far behind
//! the head so that reorgs can be deep.

use super::{Options, plan};
use crate::{
    anvil::{Anvil, AnvilOptions},
    bring_up::{Quiet, contracts},
    governance::{App, Governance, NewApp},
};
use alloy::{primitives::B256, providers::Provider};
use anyhow::Result;
use std::path::Path;
use wire::{ReleaseAt, network::Network};

/// The chain.
#[derive(Debug)]
pub struct BareChain {
    /// The network file, with contracts, genesis and endpoint.
    pub network: Network,
    /// Who may do what.
    pub governance: Governance,
    _anvil: Anvil,
    folder: tempfile::TempDir,
}

impl BareChain {
    /// Starts anvil and deploys the contracts. Finalized is the head minus twice `slots_in_an_epoch`.
    ///
    /// # Errors
    /// Where a step fails.
    pub async fn up(slots_in_an_epoch: u64) -> Result<Self> {
        super::logs::capture();
        let folder = tempfile::Builder::new().prefix("quorate-").tempdir()?;
        let plan = plan(&Options::default(), folder.path().to_owned())?;
        let (anvil, chain) = Anvil::start(&AnvilOptions {
            chain_id: plan.network.chain.id,
            fork: plan.network.chain.fork,
            slots_in_an_epoch,
            block_time: None,
            folder: folder.path(),
            sweep: Some(folder.path()),
            repository: &plan.repository,
        })
        .await?;
        let (network, governance) = contracts(&plan, &chain, &mut Quiet).await?;
        Ok(Self { network, governance, _anvil: anvil, folder })
    }

    /// A folder that goes away with the chain.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// An app with one approved compose hash, in a block of its own.
    ///
    /// # Errors
    /// If a contract refuses it.
    pub async fn create_app(&self, number: u64) -> Result<App> {
        self.governance
            .create_app(NewApp {
                name: &format!("bare-{number}"),
                docker_compose: super::APP_COMPOSE,
                salt: B256::left_padding_from(&number.to_be_bytes()),
                vendors: Vec::new(),
                devices: Vec::new(),
                release_at: ReleaseAt::Head,
                governed_by: None,
            })
            .await
    }

    /// Replaces the last `depth` blocks by empty ones (`anvil_reorg`).
    ///
    /// # Errors
    /// If anvil refuses.
    pub async fn reorg(&self, depth: u64) -> Result<()> {
        let none: [(); 0] = [];
        let provider = self.governance.chain.provider();
        let _: serde_json::Value =
            provider.raw_request("anvil_reorg".into(), (depth, none)).await?;
        Ok(())
    }
}
