//! Texts by their hash, and whether the chain names one. Spec: docs/spec/api.md [API-6], [API-7].

use super::{EventRow, Query, Store, Table, Type, rows::event};
use crate::decode::Kind;
use alloy_primitives::{Address, B256, hex};
use anyhow::{Context, Result};

/// Proposals that are looked into for a hash: more would name one text only to be a burden.
const MOST_PROPOSALS: u32 = 100;

/// Apps that are looked at for one that a text may be kept for.
const MOST_NAMERS: u32 = 64;

/// What a text is, which says by which function it is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// An app-compose.json, by SHA-256.
    AppCompose,
    /// The report of a simulation, by keccak256.
    Simulation,
}

impl Sort {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::AppCompose => "app-compose",
            Self::Simulation => "simulation",
        }
    }
}

/// Who names code by its hash, and for whom its text is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Namers {
    /// The network's own code, or a proposal.
    pub(crate) is_governance: bool,
    /// By a policy of ours, or by an issuance: a foreign policy names what it likes.
    pub(crate) apps: Vec<Address>,
}

/// Texts that are kept for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) texts: u64,
    pub(crate) bytes: u64,
}

impl Store {
    /// The text behind a hash, if somebody sent it.
    pub(crate) async fn text(&self, hash: B256) -> Result<Option<String>> {
        let query = Query::new("SELECT body FROM texts WHERE hash = $1").bind(hash);
        self.fetch_one(query).await?.map(|row| row.text("body")).transpose()
    }

    /// Keeps a text whose hash was checked, and that the chain names: for an app, or for governance.
    pub(crate) async fn keep_text(
        &self,
        hash: B256,
        sort: Sort,
        app: Option<Address>,
        body: &str,
    ) -> Result<()> {
        let row = vec![
            hash.into(),
            sort.word().into(),
            app.into(),
            (body.len() as u64).into(),
            body.into(),
        ];
        let mut write = self.write().await?;
        write.insert(&TEXTS, vec![row]).await?;
        write.commit().await
    }

    /// Which canonical events name code by this hash: it was approved, or got a key. The first few of them.
    pub(crate) async fn namers_of(&self, hash: B256) -> Result<Namers> {
        let mut namers = Namers::default();
        for query in namers_queries(hash) {
            for row in self.fetch(query).await? {
                match row.optional_address("app_id")? {
                    Some(app) => namers.apps.push(app),
                    None => namers.is_governance = true,
                }
            }
        }
        Ok(namers)
    }

    /// What is kept for one app, or for governance.
    pub(crate) async fn kept_for(&self, app: Option<Address>) -> Result<Share> {
        let query = Query::new(SHARE);
        self.share(match app {
            Some(app) => query.push_bind(" WHERE app = ", app),
            None => query.push(" WHERE app IS NULL"),
        })
        .await
    }

    /// What is kept for all apps.
    pub(crate) async fn kept_for_apps(&self) -> Result<Share> {
        self.share(Query::new(SHARE).push(" WHERE app IS NOT NULL")).await
    }

    async fn share(&self, query: Query) -> Result<Share> {
        let row = self.fetch_one(query).await?.context("a sum is one row")?;
        Ok(Share { texts: row.uint("texts")?, bytes: row.uint("bytes")? })
    }

    /// The newest proposals in whose calls or text these digits stand.
    pub(crate) async fn proposals_with(&self, hash: B256) -> Result<Vec<EventRow>> {
        let query = Query::new(
            "SELECT e.*, CAST(1 AS BIGINT) AS canonical FROM canonical_events e
             WHERE e.name = 'ProposalCreated' AND e.kind = 'governor'
               AND lower(e.args) LIKE $1
             ORDER BY e.block_number DESC, e.log_index DESC LIMIT $2",
        );
        let query = query.bind(format!("%{}%", hex::encode(hash))).bind(MOST_PROPOSALS);
        self.fetch(query).await?.iter().map(event).collect()
    }
}

/// Each walks along the index of a hash, not along all approvals: `substr(x, 1)` is in no index.
pub(super) fn namers_queries(hash: B256) -> [Query; 3] {
    let approval = "length(e.topics) >= 96 AND substr(e.topics, 65, 32) = ";
    let issuance = "length(e.topics) >= 128 AND substr(e.topics, 97, 32) = ";
    [
        (approval, "NodeCodeApproved", Kind::KmsCommittee),
        (approval, "ComposeHashApproved", Kind::Policy),
        (issuance, "KeyIssued", Kind::IssuanceLog),
    ]
    .map(|(topic, name, kind)| {
        Query::new("SELECT DISTINCT e.app_id FROM canonical_events e WHERE ")
            .push_bind(topic, hash)
            .push_bind(" AND substr(e.name, 1) = ", name)
            .push_bind(" AND substr(e.kind, 1) = ", kind.word())
            .push_bind(" LIMIT ", MOST_NAMERS)
    })
}

const SHARE: &str =
    "SELECT CAST(COUNT(*) AS BIGINT) AS texts, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes
    FROM texts";

const TEXTS: Table = Table {
    name: "texts",
    columns: &[
        ("hash", Type::Bytes),
        ("sort", Type::Text),
        ("app", Type::Bytes),
        ("size", Type::Int),
        ("body", Type::Text),
    ],
    key: &["hash"],
    keeps: &[],
};
