use super::*;
use alloy_trie::{HashBuilder, proof::ProofRetainer};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A trie of `leaves` (unhashed key, RLP value): its root, and the proof for `key`.
fn trie(leaves: &[(Vec<u8>, Vec<u8>)], key: &[u8]) -> (B256, Vec<Bytes>) {
    let target = Nibbles::unpack(keccak256(key));
    let mut builder =
        HashBuilder::default().with_proof_retainer(ProofRetainer::from_iter([target]));
    let sorted: BTreeMap<Nibbles, &Vec<u8>> =
        leaves.iter().map(|(key, value)| (Nibbles::unpack(keccak256(key)), value)).collect();
    for (path, value) in sorted {
        builder.add_leaf(path, value);
    }
    let root = builder.root();
    let nodes = builder
        .take_proof_nodes()
        .matching_nodes_sorted(&target)
        .into_iter()
        .map(|(_, node)| node)
        .collect();
    (root, nodes)
}

fn slot_key(slot: u64) -> Vec<u8> {
    U256::from(slot).to_be_bytes_vec()
}

const BLOCK: BlockRef = BlockRef::new(1, B256::ZERO);
const OWNER: Address = Address::repeat_byte(0xaa);

fn account_with(storage_root: B256) -> ProvenAccount {
    ProvenAccount { storage_root, ..ProvenAccount::ABSENT }
}

fn slot(number: u64, value: u64, proof: Vec<Bytes>) -> RawSlotProof {
    RawSlotProof { key: U256::from(number), value: U256::from(value), proof }
}

fn storage(values: &[(u64, u64)]) -> Vec<(Vec<u8>, Vec<u8>)> {
    values
        .iter()
        .map(|(slot, value)| (slot_key(*slot), alloy_rlp::encode(U256::from(*value))))
        .collect()
}

#[test]
fn a_slot_is_proven_by_inclusion_or_exclusion() {
    // [CHAIN-12] With its twins: the wrong value, and each proof for the other claim.
    let leaves = storage(&[(1, 7), (2, 8), (3, 9)]);
    let (root, set) = trie(&leaves, &slot_key(1));
    let (_, unset) = trie(&leaves, &slot_key(99));
    let account = account_with(root);
    let verify = |raw: RawSlotProof| verify_slot(BLOCK, OWNER, &account, &raw);
    assert_eq!(verify(slot(1, 7, set.clone())), Ok(U256::from(7)));
    assert_eq!(verify(slot(99, 0, unset.clone())), Ok(U256::ZERO));
    for lie in [
        slot(1, 6, set.clone()),
        slot(1, 0, set.clone()),
        slot(1, 0, unset.clone()),
        slot(99, 7, set),
        slot(99, 1, unset),
        slot(1, 0, Vec::new()),
    ] {
        assert!(matches!(verify(lie), Err(ProofError::ForgedSlot { address: OWNER, .. })));
    }
}

#[test]
fn a_leaf_that_holds_zero_proves_zero() {
    // [CHAIN-12] anvil 1.7.1 keeps it after `x = 0`. The twin: such a leaf proves no other value.
    let mut leaves = storage(&[(1, 7), (2, 8)]);
    leaves.push((slot_key(3), ZERO_LEAF.to_vec()));
    let (root, proof) = trie(&leaves, &slot_key(3));
    let account = account_with(root);
    let verify = |value| verify_slot(BLOCK, OWNER, &account, &slot(3, value, proof.clone()));
    assert_eq!(verify(0), Ok(U256::ZERO));
    assert!(matches!(verify(1), Err(ProofError::ForgedSlot { .. })));
    assert!(matches!(verify(0x80), Err(ProofError::ForgedSlot { .. })));
}

fn raw(account: &ProvenAccount, account_proof: Vec<Bytes>) -> RawAccountProof {
    RawAccountProof {
        balance: account.balance,
        code_hash: account.code_hash,
        nonce: U64::from(account.nonce),
        storage_hash: account.storage_root,
        account_proof,
        storage_proof: Vec::new(),
    }
}

fn leaf(account: &ProvenAccount) -> Vec<u8> {
    alloy_rlp::encode(TrieAccount {
        nonce: account.nonce,
        balance: account.balance,
        storage_root: account.storage_root,
        code_hash: account.code_hash,
    })
}

