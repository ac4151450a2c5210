//! Evidence from the nodes that judged it, by its hash. Spec: docs/spec/bundle.md [BUN-16].

use super::Keeper;
use alloy_primitives::{B256, Bytes, keccak256};
use anyhow::{Context, Result, bail, ensure};
use tracing::debug;
use wire::limits::{MAX_COLLATERAL_BYTES, MAX_EVENT_LOG_BYTES, MAX_QUOTE_BYTES};

/// Evidence with its label and lengths.
const MAX_BYTES: usize = MAX_QUOTE_BYTES + MAX_EVENT_LOG_BYTES + MAX_COLLATERAL_BYTES + 64;

impl Keeper {
    /// The evidence with this hash: kept before, or from the first node that has it.
    pub(super) async fn evidence(&self, hash: B256) -> Result<Bytes> {
        if let Some(known) = self.store.evidence(hash).await? {
            return Ok(known);
        }
        for node in self.store.node_endpoints().await? {
            match self.ask_node(&node, hash).await {
                Ok(bytes) => {
                    self.store.keep_evidence(hash, &bytes).await?;
                    return Ok(bytes);
                }
                Err(cause) => debug!(node, %hash, "no evidence: {cause:#}"),
            }
        }
        bail!("evidence missing: no node of the committee serves {hash}")
    }

    async fn ask_node(&self, node: &str, hash: B256) -> Result<Bytes> {
        let url = format!("{}/v1/evidence/{hash}", node.trim_end_matches('/'));
        let mut response = self.http.get(url).send().await?.error_for_status()?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.context("reading evidence")? {
            bytes.extend_from_slice(&chunk);
            ensure!(bytes.len() <= MAX_BYTES, "more than {MAX_BYTES} bytes");
        }
        let actual = keccak256(&bytes);
        ensure!(actual == hash, "it serves {actual}");
        Ok(bytes.into())
    }
}
