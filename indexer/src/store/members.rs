//! Whom policies name as those that they ask, from their own events. Spec: docs/spec/index.md [IDX-13].

use super::{Query, Store};
use crate::decode::NAMES_A_MEMBER;
use alloy_primitives::Address;
use anyhow::Result;

/// A member, and who names it where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemberRow {
    pub(crate) policy: Address,
    pub(crate) member: Address,
    pub(crate) block: u64,
    pub(crate) log_index: u64,
}

impl Store {
    /// Members that blocks below `number` name, where each policy names them first, in the chain's order: of each policy the
    /// first `most`.
    pub(crate) async fn members_below(&self, number: u64, most: usize) -> Result<Vec<MemberRow>> {
        let [all_of, license] = NAMES_A_MEMBER;
        let query = Query::new(
            "SELECT contract, member, block_number, log_index FROM (
                SELECT contract, member, block_number, log_index,
                    ROW_NUMBER() OVER (PARTITION BY contract ORDER BY block_number, log_index) AS place
                FROM (
                    SELECT e.contract, substr(e.topics, 65, 32) AS member, e.block_number, e.log_index,
                        ROW_NUMBER() OVER (PARTITION BY e.contract, substr(e.topics, 65, 32)
                            ORDER BY e.block_number, e.log_index) AS time
                    FROM canonical_events e
                    WHERE e.name IN ($1, $2) AND e.kind IN ('policy', 'foreign-policy')
                        AND length(e.topics) >= 96 AND e.block_number < $3
                ) AS named WHERE time = 1
             ) AS first_named WHERE place <= $4
             ORDER BY block_number, log_index",
        );
        let query = query.bind(all_of).bind(license).bind(number).bind(most as u64);
        let rows = self.fetch(query).await?;
        let member = |row: &super::Row| {
            Ok(MemberRow {
                policy: row.address("contract")?,
                member: Address::from_word(row.hash("member")?),
                block: row.uint("block_number")?,
                log_index: row.uint("log_index")?,
            })
        };
        rows.iter().map(member).collect()
    }
}
