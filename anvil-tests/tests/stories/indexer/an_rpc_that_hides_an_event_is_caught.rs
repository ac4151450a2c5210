//! The only endpoint hides a log, makes one up, changes one, or tells another header: each is named, nothing of that block is
//! stored, and the index goes on once the truth is told. P6, A4. [IDX-1] [IDX-2]

use anvil_tests::{Index, bare, story};
use anyhow::{Context, Result, ensure};
use devnet::harness::{LyingRpc, RpcLie};

#[test]
fn holds() {
    story(async || {
        for (lie, name) in [
            (RpcLie::HiddenLog, "hidden event"),
            (RpcLie::InventedLog, "invented event"),
            (RpcLie::ChangedLog, "changed receipts"),
            (RpcLie::Header, "forged header"),
        ] {
            caught(lie, name).await.with_context(|| format!("{lie:?}"))?;
        }
        Ok(())
    });
}

async fn caught(lie: RpcLie, name: &str) -> Result<()> {
    let chain = bare().await?;
    let rpc = LyingRpc::start(chain.governance.chain.url()).await?;
    rpc.tell(Some(lie));
    let mut network = chain.network.clone();
    network.chain.endpoints = vec![rpc.url().to_owned()];
    let index = Index::start(&network, chain.folder(), &format!("{lie:?}")).await?;
    let named = |_, body: &serde_json::Value| {
        body["failure"].as_str().is_some_and(|failure| failure.contains(name))
    };
    index.until("/v1/status", named).await?;
    ensure!(rpc.told() > 0, "nobody asked for it");
    let (_, page) = index.get("/v1/events").await?;
    ensure!(page["events"].as_array().is_some_and(Vec::is_empty), "stored: {page}");
    let (status, _) = index.get("/readyz").await?;
    ensure!(status == 503, "it calls itself ready");
    rpc.tell(None);
    index.until_ready().await?;
    let (_, page) = index.get("/v1/events").await?;
    ensure!(page["events"].as_array().is_some_and(|events| !events.is_empty()), "{page}");
    Ok(())
}
