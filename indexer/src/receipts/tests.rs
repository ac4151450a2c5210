use super::*;
use alloy::consensus::{Header, Receipt, ReceiptWithBloom};
use alloy_primitives::{Address, B256};

fn log(byte: u8) -> Log {
    Log::new_unchecked(Address::repeat_byte(byte), vec![B256::repeat_byte(byte)], vec![byte].into())
}

fn receipt(logs: Vec<Log>) -> TransactionReceipt {
    let told = logs.into_iter().map(|inner| alloy::rpc::types::Log { inner, ..Default::default() });
    let receipt =
        Receipt { status: true.into(), cumulative_gas_used: 21_000, logs: told.collect() };
    let bloom = receipt.logs.iter().fold(Bloom::ZERO, |mut bloom, log| {
        bloom.accrue_log(&log.inner);
        bloom
    });
    TransactionReceipt {
        inner: ReceiptEnvelope::Eip1559(ReceiptWithBloom::new(receipt, bloom)),
        transaction_hash: B256::ZERO,
        transaction_index: None,
        block_hash: None,
        block_number: None,
        gas_used: 0,
        effective_gas_price: 0,
        blob_gas_used: None,
        blob_gas_price: None,
        from: Address::ZERO,
        to: None,
        contract_address: None,
    }
}

fn header(receipts: &[TransactionReceipt]) -> SealedHeader {
    let all: Vec<_> = receipts.iter().cloned().map(|r| r.into_primitives_receipt().inner).collect();
    let mut logs_bloom = Bloom::ZERO;
    all.iter().for_each(|receipt| logs_bloom.accrue_logs(receipt.logs()));
    let receipts_root = calculate_receipt_root(&all);
    SealedHeader::of(Header { number: 7, receipts_root, logs_bloom, ..Header::default() }).unwrap()
}

/// 200 receipts: one- and two-byte keys, whose order in the trie is not that of the block.
fn many() -> Vec<TransactionReceipt> {
    (0..200).map(|n| receipt(vec![log(n), log(n)])).collect()
}

#[test]
fn true_receipts_hold_and_every_one_is_provable() {
    // [IDX-7]
    let told = many();
    let header = header(&told);
    let proven = ProvenReceipts::verify(&header, told).unwrap();
    let indexes = [0, 1, 127, 128, 199];
    for (index, proof) in indexes.into_iter().zip(proven.prove(&indexes)) {
        let value = proven.encoded(index).unwrap().to_vec();
        let root = header.fields().receipts_root;
        alloy_trie::proof::verify_proof(root, key(index), Some(value.clone()), &proof).unwrap();
        let other = Some([value.as_slice(), &[0]].concat());
        assert!(alloy_trie::proof::verify_proof(root, key(index), other, &proof).is_err());
        assert_eq!(proven.first_log(index), 2 * index);
    }
    let last = proven.logs().last().unwrap();
    assert_eq!((last.tx_index, last.log_index), (199, 399));
}

#[test]
fn a_hidden_log_is_named() {
    // [IDX-1] A4
    let header = header(&[receipt(vec![log(1), log(2)])]);
    let error = ProvenReceipts::verify(&header, vec![receipt(vec![log(1)])]).unwrap_err();
    assert_eq!(error, ForgedReceipts::Hidden(header.block()));
}

#[test]
fn an_invented_log_is_named() {
    // [IDX-1] A4
    let header = header(&[receipt(vec![log(1)])]);
    let error = ProvenReceipts::verify(&header, vec![receipt(vec![log(1), log(2)])]).unwrap_err();
    assert_eq!(error, ForgedReceipts::Invented(header.block()));
}

#[test]
fn what_fits_the_bloom_alone_is_named() {
    // [IDX-2] A4: the bloom holds no data, no order and no number of equal logs.
    let header = header(&[receipt(vec![log(1)])]);
    let mut data = log(1);
    data.data.data = vec![9].into();
    for told in [vec![receipt(vec![data])], vec![receipt(vec![log(1), log(1)])]] {
        let error = ProvenReceipts::verify(&header, told).unwrap_err();
        assert_eq!(error, ForgedReceipts::Changed(header.block()));
    }
}
