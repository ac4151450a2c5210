//! Evidence from the nodes that judged it, by its hash. Spec: docs/spec/bundle.md [BUN-16]. Trusts: no node; what one serves is
//! hashed. Prevents: a node that answers slowly, or never, from holding up what others serve.

use super::Keeper;
use alloy_primitives::{B256, Bytes, keccak256};
use anyhow::{Context, Result, bail, ensure};
use futures_util::{StreamExt, stream::FuturesUnordered};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::debug;
use wire::limits::{MAX_COLLATERAL_BYTES, MAX_EVENT_LOG_BYTES, MAX_QUOTE_BYTES};

/// Evidence with its label and lengths.
const MAX_BYTES: usize = MAX_QUOTE_BYTES + MAX_EVENT_LOG_BYTES + MAX_COLLATERAL_BYTES + 64;
/// How long all nodes together may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the node that served last is asked alone.
const HEAD_START: Duration = Duration::from_millis(250);
/// How long a node that took longer is left alone.
const REST: Duration = Duration::from_secs(60);

impl Keeper {
    /// The evidence with this hash: kept before, or from the first node that has it.
    pub(super) async fn evidence(&mut self, hash: B256) -> Result<Bytes> {
        if let Some(known) = self.store.evidence(hash).await? {
            return Ok(known);
        }
        let bytes = self.nodes.fetch(self.store.node_endpoints().await?, hash).await?;
        self.store.keep_evidence(hash, &bytes).await?;
        Ok(bytes)
    }
}

/// Nodes, and how they answered last.
#[derive(Debug)]
pub(super) struct Nodes {
    http: reqwest::Client,
    /// Who served last.
    last: Option<String>,
    /// Who took too long, and until when he is left alone.
    resting: BTreeMap<String, Instant>,
}

impl Nodes {
    pub(super) fn new() -> Result<Self> {
        // A node's address is what the node has posted: it does not lead anywhere else.
        let redirect = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder().timeout(PATIENCE * 2).redirect(redirect).build()?;
        Ok(Self { http, last: None, resting: BTreeMap::new() })
    }

    /// The evidence with this hash, from whoever of `nodes` has it first; all are asked at once, but for a head start.
    async fn fetch(&mut self, nodes: Vec<String>, hash: B256) -> Result<Bytes> {
        let begun = Instant::now();
        self.resting.retain(|_, until| *until > begun);
        let (http, last) = (&self.http, &self.last);
        let mut waiting: BTreeSet<String> =
            nodes.into_iter().filter(|node| !self.resting.contains_key(node)).collect();
        let has_first = last.as_ref().is_some_and(|last| waiting.contains(last));
        let asked = waiting.iter().cloned().map(|node| async move {
            if has_first && last.as_ref() != Some(&node) {
                sleep(HEAD_START).await;
            }
            (ask(http, &node, hash).await, node)
        });
        let mut answers: FuturesUnordered<_> = asked.collect();
        while let Ok(Some((answer, node))) = timeout_at(begun + PATIENCE, answers.next()).await {
            match answer {
                Ok(bytes) => {
                    drop(answers);
                    self.last = Some(node);
                    return Ok(bytes);
                }
                Err(cause) => debug!(node, %hash, "no evidence: {cause:#}"),
            }
            waiting.remove(&node);
        }
        drop(answers);
        self.resting.extend(waiting.into_iter().map(|node| (node, begun + PATIENCE + REST)));
        bail!("evidence missing: no node of the committee serves {hash}")
    }
}

async fn ask(http: &reqwest::Client, node: &str, hash: B256) -> Result<Bytes> {
    let url = format!("{}/v1/evidence/{hash}", node.trim_end_matches('/'));
    let mut response = http.get(url).send().await?.error_for_status()?;
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.context("reading evidence")? {
        bytes.extend_from_slice(&chunk);
        ensure!(bytes.len() <= MAX_BYTES, "more than {MAX_BYTES} bytes");
    }
    let actual = keccak256(&bytes);
    ensure!(actual == hash, "it serves {actual}");
    Ok(bytes.into())
}

#[cfg(test)]
mod tests;
