//! Evidence, code and bundles: what outlives the nodes that served it. Spec: docs/spec/bundle.md [BUN-16], [BUN-17].

use super::{EventRow, Query, Store, Table, Type, rows::event};
use alloy_primitives::{B256, Bytes, keccak256};
use anyhow::{Context, Result};
use bundle::{Bundle, provable};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// Blocks until a bundle that failed is tried again, doubled each time up to 2^this.
const MOST_PATIENCE: u32 = 12;

/// Whether there is a bundle.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kept {
    /// Here it is.
    Bundle(Box<Bundle>),
    /// It could not be made.
    Failed(String),
    /// Nobody has tried yet.
    NotYet,
}

impl Store {
    /// Events from block `from` up to the finalized one that a bundle can prove and that nobody has tried yet, in the chain's
    /// order.
    pub(crate) async fn unbundled(
        &self,
        from: u64,
        finalized: u64,
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        let query = Query::new(
            "SELECT e.*, CAST(1 AS BIGINT) AS canonical FROM canonical_events e
             LEFT JOIN bundles k ON k.block_hash = e.block_hash AND k.log_index = e.log_index
             WHERE e.standing = 'trail' AND e.block_number >= $1 AND e.block_number <= $2
               AND k.block_hash IS NULL AND e.name IN (''",
        );
        let mut query = query.bind(from).bind(finalized);
        for name in provable() {
            query = query.push_bind(", ", name);
        }
        let query = query.push_bind(") ORDER BY e.block_number, e.log_index LIMIT ", limit);
        self.fetch(query).await?.iter().map(event).collect()
    }

    /// Events whose bundle could not be made, and is tried again by now.
    pub(crate) async fn unbundled_again(
        &self,
        finalized: u64,
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        let query = Query::new(
            "SELECT e.*, CAST(1 AS BIGINT) AS canonical FROM bundles k
             JOIN canonical_events e ON e.block_hash = k.block_hash AND e.log_index = k.log_index
             WHERE k.body IS NULL AND k.again_at <= $1
             ORDER BY e.block_number, e.log_index LIMIT $2",
        );
        self.fetch(query.bind(finalized).bind(limit)).await?.iter().map(event).collect()
    }

    /// Where nodes that hold a seat serve, as their own posted statements say, newest first.
    pub(crate) async fn node_endpoints(&self) -> Result<Vec<String>> {
        let args = async |name: &'static str| -> Result<Vec<Json>> {
            let query = Query::new(
                "SELECT args FROM canonical_events WHERE kind = 'kms-committee' AND name = $1
                 ORDER BY block_number DESC, log_index DESC",
            );
            let rows = self.fetch(query.bind(name)).await?;
            rows.iter().map(|row| Ok(serde_json::from_str(&row.text("args")?)?)).collect()
        };
        let admitted = args("SeatAdmitted").await?;
        let seated: BTreeSet<&str> =
            admitted.iter().filter_map(|event| event["signer"].as_str()).collect();
        let mut endpoints = Vec::new();
        for event in args("CandidatePosted").await? {
            let is_seated = event["signer"].as_str().is_some_and(|signer| seated.contains(signer));
            let endpoint = event["candidate"]["endpoint"].as_str().unwrap_or_default().to_owned();
            if is_seated && !endpoints.contains(&endpoint) {
                endpoints.push(endpoint);
            }
        }
        Ok(endpoints)
    }

    /// Evidence by its hash.
    pub(crate) async fn evidence(&self, hash: B256) -> Result<Option<Bytes>> {
        let query = Query::new("SELECT bytes FROM evidence WHERE hash = $1").bind(hash);
        self.fetch_one(query).await?.map(|row| Ok(row.bytes("bytes")?.into())).transpose()
    }

    /// Keeps evidence whose hash was checked.
    pub(crate) async fn keep_evidence(&self, hash: B256, bytes: &Bytes) -> Result<()> {
        let mut write = self.write().await?;
        write.insert(&EVIDENCE, vec![vec![hash.into(), bytes.clone().into()]]).await?;
        write.commit().await
    }

