//! What a Governor said of one proposal. Each query walks an index. [EXP-9]

use super::{EventRow, Query, Store, rows::event};
use alloy_primitives::B256;
use anyhow::Result;

impl Store {
    /// Events of the followed Governor about a proposal, in the chain's order: those that begin their data with its id, which
    /// are all but `ProposalExtended`.
    pub(crate) async fn of_proposal(&self, id: B256, limit: u32) -> Result<Vec<EventRow>> {
        let query = Query::new(
            "SELECT e.*, CAST(1 AS BIGINT) AS canonical FROM canonical_events e
             WHERE e.kind = 'governor' AND length(e.data) >= 32 AND substr(e.data, 1, 32) = $1
             ORDER BY e.block_number, e.log_index LIMIT $2",
        );
        let query = query.bind(id).bind(limit);
        self.fetch(query).await?.iter().map(event).collect()
    }

    /// Extensions of a proposal's vote: their id is the first indexed argument, and a Governor extends a vote once.
    pub(crate) async fn extensions_of(&self, id: B256) -> Result<Vec<EventRow>> {
        let query = Query::new(
            "SELECT e.*, CAST(1 AS BIGINT) AS canonical FROM canonical_events e
             WHERE e.kind = 'governor' AND e.name = 'ProposalExtended' AND substr(e.topics, 33, 32) = $1
             ORDER BY e.block_number, e.log_index",
        );
        self.fetch(query.bind(id)).await?.iter().map(event).collect()
    }

    /// The newest events of the followed Governor by one name.
    pub(crate) async fn of_governor(
        &self,
        name: &'static str,
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        let query = Query::new(
            "SELECT e.*, CAST(1 AS BIGINT) AS canonical FROM canonical_events e
             WHERE e.kind = 'governor' AND e.name = $1
             ORDER BY e.block_number DESC, e.log_index DESC LIMIT $2",
        );
        let query = query.bind(name).bind(limit);
        self.fetch(query).await?.iter().map(event).collect()
    }
}
