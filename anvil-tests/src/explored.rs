//! A network with something to look at, and an indexer that shows it: a boot on two vendors' machines and a revocation, an
//! approval that waits, an app under a foreign policy, a frozen one. And a browser to look with.

use crate::{Index, shared};
use abi::{
    AllowlistPolicy, AppRegistry, KmsCommittee,
    app_registry::AppRegistry::{NewApp, PolicySetup},
};
use alloy::primitives::{Address, B256};
use anyhow::{Context, Result, bail, ensure};
use devnet::{governance::Governance, plan::find_repository};
use serde_json::{Value, json};
use std::{path::PathBuf, process::Stdio, time::Duration};
use tokio::{process::Command, sync::OnceCell, time::timeout};

/// What a browser may take.
const LIMIT: Duration = Duration::from_secs(250);
/// A day: nobody waits for it in a story.
const DELAY_SECONDS: u32 = 86_400;

static EXPLORED: OnceCell<Explored> = OnceCell::const_new();

/// What there is to see.
#[derive(Debug)]
pub struct Explored {
    /// Shows it.
    pub index: Index,
    /// Where the pages are, by name.
    pub facts: Value,
    pub(crate) _folder: tempfile::TempDir,
}

/// The network of all stories about pages; none of them changes it.
///
/// # Errors
/// If it can't be brought up.
pub async fn explored() -> Result<&'static Explored> {
    EXPLORED.get_or_try_init(bring_up).await
}

async fn bring_up() -> Result<Explored> {
    let network = shared().await?;
    let governance = &network.governance;
    let app = network.create_app().await?;
    let first = network.boot(&network.enclave(&app, "soft-a").await?).await?;
    network.boot(&network.enclave(&app, "soft-c").await?).await?;
    let revoked = governance.revoke(&app).await?;
    let waiting = waiting(governance).await?;
    let foreign = foreign(governance).await?;
    let frozen = create(governance, 0x52, 0).await?;
    let freeze = AppRegistry::freezeCall { appId: frozen, reason: 2 };
    governance.chain.send(governance.owner, governance.contracts.app_registry, freeze).await?;
    governance.chain.mine(4).await?;

    let folder = tempfile::tempdir()?;
    let index = Index::start(&network.committee.network, folder.path(), "explored").await?;
    let of_app = format!("/v1/events?app={frozen}&finality=finalized");
    let is_there = |_, body: &Value| {
        body["events"].as_array().is_some_and(|all| all.iter().any(|e| e["name"] == "AppFrozen"))
    };
    index.until(&of_app, is_there).await?;
    index.until_ready().await?;
    let place = |events: &Value, name: &str| -> Result<Value> {
        let all = events["events"].as_array().context("a list")?;
        let found = all.iter().find(|event| event["name"] == name);
        Ok(found.with_context(|| format!("no {name}"))?.clone())
    };
    let (_, events) = index.get(&format!("/v1/events?app={}&limit=1000", app.id)).await?;
    let (issued, taken) = (place(&events, "KeyIssued")?, place(&events, "ComposeHashRevoked")?);
    ensure!(taken["block_number"] == json!(revoked.block_number), "{taken}");
    let facts = json!({
        "base": index.url()?,
        "rpc": governance.chain.url(),
        "app": app.id,
        "code": app.compose_hash,
        "waiting": waiting,
        "foreign": foreign,
        "frozen": frozen,
        "issuance": first.report.issuance_id,
        "block": issued["block_hash"].clone(),
        "issued": issued,
        "revoked": taken,
        "registry": governance.contracts.app_registry,
    });
    Ok(Explored { index, facts, _folder: folder })
}

impl Explored {
    /// Runs a script of `browser/` with what there is to see, and fails with what it says.
    ///
    /// # Errors
    /// If a check of it fails, or node or Chromium is missing.
    pub async fn look(&self, script: &str) -> Result<()> {
        let browser = browser()?;
        ensure!(
            browser.join("node_modules/playwright-core").exists(),
            "playwright-core is missing: run script/browser"
        );
        // A file, so that what it said is there even if it never ends.
        let log = tempfile::NamedTempFile::new()?;
        let mut command = Command::new("node");
        command.arg(browser.join(script)).env("EXPLORED", self.facts.to_string());
        let out = log.reopen()?;
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let mut running = command.kill_on_drop(true).spawn()?;
        let ended = timeout(LIMIT, running.wait()).await;
        let said = std::fs::read_to_string(log.path())?;
        match ended {
            Ok(Ok(status)) if status.success() => eprintln!("{said}"),
            Ok(_) => bail!("{script}:\n{said}"),
            Err(_) => bail!("{script} takes too long:\n{said}"),
        }
        Ok(())
    }
}

fn browser() -> Result<PathBuf> {
    Ok(find_repository(&std::env::current_dir()?)?.join("anvil-tests/browser"))
}

/// An app whose grants wait a day, with one that waits.
async fn waiting(governance: &Governance) -> Result<Address> {
    let app = create(governance, 0x50, DELAY_SECONDS).await?;
    let approve = AllowlistPolicy::approveComposeHashCall {
        composeHash: B256::repeat_byte(0x77),
        uri: "https://example.org/compose/2".to_owned(),
    };
    governance.chain.send(governance.owner, app, approve).await?;
    Ok(app)
}

/// An app that is judged by a contract that the registry did not make.
async fn foreign(governance: &Governance) -> Result<Address> {
    let app = create(governance, 0x51, 0).await?;
    let policy = governance.view_committee(KmsCommittee::ceremonyCodeCall {}).await?;
    let set = AppRegistry::setPolicyCall { appId: app, policy };
    governance.chain.send(governance.owner, governance.contracts.app_registry, set).await?;
    Ok(app)
}

async fn create(governance: &Governance, byte: u8, delay: u32) -> Result<Address> {
    let (owner, registry) = (governance.owner, governance.contracts.app_registry);
    let salt = B256::repeat_byte(byte);
    let policy = PolicySetup {
        grantDelaySeconds: delay,
        requireTcbUpToDate: true,
        allowAnyDevice: false,
        composeHash: B256::repeat_byte(byte),
        uri: "https://example.org/compose/1".to_owned(),
        deviceIds: vec![B256::repeat_byte(0xd1)],
        measurements: Vec::new(),
    };
    let app =
        NewApp { salt, owner, guardian: owner, vendors: Vec::new(), lockPolicy: false, policy };
    let predict = AppRegistry::predictAppIdCall { sender: owner, salt };
    let id = governance.chain.view(registry, predict).await?;
    governance.chain.send(owner, registry, AppRegistry::createAppCall { app }).await?;
    Ok(id)
}