    /// Keeps a bundle, its codes apart.
    pub(crate) async fn keep_bundle(&self, of: &EventRow, mut bundle: Bundle) -> Result<()> {
        let codes = std::mem::take(&mut bundle.codes);
        if let Some(issuance) = &mut bundle.issuance {
            issuance.evidence = Bytes::new();
        }
        let mut write = self.write().await?;
        let codes = codes.into_iter().map(|code| vec![keccak256(&code).into(), code.into()]);
        write.insert(&CODES, codes.collect()).await?;
        let row = vec![
            of.block.hash.into(),
            of.log_index.into(),
            Some(serde_json::to_string(&bundle)?).into(),
            None::<String>.into(),
            1u64.into(),
            0u64.into(),
        ];
        write.insert(&BUNDLES, vec![row]).await?;
        write.commit().await
    }

    /// Notes that there is no bundle, why, and when to try again.
    pub(crate) async fn note_unbundled(
        &self,
        of: &EventRow,
        finalized: u64,
        failure: &str,
    ) -> Result<()> {
        let query =
            Query::new("SELECT tries FROM bundles WHERE block_hash = $1 AND log_index = $2");
        let known = self.fetch_one(query.bind(of.block.hash).bind(of.log_index)).await?;
        let tries = known.map_or(Ok(0), |row| row.uint("tries"))?;
        let patience = 1u64 << tries.min(MOST_PATIENCE.into());
        let row = vec![
            of.block.hash.into(),
            of.log_index.into(),
            None::<String>.into(),
            Some(failure.to_owned()).into(),
            tries.saturating_add(1).into(),
            finalized.saturating_add(patience).into(),
        ];
        let mut write = self.write().await?;
        write.insert(&BUNDLES, vec![row]).await?;
        write.commit().await
    }

    /// The bundle of an event, whole again.
    pub(crate) async fn bundle(&self, block: B256, log_index: u64) -> Result<Kept> {
        let query = Query::new("SELECT * FROM bundles WHERE block_hash = $1 AND log_index = $2");
        let Some(row) = self.fetch_one(query.bind(block).bind(log_index)).await? else {
            return Ok(Kept::NotYet);
        };
        let Some(body) = row.optional_text("body")? else {
            return Ok(Kept::Failed(row.optional_text("failure")?.unwrap_or_default()));
        };
        let mut bundle: Bundle = serde_json::from_str(&body)?;
        let accounts = bundle.at_event.iter().chain(&bundle.at_block);
        let hashes: BTreeSet<B256> = accounts.map(|account| account.code_hash).collect();
        for hash in hashes {
            let query = Query::new("SELECT code FROM codes WHERE hash = $1").bind(hash);
            if let Some(row) = self.fetch_one(query).await? {
                bundle.codes.push(row.bytes("code")?.into());
            }
        }
        if let Some(issuance) = &mut bundle.issuance {
            let evidence = self.evidence(issuance.statement.evidenceHash).await?;
            issuance.evidence = evidence.context("a bundle's evidence was kept with it")?;
        }
        Ok(Kept::Bundle(Box::new(bundle)))
    }
}

const EVIDENCE: Table = Table {
    name: "evidence",
    columns: &[("hash", Type::Bytes), ("bytes", Type::Bytes)],
    key: &["hash"],
    keeps: &[],
};

const CODES: Table = Table {
    name: "codes",
    columns: &[("hash", Type::Bytes), ("code", Type::Bytes)],
    key: &["hash"],
    keeps: &[],
};

const BUNDLES: Table = Table {
    name: "bundles",
    columns: &[
        ("block_hash", Type::Bytes),
        ("log_index", Type::Int),
        ("body", Type::Text),
        ("failure", Type::Text),
        ("tries", Type::Int),
        ("again_at", Type::Int),
    ],
    key: &["block_hash", "log_index"],
    keeps: &[],
};
