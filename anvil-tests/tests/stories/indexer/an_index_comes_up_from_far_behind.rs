//! An index that starts more than a span of blocks behind, and is killed on its way up, has in the end what one has that followed from
//! the first block: the same rows, none twice, and a policy from its first event on, though it was named spans later. P6.
//! [IDX-3] [IDX-4] [IDX-11]

use abi::{AppRegistry, app_registry::AppRegistry::PolicySetup};
use alloy::{primitives::B256, providers::Provider};
use anvil_tests::{Index, story};
use anyhow::{Context, Result, ensure};
use devnet::{harness::BareChain, postgres::OwnPostgres};
use std::time::Duration;

/// Four times this is more than a span of the index, and more than it reads of stored headers at once.
const BLOCKS: u64 = 300;

#[test]
fn holds() {
    story(async || {
        let chain = BareChain::up(1).await?;
        let mut followed = Index::start(&chain.network, chain.folder(), "followed").await?;
        let app = chain.create_app(1).await?;
        let registry = chain.governance.contracts.app_registry;
        let owner = chain.governance.owner;
        let setup = PolicySetup {
            grantDelaySeconds: 0,
            requireTcbUpToDate: true,
            allowAnyDevice: true,
            composeHash: B256::repeat_byte(7),
            uri: String::new(),
            deviceIds: Vec::new(),
            measurements: Vec::new(),
        };
        let create = AppRegistry::createPolicyCall { appId: app.id, setup };
        let made = chain.governance.chain.send(owner, registry, create).await?;
        let policy = made.logs().first().context("it emits")?.address();
        for number in 2..6 {
            mine(&chain).await?;
            chain.create_app(number).await?;
            // It follows: a span is longer.
            settled(&chain, &followed).await?;
        }
        let set = AppRegistry::setPolicyCall { appId: app.id, policy };
        chain.governance.chain.send(owner, registry, set).await?;
        chain.governance.chain.mine(4).await?;
        settled(&chain, &followed).await?;
        followed.until_ready().await?;

        let postgres = OwnPostgres::start()?;
        let url = postgres.database("behind")?;
        let mut behind = Index::start_on(&chain.network, chain.folder(), "behind", &url).await?;
        let mut restarts = 0;
        while restarts < 4 {
            tokio::time::sleep(Duration::from_millis(150 * (restarts + 1))).await;
            behind.restart().await?;
            restarts += 1;
        }
        settled(&chain, &behind).await?;
        behind.until_ready().await?;
        followed.kill();
        let (old, new) =
            (indexer::dump(followed.database()).await?, indexer::dump(behind.database()).await?);
        ensure!(old == new, "the index differs from the one that followed");
        let of_policy = format!("{policy:?}");
        let initialized = |line: &&str| {
            line.starts_with("event ")
                && line.contains(&of_policy)
                && line.contains("PolicyInitialized")
        };
        ensure!(new.lines().any(|line| initialized(&line)), "its first event is missing");
        Ok(())
    });
}

async fn mine(chain: &BareChain) -> Result<()> {
    let provider = chain.governance.chain.provider();
    let _: serde_json::Value = provider.raw_request("anvil_mine".into(), (BLOCKS,)).await?;
    Ok(())
}

async fn settled(chain: &BareChain, index: &Index) -> Result<()> {
    let number = chain.governance.chain.block_number().await?;
    let hash = chain.governance.chain.block_hash(number).await?;
    index.until_head(number, &hash.to_string()).await
}
