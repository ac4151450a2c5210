//! That an enclave gets nothing, and that every node says why.

use anyhow::{Result, bail, ensure};
use devnet::harness::{Enclave, Network};
use guest_agent::BootError;
use std::time::Duration;
use wire::request::Code;

/// How long a node may be without a true head.
const PATIENCE: Duration = Duration::from_secs(60);

/// Boots the enclave, which must be denied, and asks each node by itself, which must deny for this reason.
///
/// # Errors
/// If it gets a key, or a node denies nothing or for another reason.
pub async fn refused_by_all(network: &Network, enclave: &Enclave, why: &str) -> Result<()> {
    network.settle_head().await?;
    match network.boot(enclave).await {
        Ok(_) => bail!("the enclave got its key"),
        Err(BootError::Denied { .. }) => {}
        Err(error) => bail!("not denied: {error}"),
    }
    let ask = network.ask(enclave).await?;
    for node in 0..network.committee.members.len() {
        // A node whose endpoint answers late says so; then it is asked again.
        let answered = async || match network.authorize(node, ask.pending.request()).await {
            Err(refusal) if refusal.code() == Some(Code::HeadStale) => Ok(None),
            answer => Ok(Some(answer)),
        };
        let chain = &network.governance.chain;
        let Err(refusal) = chain.until("a node's answer", PATIENCE, answered).await? else {
            bail!("node {node} authorizes it");
        };
        ensure!(refusal.code() == Some(Code::Denied), "node {node}: {refusal}");
        ensure!(refusal.detail() == why, "node {node}: {}", refusal.detail());
    }
    Ok(())
}
