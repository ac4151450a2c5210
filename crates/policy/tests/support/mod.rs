//! A real anvil, and a node's side of it: what a service does with `light-client` and `policy`, without async.
#![allow(clippy::disallowed_methods, reason = "a test finds anvil and waits for it")]
#![allow(dead_code, reason = "each test binary uses its part")]

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use alloy_sol_types::{SolCall, sol};
use light_client::{
    Agreed, BlockRef, EndpointClaim, EndpointId, FactLimits, Followed, HeadSource, HeaderChain,
    Hints, ProofRequest, ProvenChain, ProvenState, RawAccountProof, RawHeader, SealedHeader,
};
use policy::{ChainRules, ForkSchedule, Gate, Gates, ReadFacts, Verdict, with_facts};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use wire::{
    network::Fork,
    statements::{AppBootInfo, Attested},
};

/// Facts that one run may fetch in these tests.
pub(crate) const MAX_FETCHES: usize = 512;
/// anvil's chain id.
pub(crate) const CHAIN_ID: u64 = 31_337;

sol! {
    #[allow(missing_docs)]
    struct ToldBoot {
        address appId; bytes32 composeHash; address instanceId; bytes32 deviceId; bytes32 mrAggregated;
        bytes32 mrSystem; bytes32 osImageHash; string tcbStatus; string[] advisoryIds;
    }

    #[allow(missing_docs)]
    struct Told { ToldBoot boot; bytes32 root; bytes32 vendor; uint32 tcbEvaluationDataNumber; }

    #[allow(missing_docs)]
    contract Registry {
        function isAllowed(Told attested) external view returns (bool, string reason);
        function approve(bytes32 composeHash) external;
        function revoke(bytes32 composeHash) external;
        function behave(uint8 mode, uint256 count) external;
        function allowed(bytes32 composeHash) external view returns (bool);
        function environment() external view returns (uint256 number, uint256 time, uint256 baseFee, uint256 randao, address beneficiary, uint256 gasLimit, uint256 chainId);
        function look(address account) external view returns (uint256 balance, bytes32 codeHash, uint256 codeSize);
        function hashOf(uint256 number) external view returns (bytes32);
        function filler(uint256 index) external view returns (uint256);
        function gasProbe() external view returns (address caller, uint256 gas);
    }

    #[allow(missing_docs)]
    contract Caller {
        function ask(address registry, bytes question) external view returns (bool answered, bool allowed, string reason);
        function gasProbe(address registry) external view returns (address caller, uint256 gas);
    }
}

/// How the test registry behaves (tests/contracts/Probe.sol).
#[derive(Clone, Copy)]
pub(crate) enum Mode {
    Honest,
    BurnGas,
    Revert,
    ReadSlots,
    ReadAccounts,
    LongReason,
    WriteState,
    NotAnAnswer,
    Invalid,
}

/// An anvil process; it ends with the value.
pub(crate) struct Anvil {
    process: Child,
    rpc: Rpc,
}

/// JSON-RPC over one TCP connection per call.
#[derive(Clone, Copy)]
pub(crate) struct Rpc {
    port: u16,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn anvil_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("ANVIL") {
        return path.into();
    }
    let in_repo = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tools/foundry/node_modules/.bin/anvil");
    let on_path = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|folder| folder.join("anvil")).find(|file| file.is_file())
    });
    if in_repo.is_file() {
        in_repo
    } else {
        on_path.expect("no anvil: run ./script/setup, put it on PATH, or set ANVIL")
    }
}

impl Anvil {
    /// Starts a chain: a block per transaction, finalized = latest − 2.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(more: &[&str]) -> Self {
        let mut process = Command::new(anvil_binary())
            .args(["--port", "0", "--accounts", "2", "--prune-history", "300"])
            .args(["--slots-in-an-epoch", "1"])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("anvil starts");
        let stdout = process.stdout.take().expect("piped");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let port = lines
            .by_ref()
            .find_map(|line| line.strip_prefix("Listening on 127.0.0.1:")?.trim().parse().ok())
            .expect("anvil says where it listens");
        // Whoever does not read on stops anvil once the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, rpc: Rpc { port } }
    }

    pub(crate) fn rpc(&self) -> Rpc {
        self.rpc
    }
}

