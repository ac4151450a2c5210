//! An app is made and an enclave boots: the index has every event by name, in the trails that the chain proves, page by page,
//! and hands out a proof of each that needs nothing but the block's hash. P6. [IDX-3] [IDX-5] [IDX-6] [IDX-7] [IDX-9]

use abi::{AppRegistry, app_registry::AppRegistry::PolicySetup};
use alloy::{
    consensus::Header,
    primitives::{B256, Bytes, keccak256},
};
use alloy_rlp::Decodable;
use alloy_trie::{Nibbles, proof::verify_proof};
use anvil_tests::{Index, shared, story};
use anyhow::{Context, Result, ensure};
use devnet::{governance::App, harness::Network};
use serde_json::Value;

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        network.boot_to_key(&enclave).await?;
        let later = later_policy(network, &app).await?;
        let folder = tempfile::tempdir()?;
        let index = Index::start(&network.committee.network, folder.path(), "boot").await?;
        network.governance.chain.mine(4).await?;
        let of_app = format!("/v1/events?app={}&limit=1000", app.id);
        let final_issuance = |_, body: &Value| {
            let events = body["events"].as_array().into_iter().flatten();
            events.filter(|e| e["name"] == "KeyIssued").any(|e| e["finality"] == "finalized")
        };
        let body = index.until(&of_app, final_issuance).await?;
        index.until_ready().await?;
        let events = body["events"].as_array().context("a list")?;
        for (name, standing) in [
            ("PolicyInitialized", "trail"),
            ("ComposeHashApproved", "trail"),
            ("AppEntered", "trail"),
            ("AppRegistered", "outside"),
            ("AppDeployedViaFactory", "outside"),
            ("KeyIssued", "trail"),
        ] {
            let found = events.iter().find(|event| event["name"] == name);
            let found = found.with_context(|| format!("{name} is missing"))?;
            ensure!(found["standing"] == standing, "{found}");
            ensure!(found["seq"].is_u64() == (standing == "trail"), "{found}");
        }
        let hash = format!("0x{}", hex_of(app.compose_hash));
        let issued = events.iter().find(|event| event["name"] == "KeyIssued").context("issued")?;
        ensure!(issued["args"]["composeHash"] == hash.as_str(), "{issued}");
        pages(&index, &app.id.to_string(), events).await?;
        proves(&index, issued).await?;
        let of = |trail: &Value| trail["contract"] == later.as_str();
        let compared =
            |_, body: &Value| body["trails"].as_array().is_some_and(|all| all.iter().any(of));
        let status = index.until("/v1/status", compared).await?;
        let trails = status["trails"].as_array().context("trails")?;
        ensure!(trails.len() >= 5, "four contracts and a policy: {status}");
        ensure!(trails.iter().all(|trail| trail["verdict"] == "complete"), "{status}");
        // [IDX-3] Made in one block, named in a later one: from its first event on.
        ensure!(trails.iter().any(|trail| of(trail) && trail["seq"] == 2), "{status}");
        let (_, metrics) = index.get("/metrics").await?;
        let metrics = metrics.as_str().context("text")?;
        ensure!(metrics.contains("kind=\"issuance-log\"} 1"), "{metrics}");
        Ok(())
    });
}

/// A second policy of the app, made in one block and put in force in another; its address.
async fn later_policy(network: &Network, app: &App) -> Result<String> {
    let (governance, registry) = (&network.governance, network.governance.contracts.app_registry);
    let setup = PolicySetup {
        grantDelaySeconds: 0,
        requireTcbUpToDate: true,
        allowAnyDevice: true,
        composeHash: app.compose_hash,
        uri: String::new(),
        deviceIds: Vec::new(),
        measurements: Vec::new(),
    };
    let create = AppRegistry::createPolicyCall { appId: app.id, setup };
    let made = governance.chain.send(governance.owner, registry, create).await?;
    let policy = made.logs().first().context("it emits")?.address();
    governance.chain.mine(2).await?;
    let set = AppRegistry::setPolicyCall { appId: app.id, policy };
    governance.chain.send(governance.owner, registry, set).await?;
    Ok(format!("0x{}", alloy::primitives::hex::encode(policy)))
}

/// Two at a time, the same list.
async fn pages(index: &Index, app: &str, events: &[Value]) -> Result<()> {
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let (status, page) = index.get(&format!("/v1/events?app={app}&limit=2{cursor}")).await?;
        ensure!(status == 200, "{page}");
        paged.extend(page["events"].as_array().context("a list")?.clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let place = |event: &Value| (event["block_hash"].clone(), event["log_index"].clone());
    ensure!(paged.iter().map(place).eq(events.iter().map(place)), "pages differ from the list");
    Ok(())
}

/// The proof holds under the block's hash, and no other receipt does.
async fn proves(index: &Index, event: &Value) -> Result<()> {
    let block: B256 = serde_json::from_value(event["block_hash"].clone())?;
    let (status, proof) =
        index.get(&format!("/v1/events/{block}/{}/proof", event["log_index"])).await?;
    ensure!(status == 200, "{proof}");
    let bytes = |name: &str| serde_json::from_value::<Bytes>(proof[name].clone());
    let (header, key, receipt) = (bytes("header")?, bytes("key")?, bytes("receipt")?);
    let nodes: Vec<Bytes> = serde_json::from_value(proof["proof"].clone())?;
    ensure!(keccak256(&header) == block, "the header is that of the block");
    let root = Header::decode(&mut header.as_ref())?.receipts_root;
    let key = Nibbles::unpack(&key);
    verify_proof(root, key, Some(receipt.to_vec()), &nodes)?;
    let mut other = receipt.to_vec();
    *other.last_mut().context("not empty")? ^= 1;
    ensure!(verify_proof(root, key, Some(other), &nodes).is_err(), "another receipt holds too");
    Ok(())
}

fn hex_of(hash: B256) -> String {
    alloy::primitives::hex::encode(hash)
}
