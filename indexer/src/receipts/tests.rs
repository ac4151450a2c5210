use super::*;
use alloy::consensus::Header;
use alloy_primitives::{Address, B256};

fn log(byte: u8) -> Log {
    Log::new_unchecked(Address::repeat_byte(byte), vec![B256::repeat_byte(byte)], vec![byte].into())
}

fn receipt(logs: Vec<Log>) -> ReceiptEnvelope<Log> {
    let receipt = Receipt { status: true.into(), cumulative_gas_used: 21_000, logs };
    ReceiptEnvelope::Eip1559(receipt.with_bloom())
}

fn header(receipts: &[ReceiptEnvelope<Log>]) -> SealedHeader {
    let mut logs_bloom = Bloom::ZERO;
    receipts.iter().for_each(|receipt| logs_bloom.accrue_logs(receipt.logs()));
    let receipts_root = calculate_receipt_root(receipts);
    SealedHeader::of(Header { number: 7, receipts_root, logs_bloom, ..Header::default() }).unwrap()
}

#[test]
fn what_an_endpoint_tells_is_read_as_the_trie_holds_it() {
    // [IDX-1] Every type; a told bloom counts for nothing, and a type to come is refused by its number.
    use TxType::{Eip1559, Eip2930, Eip4844, Eip7702, Legacy};
    for (kind, expected) in (0u8..).zip([Legacy, Eip2930, Eip1559, Eip4844, Eip7702]) {
        let told = serde_json::json!({
            "type": format!("{kind:#x}"), "status": "0x1", "cumulativeGasUsed": "0x5208",
            "logsBloom": format!("0x{}", "ff".repeat(256)), "blockNumber": "0x1",
            "logs": [{
                "address": Address::repeat_byte(3), "topics": [B256::repeat_byte(3)],
                "data": "0x03", "logIndex": "0x0",
            }],
        });
        let told: ToldReceipt = serde_json::from_value(told).unwrap();
        let read = ReceiptEnvelope::try_from(told).unwrap();
        let ReceiptEnvelope::Eip1559(whole) = receipt(vec![log(3)]) else { unreachable!() };
        assert_eq!(read, ReceiptEnvelope::from_typed(expected, whole));
    }
    let later = serde_json::json!({
        "type": "0x5", "status": "0x1", "cumulativeGasUsed": "0x0", "logs": [],
    });
    let later: ToldReceipt = serde_json::from_value(later).unwrap();
    assert_eq!(ReceiptEnvelope::try_from(later).unwrap_err(), UnknownType(5));
}

/// 200 receipts: one- and two-byte keys, whose order in the trie is not that of the block.
fn many() -> Vec<ReceiptEnvelope<Log>> {
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
