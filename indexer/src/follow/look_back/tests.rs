use super::*;
use crate::{chain::Chain, endpoint::Endpoint, store::Filter};
use abi::{AllowlistPolicy, AppRegistry};
use alloy::{
    consensus::{Header, Receipt, ReceiptEnvelope, proofs::calculate_receipt_root},
    sol_types::SolEvent,
};
use alloy_primitives::{Address, B256, Bloom, BloomInput, Log, U64};
use axum::{Json, Router, extract::State, routing::post};
use light_client::HeadSource;
use policy::{ChainRules, ForkSchedule};
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Mutex,
    time::Duration,
};
use wire::network::Fork;

const REGISTRY: Address = Address::repeat_byte(0xA1);
const POLICY: Address = Address::repeat_byte(0xB2);
const BORN: u64 = 50;
const NAMED: u64 = 2_600;
const TIP: u64 = 2_700;

/// A node that tells a chain which it makes up.
#[derive(Debug, Default)]
struct Told {
    headers: Vec<Header>,
    numbers: HashMap<B256, usize>,
    logs: HashMap<u64, Vec<Log>>,
    /// Whose receipts were asked for, in order.
    asked: Vec<u64>,
    /// The block whose receipts it does not tell.
    hidden: Option<u64>,
}

type Node = Arc<Mutex<Told>>;

impl Told {
    fn mine(&mut self, logs: Vec<Log>) {
        let receipts = Self::receipts(&logs);
        let mut logs_bloom = Bloom::ZERO;
        receipts.iter().for_each(|receipt| logs_bloom.accrue_bloom(receipt.logs_bloom()));
        let number = self.headers.len() as u64;
        let header = Header {
            number,
            parent_hash: self.headers.last().map(Header::hash_slow).unwrap_or_default(),
            timestamp: number,
            receipts_root: calculate_receipt_root(&receipts),
            logs_bloom,
            ..Header::default()
        };
        self.numbers.insert(header.hash_slow(), self.headers.len());
        self.headers.push(header);
        self.logs.insert(number, logs);
    }

    fn receipts(logs: &[Log]) -> Vec<ReceiptEnvelope<Log>> {
        if logs.is_empty() {
            return Vec::new();
        }
        let receipt =
            Receipt { status: true.into(), cumulative_gas_used: 21_000, logs: logs.to_vec() };
        vec![ReceiptEnvelope::Eip1559(receipt.with_bloom())]
    }

    fn block(&self, number: usize) -> Value {
        let Some(header) = self.headers.get(number) else { return Value::Null };
        let mut block = serde_json::to_value(header).unwrap();
        block["hash"] = json!(header.hash_slow());
        block
    }

    fn answer(&mut self, method: &str, params: &Value) -> Value {
        let hash = params[0].as_str().and_then(|hash| hash.parse::<B256>().ok());
        let number = hash.and_then(|hash| self.numbers.get(&hash));
        match (method, number.copied()) {
            ("eth_getBlockByNumber", _) => match params[0].as_str().unwrap() {
                "latest" | "safe" | "finalized" => self.block(self.headers.len() - 1),
                at => self.block(at.parse::<U64>().unwrap().to()),
            },
            ("eth_getBlockByHash", Some(number)) => self.block(number),
            ("eth_getBlockReceipts", Some(number)) => {
                let number = number as u64;
                self.asked.push(number);
                let logs = &self.logs[&number];
                match (self.hidden == Some(number), logs.is_empty()) {
                    (true, _) => Value::Null,
                    (false, true) => json!([]),
                    (false, false) => json!([{
                        "type": "0x2", "status": "0x1", "cumulativeGasUsed": "0x5208", "logs": logs,
                    }]),
                }
            }
            (other, _) => panic!("{other} {params}"),
        }
    }
}

async fn answer(State(node): State<Node>, Json(asked): Json<Value>) -> Json<Value> {
    let mut told = node.lock().unwrap();
    let mut one = |asked: &Value| {
        let result = told.answer(asked["method"].as_str().unwrap(), &asked["params"]);
        json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result })
    };
    Json(match &asked {
        Value::Array(all) => all.iter().map(one).collect(),
        single => one(single),
    })
}

