//! A followed contract and how its trail compares with the chain. [IDX-6]

use crate::{
    decode::Kind,
    http::{Row, shape},
    store::{FollowedFrom, Store, TrailRow},
};
use alloy_primitives::{Address, hex};
use anyhow::Result;
use light_client::BlockRef;
use serde::Serialize;
use utoipa::ToSchema;

/// Trails that are named where something is wrong; one is enough to worry.
const FEW: u32 = 20;

/// A followed contract.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Contract {
    #[schema(schema_with = shape::address_schema)]
    pub(crate) contract: Address,
    /// What it is.
    #[schema(schema_with = shape::kind_schema)]
    pub(crate) kind: &'static str,
    pub(crate) has_trail: bool,
    /// A policy that the registry did not make.
    pub(crate) is_foreign: bool,
    /// The block from which on it is followed.
    #[schema(value_type = shape::Block)]
    pub(crate) since: BlockRef,
    /// `null`: not compared yet, or there is no trail to compare.
    pub(crate) verdict: Option<Verdict>,
}

/// What the last audit found.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Verdict {
    /// `complete`, or what is wrong at `wrong_seq`.
    #[schema(schema_with = shape::verdict_schema)]
    pub(crate) verdict: String,
    /// The block that the slot is proven at.
    #[schema(value_type = shape::Block)]
    pub(crate) at: BlockRef,
    /// Events that the contract has emitted, proven.
    pub(crate) seq: u64,
    /// The running hash over them.
    #[schema(pattern = "^0x[0-9a-f]{48}$")]
    pub(crate) head: String,
    pub(crate) wrong_seq: Option<u64>,
}

impl Row for Contract {
    const COLUMNS: &'static [&'static str] =
        &["contract", "kind", "has_trail", "is_foreign", "since", "verdict"];
}

impl Contract {
    /// Followed contracts, those of the network file first.
    pub(crate) async fn list(store: &Store, limit: u32) -> Result<Vec<Self>> {
        Ok(store.trails(None, limit).await?.into_iter().map(Self::new).collect())
    }

    /// Those that blocks up to `of` name, after a place of the list; and the last one's place, if there are more.
    pub(crate) async fn page(
        store: &Store,
        of: u64,
        after: Option<FollowedFrom>,
        limit: u32,
    ) -> Result<(Vec<Self>, Option<FollowedFrom>)> {
        let mut rows = store.trails_page(of, after, limit.saturating_add(1)).await?;
        let is_cut = rows.len() > usize::try_from(limit)?;
        rows.truncate(usize::try_from(limit)?);
        let last = rows.last().filter(|_| is_cut).map(TrailRow::place);
        Ok((rows.into_iter().map(Self::new).collect(), last))
    }

    pub(crate) async fn find(store: &Store, contract: Address) -> Result<Option<Self>> {
        Ok(store.trails(Some(contract), 1).await?.pop().map(Self::new))
    }

    /// Those whose trail is not what the chain has, or is not proven.
    pub(crate) async fn wrong(store: &Store) -> Result<Vec<Self>> {
        Ok(store.wrong_trails(FEW).await?.into_iter().map(Self::new).collect())
    }

    /// Those that were not compared yet.
    pub(crate) async fn uncompared(store: &Store) -> Result<Vec<Self>> {
        Ok(store.uncompared(FEW).await?.into_iter().map(Self::new).collect())
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.verdict.as_ref().is_some_and(|verdict| verdict.verdict == "complete")
    }

    /// Its earlier events are being read: nothing is compared. [IDX-15]
    pub(crate) fn is_being_read(&self) -> bool {
        self.verdict.as_ref().is_some_and(|verdict| verdict.verdict == "being-read")
    }

    /// No endpoint has proven its slot.
    pub(crate) fn is_unproven(&self) -> bool {
        self.verdict.as_ref().is_some_and(|verdict| verdict.verdict == "unproven")
    }

    fn new(row: TrailRow) -> Self {
        Self {
            contract: row.contract,
            kind: row.kind.word(),
            has_trail: row.kind.has_trail(),
            is_foreign: row.kind == Kind::ForeignPolicy,
            since: row.since,
            verdict: row.verdict.map(|(verdict, at, seq, head, wrong_seq)| Verdict {
                verdict,
                at,
                seq,
                // 192 bits, at the end of the word.
                head: hex::encode_prefixed(&head[8..]),
                wrong_seq,
            }),
        }
    }
}