impl Rpc {
    pub(crate) fn request(&self, method: &str, params: Value) -> Result<Value, String> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let body = body.to_string();
        let mut stream =
            TcpStream::connect(("127.0.0.1", self.port)).map_err(|error| error.to_string())?;
        let length = body.len();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: anvil\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all((head + &body).as_bytes()).map_err(|error| error.to_string())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).map_err(|error| error.to_string())?;
        let start =
            answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or("no HTTP answer")?;
        let answer: Value =
            serde_json::from_slice(&answer[start + 4..]).map_err(|error| error.to_string())?;
        match answer.get("result") {
            Some(result) => Ok(result.clone()),
            None => Err(answer.to_string()),
        }
    }

    pub(crate) fn ask(&self, method: &str, params: Value) -> Value {
        self.request(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    pub(crate) fn first_account(&self) -> Address {
        serde_json::from_value(self.account()).expect("an address")
    }

    fn account(&self) -> Value {
        self.ask("eth_accounts", json!([]))[0].clone()
    }

    /// Sends a transaction, which mines a block, and returns its receipt.
    pub(crate) fn send(&self, to: Option<Address>, data: &[u8], value: U256) -> Value {
        let mut tx = json!({"from": self.account(), "data": hex::encode_prefixed(data), "value": value, "gas": "0xe00000"});
        if let Some(to) = to {
            tx["to"] = json!(to);
        }
        let hash = self.ask("eth_sendTransaction", json!([tx]));
        let receipt = self.wait_for_receipt(&hash);
        assert_eq!(receipt["status"], "0x1", "transaction failed: {receipt}");
        receipt
    }

    fn wait_for_receipt(&self, hash: &Value) -> Value {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let receipt = self.ask("eth_getTransactionReceipt", json!([hash]));
            if !receipt.is_null() {
                return receipt;
            }
            assert!(Instant::now() < deadline, "no receipt in 30 s");
        }
    }

    pub(crate) fn transact<C: SolCall>(&self, to: Address, call: &C) {
        self.send(Some(to), &call.abi_encode(), U256::ZERO);
    }

    pub(crate) fn deploy(&self, creation_code: &str) -> Address {
        self.deploy_with(creation_code, &[])
    }

    pub(crate) fn deploy_with(&self, creation_code: &str, arguments: &[u8]) -> Address {
        let mut code = hex::decode(creation_code.trim()).expect("hex");
        code.extend_from_slice(arguments);
        let receipt = self.send(None, &code, U256::ZERO);
        serde_json::from_value(receipt["contractAddress"].clone()).expect("an address")
    }

    pub(crate) fn mine(&self, blocks: u64) {
        self.ask("anvil_mine", json!([blocks]));
    }

    pub(crate) fn eth_call(&self, from: Address, to: Address, data: &[u8], at: BlockRef) -> Value {
        self.request(
            "eth_call",
            json!([{"from": from, "to": to, "data": hex::encode_prefixed(data)}, {"blockHash": at.hash}]),
        )
        .unwrap_or_else(|error| json!({ "error": error }))
    }

    /// A view's answer as the endpoint computes it.
    pub(crate) fn view<C: SolCall>(&self, to: Address, call: &C, at: BlockRef) -> C::Return {
        let answer = self.eth_call(Address::ZERO, to, &call.abi_encode(), at);
        let bytes: Bytes = serde_json::from_value(answer).expect("an answer");
        C::abi_decode_returns(&bytes).expect("decodes")
    }

    pub(crate) fn raw_header(&self, tag: &str) -> RawHeader {
        let block = self.ask("eth_getBlockByNumber", json!([tag, false]));
        serde_json::from_value(block).expect("a header")
    }

    pub(crate) fn header_of(&self, block: BlockRef) -> SealedHeader {
        let answer = self.ask("eth_getBlockByHash", json!([block.hash, false]));
        let raw: RawHeader = serde_json::from_value(answer).expect("a header");
        raw.seal().expect("hashes as claimed")
    }

    pub(crate) fn block(&self, tag: &str) -> BlockRef {
        let raw = self.raw_header(tag);
        BlockRef::new(raw.header.number, raw.hash)
    }

    pub(crate) fn agreed(&self) -> Agreed {
        let claim = EndpointClaim {
            endpoint: EndpointId(0),
            latest: self.block("latest"),
            finalized: self.block("finalized"),
            also: Vec::new(),
        };
        let source = HeadSource::agreement(1, 1).expect("fits");
        source.agree(&[claim]).expect("agrees")
    }
}

impl ReadFacts for Rpc {
    type Error = String;

    fn read_proof(
        &mut self,
        block: BlockRef,
        request: &ProofRequest,
    ) -> Result<RawAccountProof, String> {
        let slots: Vec<B256> = request.slots.iter().map(|slot| B256::from(*slot)).collect();
        let answer = self
            .request("eth_getProof", json!([request.address, slots, {"blockHash": block.hash}]))?;
        serde_json::from_value(answer).map_err(|error| error.to_string())
    }

    fn read_code(&mut self, block: BlockRef, address: Address) -> Result<Bytes, String> {
        let answer = self.request("eth_getCode", json!([address, {"blockHash": block.hash}]))?;
        serde_json::from_value(answer).map_err(|error| error.to_string())
    }
}

/// A node's memory of the chain, followed block by block.
pub(crate) struct Follower {
    pub(crate) rpc: Rpc,
    pub(crate) headers: HeaderChain,
    pub(crate) hints: Hints,
}

impl Follower {
    /// Starts at genesis, as a devnet does.
    pub(crate) fn from_genesis(rpc: Rpc) -> Self {
        Self { rpc, headers: HeaderChain::new(rpc.block("0x0")), hints: Hints::new() }
    }

    /// Walks to the endpoint's head.
    pub(crate) fn follow(&mut self) -> Followed {
        let mut walk = self.headers.walk(&self.rpc.agreed()).expect("fits");
        while let Some(wanted) = walk.wanted() {
            walk.accept(&self.rpc.header_of(wanted)).expect("links");
        }
        let (headers, followed) = walk.finish().expect("complete");
        self.headers = headers;
        followed
    }