/// Logs of somebody else whose bloom holds the policy nevertheless, and not AppRegistry.
fn junk() -> Vec<Log> {
    let ones = |bloom: &Bloom| bloom.0.iter().map(|byte| byte.count_ones()).sum::<u32>();
    let holds = |topics: &[B256], address: Address| {
        let mut bloom = Bloom::ZERO;
        topics.iter().for_each(|topic| bloom.accrue(BloomInput::Raw(topic.as_slice())));
        bloom.accrue(BloomInput::Raw(Address::ZERO.as_slice()));
        let before = bloom;
        bloom.accrue(BloomInput::Raw(address.as_slice()));
        (ones(&bloom), ones(&before))
    };
    let mut topics: Vec<B256> = Vec::new();
    for candidate in 0_u64.. {
        let (with, without) = holds(&topics, POLICY);
        if with == without {
            break;
        }
        topics.push(B256::left_padding_from(&candidate.to_be_bytes()));
        let (now_with, now_without) = holds(&topics, POLICY);
        if now_with - now_without == with - without {
            topics.pop();
        }
    }
    assert_ne!(holds(&topics, REGISTRY).0, holds(&topics, REGISTRY).1);
    vec![Log::new_unchecked(Address::ZERO, topics, Default::default())]
}

fn node() -> Node {
    let mut told = Told::default();
    let junk = junk();
    for number in 0..=TIP {
        told.mine(match number {
            0 => Vec::new(),
            BORN => {
                let event = AllowlistPolicy::PolicyInitialized {
                    appId: Address::repeat_byte(1),
                    grantDelaySeconds: 0,
                    requireTcbUpToDate: true,
                    allowAnyDevice: true,
                    seq: 1,
                };
                vec![Log { address: POLICY, data: event.encode_log_data() }]
            }
            NAMED => {
                let event = AppRegistry::PolicySet {
                    appId: Address::repeat_byte(1),
                    policy: POLICY,
                    isForeign: false,
                    effectiveAt: 0,
                    seq: 1,
                };
                vec![Log { address: REGISTRY, data: event.encode_log_data() }]
            }
            number if number < NAMED => junk.clone(),
            _ => Vec::new(),
        });
    }
    Arc::new(Mutex::new(told))
}

/// An index that follows the node.
struct Index {
    node: Node,
    store: Store,
    chain: Chain,
    follower: Follower,
    url: String,
}

impl Index {
    async fn new(node: &Node, url: String) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(answer)).with_state(Arc::clone(node));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let genesis = BlockRef::new(0, node.lock().unwrap().headers[0].hash_slow());
        let store = Store::open(&url, B256::repeat_byte(9), 31337, genesis).await.unwrap();
        store.watch_from_start(&[(REGISTRY, Kind::AppRegistry)]).await.unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let endpoint = Endpoint::new(0, &at, reqwest::Client::new()).unwrap();
        let endpoints = Endpoints::new(vec![endpoint], HeadSource::agreement(1, 1).unwrap());
        let rules = ChainRules { chain_id: 31337, forks: ForkSchedule::constant(Fork::Osaka) };
        let chain = Chain::new(endpoints, rules, store.cursor().await.unwrap().finalized);
        let follower = Follower::new(&store, REGISTRY, true).await.unwrap();
        Self { node: Arc::clone(node), store, chain, follower, url }
    }

    /// Looks once, and lets the go that it began come to its end. How many receipts that took.
    async fn step(&mut self) -> usize {
        let before = self.node.lock().unwrap().asked.len();
        self.follower.step(&self.store, &mut self.chain).await.unwrap();
        while self.follower.beside.now.as_ref().is_some_and(|go| !go.is_finished()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.node.lock().unwrap().asked.len() - before
    }

    async fn until_head(&mut self, number: u64) {
        while self.store.cursor().await.unwrap().head.number < number {
            self.step().await;
        }
    }

    async fn unread(&self) -> Option<u64> {
        let unread = self.store.unread().await.unwrap();
        unread.first().and_then(|of| of.back.unread)
    }

    async fn seqs(&self) -> Vec<Option<u64>> {
        let filter = Filter { contract: Some(POLICY), limit: 10, ..Filter::default() };
        self.store.events(&filter).await.unwrap().iter().map(|row| row.seq).collect()
    }
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(test);
}

