//! Whom policies ask, by their own word: one walk along an index of those words alone. Spec: docs/spec/explorer.md [EXP-22].

use super::{Query, Store};
use alloy_primitives::Address;
use anyhow::Result;

impl Store {
    /// Whom any of `policies` has named as one that it asks, up to a block; the newest first, `limit` of them.
    pub(crate) async fn asked_by(
        &self,
        policies: &[Address],
        up_to: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Address>> {
        let rows = self.fetch(query(policies, up_to, limit)).await?;
        rows.iter().map(|row| Ok(Address::from_word(row.hash("member")?))).collect()
    }
}

pub(super) fn query(policies: &[Address], up_to: Option<u64>, limit: u32) -> Query {
    // The condition by names is that of the index, letter by letter: migrations/0003_views.sql.
    let mut query = Query::new(
        "SELECT substr(e.topics, 65, 32) AS member FROM canonical_events e
             WHERE e.name IN ('MemberAdded', 'LicenseInitialized') AND length(e.topics) >= 96
                AND substr(e.contract, 1, 20) IN (",
    );
    for (place, policy) in policies.iter().enumerate() {
        query = query.push_bind(if place == 0 { "" } else { ", " }, *policy);
    }
    let query = query.push(")").and("e.block_number <= ", up_to);
    query.push_bind(" ORDER BY e.block_number DESC, e.log_index DESC LIMIT ", limit)
}
