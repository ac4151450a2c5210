//! Evidence, code and bundles: what outlives the nodes that served it. Spec: docs/spec/bundle.md [BUN-16], [BUN-17].

use super::{EventRow, Query, Store, Table, Type, rows::event};
use abi::KmsCommittee::{CandidatePosted, EpochActivated, EpochOpened, SeatAdmitted, SeatRemoved};
use alloy::sol_types::SolEvent;
use alloy_primitives::{Address, B256, Bytes, LogData, keccak256};
use anyhow::{Context, Result};
use bundle::{Bundle, provable};
use std::collections::{BTreeMap, BTreeSet};

/// The only event of those that a bundle proves that is no revocation.
const ISSUANCE: &str = "KeyIssued";
/// Blocks until a bundle that failed is tried again, doubled each time up to 2^this.
const MOST_PATIENCE: u32 = 12;
/// A block that is never final.
const NEVER: u64 = i64::MAX.unsigned_abs();

/// Whose signatures make an issuance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quorum {
    /// t.
    pub(crate) threshold: u16,
    /// The members of the epoch by their seats.
    pub(crate) signers: BTreeMap<u16, Address>,
}

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
    /// order: issuances, or revocations.
    pub(crate) async fn unbundled(
        &self,
        issuances: bool,
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
        for name in provable().filter(|name| (*name == ISSUANCE) == issuances) {
            query = query.push_bind(", ", name);
        }
        let query = query.push_bind(") ORDER BY e.block_number, e.log_index LIMIT ", limit);
        self.fetch(query).await?.iter().map(event).collect()
    }

    /// Events whose bundle could not be made, and is tried again by now: revocations first.
    pub(crate) async fn unbundled_again(
        &self,
        finalized: u64,
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        let query = Query::new(
            "SELECT e.*, CAST(1 AS BIGINT) AS canonical FROM bundles k
             JOIN canonical_events e ON e.block_hash = k.block_hash AND e.log_index = k.log_index
             WHERE k.body IS NULL AND k.again_at <= $1
             ORDER BY CASE WHEN e.name = $2 THEN 1 ELSE 0 END, e.block_number, e.log_index LIMIT $3",
        );
        let query = query.bind(finalized).bind(ISSUANCE).bind(limit);
        self.fetch(query).await?.iter().map(event).collect()
    }

    /// Where nodes that hold a seat serve, as the newest statement that each has posted says.
    pub(crate) async fn node_endpoints(&self) -> Result<Vec<String>> {
        let mut seats = BTreeMap::new();
        for log in self.committee(&["SeatAdmitted", "SeatRemoved"]).await? {
            if let Ok(admitted) = SeatAdmitted::decode_log_data(&log) {
                seats.insert(admitted.seat, admitted.signer);
            } else if let Ok(removed) = SeatRemoved::decode_log_data(&log) {
                seats.remove(&removed.seat);
            }
        }
        let mut endpoints = BTreeSet::new();
        for signer in seats.values() {
            // Statements carry their evidence: of each signer one is read, however many there are.
            let query = Query::new(
                "SELECT e.*, CAST(1 AS BIGINT) AS canonical FROM canonical_events e
                 WHERE e.kind = 'kms-committee' AND e.name = 'CandidatePosted'
                   AND substr(e.topics, 33, 32) = $1
                 ORDER BY e.block_number DESC, e.log_index DESC LIMIT 1",
            );
            let posted = self.fetch_one(query.bind(signer.into_word())).await?;
            let posted = posted.as_ref().map(event).transpose()?;
            let posted = posted.and_then(|row| CandidatePosted::decode_log_data(&row.log).ok());
            endpoints.extend(posted.map(|posted| posted.candidate.endpoint));
        }
        Ok(endpoints.into_iter().collect())
    }

    /// Who may sign in an epoch; `None` before it was activated.
    pub(crate) async fn quorum(&self, epoch: u64) -> Result<Option<Quorum>> {
        let (mut signers, mut thresholds) = (BTreeMap::new(), BTreeMap::new());
        for log in self.committee(&["SeatAdmitted", "EpochOpened", "EpochActivated"]).await? {
            if let Ok(admitted) = SeatAdmitted::decode_log_data(&log) {
                // A seat is given once.
                signers.insert(admitted.seat, admitted.signer);
            } else if let Ok(opened) = EpochOpened::decode_log_data(&log) {
                thresholds.insert(opened.session, opened.t);
            } else if let Ok(activated) = EpochActivated::decode_log_data(&log)
                && activated.epoch == epoch
            {
                let threshold = thresholds.get(&activated.session).copied();
                signers.retain(|seat, _| activated.members.contains(seat));
                return Ok(threshold.map(|threshold| Quorum { threshold, signers }));
            }
        }
        Ok(None)
    }

    /// Events of KmsCommittee with these names, in the chain's order.
    async fn committee(&self, names: &[&'static str]) -> Result<Vec<LogData>> {
        let mut query = Query::new(
            "SELECT e.*, CAST(1 AS BIGINT) AS canonical FROM canonical_events e
             WHERE e.kind = 'kms-committee' AND e.name IN (''",
        );
        for name in names {
            query = query.push_bind(", ", *name);
        }
        let query = query.push(") ORDER BY e.block_number, e.log_index");
        self.fetch(query).await?.iter().map(|row| Ok(event(row)?.log)).collect()
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

    /// Notes that a bundle is about to be made, and when to try again should that not come to an end: whatever ends it, the
    /// process for one, it is not the first thing that is tried again.
    pub(crate) async fn begin_bundle(&self, of: &EventRow, finalized: u64) -> Result<()> {
        let query =
            Query::new("SELECT tries FROM bundles WHERE block_hash = $1 AND log_index = $2");
        let known = self.fetch_one(query.bind(of.block.hash).bind(of.log_index)).await?;
        let tries = known.map_or(Ok(0), |row| row.uint("tries"))?;
        let patience = 1u64 << tries.min(MOST_PATIENCE.into());
        let row = vec![
            of.block.hash.into(),
            of.log_index.into(),
            None::<String>.into(),
            Some("it was begun and has not come to an end".to_owned()).into(),
            tries.saturating_add(1).into(),
            finalized.saturating_add(patience).into(),
        ];
        let mut write = self.write().await?;
        write.insert(&BUNDLES, vec![row]).await?;
        write.commit().await
    }

    /// Notes why the bundle that was begun could not be made.
    pub(crate) async fn note_unbundled(&self, of: &EventRow, failure: &str) -> Result<()> {
        let query = Query::new(
            "UPDATE bundles SET failure = $1 WHERE block_hash = $2 AND log_index = $3 AND body IS NULL",
        );
        let query = query.bind(failure).bind(of.block.hash).bind(of.log_index);
        let mut write = self.write().await?;
        write.execute(query).await?;
        write.commit().await
    }

    /// Notes why no bundle of the event can ever be made: it is not tried again.
    pub(crate) async fn note_unprovable(&self, of: &EventRow, why: &str) -> Result<()> {
        let query = Query::new(
            "UPDATE bundles SET failure = $1, again_at = $2
             WHERE block_hash = $3 AND log_index = $4 AND body IS NULL",
        );
        let query = query.bind(format!("none can be: {why}")).bind(NEVER);
        let mut write = self.write().await?;
        write.execute(query.bind(of.block.hash).bind(of.log_index)).await?;
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
