//! A followed contract and how its trail compares with the chain. [IDX-6]

use crate::{
    decode::Kind,
    store::{Store, VerdictRow, Watched},
};
use alloy_primitives::Address;
use anyhow::Result;
use light_client::BlockRef;
use serde::Serialize;

/// A followed contract.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Contract {
    pub(crate) contract: Address,
    pub(crate) kind: &'static str,
    pub(crate) has_trail: bool,
    pub(crate) since: BlockRef,
    /// `None`: not compared yet, or there is no trail to compare.
    pub(crate) verdict: Option<Verdict>,
}

/// What the last audit found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Verdict {
    pub(crate) verdict: String,
    pub(crate) at: BlockRef,
    /// Events that the contract has emitted, proven.
    pub(crate) seq: u64,
    pub(crate) head: String,
    pub(crate) wrong_seq: Option<u64>,
}

impl Contract {
    /// Every followed contract, those of the network file first.
    pub(crate) async fn all(store: &Store) -> Result<Vec<Self>> {
        let verdicts = store.verdicts().await?;
        let mut contracts: Vec<Self> = Vec::new();
        for watched in store.watched().await? {
            if !contracts.iter().any(|known| known.contract == watched.address) {
                contracts.push(Self::new(&watched, &verdicts));
            }
        }
        Ok(contracts)
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.verdict.as_ref().is_some_and(|verdict| verdict.verdict == "complete")
    }

    fn new(watched: &Watched, verdicts: &[VerdictRow]) -> Self {
        let verdict = verdicts.iter().find(|row| row.contract == watched.address);
        Self {
            contract: watched.address,
            kind: watched.kind.word(),
            has_trail: watched.kind != Kind::ForeignPolicy,
            since: watched.since,
            verdict: verdict.map(|row| Verdict {
                verdict: row.verdict.clone(),
                at: row.finalized,
                seq: row.proven_seq,
                head: format!("0x{:048x}", row.proven_head),
                wrong_seq: row.wrong_seq,
            }),
        }
    }
}
