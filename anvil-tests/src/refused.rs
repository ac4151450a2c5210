//! That an enclave gets nothing, and that every node says why.

use anyhow::{Result, bail, ensure};
use devnet::harness::{Enclave, Network};
use guest_agent::{BootError, NodeReason, Reason};

/// Boots the enclave, which must be denied by each node for this reason.
///
/// # Errors
/// If it gets a key, or a node denies nothing or for another reason.
pub async fn refused_by_all(network: &Network, enclave: &Enclave, why: &str) -> Result<()> {
    network.settle_head().await?;
    let error = match network.boot(enclave).await {
        Ok(_) => bail!("the enclave got its key"),
        Err(error) => error,
    };
    let BootError::Denied { reasons, .. } = &error else { bail!("not denied: {error}") };
    let denied = |reason: &&NodeReason| match &reason.reason {
        Reason::Denied(denial) => denial.statement.reason == why,
        _ => false,
    };
    let nodes = network.committee.members.len();
    ensure!(reasons.iter().filter(denied).count() == nodes, "{reasons:?}");
    Ok(())
}
