//! What Otterscan and others ask a Sourcify repository for, they find for every contract of ours, and for clones what they run;
//! nothing is there for an address that runs something else. [API-5]

use alloy::primitives::{Address, keccak256};
use anvil_tests::{Index, bare, story};
use anyhow::{Context, Result, ensure};

#[test]
fn holds() {
    story(async || {
        let chain = bare().await?;
        let index = Index::start(&chain.network, chain.folder(), "sourced").await?;
        let contracts = &chain.governance.contracts;
        for (address, name) in [
            (contracts.kms_committee, "KmsCommittee"),
            (contracts.attestation_registry, "AttestationRegistry"),
            (contracts.app_registry, "AppRegistry"),
            (contracts.issuance_log, "IssuanceLog"),
            (contracts.access_manager, "AccessManager"),
        ] {
            sources(&index, "full_match", address, name).await?;
        }
        let (_, page) = index.get("/v1/events?kind=policy").await?;
        let policy: Address =
            page["events"][0]["contract"].as_str().context("a policy")?.parse()?;
        sources(&index, "partial_match", policy, "AllowlistPolicy").await?;
        let stranger = chain.governance.owner;
        for path in [
            format!("full_match/31337/{policy}/metadata.json"),
            format!("full_match/31337/{stranger}/metadata.json"),
            format!("full_match/1/{}/metadata.json", contracts.app_registry),
            format!("no_match/31337/{}/metadata.json", contracts.app_registry),
            format!("full_match/31337/{}/sources/contracts/src/None.sol", contracts.app_registry),
            format!("full_match/31337/{}/immutable-references.json", contracts.app_registry),
            format!("full_match/31337/{}", contracts.app_registry),
        ] {
            let answer = index.ask(&format!("/contracts/{path}"), &[]).await?;
            ensure!(answer.status() == 404, "{path}: {}", answer.status());
            let kind = answer.headers()["content-type"].to_str()?.to_owned();
            ensure!(kind == "application/problem+json", "{path} is a page: {kind}");
        }
        Ok(())
    });
}

/// Metadata, and every source that it names.
async fn sources(index: &Index, level: &str, address: Address, name: &str) -> Result<()> {
    // Checksummed, as explorers ask.
    let folder = format!("/contracts/{level}/31337/{address}");
    let metadata =
        index.until(&format!("{folder}/metadata.json"), |status, _| status == 200).await?;
    let target = metadata["settings"]["compilationTarget"].as_object().context("a target")?;
    ensure!(target.values().eq([name]), "{target:?}");
    let named = metadata["sources"].as_object().context("sources")?;
    for (path, source) in named {
        let path = path.replace('@', "_");
        let answer = index.ask(&format!("{folder}/sources/{path}"), &[]).await?;
        ensure!(answer.status() == 200, "{path}: {}", answer.status());
        ensure!(answer.headers()["access-control-allow-origin"] == "*", "{:?}", answer.headers());
        let hash = keccak256(answer.bytes().await?).to_string();
        ensure!(source["keccak256"] == hash.as_str(), "{path} is another source");
    }
    ensure!(!named.is_empty(), "no sources");
    Ok(())
}
