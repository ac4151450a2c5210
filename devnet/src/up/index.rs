//! The indexer of a devnet, asked over its API, and compared with what the chain itself tells: nothing is missing, nothing is
//! made up.

use super::outcomes::Outcomes;
use crate::{bring_up::Committee, governance::App, hosts::Hosts};
use alloy::{
    primitives::{Address, B256},
    providers::Provider,
    rpc::types::Filter,
};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    time::{Duration, Instant},
};

/// How long the index gets until its trails are compared at a block that the story is below of.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(200);

/// An indexer that serves.
pub(super) struct Index {
    url: String,
    http: reqwest::Client,
}

/// Where an event is.
type Place = (B256, u64);

#[derive(Deserialize)]
struct Status {
    trails: Vec<Trail>,
}

#[derive(Deserialize)]
struct Trail {
    contract: Address,
    kind: String,
    at: At,
    seq: u64,
    verdict: String,
}

#[derive(Deserialize)]
struct At {
    number: u64,
}

#[derive(Deserialize)]
struct Page {
    events: Vec<Event>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Event {
    contract: Address,
    block_hash: B256,
    log_index: u64,
}

impl Index {
    pub(super) fn at(listen: SocketAddr) -> Result<Self> {
        Ok(Self { url: format!("http://{listen}"), http: tee_client::http_client()? })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Adds what the index says of the story, and whether that is what the chain says.
    pub(super) async fn outcomes(
        &self,
        committee: &Committee,
        app: &App,
        hosts: &mut Hosts,
        outcomes: &mut Outcomes,
    ) -> Result<()> {
        let chain = &committee.governance.chain;
        let block = chain.block_number().await?;
        let contracts = contracts(committee, app);
        let trails = self.compared(block, contracts.len(), hosts).await?;

        let what = "the index has every event that the chain has";
        let told = self.places(&contracts).await?;
        let filter = Filter::new().address(contracts.to_vec()).from_block(0).to_block(block);
        let logs = chain.provider().get_logs(&filter).await?;
        let places = logs.iter().map(|log| Some((log.block_hash?, log.log_index?)));
        let emitted: BTreeSet<Place> = places.collect::<Option<_>>().context("a log is placed")?;
        let missing = emitted.difference(&told).count();
        let found = match missing {
            0 => format!("{} of {} contracts up to block {block}", emitted.len(), contracts.len()),
            _ => format!("{missing} of {} are missing", emitted.len()),
        };
        outcomes.add(what, found, missing == 0 && !emitted.is_empty());

        let what = "every trail of the index is the one that the chain proves";
        let wrong = trails.iter().find(|trail| trail.verdict != "complete");
        let found = match wrong {
            Some(trail) => format!("{} {}: {}", trail.kind, trail.contract, trail.verdict),
            None => {
                let seqs = trails.iter().map(|trail| format!("{} {}", trail.kind, trail.seq));
                seqs.collect::<Vec<_>>().join(", ")
            }
        };
        outcomes.add(what, found, wrong.is_none());

        let response = self.http.get(format!("{}/readyz", self.url)).send().await?;
        let status = response.status();
        let said = response.text().await?;
        outcomes.add("the index calls itself ready", said.trim(), status == 200);
        Ok(())
    }

    /// The trails of at least `count` contracts, once they were compared at `block` or later.
    async fn compared(&self, block: u64, count: usize, hosts: &mut Hosts) -> Result<Vec<Trail>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let trails = self.ask::<Status>("/v1/status").await?.trails;
            if trails.len() >= count && trails.iter().all(|trail| trail.at.number >= block) {
                return Ok(trails);
            }
            hosts.check()?;
            if Instant::now() > deadline {
                let at = trails.iter().map(|trail| trail.at.number).min();
                bail!(
                    "the index compared {} trails at block {at:?} and not {count} at block {block}",
                    trails.len()
                );
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Where the index has events of `contracts`.
    async fn places(&self, contracts: &[Address]) -> Result<BTreeSet<Place>> {
        let mut places = BTreeSet::new();
        let mut cursor = String::new();
        loop {
            let page: Page = self.ask(&format!("/v1/events?limit=1000{cursor}")).await?;
            let of_ours = page.events.iter().filter(|event| contracts.contains(&event.contract));
            places.extend(of_ours.map(|event| (event.block_hash, event.log_index)));
            match page.next_cursor {
                Some(next) if !page.events.is_empty() => cursor = format!("&cursor={next}"),
                _ => return Ok(places),
            }
        }
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let response = self.http.get(format!("{}{path}", self.url)).send().await?;
        let status = response.status();
        let text = response.text().await?;
        anyhow::ensure!(status == 200, "the indexer answers {status} to {path}: {text}");
        serde_json::from_str(&text).with_context(|| format!("{path}: {text}"))
    }
}

/// The contracts whose events the story made.
fn contracts(committee: &Committee, app: &App) -> [Address; 5] {
    let contracts = &committee.governance.contracts;
    [
        contracts.kms_committee,
        contracts.attestation_registry,
        contracts.app_registry,
        contracts.issuance_log,
        app.id,
    ]
}