    pub(crate) fn state(&self, block: BlockRef) -> ProvenState {
        self.headers
            .open(self.rpc.header_of(block), FactLimits::STATE, &self.hints)
            .expect("on the chain")
    }

    /// Follows, and opens empty states at head and finalized block.
    pub(crate) fn chain(&mut self) -> ProvenChain {
        self.follow();
        let head = self.state(self.headers.head());
        let finalized = self.state(self.headers.finalized());
        ProvenChain::new(self.headers.clone(), head, finalized).expect("own blocks")
    }
}

pub(crate) fn rules() -> ChainRules {
    ChainRules { chain_id: CHAIN_ID, forks: ForkSchedule::constant(Fork::Osaka) }
}

/// An enclave that runs this code.
pub(crate) fn attested(compose_hash: B256) -> Attested {
    Attested {
        boot: AppBootInfo {
            appId: Address::repeat_byte(0xa1),
            composeHash: compose_hash,
            instanceId: Address::repeat_byte(0x11),
            deviceId: B256::repeat_byte(0xd1),
            mrAggregated: B256::repeat_byte(2),
            mrSystem: B256::repeat_byte(3),
            osImageHash: B256::repeat_byte(4),
            tcbStatus: "UpToDate".into(),
            advisoryIds: vec!["INTEL-SA-00001".into()],
        },
        root: B256::repeat_byte(5),
        vendor: B256::right_padding_from(b"soft-a"),
        tcbEvaluationDataNumber: 17,
    }
}

/// The same in the types of this file's own `sol!`, so that the node's calldata is compared and not assumed.
fn told(attested: Attested) -> Told {
    let boot = attested.boot;
    Told {
        boot: ToldBoot {
            appId: boot.appId,
            composeHash: boot.composeHash,
            instanceId: boot.instanceId,
            deviceId: boot.deviceId,
            mrAggregated: boot.mrAggregated,
            mrSystem: boot.mrSystem,
            osImageHash: boot.osImageHash,
            tcbStatus: boot.tcbStatus,
            advisoryIds: boot.advisoryIds,
        },
        root: attested.root,
        vendor: attested.vendor,
        tcbEvaluationDataNumber: attested.tcbEvaluationDataNumber,
    }
}

/// An anvil with the test registry and its caller.
pub(crate) struct World {
    pub(crate) anvil: Anvil,
    pub(crate) node: Follower,
    pub(crate) registry: Address,
    pub(crate) caller: Address,
}

impl World {
    pub(crate) fn new() -> Self {
        let anvil = Anvil::start();
        let rpc = anvil.rpc();
        let registry = rpc.deploy(include_str!("../contracts/Registry.hex"));
        let caller = rpc.deploy(include_str!("../contracts/Caller.hex"));
        Self { node: Follower::from_genesis(rpc), anvil, registry, caller }
    }

    pub(crate) fn rpc(&self) -> Rpc {
        self.anvil.rpc()
    }

    pub(crate) fn approve(&self, compose_hash: B256) {
        let call = Registry::approveCall { composeHash: compose_hash };
        self.rpc().transact(self.registry, &call);
    }

    pub(crate) fn revoke(&self, compose_hash: B256) {
        let call = Registry::revokeCall { composeHash: compose_hash };
        self.rpc().transact(self.registry, &call);
    }

    pub(crate) fn behave(&self, mode: Mode, count: u64) {
        let call = Registry::behaveCall { mode: mode as u8, count: U256::from(count) };
        self.rpc().transact(self.registry, &call);
    }

    pub(crate) fn gates(&self) -> Gates {
        Gates::same(Gate { issuance_log: self.caller, app_registry: self.registry })
    }

    /// Decides over `chain`, proving what is missing.
    pub(crate) fn decide_on(
        &self,
        chain: &mut ProvenChain,
        compose_hash: B256,
    ) -> Result<Verdict, policy::FactsError<policy::DecideError, String>> {
        let (rules, gates, attested) = (rules(), self.gates(), attested(compose_hash));
        with_facts(chain, &mut self.rpc(), MAX_FETCHES, |chain| {
            policy::decide(&rules, &gates, &attested, chain)
        })
    }

    /// Follows to the head and decides there.
    pub(crate) fn decide(&mut self, compose_hash: B256) -> Verdict {
        let mut chain = self.node.chain();
        let verdict = self.decide_on(&mut chain, compose_hash).expect("a verdict");
        chain.teach(&mut self.node.hints);
        verdict
    }

    /// What the chain itself answers, through the same library that IssuanceLog uses.
    pub(crate) fn ask_on_chain(&self, compose_hash: B256, at: BlockRef) -> (bool, bool, String) {
        let question = Registry::isAllowedCall { attested: told(attested(compose_hash)) };
        let call =
            Caller::askCall { registry: self.registry, question: question.abi_encode().into() };
        let answer = self.rpc().view(self.caller, &call, at);
        (answer.answered, answer.allowed, answer.reason)
    }
}
