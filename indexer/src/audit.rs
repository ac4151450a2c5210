//! Whether the index is whole: each trail, recomputed from its rows, against the slot proven at a finalized block. Spec:
//! docs/spec/index.md [IDX-6]. Prevents: an event that is missing, added or changed in the database, unnoticed.

use crate::{
    chain::Chain,
    decode::Catalogue,
    store::{EventRow, Filter, Store, VerdictRow},
    trail::Trail,
};
use alloy::{consensus::ReceiptEnvelope, eips::eip2718::Decodable2718};
use alloy_primitives::Log;
use anyhow::Result;
use std::collections::BTreeMap;
use tracing::error;

/// Events that are read at once.
const PAGE: u32 = 4096;

/// What the comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every event up to the finalized block is here, as the contract emitted it.
    Complete,
    /// The event with this seq is not here.
    Missing(u64),
    /// The event with this seq is not as the contract emitted it; `None` if no receipt says which.
    Changed(Option<u64>),
    /// From this seq on there are more events than the contract emitted.
    Surplus(u64),
}

/// Compares every trail, and keeps what comes out. [IDX-6]
pub(crate) async fn audit(
    store: &Store,
    chain: &mut Chain,
    catalogue: &Catalogue,
) -> Result<Vec<VerdictRow>> {
    let (finalized, chain_id) = {
        let cursor = store.cursor().await?;
        (cursor.finalized, cursor.chain_id)
    };
    let mut contracts = BTreeMap::new();
    for watched in store.watched().await? {
        // What a block above the finalized one has named comes next time.
        if watched.kind.has_trail() && watched.since.number <= finalized.number {
            contracts.insert(watched.address, watched.kind);
        }
    }
    let addresses: Vec<_> = contracts.keys().copied().collect();
    let (proven_at, proven) = chain.trails(&addresses).await?;
    anyhow::ensure!(proven_at == finalized, "finality moved during the audit");
    let mut verdicts = Vec::new();
    for ((contract, kind), (proven, proof)) in contracts.into_iter().zip(proven) {
        let rows = rows(store, contract, finalized.number).await?;
        let first = Trail::first(chain_id, contract);
        let mut verdict = judge(catalogue, first, proven, &rows);
        if verdict == Verdict::Changed(None) {
            verdict = Verdict::Changed(first_changed(store, &rows).await?);
        }
        if verdict != Verdict::Complete {
            error!(%contract, kind = kind.word(), ?verdict, "the index is not what the chain has");
        }
        let (word, wrong_seq) = verdict.words();
        verdicts.push(VerdictRow {
            contract,
            kind,
            finalized,
            proven_seq: proven.seq,
            proven_head: proven.head,
            verdict: word.to_owned(),
            wrong_seq,
            proof,
        });
    }
    store.keep_verdicts(&verdicts).await?;
    Ok(verdicts)
}

impl Verdict {
    fn words(self) -> (&'static str, Option<u64>) {
        match self {
            Self::Complete => ("complete", None),
            Self::Missing(seq) => ("missing", Some(seq)),
            Self::Changed(seq) => ("changed", seq),
            Self::Surplus(seq) => ("surplus", Some(seq)),
        }
    }
}

async fn rows(
    store: &Store,
    contract: alloy_primitives::Address,
    up_to: u64,
) -> Result<Vec<EventRow>> {
    let mut filter =
        Filter { contract: Some(contract), up_to: Some(up_to), limit: PAGE, ..Filter::default() };
    let mut rows = Vec::new();
    loop {
        let page = store.events(&filter).await?;
        let Some(last) = page.last() else { return Ok(rows) };
        filter.after = Some((last.block, last.log_index));
        rows.extend(page);
    }
}

/// Recomputes the trail from the raw logs; what was decoded at index time must still be what the raw log says.
pub(crate) fn judge(
    catalogue: &Catalogue,
    first: Trail,
    proven: Trail,
    rows: &[EventRow],
) -> Verdict {
    let mut trail = first;
    for row in rows {
        let decoded = catalogue.decode(row.kind, &row.log);
        let next = trail.seq.saturating_add(1);
        let told = (&row.name, row.app_id, row.seq, &row.args, row.standing.as_str());
        let standing = decoded.standing.word();
        if told != (&decoded.name, decoded.app_id, decoded.seq, &decoded.args, standing) {
            return Verdict::Changed(row.seq.or(decoded.seq));
        }
        match decoded.seq {
            Some(seq) if seq > next => return Verdict::Missing(next),
            Some(seq) if seq < next => return Verdict::Surplus(seq),
            _ => decoded.enter(&mut trail),
        }
    }
    match trail.seq.cmp(&proven.seq) {
        std::cmp::Ordering::Less => Verdict::Missing(trail.seq.saturating_add(1)),
        std::cmp::Ordering::Greater => Verdict::Surplus(proven.seq.saturating_add(1)),
        std::cmp::Ordering::Equal if trail == proven => Verdict::Complete,
        std::cmp::Ordering::Equal => Verdict::Changed(None),
    }
}

/// The first event that its own receipt does not hold.
async fn first_changed(store: &Store, rows: &[EventRow]) -> Result<Option<u64>> {
    for row in rows {
        let receipt = store.receipt(row.block.hash, row.tx_index).await?;
        let held = receipt.and_then(|receipt| {
            let envelope =
                ReceiptEnvelope::<Log>::decode_2718(&mut receipt.receipt.as_ref()).ok()?;
            let place = row.log_index.checked_sub(receipt.first_log)?;
            envelope.logs().get(usize::try_from(place).ok()?).cloned()
        });
        let is_held = held.is_some_and(|log| log.address == row.contract && log.data == row.log);
        if !is_held {
            return Ok(row.seq);
        }
    }
    Ok(None)
}
