//! Events of a block's proven receipts, and the receipts that hold them. Spec: docs/spec/index.md [IDX-5] [IDX-7].

use crate::{
    decode::{Catalogue, Kind},
    receipts::{PlacedLog, ProvenReceipts},
    store::{NewEvent, NewReceipt},
};
use alloy_primitives::Address;
use light_client::BlockRef;

/// Those of the contracts that `kind_of` knows; receipts only with `proofs`.
pub(super) fn collect(
    catalogue: &Catalogue,
    proofs: bool,
    block: BlockRef,
    proven: &ProvenReceipts,
    kind_of: impl Fn(Address) -> Option<Kind>,
) -> (Vec<NewEvent>, Vec<NewReceipt>) {
    let (mut events, mut receipts, mut holding) = (Vec::new(), Vec::new(), Vec::new());
    for PlacedLog { tx_index, log_index, log } in proven.logs() {
        let Some(kind) = kind_of(log.address) else { continue };
        if holding.last() != Some(&tx_index) {
            holding.push(tx_index);
        }
        events.push(NewEvent {
            block,
            tx_index,
            log_index,
            contract: log.address,
            kind,
            decoded: catalogue.decode(kind, &log.data),
            log: log.data.clone(),
        });
    }
    if !proofs || holding.is_empty() {
        return (events, receipts);
    }
    for (tx_index, proof) in holding.iter().copied().zip(proven.prove(&holding)) {
        let Some(receipt) = proven.encoded(tx_index) else { continue };
        receipts.push(NewReceipt {
            block_hash: block.hash,
            tx_index,
            first_log: proven.first_log(tx_index),
            receipt: receipt.clone(),
            proof,
        });
    }
    (events, receipts)
}
