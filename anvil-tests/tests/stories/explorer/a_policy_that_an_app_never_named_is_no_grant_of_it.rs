//! Anybody may make a policy that says it is another's, and have it followed by asking it for an app of their own. What it says
//! is told, with its trail; but it is no part of the other app's history, and every list says that it judges nothing there. When
//! the app names it itself, it does. P6, P10. [EXP-22] [EXP-2]

use abi::{AllowlistPolicy, AppRegistry, app_registry::AppRegistry::PolicySetup};
use alloy::{
    primitives::{Address, B256},
    sol_types::SolCall,
};
use anvil_tests::{Index, story};
use anyhow::{Context, Result, ensure};
use devnet::{governance::App, harness::BareChain};
use serde_json::Value;

const EVIL: B256 = B256::repeat_byte(0xE5);
const MARK: &str = "does not judge this app";

#[test]
fn holds() {
    story(async || {
        let chain = BareChain::up(16).await?;
        let index = Index::start(&chain.network, chain.folder(), "index").await?;
        let (victim, own) = (chain.create_app(1).await?, chain.create_app(2).await?);
        let first = chain.governance.chain.block_number().await? + 1;

        let policy = create_policy(&chain, &victim).await?;
        let members = vec![policy];
        let asking =
            AppRegistry::createAllOfPolicyCall { appId: own.id, grantDelaySeconds: 0, members };
        let asking = send(&chain, chain.governance.contracts.app_registry, asking).await?;
        set_policy(&chain, &own, asking).await?;
        send(&chain, policy, AllowlistPolicy::addComposeHashCall { composeHash: EVIL }).await?;
        settled(&chain, &index).await?;

        // It is followed, in its trail, and about the victim by its own word.
        let (id, evil) = (lower(victim.id), EVIL.to_string());
        let approvals = approvals(&index, &id).await?;
        let [event] = &approvals[..] else { anyhow::bail!("{approvals:#?}") };
        ensure!(event["contract"] == lower(policy) && event["standing"] == "trail", "{event}");
        ensure!(event["judges_app"] == false, "{event}");

        // The app's page and resource do not know it; nor does the front page.
        for path in [format!("/apps/{id}"), format!("/v1/apps/{id}"), "/v1/overview".into()] {
            let text = index.get(&path).await?.1.to_string();
            ensure!(path == "/v1/overview" || !text.contains(&evil), "{path} tells it");
            ensure!(!path.starts_with("/apps") || !text.contains(&lower(policy)), "{path}: {text}");
        }
        let (_, overview) = index.get("/v1/overview").await?;
        ensure!(!overview["overview"]["pending"].to_string().contains(&evil), "{overview}");

        // Every other page that tells it says in words what it is not.
        let place =
            format!("{}/{}", event["block_hash"].as_str().context("hash")?, event["log_index"]);
        let hash = event["block_hash"].as_str().context("hash")?;
        for path in [
            format!("/events?app={id}"),
            "/events".into(),
            format!("/events?app={id}&act=grant"),
            format!("/events/{place}"),
            format!("/blocks/{hash}"),
            format!("/contracts/{}", lower(policy)),
            format!("/search?q={evil}"),
            "/".into(),
        ] {
            let text = page(&index, &path).await?;
            ensure!(text.contains(MARK), "{path} does not say so: {text}");
        }
        // The app's own acts are not marked.
        let grants = page(&index, &format!("/events?app={id}&name=AppEntered")).await?;
        ensure!(!grants.contains(MARK), "{grants}");
        let told = stream(&index, &id, first).await?;
        ensure!(told.iter().any(|event| event["judges_app"] == false), "{told:#?}");

        // The app names it: now it judges, and what it said before is history of the app's rules.
        let before = chain.governance.chain.block_number().await?;
        set_policy(&chain, &victim, policy).await?;
        settled(&chain, &index).await?;
        let text = page(&index, &format!("/apps/{id}")).await?;
        ensure!(text.contains(&evil) && !text.contains(MARK), "{text}");
        let now = self::approvals(&index, &id).await?;
        ensure!(now[0]["judges_app"] == true, "{now:#?}");
        // As of the block before, it did not.
        let text = page(&index, &format!("/apps/{id}?at={before}")).await?;
        ensure!(!text.contains(&evil), "{text}");
        Ok(())
    });
}

/// Approvals of the code in the events about an app.
async fn approvals(index: &Index, app: &str) -> Result<Vec<Value>> {
    let (_, body) = index.get(&format!("/v1/events?app={app}&limit=1000")).await?;
    let events = body["events"].as_array().context("events")?;
    let is_evil = |event: &&Value| {
        event["name"] == "ComposeHashApproved"
            && event["args"]["composeHash"] == EVIL.to_string().as_str()
    };
    Ok(events.iter().filter(is_evil).cloned().collect())
}

/// What the stream tells of an app from a block on, until it falls silent at the head.
async fn stream(index: &Index, app: &str, from: u64) -> Result<Vec<Value>> {
    let url = format!("{}/v1/stream?app={app}&from_block={from}", index.url()?);
    let mut answer = reqwest::get(url).await?;
    let mut text = String::new();
    while !text.contains("event: finalized") {
        let chunk = answer.chunk().await?.context("the stream ended")?;
        text.push_str(&String::from_utf8_lossy(&chunk));
    }
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|line| Ok(serde_json::from_str(line)?)).collect()
}

async fn page(index: &Index, path: &str) -> Result<String> {
    let answer = reqwest::get(format!("{}{path}", index.url()?)).await?;
    ensure!(answer.status().is_success(), "{path}: {}", answer.status());
    Ok(answer.text().await?)
}

async fn create_policy(chain: &BareChain, app: &App) -> Result<Address> {
    let setup = PolicySetup {
        grantDelaySeconds: 0,
        requireTcbUpToDate: true,
        allowAnyDevice: true,
        composeHash: app.compose_hash,
        uri: String::new(),
        deviceIds: Vec::new(),
        measurements: Vec::new(),
    };
    let registry = chain.governance.contracts.app_registry;
    let call = AppRegistry::createPolicyCall { appId: app.id, setup };
    send(chain, registry, call).await
}

async fn set_policy(chain: &BareChain, app: &App, policy: Address) -> Result<()> {
    let registry = chain.governance.contracts.app_registry;
    send(chain, registry, AppRegistry::setPolicyCall { appId: app.id, policy }).await.map(drop)
}

/// The contract whose event comes first.
async fn send(chain: &BareChain, to: Address, call: impl SolCall) -> Result<Address> {
    let governance = &chain.governance;
    let receipt = governance.chain.send(governance.owner, to, call).await?;
    Ok(receipt.logs().first().map(|log| log.address()).unwrap_or_default())
}

async fn settled(chain: &BareChain, index: &Index) -> Result<()> {
    let number = chain.governance.chain.block_number().await?;
    let hash = chain.governance.chain.block_hash(number).await?;
    index.until_head(number, &hash.to_string()).await
}

fn lower(address: Address) -> String {
    address.to_string().to_lowercase()
}
