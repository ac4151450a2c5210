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
        let (mut number, mut made_again) = (0, 0);
        for depth in [1, 2, 5, 3, 8] {
            for _ in 0..=depth {
                number += 1;
                chain.create_app(number).await?;
            }
            kill_at_random(&mut index).await?;
            let cursor = seen(&chain, &index).await?;
            if depth >= 5 {
                // It sees the whole other branch at once, later.
                index.kill();
            }
            chain.reorg(depth).await?;
            if depth < 5 {
                kill_at_random(&mut index).await?;
            }
            // The same app once more, where the reorg took it away: its policy is named anew, in another block.
            made_again += usize::from(chain.create_app(number).await.is_ok());
            chain.governance.chain.mine(1).await?;
            index.restart().await?;
            kill_at_random(&mut index).await?;
            settled(&chain, &index).await?;
            let (status, problem) = index.get(&format!("/v1/events?cursor={cursor}")).await?;
            ensure!(status == 409 && problem["code"] == "reorged", "{status} {problem}");
        }
        ensure!(made_again > 0, "no reorg took an app away");
        let (_, orphaned) = index.get("/v1/events?finality=orphaned&name=AppEntered").await?;
        let orphaned = orphaned["events"].as_array().context("a list")?;
        ensure!(!orphaned.is_empty(), "nothing was kept");
        ensure!(orphaned.iter().all(|event| event["finality"] == "orphaned"), "{orphaned:?}");
        let fresh = Index::start(&chain.network, chain.folder(), "fresh").await?;
        settled(&chain, &fresh).await?;
        let (old, new) =
            (indexer::dump(index.database()).await?, indexer::dump(fresh.database()).await?);
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
