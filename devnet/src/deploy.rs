//! The contracts, by the deploy script that every network uses.

use crate::{
    leash::{Leash, Spawn, program},
    plan::Plan,
};
use alloy::primitives::{Address, B256};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};
use tokio::sync::Mutex;
use wire::network::Contracts;

/// Runs of forge share a cache.
static TURN: Mutex<()> = Mutex::const_new(());
/// A first run compiles everything.
const PATIENCE: Duration = Duration::from_secs(180);

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
    let image = B256::from(Plan::os_image().hash()).to_string();
    let files = ["network.toml", "roots.json", "deployment.json", "broadcast"];
    let [network, roots, out, broadcast] = files.map(|file| scratch.name(file));
    let environment = [
        ("QUORATE_NETWORK", network.as_os_str()),
        ("QUORATE_ROOTS", roots.as_os_str()),
        ("QUORATE_OS_IMAGES", OsStr::new(&image)),
        ("QUORATE_DEPLOYMENT_OUT", out.as_os_str()),
        ("FOUNDRY_BROADCAST", broadcast.as_os_str()),
    ];
    forge(plan, (url, deployer), "script/Deploy.s.sol", &environment).await?;
    let deployment = std::fs::read(scratch.path("deployment.json"))
        .context("script/Deploy.s.sol wrote no addresses")?;
    let deployment: Deployment = serde_json::from_slice(&deployment)?;
    Ok(Contracts {
        access_manager: deployment.access_manager,
        attestation_registry: deployment.attestation_registry,
        kms_committee: deployment.kms_committee,
        app_registry: deployment.app_registry,
        issuance_log: deployment.issuance_log,
    })
}

/// Runs a script of `script/`. Each transaction waits for the one before: sent at once, anvil may take them out of order and
/// lose one.
pub(crate) async fn forge(
    plan: &Plan,
    (url, sender): (&str, Address),
    script: &str,
    environment: &[(&str, &OsStr)],
) -> Result<()> {
    let _turn = TURN.lock().await;
    let program = program("forge", &plan.repository)?;
    let spawn = Spawn {
        directory: Some(&plan.repository),
        environment,
        ..Spawn::new("forge", &program, &plan.folder)
    };
    let sender = sender.to_string();
    let mut args = vec!["script", script, "--broadcast", "--slow", "--unlocked"];
    args.extend(["--rpc-url", url, "--sender", &sender]);
    let mut leash = Leash::spawn(&spawn, args)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = leash.exited() {
            ensure!(status.success(), "{script} failed:\n{}", leash.last_words());
            return Ok(());
        }
        let words = || format!("forge is not done after {PATIENCE:?}:\n{}", leash.last_words());
        ensure!(Instant::now() < deadline, words());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A folder that forge may read and write, removed afterwards. Names are relative to the repository, where forge runs.
pub(crate) struct Scratch {
    repository: PathBuf,
    relative: PathBuf,
}

impl Scratch {
    pub(crate) fn new(repository: &Path) -> Result<Self> {
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let relative = PathBuf::from(format!("target/devnet/deploy-{}-{run}", std::process::id()));
        let scratch = Self { repository: repository.to_owned(), relative };
        std::fs::create_dir_all(scratch.path("")).context("making a folder for the deployment")?;
        Ok(scratch)
    }

    pub(crate) fn name(&self, file: &str) -> PathBuf {
        self.relative.join(file)
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.repository.join(self.name(file))
    }

    pub(crate) fn write(&self, file: &str, text: &str) -> Result<()> {
        std::fs::write(self.path(file), text).with_context(|| file.to_owned())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left would only be litter.
        let _ = std::fs::remove_dir_all(self.path(""));
    }
}
