//! Bundles under headers of our own making, which their reader trusts: what no chain has, so that one check alone can fail.

use super::world::good;
use alloy_consensus::{Eip658Value, Header, Receipt, ReceiptEnvelope, ReceiptWithBloom};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{Bytes, Log, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::{HashBuilder, Nibbles, proof::ProofRetainer};
use bundle::{Bundle, Trusted, verify};

/// Remakes the first header, and the others on top of it.
fn remade(bundle: &mut Bundle, trusted: &mut Trusted, change: impl Fn(&mut Header)) {
    let mut parent = None;
    for bytes in &mut bundle.headers {
        let mut header = Header::decode(&mut bytes.as_ref()).unwrap();
        match parent {
            None => change(&mut header),
            Some(parent) => header.parent_hash = parent,
        }
        *bytes = alloy_rlp::encode(&header).into();
        parent = Some(keccak256(&bytes));
    }
    trusted.block = parent.unwrap();
}

/// Every header with a number that is one higher.
fn renumbered(bundle: &mut Bundle, trusted: &mut Trusted) {
    let mut parent = None;
    for bytes in &mut bundle.headers {
        let mut header = Header::decode(&mut bytes.as_ref()).unwrap();
        header.number += 1;
        header.parent_hash = parent.unwrap_or(header.parent_hash);
        *bytes = alloy_rlp::encode(&header).into();
        parent = Some(keccak256(&bytes));
    }
    trusted.block = parent.unwrap();
}

/// Another receipt in the place of the only one of its block.
pub(crate) fn with_receipt(bundle: &mut Bundle, trusted: &mut Trusted, bytes: Vec<u8>) {
    let mut trie = HashBuilder::default();
    let path = Nibbles::unpack(alloy_rlp::encode(bundle.receipt.index));
    trie.add_leaf(path, &bytes);
    let root = trie.root();
    let leaf = alloy_trie::nodes::LeafNode::new(path, bytes.clone());
    bundle.receipt.nodes = vec![alloy_rlp::encode(leaf).into()];
    bundle.receipt.bytes = bytes.into();
    remade(bundle, trusted, |header| header.receipts_root = root);
}

pub(crate) fn receipt(bundle: &Bundle) -> Receipt<Log> {
    let envelope = ReceiptEnvelope::<Log>::decode_2718(&mut bundle.receipt.bytes.as_ref()).unwrap();
    envelope.as_receipt().unwrap().clone()
}

pub(crate) fn encoded(receipt: Receipt<Log>) -> Vec<u8> {
    ReceiptEnvelope::Eip1559(ReceiptWithBloom::from(receipt)).encoded_2718()
}

#[test]
fn headers_remade_without_a_change_are_as_good() {
    let (mut bundle, mut trusted) = good("issuance");
    remade(&mut bundle, &mut trusted, |_| ());
    assert_eq!(verify(&bundle.to_text(), &trusted).word(), "ok");
}

#[test]
fn collateral_that_was_no_longer_valid_at_the_block_is_refused() {
    // [BUN-11] Everything else is as it was: the same state, the same receipt.
    let (mut bundle, mut trusted) = good("issuance");
    remade(&mut bundle, &mut trusted, |header| header.timestamp += 10 * 365 * 86_400);
    let verdict = verify(&bundle.to_text(), &trusted);
    assert_eq!(verdict.word(), "evidence-refused", "{:?}", verdict.outcome);
}

#[test]
fn what_the_policy_denies_at_the_block_is_refused() {
    // [BUN-12] A quarter of an hour before, the approval did not count yet; the evidence was good already.
    let (mut bundle, mut trusted) = good("issuance");
    remade(&mut bundle, &mut trusted, |header| header.timestamp -= 900);
    let verdict = verify(&bundle.to_text(), &trusted);
    assert_eq!(verdict.word(), "policy-denies", "{:?}", verdict.outcome);
}

#[test]
fn another_receipt_of_the_block_is_not_this_one() {
    // [BUN-4] Two transactions: what is under one index is shown under the other, with the nodes that prove it there.
    let (bundle, trusted) = good("issuance");
    let other = encoded(Receipt { logs: Vec::new(), ..receipt(&bundle) });
    let (mine, theirs) = (bundle.receipt.index, bundle.receipt.index + 1);
    let key = |index: u64| Nibbles::unpack(alloy_rlp::encode(index));
    let targets = vec![key(mine), key(theirs)];
    let mut trie = HashBuilder::default().with_proof_retainer(ProofRetainer::new(targets));
    let mut leaves = [(key(mine), bundle.receipt.bytes.to_vec()), (key(theirs), other.clone())];
    leaves.sort();
    for (path, value) in &leaves {
        trie.add_leaf(*path, value);
    }
    let root = trie.root();
    let proofs = trie.take_proof_nodes();
    let nodes = |index| -> Vec<Bytes> {
        proofs.matching_nodes_sorted(&key(index)).into_iter().map(|(_, node)| node).collect()
    };
    let shown = |index: u64, bytes: &[u8], nodes: Vec<Bytes>| {
        let (mut bundle, mut trusted) = (bundle.clone(), trusted);
        bundle.receipt.index = index;
        bundle.receipt.bytes = bytes.to_vec().into();
        bundle.receipt.nodes = nodes;
        remade(&mut bundle, &mut trusted, |header| header.receipts_root = root);
        verify(&bundle.to_text(), &trusted).word()
    };
    let own = bundle.receipt.bytes.as_ref();
    assert_eq!(shown(mine, own, nodes(mine)), "ok");
    assert_eq!(shown(mine, &other, nodes(theirs)), "receipt-not-proven");
    assert_eq!(shown(theirs, own, nodes(mine)), "receipt-not-proven");
    assert_eq!(shown(theirs, &other, nodes(theirs)), "no-such-log");
}

#[test]
fn a_reverted_transaction_proves_nothing() {
    // [BUN-4]
    let (mut bundle, mut trusted) = good("issuance");
    let mut reverted = receipt(&bundle);
    with_receipt(&mut bundle, &mut trusted, encoded(reverted.clone()));
    assert_eq!(verify(&bundle.to_text(), &trusted).word(), "ok");
    reverted.status = Eip658Value::Eip658(false);
    with_receipt(&mut bundle, &mut trusted, encoded(reverted));
    assert_eq!(verify(&bundle.to_text(), &trusted).word(), "reverted");
}

#[test]
fn a_receipt_has_one_encoding() {
    // [BUN-4]
    let (mut bundle, mut trusted) = good("issuance");
    let longer = [bundle.receipt.bytes.as_ref(), &[0]].concat();
    with_receipt(&mut bundle, &mut trusted, longer);
    assert_eq!(verify(&bundle.to_text(), &trusted).word(), "receipt-malformed");
}

#[test]
fn an_event_of_another_contract_or_name_is_not_ours() {
    // [BUN-5] [BUN-8]
    let (mut bundle, mut trusted) = good("issuance");
    let mut other = receipt(&bundle);
    let place = usize::try_from(bundle.log).unwrap();
    let address = other.logs[place].address;
    other.logs[place].address = alloy_primitives::Address::repeat_byte(9);
    with_receipt(&mut bundle, &mut trusted, encoded(other.clone()));
    assert_eq!(verify(&bundle.to_text(), &trusted).word(), "other-log");
    other.logs[place].address = address;
    let mut topics = other.logs[place].topics().to_vec();
    topics[0] = keccak256("KeyIssued()");
    other.logs[place] = Log::new_unchecked(address, topics, other.logs[place].data.data.clone());
    with_receipt(&mut bundle, &mut trusted, encoded(other));
    assert_eq!(verify(&bundle.to_text(), &trusted).word(), "other-event");
}

#[test]
fn a_revocation_in_a_contract_that_judges_nothing_is_refused() {
    // [BUN-8]
    let (mut bundle, mut trusted) = good("revocation");
    let mut other = receipt(&bundle);
    let place = usize::try_from(bundle.log).unwrap();
    other.logs[place].address = alloy_primitives::Address::repeat_byte(9);
    with_receipt(&mut bundle, &mut trusted, encoded(other));
    assert_eq!(verify(&bundle.to_text(), &trusted).word(), "other-policy");
}

#[test]
fn an_event_with_bytes_beside_its_arguments_is_refused() {
    // [BUN-5]
    let (mut bundle, mut trusted) = good("issuance");
    let mut longer = receipt(&bundle);
    let log = &mut longer.logs[usize::try_from(bundle.log).unwrap()];
    let data: Bytes = [log.data.data.as_ref(), &[0; 32]].concat().into();
    *log = Log::new_unchecked(log.address, log.topics().to_vec(), data);
    with_receipt(&mut bundle, &mut trusted, encoded(longer));
    assert_eq!(verify(&bundle.to_text(), &trusted).word(), "other-event");
}

#[test]
fn an_issuance_in_another_block_than_the_log_recorded_is_refused() {
    // [BUN-8] The header's number is all that differs.
    let (mut bundle, mut trusted) = good("issuance");
    renumbered(&mut bundle, &mut trusted);
    let verdict = verify(&bundle.to_text(), &trusted);
    assert_eq!(verdict.word(), "not-recorded", "{:?}", verdict.outcome);
}
