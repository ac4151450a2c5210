//! The log that the bundle speaks of, in its receipt, under `receiptsRoot`. Spec: docs/spec/bundle.md [BUN-4].

use crate::{Refusal, format::Bundle};
use alloy_consensus::ReceiptEnvelope;
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::Log;
use alloy_trie::{Nibbles, proof::verify_proof};
use light_client::SealedHeader;

/// The log at the named place of a receipt of `header`'s block, of a transaction that had effect.
pub(crate) fn logged(bundle: &Bundle, header: &SealedHeader) -> Result<Log, Refusal> {
    let receipt = &bundle.receipt;
    let key = Nibbles::unpack(alloy_rlp::encode(receipt.index));
    let root = header.fields().receipts_root;
    verify_proof(root, key, Some(receipt.bytes.to_vec()), &receipt.nodes)
        .map_err(|_| Refusal::ReceiptNotProven)?;
    let envelope = ReceiptEnvelope::<Log>::decode_2718(&mut receipt.bytes.as_ref())
        .map_err(|_| Refusal::ReceiptMalformed)?;
    if envelope.encoded_2718() != receipt.bytes.as_ref() {
        return Err(Refusal::ReceiptMalformed);
    }
    if !envelope.is_success() {
        return Err(Refusal::Reverted);
    }
    let (place, count) = (bundle.log, envelope.logs().len());
    let log = usize::try_from(place).ok().and_then(|place| envelope.logs().get(place));
    log.cloned().ok_or(Refusal::NoSuchLog { place, count })
}
