//! A quote that is brought without event log and collateral: its report_data names the issuance that it asked for, and the
//! record of that issuance the evidence, which this index keeps. [EXP-14]
//!
//! Prevents: a verdict on another quote than the one that was brought.

use super::{Failure, NOBODY, fact, holds};
use crate::{
    decode::Kind,
    store::{Store, Topic},
    views::{Event, verified::Verified},
};
use ::evidence::{RawEvidence, without_padding};
use alloy_primitives::{B256, hex};
use anyhow::Result;
use wire::{request::EvidenceBytes, statements::issuance_id};

const NEITHER: &str =
    "neither a bundle (JSON), nor evidence as /v1/evidence/{hash} gives it, nor a quote";
const NO_COLLATERAL: &str = "a quote alone has no collateral to be judged by, and this index keeps no evidence with it: bring the evidence";

/// The kept evidence that has this very quote.
pub(super) async fn evidence_of(
    store: &Store,
    quote: &[u8],
    told: &mut Verified,
) -> Result<Result<EvidenceBytes, Failure>> {
    let quote = without_padding(quote);
    let alone = EvidenceBytes {
        quote: quote.to_vec().into(),
        event_log: String::new(),
        collateral: String::new(),
    };
    let claimed = RawEvidence::new(alone).ok().and_then(|raw| raw.claimed_report_data().ok());
    let Some(report_data) = claimed else {
        return Ok(Err(("format", NEITHER.to_owned())));
    };
    told.facts.push(fact("report_data", hex::encode_prefixed(report_data)));
    match kept(store, report_data, told).await?.filter(|kept| *kept.quote == quote) {
        Some(kept) => {
            let says = "this very quote is in the evidence of a record, which has the rest";
            told.checks.push(holds("kept evidence", says, NOBODY));
            told.facts.clear();
            Ok(Ok(kept))
        }
        None => Ok(Err(("collateral", NO_COLLATERAL.to_owned()))),
    }
}

/// The evidence of the record that a quote with this report_data asked for.
async fn kept(
    store: &Store,
    report_data: [u8; 64],
    told: &Verified,
) -> Result<Option<EvidenceBytes>> {
    let Some(log) = store.contract_of(Kind::IssuanceLog).await? else { return Ok(None) };
    let (first, second) = report_data.split_at(32);
    let words = [B256::from_slice(first), B256::from_slice(second)];
    let id = issuance_id(store.cursor().await?.chain_id, log, words);
    let mut rows = store.by_topic(Topic::Second, id, &["KeyIssued"], false, 1).await?;
    rows.retain(|row| row.kind == Kind::IssuanceLog);
    let Some(record) = rows.first() else { return Ok(None) };
    let hash = Event::new(record, &told.as_of).args.hash("evidenceHash")?;
    let bytes = store.evidence(hash).await?;
    Ok(bytes.and_then(|bytes| EvidenceBytes::decode(&bytes).ok()))
}
