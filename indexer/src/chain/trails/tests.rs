use super::*;
use crate::endpoint::Endpoint;
use alloy::consensus::{Header, constants::KECCAK_EMPTY};
use alloy_primitives::{U64, hex, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles, TrieAccount, proof::ProofRetainer};
use axum::{Json, Router, extract::State, routing::post};
use light_client::{HeadSource, RawSlotProof};
use policy::ForkSchedule;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wire::network::Fork;

const CONTRACTS_HERE: u8 = 20;
/// One among them that answers nothing.
const BROKEN: u8 = 7;
/// Returns slot 0 in two words: the low 64 bits, and the rest.
const TRAIL: [u8; 25] = hex!("5f548067ffffffffffffffff165f5260401c60205260405ff3");

fn address(number: u8) -> Address {
    Address::repeat_byte(number + 1)
}

fn code(number: u8) -> Vec<u8> {
    if number == BROKEN { vec![0xFE] } else { TRAIL.to_vec() }
}

fn packed(number: u8) -> U256 {
    (U256::from(1000) << 64) | U256::from(number + 1)
}

/// A trie's root, and the proofs of its keys and of one that is not there.
fn trie(leaves: &[(Vec<u8>, Vec<u8>)]) -> (B256, impl Fn(&[u8]) -> Vec<Bytes> + use<>) {
    let path = |key: &[u8]| Nibbles::unpack(keccak256(key));
    let sorted: BTreeMap<Nibbles, &Vec<u8>> =
        leaves.iter().map(|(key, value)| (path(key), value)).collect();
    let targets = sorted.keys().copied().chain([path(Address::ZERO.as_slice())]);
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::from_iter(targets));
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

fn storage(number: u8) -> (B256, Vec<Bytes>) {
    let key = U256::ZERO.to_be_bytes_vec();
    let (root, proof) = trie(&[(key.clone(), alloy_rlp::encode(packed(number)))]);
    (root, proof(&key))
}

fn leaf(number: u8) -> (Vec<u8>, Vec<u8>) {
    let code_hash = keccak256(code(number));
    let storage_root = storage(number).0;
    let account = TrieAccount { nonce: 1, balance: U256::ZERO, storage_root, code_hash };
    (address(number).to_vec(), alloy_rlp::encode(account))
}

fn header() -> Header {
    let leaves: Vec<_> = (0..CONTRACTS_HERE).map(leaf).collect();
    Header { number: 9, state_root: trie(&leaves).0, gas_limit: 30_000_000, ..Header::default() }
}

fn told(asked: &Value) -> Value {
    let leaves: Vec<_> = (0..CONTRACTS_HERE).map(leaf).collect();
    let of = |at: &Value| at.as_str().and_then(|at| at.parse::<Address>().ok()).unwrap();
    let params = &asked["params"];
    let number = |at: Address| (0..CONTRACTS_HERE).find(|number| address(*number) == at);
    match asked["method"].as_str().unwrap() {
        "eth_getBlockByHash" => {
            let mut block = serde_json::to_value(header()).unwrap();
            block["hash"] = json!(header().hash_slow());
            block
        }
        "eth_getCode" => json!(Bytes::from(code(number(of(&params[0])).unwrap()))),
        "eth_getProof" => {
            let at = of(&params[0]);
            let account_proof = trie(&leaves).1(at.as_slice());
            let slots = params[1].as_array().unwrap();
            let told = match number(at) {
                Some(number) => RawAccountProof {
                    balance: U256::ZERO,
                    code_hash: keccak256(code(number)),
                    nonce: U64::from(1),
                    storage_hash: storage(number).0,
                    account_proof,
                    storage_proof: slots
                        .iter()
                        .map(|_| RawSlotProof {
                            key: U256::ZERO,
                            value: packed(number),
                            proof: storage(number).1,
                        })
                        .collect(),
                },
                None => RawAccountProof {
                    balance: U256::ZERO,
                    code_hash: KECCAK_EMPTY,
                    nonce: U64::ZERO,
                    storage_hash: EMPTY_ROOT_HASH,
                    account_proof,
                    storage_proof: Vec::new(),
                },
            };
            serde_json::to_value(told).unwrap()
        }
        other => panic!("{other}"),
    }
}

async fn answer(State(()): State<()>, Json(asked): Json<Value>) -> Json<Value> {
    Json(json!({ "jsonrpc": "2.0", "id": asked["id"], "result": told(&asked) }))
}

#[tokio::test]
async fn more_contracts_than_a_state_holds_are_proven_and_one_that_fails_fails_alone() {
    // [IDX-6]
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/", post(answer)).with_state(());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let _ = rustls::crypto::ring::default_provider().install_default();
    let endpoint = Endpoint::new(0, &url, reqwest::Client::new()).unwrap();
    let trails = Trails {
        endpoints: Arc::new(Endpoints::new(vec![endpoint], HeadSource::agreement(1, 1).unwrap())),
        rules: ChainRules { chain_id: 31337, forks: ForkSchedule::constant(Fork::Osaka) },
        at: BlockRef::new(9, header().hash_slow()),
        hints: Hints::new(),
        limits: FactLimits { accounts: 8, ..FactLimits::STATE },
    };
    let contracts: Vec<_> = (0..CONTRACTS_HERE).map(address).collect();
    let (proven, _) = trails.prove(&contracts).await.unwrap();
    assert_eq!(proven.len(), contracts.len());
    for (number, proven) in (0..).zip(proven) {
        if number == BROKEN {
            assert_eq!(proven, None, "it has no trail to prove");
            continue;
        }
        let (trail, proof) = proven.unwrap_or_else(|| panic!("{number} is not proven"));
        let expected = Trail { seq: u64::from(number) + 1, head: U256::from(1000) };
        assert_eq!((trail, proof.slot), (expected, Some(B256::ZERO)), "{number}");
    }
}
