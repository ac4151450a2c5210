//! As of which block an answer stands. [EXP-1]

use crate::{
    http::shape,
    store::{Cursor, Store},
};
use anyhow::{Context, Result};
use light_client::BlockRef;
use serde::Serialize;
use utoipa::ToSchema;

/// How far the index is, told with every answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AsOfView)]
pub(crate) struct AsOf {
    /// The newest block.
    #[schema(value_type = shape::Block)]
    pub(crate) latest: BlockRef,
    /// Its time, in seconds since 1970.
    pub(crate) latest_time: u64,
    pub(crate) safe: u64,
    #[schema(value_type = shape::Block)]
    pub(crate) finalized: BlockRef,
    #[serde(skip)]
    pub(crate) chain_id: u64,
}

/// The block whose state is told: the newest, or one that the reader names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Moment {
    #[schema(value_type = shape::Block)]
    pub(crate) block: BlockRef,
    /// Unix seconds: what `block.timestamp` is for the contracts there.
    pub(crate) time: u64,
}

impl From<&AsOf> for shape::AsOf {
    fn from(as_of: &AsOf) -> Self {
        Self {
            latest: as_of.latest.into(),
            safe: shape::Height { number: as_of.safe },
            finalized: as_of.finalized.into(),
        }
    }
}

impl AsOf {
    pub(crate) async fn load(store: &Store) -> Result<Self> {
        let cursor = store.cursor().await?;
        Ok(Self::new(&cursor, store.head_time().await?.unwrap_or_default()))
    }

    fn new(cursor: &Cursor, latest_time: u64) -> Self {
        Self {
            latest: cursor.head,
            latest_time,
            safe: cursor.safe,
            finalized: cursor.finalized,
            chain_id: cursor.chain_id,
        }
    }

    /// How final a block is, in one word. [IDX-9]
    pub(crate) fn finality(&self, number: u64, canonical: bool) -> &'static str {
        match number {
            _ if !canonical => "orphaned",
            _ if number <= self.finalized.number => "finalized",
            _ if number <= self.safe => "safe",
            _ => "latest",
        }
    }

    /// The newest block.
    pub(crate) fn now(&self) -> Moment {
        Moment { block: self.latest, time: self.latest_time }
    }

    /// The canonical block at `number`; `None` if the index has none there.
    pub(crate) async fn at(&self, store: &Store, number: Option<u64>) -> Result<Option<Moment>> {
        let Some(number) = number.filter(|number| *number != self.latest.number) else {
            return Ok(Some(self.now()));
        };
        let Some(hash) = store.hash_at(number).await? else { return Ok(None) };
        let block = store.block(hash).await?.context("a block that was there")?;
        Ok(Some(Moment { block: block.block, time: block.time }))
    }
}
