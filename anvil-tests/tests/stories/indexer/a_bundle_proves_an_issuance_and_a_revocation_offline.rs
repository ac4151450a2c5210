//! An enclave boots, then its code is revoked: the indexer keeps the evidence and a bundle of each, and `quorate verify bundle`
//! says ok to whoever names the right block and network, with no network at hand, and to nobody else. P10. [BUN-2] [BUN-16] [BUN-17]
//!
//! With `BLESS_BUNDLES=1` the two bundles become `vectors/bundle/`'s.

use abi::AllowlistPolicy;
use alloy::primitives::{B256, keccak256};
use anvil_tests::{Index, quorate, shared, story};
use anyhow::{Context, Result, ensure};
use devnet::{governance::App, harness::Network, plan::find_repository, postgres::OwnPostgres};
use policy_cli::Exit;
use serde_json::{Value, json};
use std::path::Path;

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        for _ in 0..3 {
            network.boot_to_key(&enclave).await?;
        }
        network.governance.revoke(&app).await.map_err(anyhow::Error::from)?;
        approve(network, &app, B256::repeat_byte(7)).await?;
        let undone = network.create_app().await?;
        network.governance.revoke(&undone).await.map_err(anyhow::Error::from)?;
        approve(network, &undone, undone.compose_hash).await?;
        network.governance.chain.mine(3).await?;
        let folder = tempfile::tempdir()?;
        let index = Index::start(&network.committee.network, folder.path(), "bundle").await?;
        let postgres = OwnPostgres::start()?;
        let url = postgres.database("bundle")?;
        let other =
            Index::start_on(&network.committee.network, folder.path(), "postgres", &url).await?;
        let file = folder.path().join("network.toml");
        std::fs::write(&file, network.committee.network.to_toml())?;
        let named = network.governance.network_hash().await?;
        for (name, kind) in [("KeyIssued", "issuance"), ("ComposeHashRevoked", "revocation")] {
            let text = bundle_of(&index, &app.id.to_string(), name, 0).await?;
            // Another index may keep one that ends at another block.
            let theirs = bundle_of(&other, &app.id.to_string(), name, 0).await?;
            let trusted = bundle::Trusted {
                block: end_of(&theirs)?,
                network: named,
                fork: network.committee.network.chain.fork,
                root: None,
            };
            let verdict = bundle::verify(&theirs, &trusted);
            ensure!(verdict.word() == "ok", "from Postgres: {verdict:?}");
            let path = folder.path().join(format!("{kind}.json"));
            std::fs::write(&path, &text)?;
            let block = end_of(&text)?;
            let path = path.to_str().context("a path in UTF-8")?;
            let by = |block: B256, network: String| async move {
                let block = block.to_string();
                let words = ["verify", "bundle", path, "--block", &block, "--network", &network];
                quorate(&words).await
            };
            let (exit, verdict) = by(block, file.display().to_string()).await?;
            ensure!(exit == Exit::Ok && verdict["verdict"] == "ok", "{verdict}");
            ensure!(verdict["claim"]["kind"] == kind, "{verdict}");
            let (exit, verdict) = by(B256::repeat_byte(1), named.to_string()).await?;
            ensure!(exit == Exit::Denied && verdict["verdict"] == "other-block", "{verdict}");
            let (exit, verdict) = by(block, B256::repeat_byte(1).to_string()).await?;
            ensure!(exit == Exit::Denied && verdict["verdict"] == "other-network", "{verdict}");
            if std::env::var_os("BLESS_BUNDLES").is_some() {
                bless(kind, &text, block, named)?;
            }
        }
        // Every part of it is true, and of another boot: bound to nothing of the first one's (cosign GHSA-8gw7-4j42-w388).
        let first = bundle_of(&index, &app.id.to_string(), "KeyIssued", 0).await?;
        let second = bundle_of(&index, &app.id.to_string(), "KeyIssued", 1).await?;
        let mut mixed: bundle::Bundle = serde_json::from_str(&first)?;
        let other: bundle::Bundle = serde_json::from_str(&second)?;
        mixed.issuance.clone_from(&other.issuance);
        let trusted = bundle::Trusted {
            block: end_of(&first)?,
            network: named,
            fork: network.committee.network.chain.fork,
            root: None,
        };
        let verdict = bundle::verify(&mixed.to_text(), &trusted);
        ensure!(verdict.word() == "statement-mismatch", "{verdict:?}");
        if std::env::var_os("BLESS_BUNDLES").is_some() {
            let part = serde_json::to_string(&other.issuance)?;
            let folder = find_repository(Path::new("."))?.join("vectors/bundle");
            std::fs::write(folder.join("another-issuance.part"), part)?;
        }
        // What was undone since is proven up to its own block alone, where it held.
        let text = bundle_of(&index, &undone.id.to_string(), "ComposeHashRevoked", 0).await?;
        let short: bundle::Bundle = serde_json::from_str(&text)?;
        ensure!(short.headers.len() == 1, "it ends elsewhere");
        let verdict = bundle::verify(&text, &bundle::Trusted { block: end_of(&text)?, ..trusted });
        ensure!(verdict.word() == "ok", "{verdict:?}");
        evidence(&index, &app.id.to_string()).await
    });
}

