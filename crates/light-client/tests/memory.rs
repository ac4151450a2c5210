//! States, hints and the proven chain, over a small true state.

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles, TrieAccount, proof::ProofRetainer};
use light_client::{
    AgeLimits, Agreed, BlockRef, FactLimits, HeadStale, HeaderChain, Hints, Missing, ProofRequest,
    ProvenChain, ProvenState, RawAccountProof, RawSlotProof, SealedHeader,
};
use std::collections::{BTreeMap, BTreeSet};
use wire::UnixSeconds;

const OWNER: Address = Address::repeat_byte(0xaa);
const CODE: &[u8] = &[0x60, 0x00];

/// A trie, and the proofs for all of its keys.
fn trie(leaves: &[(Vec<u8>, Vec<u8>)]) -> (B256, impl Fn(&[u8]) -> Vec<Bytes> + use<>) {
    let path = |key: &[u8]| Nibbles::unpack(keccak256(key));
    let sorted: BTreeMap<Nibbles, &Vec<u8>> =
        leaves.iter().map(|(key, value)| (path(key), value)).collect();
    let retainer = ProofRetainer::from_iter(sorted.keys().copied());
    let mut builder = HashBuilder::default().with_proof_retainer(retainer);
    for (path, value) in sorted {
        builder.add_leaf(path, value);
    }
    let root = builder.root();
    let nodes = builder.take_proof_nodes();
    let proof = move |key: &[u8]| {
        let nodes = nodes.matching_nodes_sorted(&path(key));
        nodes.into_iter().map(|(_, node)| node).collect()
    };
    (root, proof)
}

/// A contract with this code, whose slots 0 to 9 hold 1 to 10: the state root, and the answer for some slots.
fn world(code: &[u8]) -> (B256, impl Fn(&BTreeSet<U256>) -> RawAccountProof + use<>) {
    let code_hash = keccak256(code);
    let slots: Vec<(Vec<u8>, Vec<u8>)> = (0_u64..10)
        .map(|slot| {
            let value = alloy_rlp::encode(U256::from(slot + 1));
            (U256::from(slot).to_be_bytes_vec(), value)
        })
        .collect();
    let (storage_root, slot_proof) = trie(&slots);
    let account = TrieAccount { nonce: 1, balance: U256::ZERO, storage_root, code_hash };
    let (state_root, account_proof) = trie(&[(OWNER.to_vec(), alloy_rlp::encode(account))]);
    let answer = move |asked: &BTreeSet<U256>| RawAccountProof {
        balance: U256::ZERO,
        code_hash,
        nonce: U64::from(1),
        storage_hash: storage_root,
        account_proof: account_proof(OWNER.as_slice()),
        storage_proof: asked
            .iter()
            .map(|slot| RawSlotProof {
                key: *slot,
                value: *slot + U256::ONE,
                proof: slot_proof(&slot.to_be_bytes_vec()),
            })
            .collect(),
    };
    (state_root, answer)
}

fn header(number: u64, parent_hash: B256, state_root: B256) -> SealedHeader {
    SealedHeader::of(Header { number, parent_hash, state_root, ..Header::default() })
        .expect("a header")
}

fn open(header: &SealedHeader, hints: &Hints) -> ProvenState {
    HeaderChain::new(header.block())
        .open(header.clone(), FactLimits::STATE, hints)
        .expect("the checkpoint")
}

fn request(slots: impl IntoIterator<Item = u64>) -> ProofRequest {
    ProofRequest { address: OWNER, slots: slots.into_iter().map(U256::from).collect() }
}

/// A state at `number` with slots 0 to 9 and the code proven.
fn full(number: u64, hints: &Hints) -> ProvenState {
    let (root, answer) = world(CODE);
    let mut state = open(&header(number, B256::ZERO, root), hints);
    let all = request(0..10);
    state.insert_proof(&all, &answer(&all.slots)).expect("the truth");
    state
}

#[test]
fn what_was_read_is_wanted_again_and_code_is_kept() {
    // [CHAIN-15] Slots that were proven and not read are not fetched again; code is found by its hash at the next block.
    let mut hints = Hints::new();
    let mut state = full(1, &hints);
    assert_eq!(state.wanted(), []);
    assert_eq!(state.slot(OWNER, U256::from(3)), Ok(U256::from(4)));
    assert_eq!(state.wanted(), []);
    state.account(OWNER).expect("proven");
    state.insert_code(OWNER, Bytes::from_static(CODE)).expect("the code");
    assert_eq!(state.wanted(), [request([3])]);
    hints.learn(&state);
    assert_eq!(hints.wanted(), [request([3])]);
    assert_eq!(
        full(2, &hints).code(OWNER).map(|code| code.bytes().clone()),
        Ok(Bytes::from_static(CODE))
    );
    // The twin without hints.
    assert_eq!(
        full(2, &Hints::new()).code(OWNER),
        Err(Missing::Code { address: OWNER, hash: keccak256(CODE) })
    );
}