#[test]
fn a_late_policy_among_saturated_blooms_holds_up_nothing() {
    // [IDX-15]
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let url = |name: &str| folder.path().join(name).display().to_string();
        let node = node();
        let hidden = NAMED - 200;
        node.lock().unwrap().hidden = Some(hidden);
        let mut index = Index::new(&node, url("index.sqlite")).await;
        index.until_head(TIP).await;
        // The naming block itself, one go with it, and one beside.
        assert!(node.lock().unwrap().asked.len() <= 1 + 2 * RECEIPTS);
        assert!(index.unread().await.is_some_and(|below| below > hidden));

        // What fails is asked again, and nothing above it; the head is followed meanwhile.
        for _ in 0..20 {
            assert!(index.step().await <= RECEIPTS);
        }
        assert_eq!(index.unread().await, Some(hidden + 1));
        node.lock().unwrap().asked.clear();
        node.lock().unwrap().mine(Vec::new());
        assert!(index.step().await <= RECEIPTS);
        assert_eq!(index.store.cursor().await.unwrap().head.number, TIP + 1);
        assert!(node.lock().unwrap().asked.iter().all(|number| *number <= hidden));
        assert_eq!(index.seqs().await, [], "its first event is not known");
        assert_eq!(index.follower.being_read(), 1);
        let watched = index.store.watched().await.unwrap();
        assert!(crate::store::being_read(&watched).contains(&POLICY));

        // Started again it goes on from there, go by go, to the first event and no further.
        let place = index.url.clone();
        drop(index);
        let mut again = Index::new(&node, place).await;
        node.lock().unwrap().hidden = None;
        node.lock().unwrap().asked.clear();
        while again.unread().await.is_some() {
            assert!(again.step().await <= RECEIPTS);
        }
        let asked = node.lock().unwrap().asked.clone();
        let beyond = BORN - AT_ONCE as u64;
        assert!(asked.iter().all(|number| (beyond..=hidden).contains(number)));
        let once: BTreeSet<_> = asked.iter().collect();
        assert!(once.len() == asked.len() && (BORN..=hidden).all(|number| once.contains(&number)));
        assert_eq!(again.seqs().await, [Some(1)]);
        assert!(crate::store::being_read(&again.store.watched().await.unwrap()).is_empty());

        // Whoever follows the index gets it with the next block, which none has seen.
        let selection = crate::store::Selection { contract: Some(POLICY), ..Default::default() };
        let next = again.store.next_bringing(&selection, NAMED, TIP + 1).await.unwrap();
        assert_eq!(next, None, "those blocks were told without it");
        node.lock().unwrap().mine(Vec::new());
        again.step().await;
        let next = again.store.next_bringing(&selection, NAMED, TIP + 2).await.unwrap().unwrap();
        assert_eq!(next.number, TIP + 2);
        let brought = again.store.brought(&selection, next, &[]).await.unwrap();
        assert_eq!(brought.iter().map(|row| row.block.number).collect::<Vec<_>>(), [BORN]);

        // In the end it is what a fresh index is.
        let mut fresh = Index::new(&node, url("fresh.sqlite")).await;
        fresh.until_head(TIP + 2).await;
        while fresh.unread().await.is_some() {
            fresh.step().await;
        }
        let dumps =
            (crate::dump(&again.url).await.unwrap(), crate::dump(&fresh.url).await.unwrap());
        assert!(dumps.0 == dumps.1, "it differs from a fresh one");
    });
}