/// The bundle of one of the app's events of this name, once it is kept.
async fn bundle_of(index: &Index, app: &str, name: &str, place: usize) -> Result<String> {
    let path = format!("/v1/events?app={app}&name={name}&finality=finalized");
    let is_there = |_, body: &Value| body["events"].as_array().is_some_and(|all| all.len() > place);
    let body = index.until(&path, is_there).await?;
    let event = &body["events"][place];
    let block = event["block_hash"].as_str().context("a hash")?;
    let path = format!("/v1/events/{block}/{}/bundle", event["log_index"]);
    index.until(&path, |status, _| status == 200).await?;
    index.text(&path).await
}

/// The policy goes on after the revocation.
async fn approve(network: &Network, app: &App, compose_hash: B256) -> Result<()> {
    let call = AllowlistPolicy::approveComposeHashCall {
        composeHash: compose_hash,
        uri: "ipfs://another".to_owned(),
    };
    let governance = &network.governance;
    governance.chain.send(governance.owner, app.id, call).await?;
    Ok(())
}

/// The hash of the last header.
fn end_of(text: &str) -> Result<B256> {
    let bundle: bundle::Bundle = serde_json::from_str(text)?;
    Ok(keccak256(bundle.headers.last().context("a header")?))
}

/// What nodes served once is served here, and nothing else under its hash.
async fn evidence(index: &Index, app: &str) -> Result<()> {
    let (_, body) = index.get(&format!("/v1/events?app={app}&name=KeyIssued")).await?;
    let args = &body["events"][0]["args"];
    let hash: B256 = serde_json::from_value(args["evidenceHash"].clone())?;
    let bytes = index.bytes(&format!("/v1/evidence/{hash}")).await?;
    ensure!(keccak256(&bytes) == hash, "other evidence");
    let (status, _) = index.get(&format!("/v1/evidence/{}", B256::repeat_byte(1))).await?;
    ensure!(status == 404, "{status}");
    Ok(())
}

fn bless(kind: &str, text: &str, block: B256, network: B256) -> Result<()> {
    let folder = find_repository(Path::new("."))?.join("vectors/bundle");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(format!("{kind}.bundle")), text)?;
    let case = json!({
        "source": "devnet with software roots, made by the story a_bundle_proves_an_issuance_and_a_revocation_offline",
        "bundle": format!("{kind}.bundle"),
        "trusted": { "block": block, "network": network },
        "expect": "ok",
    });
    Ok(std::fs::write(folder.join(format!("{kind}.json")), format!("{case:#}\n"))?)
}