#[test]
fn what_was_not_read_for_long_is_forgotten() {
    // [CHAIN-15] 64 blocks later a slot that nobody reads is not fetched any more.
    let mut hints = Hints::new();
    let read = |number, slot: u64, hints: &mut Hints| {
        let state = full(number, hints);
        state.account(OWNER).expect("proven");
        state.slot(OWNER, U256::from(slot)).expect("proven");
        hints.learn(&state);
    };
    read(1, 1, &mut hints);
    read(65, 2, &mut hints);
    assert_eq!(hints.wanted(), [request([1, 2])]);
    read(66, 2, &mut hints);
    assert_eq!(hints.wanted(), [request([2])]);
}

#[test]
fn of_much_code_the_newest_is_kept() {
    // [CHAIN-15] At most 8 MiB, from one block to the next.
    let mut hints = Hints::new();
    let code = |byte: u8| Bytes::from(vec![byte; 1024 * 1024]);
    let at = |number: u64, byte: u8, hints: &Hints| {
        let (root, answer) = world(&code(byte));
        let mut state = open(&header(number, B256::ZERO, root), hints);
        let account = ProofRequest::account(OWNER);
        state.insert_proof(&account, &answer(&account.slots)).expect("the truth");
        state
    };
    for byte in 1..=9 {
        let mut state = at(byte.into(), byte, &hints);
        state.insert_code(OWNER, code(byte)).expect("the code");
        state.code(OWNER).expect("it is there");
        hints.learn(&state);
    }
    let is_kept = |byte: u8| at(10, byte, &hints).code(OWNER).is_ok();
    assert_eq!((1..=9).filter(|byte| is_kept(*byte)).count(), 8);
    assert!(is_kept(9));
}

#[test]
fn an_answer_is_kept_with_its_block_unless_it_is_large() {
    let state = full(1, &Hints::new());
    let asked = B256::repeat_byte(7);
    let small = Bytes::from(vec![1; 4_096]);
    assert_eq!(state.answer(asked), None);
    state.keep_answer(asked, &small);
    assert_eq!(state.answer(asked), Some(small));
    let other = B256::repeat_byte(8);
    state.keep_answer(other, &Bytes::from(vec![1; 4_097]));
    assert_eq!(state.answer(other), None);
    for number in 0..2_000_u64 {
        state.keep_answer(B256::from(U256::from(number)), &Bytes::new());
    }
    assert_eq!(state.answer(B256::from(U256::from(1_999))), None, "1,024 answers are kept");
}

#[test]
fn head_and_finality_have_an_age_each() {
    // [CHAIN-17] At its limit a block counts; a second more and it is refused by name.
    let at = |number, parent_hash, timestamp| {
        SealedHeader::of(Header { number, parent_hash, timestamp, ..Header::default() })
            .expect("a header")
    };
    let finalized = at(0, B256::ZERO, 1_000);
    let head = at(1, finalized.hash(), 1_060);
    let agreed = Agreed { head: head.block(), finalized: finalized.block(), dissents: Vec::new() };
    let chain = HeaderChain::new(finalized.block());
    let mut walk = chain.walk(&agreed).expect("fits");
    walk.accept(&head).expect("links");
    let (chain, _) = walk.finish().expect("complete");
    let open = |header: &SealedHeader| {
        chain.open(header.clone(), FactLimits::STATE, &Hints::new()).expect("on the chain")
    };
    let proven = ProvenChain::new(chain.clone(), open(&head), open(&finalized)).expect("its own");
    let judge = |clock, finality| {
        let limits = AgeLimits {
            max_head_age_seconds: 30,
            max_finality_age_seconds: finality,
            max_head_ahead_seconds: 5,
        };
        proven.judge_age(UnixSeconds(clock), &limits)
    };
    for clock in [1_055, 1_060, 1_090] {
        assert_eq!(judge(clock, 1_000), Ok(()), "clock {clock}");
    }
    let ahead = HeadStale::Ahead { ahead_seconds: 6, limit_seconds: 5 };
    assert_eq!(judge(1_054, 1_000), Err(ahead));
    assert_eq!(judge(1_091, 1_000), Err(HeadStale::Head { age_seconds: 31, limit_seconds: 30 }));
    // Finality: from the clock, or from the head where the clock is behind it.
    assert_eq!(judge(1_080, 80), Ok(()));
    let finality =
        |age_seconds| HeadStale::Finality { age_seconds, limit_seconds: age_seconds - 1 };
    assert_eq!(judge(1_080, 79), Err(finality(80)));
    assert_eq!(judge(1_056, 60), Ok(()));
    assert_eq!(judge(1_056, 59), Err(finality(60)));
}

