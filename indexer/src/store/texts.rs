//! Texts by their hash, and whether the chain names one. Spec: docs/spec/api.md [API-6], [API-7].

use super::{EventRow, Query, Store, Table, Topic, Type, rows::event};
use alloy_primitives::{B256, hex};
use anyhow::Result;

/// Proposals that are looked into for a hash: more would name one text only to be a burden.
const MOST_PROPOSALS: u32 = 100;

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

impl Store {
    /// The text behind a hash, if somebody sent it.
    pub(crate) async fn text(&self, hash: B256) -> Result<Option<String>> {
        let query = Query::new("SELECT body FROM texts WHERE hash = $1").bind(hash);
        self.fetch_one(query).await?.map(|row| row.text("body")).transpose()
    }

    /// Keeps a text whose hash was checked, and that the chain names.
    pub(crate) async fn keep_text(&self, hash: B256, sort: Sort, body: &str) -> Result<()> {
        let mut write = self.write().await?;
        write.insert(&TEXTS, vec![vec![hash.into(), sort.word().into(), body.into()]]).await?;
        write.commit().await
    }

    /// Whether a canonical event names code by this hash: it was approved, or got a key.
    pub(crate) async fn is_named_code(&self, hash: B256) -> Result<bool> {
        let approvals = ["ComposeHashApproved", "NodeCodeApproved"];
        let approved = self.by_topic(Topic::Second, hash, &approvals, false, 1).await?;
        if !approved.is_empty() {
            return Ok(true);
        }
        Ok(!self.by_topic(Topic::Third, hash, &["KeyIssued"], false, 1).await?.is_empty())
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

const TEXTS: Table = Table {
    name: "texts",
    columns: &[("hash", Type::Bytes), ("sort", Type::Text), ("body", Type::Text)],
    key: &["hash"],
    keeps: &[],
};
