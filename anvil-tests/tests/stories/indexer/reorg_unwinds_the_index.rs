//! Reorgs of several depths while the indexer is killed and started again at random: what it has in the end is what a fresh
//! index has, byte for byte; what was taken away is kept, marked orphaned. P6. [IDX-3] [IDX-4] [IDX-9]

use anvil_tests::{Index, story};
use anyhow::{Context, Result, ensure};
use devnet::harness::BareChain;
use std::time::Duration;

/// Far below every reorg here.
const SLOTS_IN_AN_EPOCH: u64 = 16;

#[test]
fn holds() {
    story(async || {
        let chain = BareChain::up(SLOTS_IN_AN_EPOCH).await?;
        let mut index = Index::start(&chain.network, chain.folder(), "index").await?;
        let mut number = 0;
        for depth in [1, 2, 5, 3, 8] {
            for _ in 0..=depth {
                number += 1;
                chain.create_app(number).await?;
            }
            let (_, page) = index.get("/v1/events?name=AppEntered&limit=1000").await?;
            kill_at_random(&mut index).await?;
            let cursor = seen(&chain, &index).await?;
            chain.reorg(depth).await?;
            kill_at_random(&mut index).await?;
            chain.governance.chain.mine(1).await?;
            settled(&chain, &index).await?;
            let (status, problem) = index.get(&format!("/v1/events?cursor={cursor}")).await?;
            ensure!(status == 409 && problem["code"] == "reorged", "{status} {problem}");
            ensure!(page["as_of"]["latest"]["hash"].is_string(), "{page}");
        }
        let (_, orphaned) = index.get("/v1/events?finality=orphaned&name=AppEntered").await?;
        let orphaned = orphaned["events"].as_array().context("a list")?;
        ensure!(!orphaned.is_empty(), "nothing was kept");
        ensure!(orphaned.iter().all(|event| event["finality"] == "orphaned"), "{orphaned:?}");
        let fresh = Index::start(&chain.network, chain.folder(), "fresh").await?;
        settled(&chain, &fresh).await?;
        let (old, new) =
            (indexer::dump(&index.database()).await?, indexer::dump(&fresh.database()).await?);
        ensure!(old.contains("AppEntered"), "the index is empty");
        ensure!(old == new, "the index differs from a fresh one");
        chain.governance.chain.mine(40).await?;
        settled(&chain, &index).await?;
        index.until_ready().await
    });
}

/// Lets it work for a moment, kills it, starts it again.
async fn kill_at_random(index: &mut Index) -> Result<()> {
    for _ in 0..3 {
        let mut byte = [0];
        getrandom::fill(&mut byte).map_err(|error| anyhow::anyhow!("{error}"))?;
        tokio::time::sleep(Duration::from_millis(u64::from(byte[0] / 4))).await;
        index.kill();
        index.restart().await?;
    }
    Ok(())
}

async fn settled(chain: &BareChain, index: &Index) -> Result<()> {
    let number = chain.governance.chain.block_number().await?;
    let hash = chain.governance.chain.block_hash(number).await?;
    index.until_head(number, &hash.to_string()).await
}

/// A cursor at the last event.
async fn seen(chain: &BareChain, index: &Index) -> Result<String> {
    settled(chain, index).await?;
    let (_, page) = index.get("/v1/events?limit=1000").await?;
    Ok(page["next_cursor"].as_str().context("a cursor")?.to_owned())
}
