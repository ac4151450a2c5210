//! One bundle: from rows what rows have, from endpoints what the verifier asks for. Spec: docs/spec/bundle.md [BUN-17].

use super::{Keeper, calldata::Sought};
use crate::{
    decode::Standing,
    store::{EventRow, Filter, Quorum},
    trail::Trail,
};
use abi::IssuanceLog::KeyIssued;
use alloy::sol_types::{SolEvent, SolValue};
use alloy_primitives::{Bytes, FixedBytes, keccak256};
use anyhow::{Context, Result, bail, ensure};
use bundle::{
    Bundle, Draft, FORMAT, IssuanceProof, MAX_LATER, ReceiptProof, Step, TrailProof, may_undo,
};
use light_client::{BlockRef, Missing, MissingAt};
use std::sync::Arc;

/// Facts that one bundle may ask for.
const MAX_FACTS: usize = 1_024;
/// Rows that are read at once.
const PAGE: u32 = 4_096;

impl Keeper {
    /// The bundle of a finalized event, up to block `end`.
    pub(super) async fn make(&mut self, event: &EventRow, end: BlockRef) -> Result<Bundle> {
        let above = end.number.saturating_add(1);
        let headers = self.store.headers(event.block.number, above, PAGE).await?;
        let receipt = self.store.receipt(event.block.hash, event.tx_index).await?;
        let receipt = receipt.context("the receipt was not kept")?;
        let bundle = Bundle {
            format: FORMAT.to_owned(),
            network: self.network,
            headers: headers.into_iter().map(Bytes::from).collect(),
            receipt: ReceiptProof {
                index: receipt.tx_index,
                bytes: receipt.receipt,
                nodes: receipt.proof,
            },
            log: event.log_index.saturating_sub(receipt.first_log),
            trail: self.trail(event, end.number).await?,
            at_event: Vec::new(),
            at_block: Vec::new(),
            codes: Vec::new(),
            issuance: self.issuance(event).await?,
        };
        let mut draft = Draft::new(bundle, self.trusted(end.hash))?;
        for _ in 0..MAX_FACTS {
            // Quote and policy are judged on the way: not on a thread that serves.
            let judged = tokio::task::spawn_blocking(move || (draft.missing(), draft)).await?;
            draft = judged.1;
            match judged.0? {
                None => return Ok(draft.finish()),
                Some(missing) => self.supply(&mut draft, missing).await?,
            }
        }
        bail!("it asks for more than {MAX_FACTS} facts")
    }

    /// The head before the event, and what came after it up to block `end`.
    async fn trail(&mut self, event: &EventRow, end: u64) -> Result<TrailProof> {
        let chain_id = self.network.chain_id;
        let first = (Trail::first(chain_id, event.contract), None);
        let place = (event.block.number, event.log_index);
        let known = self.trails.get(&event.contract).copied();
        let (mut trail, mut after) = known
            .filter(|(_, at)| at.is_none_or(|(block, log)| (block.number, log) < place))
            .unwrap_or(first);
        let mut filter = Filter {
            contract: Some(event.contract),
            up_to: Some(end),
            after,
            limit: PAGE,
            ..Filter::default()
        };
        let (mut before, mut later) = (None, Vec::new());
        loop {
            let rows = self.store.events(&filter).await?;
            let Some(last) = rows.last() else { break };
            filter.after = Some((last.block, last.log_index));
            for row in &rows {
                let decoded = self.catalogue.decode(row.kind, &row.log);
                if decoded.standing != Standing::Trail {
                    continue;
                }
                if (row.block.number, row.log_index) == place {
                    before = Some(trail.head);
                    self.trails.insert(event.contract, (trail, after));
                } else if before.is_some() {
                    ensure!(later.len() < MAX_LATER, "more than {MAX_LATER} later events");
                    later.push(step(event, row, &decoded.arguments()));
                }
                decoded.enter(&mut trail);
                after = Some((row.block, row.log_index));
            }
        }
        let before = before.context("the event is in no trail")?;
        let bytes = before.to_be_bytes::<32>();
        let (_, low) = bytes.split_at(8);
        Ok(TrailProof { before: FixedBytes::from_slice(low), later })
    }

    /// What was signed, from the calldata that recorded it, wherever in it the call lies; and its evidence.
    async fn issuance(&mut self, event: &EventRow) -> Result<Option<IssuanceProof>> {
        let Ok(issued) = KeyIssued::decode_log_data(&event.log) else {
            return Ok(None);
        };
        let (id, epoch) = (issued.issuanceId, issued.epoch);
        let evidence = self.evidence(issued.evidenceHash).await?;
        let quorum = self.quorum(epoch).await?;
        let sought =
            Sought { chain_id: self.network.chain_id, log: event.contract, issued, quorum };
        let mut last = None;
        for endpoint in &self.endpoints {
            let found = async {
                let input = endpoint.input(event.block.hash, event.tx_index).await?;
                let sought = sought.clone();
                // Whoever recorded it chose the calldata: it is not read on a thread that serves.
                let search = tokio::task::spawn_blocking(move || sought.find(&input));
                search.await??.context("its transaction records it nowhere")
            };
            match found.await {
                Ok((statement, signatures)) => {
                    return Ok(Some(IssuanceProof { statement, signatures, evidence }));
                }
                Err(cause) => last = Some(cause.context(format!("endpoint {}", endpoint.url))),
            }
        }
        let last = last.context("at least one endpoint is configured")?;
        Err(last.context(format!("no endpoint tells a transaction that records {id}")))
    }

    /// Members of an epoch, which stay the same.
    async fn quorum(&mut self, epoch: u64) -> Result<Arc<Quorum>> {
        if let Some(known) = self.quorums.get(&epoch) {
            return Ok(Arc::clone(known));
        }
        let found = self.store.quorum(epoch).await?;
        let found = Arc::new(found.with_context(|| format!("epoch {epoch} is not in the index"))?);
        self.quorums.insert(epoch, Arc::clone(&found));
        Ok(found)
    }

    async fn supply(&self, draft: &mut Draft, missing: MissingAt) -> Result<()> {
        let mut last = None;
        for endpoint in &self.endpoints {
            let told = async {
                if let Missing::Code { address, .. } = missing.missing {
                    let code = endpoint.code(address, missing.block.hash).await?;
                    return Ok(draft.supply_code(&missing, code)?);
                }
                let request = missing.proof_request().context("it has no proof")?;
                let raw = endpoint.proof(&request, missing.block.hash).await?;
                anyhow::Ok(draft.supply_proof(&missing, &raw)?)
            };
            match told.await {
                Ok(()) => return Ok(()),
                Err(cause) => last = Some(cause.context(format!("endpoint {}", endpoint.url))),
            }
        }
        Err(last.context("at least one endpoint is configured")?.context(missing))
    }
}

/// A later event: after a revocation a reader has to see that it is none that undoes it; after an issuance its leaf will do.
fn step(event: &EventRow, row: &EventRow, arguments: &[u8]) -> Step {
    let topic_of = |row: &EventRow| row.log.topics().first().copied().unwrap_or_default();
    let (topic, arguments_hash) = (topic_of(row), keccak256(arguments));
    if topic_of(event) == KeyIssued::SIGNATURE_HASH {
        return Step::Leaf(keccak256((topic, arguments_hash).abi_encode()));
    }
    match may_undo(topic_of(event), topic) {
        true => Step::Event { topic, arguments: Bytes::copy_from_slice(arguments) },
        false => Step::Named { topic, arguments_hash },
    }
}
