//! What the benches share: real events, the built indexer, a devnet inside this process, a node's secrets, proven state, and a clock.

use alloy::primitives::{Address, B256, Bytes};
use anyhow::{Context, Result, anyhow};
use devnet::{
    anvil::{Anvil, AnvilOptions},
    bring_up::{Committee, Quiet, bring_up},
    governance::NewApp,
    hosts::Hosts,
    plan::{MachineSpec, Plan, find_repository},
};
use guest_agent::{BootConfig, BootOutcome, boot};
use kms_core::{EpochShares, Network, StatementKey, at_rest::SealingKey};
use light_client::{
    Agreed, BlockRef, FactLimits, HeaderChain, Hints, ProofRequest, ProvenChain, RawAccountProof,
    RawHeader,
};
use policy::{AsksForFact, ChainRules, ForkSchedule, ReadFacts, with_facts};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use wire::{ReleaseAt, SeatId, report_data::ReportData, request::KeyRequest};

pub mod approver;
pub mod built_index;

/// Fetches that one run may need on cold state.
const MAX_FETCHES: usize = 512;
/// How long each figure is measured, and in how many batches.
const BATCHES: usize = 20;
const BATCH: Duration = Duration::from_millis(100);

/// A devnet in which one enclave has booted.
pub struct Bench {
    committee: Committee,
    boot: BootOutcome,
    config: BootConfig,
    hosts: Hosts,
    anvil: Anvil,
    _folder: tempfile::TempDir,
}

/// A node's own view: what it needs to judge and to release.
pub struct NodeView {
    /// Its network.
    pub network: Network,
    /// Its seat.
    pub seat: SeatId,
    /// Its key.
    pub key: StatementKey,
    /// Its shares.
    pub shares: EpochShares,
    /// IssuanceLog in force.
    pub issuance_log: Address,
}

impl Bench {
    /// The chain's RPC endpoint.
    pub fn url(&self) -> &str {
        self.anvil.url()
    }

    /// The request of the enclave that booted.
    pub fn request(&self) -> &KeyRequest {
        self.boot.request.request()
    }

    /// Boots the same enclave once more.
    pub async fn boot_again(&self) -> Result<guest_agent::BootReport> {
        let outcome = boot(self.config.clone()).await.map_err(|error| anyhow!("{error}"))?;
        Ok(outcome.report)
    }

    /// What its quote binds.
    pub fn report_data(&self) -> Result<ReportData> {
        let quote = dcap_qvl::quote::Quote::parse(&self.request().evidence.quote)?;
        let report = quote.report.as_td10().context("a TDX quote")?;
        Ok(report.report_data)
    }

    /// Stops everything.
    pub async fn stop(mut self) -> Result<()> {
        self.hosts.stop().await
    }
}

/// Brings up the network of `network.toml` and boots one enclave.
pub async fn network() -> Result<Bench> {
    let repository = find_repository(&std::env::current_dir()?)?;
    let folder = tempfile::tempdir()?;
    let text = std::fs::read_to_string(repository.join("network.toml"))?;
    let network = wire::network::Network::parse(&text)?;
    let plan = Plan {
        network,
        repository: repository.clone(),
        folder: folder.path().to_owned(),
        sockets: folder.path().to_owned(),
        relayed_records: 1000,
        poll_milliseconds: 200,
        endpoints: Vec::new(),
    };
    let mut hosts = Hosts::new(None, folder.path());
    let (anvil, chain) = Anvil::start(&AnvilOptions {
        slots_in_an_epoch: 1,
        chain_id: plan.network.chain.id,
        fork: plan.network.chain.fork,
        block_time: Some(1),
        folder: folder.path(),
        sweep: None,
        repository: &repository,
    })
    .await?;
    let committee = bring_up(&plan, &chain, &mut hosts, &mut Quiet).await?;
    let docker_compose =
        std::fs::read_to_string(repository.join("examples/hello/docker-compose.yml"))?;
    let app = committee
        .governance
        .create_app(NewApp {
            name: "hello",
            docker_compose: &docker_compose,
            salt: B256::ZERO,
            vendors: Vec::new(),
            devices: Vec::new(),
            release_at: ReleaseAt::Head,
            governed_by: None,
        })
        .await?;
    let block = chain.block_number().await?;
    committee.wait_for_head(&mut hosts, block + 3).await?;
    let machine = MachineSpec {
        name: "enclave-1".into(),
        vendor: "soft-a".into(),
        machine: "enclave-1".into(),
        compose: app.compose,
    };
    let ready = hosts.start_machine("enclave-1", plan.soft_tee(&machine)).await?;
    let config = BootConfig::new(ready.socket, ready.pccs_url, committee.urls());
    let boot = boot(config.clone()).await.map_err(|error| anyhow!("{error}"))?;
    Ok(Bench { committee, boot, config, hosts, anvil, _folder: folder })
}