#[test]
fn an_absent_account_is_proven_absent_or_empty() {
    // [CHAIN-11] However a client tells it. The twin: an account that is there is not absent.
    let rich = ProvenAccount { balance: U256::from(5), ..ProvenAccount::ABSENT };
    let (there, empty, absent) =
        (Address::repeat_byte(1), Address::repeat_byte(2), Address::repeat_byte(3));
    let leaves = [(there.to_vec(), leaf(&rich)), (empty.to_vec(), leaf(&ProvenAccount::ABSENT))];
    let (root, _) = trie(&leaves, &[]);
    let proof = |address: Address| trie(&leaves, address.as_slice()).1;
    let zero =
        ProvenAccount { code_hash: B256::ZERO, storage_root: B256::ZERO, ..ProvenAccount::ABSENT };
    let verify = |address, account: &ProvenAccount, nodes| {
        verify_account(BLOCK, root, address, &raw(account, nodes))
    };
    let nothing = Ok(ProvenAccount::ABSENT);
    assert_eq!(verify(absent, &ProvenAccount::ABSENT, proof(absent)), nothing);
    assert_eq!(verify(absent, &zero, proof(absent)), nothing);
    assert_eq!(verify(empty, &ProvenAccount::ABSENT, proof(empty)), nothing);
    assert_eq!(verify(there, &rich, proof(there)), Ok(rich));
    for (address, account, nodes) in [
        (there, &zero, proof(there)),
        (there, &zero, proof(absent)),
        (absent, &rich, proof(absent)),
        (absent, &rich, proof(there)),
    ] {
        assert!(matches!(verify(address, account, nodes), Err(ProofError::ForgedAccount { .. })));
    }
}

#[test]
fn code_is_proven_by_its_hash() {
    // [CHAIN-13]
    let account = ProvenAccount { code_hash: keccak256([1, 2]), ..ProvenAccount::ABSENT };
    assert_eq!(verify_code(OWNER, &account, &[1, 2]), Ok(()));
    assert_eq!(
        verify_code(OWNER, &account, &[1, 3]),
        Err(ProofError::ForgedCode {
            address: OWNER,
            proven: account.code_hash,
            actual: keccak256([1, 3])
        })
    );
}

proptest! {
    /// Nodes of any bytes never panic, and prove nothing.
    #[test]
    fn random_nodes_prove_nothing(
        nodes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..6),
        root: [u8; 32], value: u64,
    ) {
        let nodes: Vec<Bytes> = nodes.into_iter().map(Bytes::from).collect();
        let account = account_with(root.into());
        let raw_slot = slot(1, value, nodes.clone());
        prop_assert!(verify_slot(BLOCK, OWNER, &account, &raw_slot).is_err());
        prop_assert!(verify_account(BLOCK, root.into(), OWNER, &raw(&account, nodes)).is_err());
    }

    /// [CHAIN-12] Nodes that hash as they should, whatever is in them: the root is that of the first one. A proof that
    /// is one node of any bytes never panics.
    #[test]
    fn a_root_over_random_bytes_never_panics(node: Vec<u8>, value: u64) {
        let account = account_with(keccak256(&node));
        let _ = verify_slot(BLOCK, OWNER, &account, &slot(1, value, vec![node.into()]));
    }

    /// [CHAIN-12] One bit of a true proof changed: refused.
    #[test]
    fn a_changed_bit_is_refused(
        slots in prop::collection::btree_map(1_u64..40, 1_u64..u64::MAX, 1..12),
        node: prop::sample::Index, byte: prop::sample::Index, bit in 0_u8..8,
    ) {
        let values: Vec<_> = slots.into_iter().collect();
        let (number, value) = values[0];
        let (root, mut nodes) = trie(&storage(&values), &slot_key(number));
        let account = account_with(root);
        let verify = |nodes: &[Bytes]| verify_slot(BLOCK, OWNER, &account, &slot(number, value, nodes.to_vec()));
        prop_assert_eq!(verify(&nodes), Ok(U256::from(value)));
        let node = node.index(nodes.len());
        let mut bytes = nodes[node].to_vec();
        let byte = byte.index(bytes.len());
        bytes[byte] ^= 1 << bit;
        nodes[node] = bytes.into();
        prop_assert!(verify(&nodes).is_err());
    }

    /// Text from outside never panics.
    #[test]
    fn random_text_is_refused_or_decodes(bytes: Vec<u8>) {
        let _ = serde_json::from_slice::<RawAccountProof>(&bytes);
    }
}