#[test]
fn an_account_without_storage_needs_no_slot_proof() {
    // [CHAIN-12] Its storage root says it all.
    let other = Address::repeat_byte(0xbb);
    let account = TrieAccount {
        nonce: 1,
        balance: U256::ZERO,
        storage_root: EMPTY_ROOT_HASH,
        code_hash: KECCAK256_EMPTY,
    };
    let (root, proof) = trie(&[(other.to_vec(), alloy_rlp::encode(account))]);
    let mut state = open(&header(1, B256::ZERO, root), &Hints::new());
    let answer = RawAccountProof {
        balance: U256::ZERO,
        code_hash: KECCAK256_EMPTY,
        nonce: U64::from(1),
        storage_hash: EMPTY_ROOT_HASH,
        account_proof: proof(other.as_slice()),
        storage_proof: Vec::new(),
    };
    state.insert_proof(&ProofRequest::account(other), &answer).expect("the truth");
    assert_eq!(state.slot(other, U256::from(7)), Ok(U256::ZERO));
    assert_eq!(state.code(other).map(|code| code.bytes().clone()), Ok(Bytes::new()));
    assert_eq!(
        state.slot(OWNER, U256::ZERO),
        Err(Missing::Account(OWNER)),
        "an account that is not proven has no empty storage"
    );
}

#[test]
fn a_proven_chain_is_made_of_its_own_blocks() {
    // [CHAIN-16] Head and finalized block of the header chain, each in its place.
    let genesis = header(0, B256::ZERO, B256::ZERO);
    let child = header(1, genesis.hash(), B256::ZERO);
    let chain = HeaderChain::new(genesis.block());
    let agreed = Agreed { head: child.block(), finalized: genesis.block(), dissents: Vec::new() };
    let mut walk = chain.walk(&agreed).expect("fits");
    walk.accept(&child).expect("links");
    let (chain, _) = walk.finish().expect("complete");
    let open = |header: &SealedHeader| {
        chain.open(header.clone(), FactLimits::STATE, &Hints::new()).expect("on the chain")
    };
    assert!(ProvenChain::new(chain.clone(), open(&child), open(&genesis)).is_ok());
    let wrong = |head: &SealedHeader, finalized: &SealedHeader| {
        ProvenChain::new(chain.clone(), open(head), open(finalized))
            .map(|_| ())
            .map_err(|error| (error.level, error.expected, error.actual))
    };
    let (head, finalized): (BlockRef, BlockRef) = (child.block(), genesis.block());
    assert_eq!(wrong(&genesis, &genesis), Err(("head", head, finalized)));
    assert_eq!(wrong(&child, &child), Err(("finalized", finalized, head)));
}

#[test]
fn an_ancestor_is_answered_as_blockhash_does() {
    // [CHAIN-6] Proven ancestors by hash, no block's own hash, nothing further back than 256; older ones are missing.
    let mut headers = vec![header(0, B256::ZERO, B256::ZERO)];
    for number in 1..=300 {
        let parent = headers.last().expect("one").hash();
        headers.push(header(number, parent, B256::ZERO));
    }
    let from = |start: usize| {
        let chain = HeaderChain::new(headers[start].block());
        let agreed = Agreed {
            head: headers[300].block(),
            finalized: headers[start].block(),
            dissents: Vec::new(),
        };
        let mut walk = chain.walk(&agreed).expect("fits");
        for header in headers[start + 1..].iter().rev() {
            walk.accept(header).expect("links");
        }
        let (chain, _) = walk.finish().expect("complete");
        chain.open(headers[300].clone(), FactLimits::STATE, &Hints::new()).expect("the head")
    };
    let state = from(0);
    assert_eq!(state.block_hash(299), Ok(headers[299].hash()));
    assert_eq!(state.block_hash(44), Ok(headers[44].hash()));
    for number in [43, 300, 301, u64::MAX] {
        assert_eq!(state.block_hash(number), Ok(B256::ZERO));
    }
    let late = from(290);
    assert_eq!(late.block_hash(290), Ok(headers[290].hash()));
    assert_eq!(late.block_hash(289), Err(Missing::BlockHash(289)));
}
