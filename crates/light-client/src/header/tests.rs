use super::*;
use alloy_primitives::Bytes;
use proptest::prelude::*;

/// Sepolia's fields as a JSON-RPC answer has them would do as well; the hash is what matters, so it is computed here
/// and compared with a real chain's in crates/policy/tests.
fn shanghai() -> Header {
    Header {
        number: 7,
        timestamp: 1_700_000_000,
        base_fee_per_gas: Some(7),
        withdrawals_root: Some(B256::repeat_byte(3)),
        ..Header::default()
    }
}

#[test]
fn a_header_is_what_its_hash_says() {
    // [CHAIN-1]
    let header = shanghai();
    let raw = RawHeader { hash: header.hash_slow(), header: header.clone() };
    let sealed = raw.clone().seal().expect("the truth");
    assert_eq!(sealed.block(), BlockRef::new(7, raw.hash));
    assert_eq!(sealed.parent(), Some(BlockRef::new(6, B256::ZERO)));
    assert_eq!(sealed.fields(), &header);

    // One field changed: another hash.
    let mut lie = raw.clone();
    lie.header.timestamp += 1;
    assert!(matches!(lie.seal(), Err(ForgedHeader::Hash { claimed, .. }) if claimed == raw.hash));
    // One hash changed.
    let lie = RawHeader { hash: B256::ZERO, ..raw };
    assert!(matches!(lie.seal(), Err(ForgedHeader::Hash { .. })));
}

#[test]
fn the_same_bytes_have_one_reading() {
    // [CHAIN-1] A4: base fee told as blob gas, withdrawals root as beacon root: the same encoding and hash, and a
    // base fee of zero for every contract that asks.
    let truth = shanghai();
    let lie = Header {
        base_fee_per_gas: None,
        withdrawals_root: None,
        blob_gas_used: truth.base_fee_per_gas,
        parent_beacon_block_root: truth.withdrawals_root,
        ..truth.clone()
    };
    assert_eq!(lie.hash_slow(), truth.hash_slow());
    assert!(SealedHeader::of(truth).is_ok());
    assert!(matches!(SealedHeader::of(lie), Err(ForgedHeader::Fields { number: 7, .. })));
}

#[test]
fn block_zero_has_no_parent() {
    let genesis = SealedHeader::of(Header::default()).expect("a header");
    assert_eq!(genesis.parent(), None);
}

proptest! {
    /// Text from outside never panics.
    #[test]
    fn random_text_is_refused_or_decodes(bytes: Vec<u8>) {
        if let Ok(raw) = serde_json::from_slice::<RawHeader>(&bytes) {
            let _ = raw.seal();
        }
    }

    /// Nor do fields of any value, present or absent.
    #[test]
    fn random_fields_are_refused_or_hash(
        numbers: [u64; 4], roots: [[u8; 32]; 4], extra: Vec<u8>, optional: [bool; 8], slot: u64,
    ) {
        let some = |index: usize| optional[index];
        let root = |index: usize| B256::from(roots[index]);
        let header = Header {
            number: numbers[0],
            timestamp: numbers[1],
            gas_limit: numbers[2],
            state_root: root(0),
            extra_data: Bytes::from(extra),
            base_fee_per_gas: some(0).then_some(numbers[3]),
            withdrawals_root: some(1).then(|| root(1)),
            blob_gas_used: some(2).then_some(numbers[3]),
            excess_blob_gas: some(3).then_some(numbers[2]),
            parent_beacon_block_root: some(4).then(|| root(2)),
            requests_hash: some(5).then(|| root(3)),
            block_access_list_hash: some(6).then(|| root(3)),
            slot_number: some(7).then_some(slot),
            ..Header::default()
        };
        let present = optional.iter().take_while(|present| **present).count();
        let gapless = optional.iter().skip(present).all(|present| !present);
        prop_assert_eq!(SealedHeader::of(header).is_ok(), gapless);
    }
}
