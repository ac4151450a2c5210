//! The contracts, by the deploy script that every network uses.

use crate::{leash::program, plan::Plan};
use alloy::primitives::{Address, B256};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::{process::Command, sync::Mutex};
use wire::network::Contracts;

/// Runs of forge share a cache.
static TURN: Mutex<()> = Mutex::const_new(());
static RUNS: AtomicUsize = AtomicUsize::new(0);

/// What the script writes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deployment {
    access_manager: Address,
    attestation_registry: Address,
    kms_committee: Address,
    app_registry: Address,
    issuance_log: Address,
}

/// Deploys the contracts of `plan` from the unlocked account `deployer`, with its software roots open and its image approved.
pub async fn deploy(plan: &Plan, url: &str, deployer: Address) -> Result<Contracts> {
    let scratch = Scratch::new(&plan.repository)?;
    let roots: Vec<_> = plan
        .roots()
        .into_iter()
        .map(|(vendor, root)| serde_json::json!({ "root": root, "vendor": vendor }))
        .collect();
    scratch.write("network.toml", &plan.network.to_toml())?;
    scratch.write("roots.json", &serde_json::to_string(&roots)?)?;
    let image = B256::from(Plan::os_image().hash());

    let _turn = TURN.lock().await;
    let mut forge = Command::new(program("forge", &plan.repository)?);
    forge
        .args(["script", "script/Deploy.s.sol", "--broadcast", "--unlocked"])
        .args(["--rpc-url", url, "--sender", &deployer.to_string()])
        .current_dir(&plan.repository)
        .env("QUORATE_NETWORK", scratch.name("network.toml"))
        .env("QUORATE_ROOTS", scratch.name("roots.json"))
        .env("QUORATE_OS_IMAGES", image.to_string())
        .env("QUORATE_DEPLOYMENT_OUT", scratch.name("deployment.json"))
        .env("FOUNDRY_BROADCAST", scratch.name("broadcast"))
        .kill_on_drop(true);
    let output = forge.output().await.context("starting forge")?;
    let said = || {
        let text = [output.stdout.as_slice(), &output.stderr].concat();
        String::from_utf8_lossy(&text).into_owned()
    };
    ensure!(output.status.success(), "script/Deploy.s.sol failed:\n{}", said());
    let deployment = std::fs::read(scratch.path("deployment.json"))
        .with_context(|| format!("script/Deploy.s.sol wrote no addresses:\n{}", said()))?;
    let deployment: Deployment = serde_json::from_slice(&deployment)?;
    Ok(Contracts {
        access_manager: deployment.access_manager,
        attestation_registry: deployment.attestation_registry,
        kms_committee: deployment.kms_committee,
        app_registry: deployment.app_registry,
        issuance_log: deployment.issuance_log,
    })
}

/// A folder that forge may read and write, removed afterwards. Names are relative to the repository, where forge runs.
struct Scratch {
    repository: PathBuf,
    relative: PathBuf,
}

impl Scratch {
    fn new(repository: &Path) -> Result<Self> {
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let relative = PathBuf::from(format!("target/devnet/deploy-{}-{run}", std::process::id()));
        let scratch = Self { repository: repository.to_owned(), relative };
        std::fs::create_dir_all(scratch.path("")).context("making a folder for the deployment")?;
        Ok(scratch)
    }

    fn name(&self, file: &str) -> PathBuf {
        self.relative.join(file)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.repository.join(self.name(file))
    }

    fn write(&self, file: &str, text: &str) -> Result<()> {
        std::fs::write(self.path(file), text).with_context(|| file.to_owned())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left would only be litter.
        let _ = std::fs::remove_dir_all(self.path(""));
    }
}
