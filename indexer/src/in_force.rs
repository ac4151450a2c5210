//! Which contracts KmsCommittee has put in force, against those that the network file names. Spec: docs/spec/index.md [IDX-16].
//! Prevents: an index of a registry or a log that does not count any more, which says that it is whole.

use crate::{
    decode::Kind,
    store::{EventRow, Filter, Store},
};
use abi::KmsCommittee::{ContractsChangeCancelled, ContractsSet};
use alloy::sol_types::SolEvent;
use alloy_primitives::Address;
use anyhow::Result;

/// Changes that are looked at: a network makes one in years.
const MOST: u32 = 4096;

/// AppRegistry and IssuanceLog.
type Pair = (Address, Address);

/// AppRegistry and IssuanceLog in force at the newest block, as far as they are not followed as such from the start.
pub(crate) async fn not_followed(store: &Store) -> Result<Vec<Address>> {
    let Some(committee) = store.contract_of(Kind::KmsCommittee).await? else {
        return Ok(Vec::new());
    };
    let mut rows = Vec::new();
    for name in [ContractsSet::SIGNATURE, ContractsChangeCancelled::SIGNATURE] {
        let name = name.split('(').next().map(str::to_owned);
        let filter = Filter { contract: Some(committee), name, limit: MOST, ..Filter::default() };
        rows.extend(store.events(&filter).await?);
    }
    rows.sort_by_key(|row| (row.block.number, row.log_index));
    let now = store.head_time().await?.unwrap_or_default();
    let Some((app_registry, issuance_log)) = in_force(&rows, now)? else { return Ok(Vec::new()) };
    let mut missing = Vec::new();
    for (kind, named) in [(Kind::AppRegistry, app_registry), (Kind::IssuanceLog, issuance_log)] {
        if store.contract_of(kind).await? != Some(named) {
            missing.push(named);
        }
    }
    Ok(missing)
}

/// As KmsCommittee itself goes on: what was set counts from its time on, unless it was cancelled or replaced before.
fn in_force(rows: &[EventRow], now: u64) -> Result<Option<Pair>> {
    let (mut current, mut pending): (Option<Pair>, Option<(Pair, u64)>) = (None, None);
    let mut settle = |pending: &mut Option<(Pair, u64)>, at: u64| {
        if let Some((pair, _)) = pending.take_if(|(_, effective_at)| *effective_at <= at) {
            current = Some(pair);
        }
        current
    };
    for row in rows {
        settle(&mut pending, row.block_time);
        pending = match row.log.topics().first() == Some(&ContractsSet::SIGNATURE_HASH) {
            true => {
                let set = ContractsSet::decode_log_data(&row.log)?;
                Some(((set.appRegistry, set.issuanceLog), set.effectiveAt))
            }
            false => None,
        };
    }
    Ok(settle(&mut pending, now))
}

#[cfg(test)]
mod tests;