/// Opens the first node's sealed state, with the sealing key that its machine gives, and checks its share on chain.
pub async fn node_of(bench: &Bench) -> Result<NodeView> {
    let committee = &bench.committee;
    let member = committee.members.first().context("a committee has members")?;
    let config = bench.hosts.node_config(&member.name).context("the node has a configuration")?;
    let socket = tee_client::Socket::at(&config.socket)?;
    let key = socket.key(wire::statements::labels::SEALING_PATH, "sealing").await?;
    let sealed = std::fs::read(config.data.join("node.sealed"))?;
    let state = SealingKey::new(*key).open(&sealed)?;
    let contracts = committee.network.contracts.context("deployed")?;
    let network = Network {
        rules: ChainRules {
            chain_id: committee.network.chain.id,
            forks: ForkSchedule::constant(committee.network.chain.fork),
        },
        committee: contracts.kms_committee,
        network_hash: committee.network.hash().context("deployed")?,
    };
    let record = state.shares.first().context("the node holds a share")?;
    let call = abi_epoch(committee).await?;
    let shares = EpochShares::check(record, &call)?;
    Ok(NodeView {
        network,
        seat: member.seat,
        key: StatementKey::from_bytes(&state.signing_key.0)?,
        shares,
        issuance_log: contracts.issuance_log,
    })
}

async fn abi_epoch(committee: &Committee) -> Result<abi::KmsCommittee::EpochInfo> {
    let call = abi::KmsCommittee::epochInfoCall { epoch: committee.keyset.epoch };
    Ok(committee.governance.view_committee(call).await?)
}

/// The chain as a node that follows it has proven it, with nothing read yet.
pub async fn proven_chain(bench: &Bench) -> Result<ProvenChain> {
    let rpc = Rpc(bench.url().to_owned());
    let genesis = rpc.header(json!("0x0")).await?.seal()?;
    let head = rpc.header(json!("latest")).await?.seal()?;
    let finalized = rpc.header(json!("finalized")).await?.seal()?;
    let agreed = Agreed { head: head.block(), finalized: finalized.block(), dissents: Vec::new() };
    let mut walk = HeaderChain::new(genesis.block()).walk(&agreed)?;
    while let Some(wanted) = walk.wanted() {
        walk.accept(
            &rpc.header(json!(alloy::primitives::U64::from(wanted.number))).await?.seal()?,
        )?;
    }
    let (headers, _) = walk.finish()?;
    let open = |header| headers.open(header, FactLimits::STATE, &Hints::new());
    Ok(ProvenChain::new(headers.clone(), open(head)?, open(finalized)?)?)
}

/// Fetches what a run finds missing.
pub struct Facts {
    runtime: tokio::runtime::Handle,
    rpc: Rpc,
}

impl Facts {
    /// From the endpoint at `url`.
    pub fn new(runtime: tokio::runtime::Handle, url: String) -> Self {
        Self { runtime, rpc: Rpc(url) }
    }

    /// Runs until every fact is proven.
    pub fn run<T, E: AsksForFact + std::fmt::Display>(
        &mut self,
        chain: &mut ProvenChain,
        run: impl FnMut(&ProvenChain) -> Result<T, E>,
    ) -> Result<T> {
        with_facts(chain, self, MAX_FETCHES, run).map_err(|error| match error {
            policy::FactsError::Run(error) => anyhow!("{error}"),
            policy::FactsError::Endpoint(error) => error,
            policy::FactsError::Proof(error) => error.into(),
            policy::FactsError::NotSupplied { missing } => anyhow!("{missing}"),
        })
    }
}

impl ReadFacts for Facts {
    type Error = anyhow::Error;

    fn read_proof(&mut self, block: BlockRef, request: &ProofRequest) -> Result<RawAccountProof> {
        let slots: Vec<B256> = request.slots.iter().map(|slot| B256::from(*slot)).collect();
        let params = json!([request.address, slots, { "blockHash": block.hash }]);
        Ok(serde_json::from_value(self.runtime.block_on(self.rpc.ask("eth_getProof", params))?)?)
    }

    fn read_code(&mut self, block: BlockRef, address: Address) -> Result<Bytes> {
        let params = json!([address, { "blockHash": block.hash }]);
        Ok(serde_json::from_value(self.runtime.block_on(self.rpc.ask("eth_getCode", params))?)?)
    }
}

struct Rpc(String);

impl Rpc {
    async fn header(&self, at: Value) -> Result<RawHeader> {
        Ok(serde_json::from_value(self.ask("eth_getBlockByNumber", json!([at, false])).await?)?)
    }

    async fn ask(&self, method: &str, params: Value) -> Result<Value> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let http = tee_client::http_client()?;
        let answer: Value = http.post(&self.0).json(&body).send().await?.json().await?;
        answer.get("result").cloned().with_context(|| format!("{method}: {answer}"))
    }
}

/// The best batch's microseconds for one run of `work`.
pub fn best_of(mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..BATCHES {
        let (begun, mut runs) = (Instant::now(), 0_u32);
        while begun.elapsed() < BATCH {
            work();
            runs += 1;
        }
        best = best.min(begun.elapsed().as_secs_f64() * 1e6 / f64::from(runs));
    }
    best
}
