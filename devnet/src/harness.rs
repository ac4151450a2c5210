//! What stories drive: a network inside this process on a real anvil, whose nodes stop and start, whose endpoints and nodes
//! can lie, and requests that are made by hand where an honest agent would not make them.
//!
//! Blocks come while somebody waits for something ([`Chain::mining`](crate::chain::Chain::mining)), never by themselves.

mod ask;
mod bare;
mod enclave;
mod logs;
mod lying_node;
mod lying_rpc;

pub use ask::{Ask, Refusal};
pub use bare::BareChain;
pub use enclave::Enclave;
pub use logs::{Mark, log_mark, logged_since};
pub use lying_node::LyingNode;
pub use lying_rpc::{LyingRpc, RpcLie};

use crate::{
    anvil::{Anvil, AnvilOptions},
    bring_up::{Committee, Member, Quiet, Seated, info, node_name, seat},
    chain::{Chain, Mining},
    dao::{Dao, hand_over},
    governance::{App, Governance, Governed, NewApp},
    hosts::{Hosts, Programs},
    plan::{MachineSpec, Plan, find_repository},
    quorate::Quorate,
};
use alloy::primitives::B256;
use anyhow::{Context, Result};
use guest_agent::{BootConfig, BootError, BootOutcome, Event, boot_with};
use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::sync::Mutex;
use wire::{
    ReleaseAt,
    network::{NodeLimits, Root, Seat},
    request::Info,
};

/// A docker compose file for apps of stories.
const APP_COMPOSE: &str = include_str!("../../examples/hello/docker-compose.yml");
/// How long a boot may take.
const BOOT: Duration = Duration::from_secs(90);
/// How long a DAO of a story votes: five programs on a machine that does much else.
const VOTING_SECONDS: u32 = 10;
/// How long nodes may take to see a block.
const SEEN: Duration = Duration::from_secs(90);

/// What network a story wants.
#[derive(Clone, Debug)]
pub struct Options {
    /// The vendor of each seat's machine; the operators are all different.
    pub vendors: Vec<&'static str>,
    /// t.
    pub threshold: u16,
    /// Runs nodes and machines as the built programs, not inside this process.
    pub as_processes: bool,
    /// A node whose endpoint is a [`LyingRpc`], which tells the truth until it is told to lie.
    pub lying_rpc_for: Option<usize>,
    /// Limits of the nodes.
    pub limits: NodeLimits,
    /// Hands the network to a DAO of five after the first ceremony.
    pub dao: bool,
    /// What replaces contracts waits for so long.
    pub longest_seconds: u64,
    /// How long it votes.
    pub voting_seconds: u32,
}

impl Default for Options {
    /// Five seats under three vendors, t = 3.
    fn default() -> Self {
        Self {
            vendors: vec!["soft-a", "soft-a", "soft-b", "soft-b", "soft-c"],
            threshold: 3,
            as_processes: false,
            lying_rpc_for: None,
            limits: NodeLimits {
                max_head_age_seconds: 600,
                max_finality_age_seconds: 600,
                release_window_blocks: 250,
                requests_per_minute: 100_000,
            },
            dao: false,
            longest_seconds: 0,
            voting_seconds: VOTING_SECONDS,
        }
    }
}

/// A network that serves.
#[derive(Debug)]
pub struct Network {
    /// The committee.
    pub committee: Committee,
    /// Who may do what.
    pub governance: Governance,
    /// The endpoint of [`Options::lying_rpc_for`].
    pub rpc: Option<LyingRpc>,
    dao: Option<Dao>,
    plan: Plan,
    http: reqwest::Client,
    hosts: Mutex<Hosts>,
    names: AtomicU64,
    _anvil: Anvil,
    _folder: tempfile::TempDir,
}

impl Network {
    /// Brings a network up. Call it on a runtime that lives as long as the network.
    ///
    /// # Errors
    /// Where a step fails; a contract's refusal by its name.
    pub async fn up(options: Options) -> Result<Self> {
        Self::up_after(options, async |_, _| Ok(())).await
    }

    /// As [`up`](Self::up), with something that happens once the nodes have seats, before their first ceremony.
    ///
    /// # Errors
    /// As [`up`](Self::up), and what `before` ends with.
    pub async fn up_after(
        options: Options,
        before: impl AsyncFnOnce(&Seated, &mut Hosts) -> Result<()>,
    ) -> Result<Self> {
        logs::capture();
        let folder = tempfile::Builder::new().prefix("quorate-").tempdir()?;
        let mut plan = plan(&options, folder.path().to_owned())?;
        let (anvil, chain) = Anvil::start(&AnvilOptions {
            chain_id: plan.network.chain.id,
            fork: plan.network.chain.fork,
            slots_in_an_epoch: 1,
            block_time: None,
            folder: folder.path(),
            sweep: Some(folder.path()),
            repository: &plan.repository,
        })
        .await?;
        let rpc = match options.lying_rpc_for {
            None => None,
            Some(node) => {
                let rpc = LyingRpc::start(chain.url()).await?;
                plan.endpoints.push((node, vec![rpc.url().to_owned()]));
                Some(rpc)
            }
        };
        let programs = match options.as_processes {
            true => Some(built_programs()?),
            false => None,
        };
        let mut hosts = Hosts::new(programs, folder.path());
        let seated = seat(&plan, &chain, &mut hosts, &mut Quiet).await?;
        before(&seated, &mut hosts).await?;
        let mut committee = seated.hold_ceremony(&mut hosts, &mut Quiet).await?;
        let dao = match options.dao {
            true => Some(dao(&plan, &chain, &mut committee).await?),
            false => None,
        };
        std::fs::write(network_file(&plan), committee.network.to_toml())?;
        Ok(Self {
            dao,
            governance: committee.governance.clone(),
            committee,
            rpc,
            plan,
            http: tee_client::http_client()?,
            hosts: Mutex::new(hosts),
            names: AtomicU64::new(1),
            _anvil: anvil,
            _folder: folder,
        })
    }

    /// An app of its own for a story: one approved compose hash, any machine of any open vendor. Every node knows it, and
    /// finally so, when this returns.
    pub async fn create_app(&self) -> Result<App> {
        self.create_app_as(ReleaseAt::Head).await
    }

    /// As [`create_app`](Self::create_app), with the choice when nodes may release.
    pub async fn create_app_as(&self, release_at: ReleaseAt) -> Result<App> {
        self.create(release_at, None).await
    }

    /// As [`create_app`](Self::create_app), governed by others than the devnet's owner.
    pub async fn create_app_governed_by(&self, governed_by: Governed) -> Result<App> {
        self.create(ReleaseAt::Head, Some(governed_by)).await
    }

    async fn create(&self, release_at: ReleaseAt, governed_by: Option<Governed>) -> Result<App> {
        let number = self.next();
        let new = NewApp {
            name: &format!("story-{number}"),
            docker_compose: APP_COMPOSE,
            salt: B256::left_padding_from(&number.to_be_bytes()),
            vendors: Vec::new(),
            devices: Vec::new(),
            release_at,
            governed_by,
        };
        let app = self.governance.create_app(new).await?;
        self.settle().await?;
        Ok(app)
    }

    /// An enclave that runs `app` on a fresh machine of `vendor`.
    pub async fn enclave(&self, app: &App, vendor: &str) -> Result<Enclave> {
        let name = format!("enclave-{}", self.next());
        let spec = MachineSpec {
            name: name.clone(),
            vendor: vendor.to_owned(),
            machine: name,
            compose: app.compose.clone(),
        };
        let config = self.plan.soft_tee(&spec);
        let ready = self.hosts.lock().await.start_machine(&spec.name, config).await?;
        Ok(Enclave::new(app.clone(), spec, ready))
    }

    /// Boots an enclave: the agent's whole path.
    ///
    /// # Errors
    /// The agent's, with each node's reason.
    pub async fn boot(&self, enclave: &Enclave) -> Result<BootOutcome, BootError> {
        self.boot_with(enclave, self.committee.urls(), |_| {}).await
    }

    /// As [`boot`](Self::boot), asking `nodes` and telling what happens on the way.
    ///
    /// # Errors
    /// As [`boot`](Self::boot).
    pub async fn boot_with(
        &self,
        enclave: &Enclave,
        nodes: Vec<String>,
        tell: impl FnMut(Event),
    ) -> Result<BootOutcome, BootError> {
        let _mining = self.mining();
        let config = BootConfig::new(&enclave.ready.socket, &enclave.ready.pccs_url, nodes);
        boot_with(BootConfig { timeout: BOOT, ..config }, tell).await
    }

    /// The public key that a boot ends with.
    ///
    /// # Errors
    /// As [`boot`](Self::boot).
    pub async fn boot_to_key(&self, enclave: &Enclave) -> Result<alloy::primitives::Bytes> {
        Ok(self.boot(enclave).await?.report.subkey.public_key)
    }

    /// Blocks come while the answer lives.
    pub fn mining(&self) -> Mining {
        self.governance.chain.mining()
    }

    /// Waits until every running node has proven today's head as a finalized block.
    pub async fn settle(&self) -> Result<()> {
        let block = self.governance.chain.block_number().await?;
        let chain = &self.governance.chain;
        for member in self.running().await {
            let what = format!("{} to see block {block} as finalized", member.name);
            chain
                .until(&what, SEEN, async || {
                    let info = self.info(&member).await?;
                    let seen = info.finalized.is_some_and(|finalized| finalized.number >= block);
                    Ok(seen.then_some(()))
                })
                .await?;
        }
        Ok(())
    }

    /// Waits until every running node has proven today's head.
    pub async fn settle_head(&self) -> Result<()> {
        let block = self.governance.chain.block_number().await?;
        let mut hosts = self.hosts.lock().await;
        self.committee.wait_for_head(&mut hosts, block).await
    }

    /// As [`settle_head`](Self::settle_head), with no further block until then.
    pub async fn settle_head_without_blocks(&self) -> Result<()> {
        let block = self.governance.chain.block_number().await?;
        let deadline = std::time::Instant::now() + SEEN;
        for member in self.running().await {
            while self.info(&member).await?.head.is_none_or(|head| head.number < block) {
                anyhow::ensure!(std::time::Instant::now() < deadline, "{} is behind", member.name);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }

    /// `GET /v1/info` of a node.
    pub async fn info(&self, member: &Member) -> Result<Info> {
        info(&self.http, &member.url).await
    }

    /// The nodes that run.
    pub async fn running(&self) -> Vec<Member> {
        let hosts = self.hosts.lock().await;
        let names: Vec<&str> = hosts.running_nodes().collect();
        let members = self.committee.members.iter();
        members.filter(|member| names.contains(&member.name.as_str())).cloned().collect()
    }

    /// Stops a node; a process is killed.
    pub async fn stop_node(&self, index: usize) -> Result<()> {
        self.hosts.lock().await.stop_node(&node_name(index)).await
    }

    /// Starts a stopped node on its own data, and waits until it holds its shares again.
    pub async fn restart_node(&self, index: usize) -> Result<()> {
        let mut hosts = self.hosts.lock().await;
        hosts.restart_node(&node_name(index)).await?;
        self.committee.wait_for_shares(&mut hosts).await
    }

    /// Starts a stopped node on its own data, without waiting for anything.
    pub async fn start_node(&self, index: usize) -> Result<()> {
        self.hosts.lock().await.restart_node(&node_name(index)).await.map(drop)
    }

    /// A proxy in front of a node that signs false partials with the node's own key.
    pub async fn lying_node(&self, index: usize) -> Result<LyingNode> {
        let member = self.member(index)?;
        let hosts = self.hosts.lock().await;
        let config = hosts.node_config(&member.name).context("the node was never started")?;
        LyingNode::start(member, config, self.issuance_domain()).await
    }

    /// A node and its seat.
    pub fn member(&self, index: usize) -> Result<&Member> {
        self.committee.members.get(index).with_context(|| format!("there is no node {index}"))
    }

    /// The domain of statements about issuances.
    pub fn issuance_domain(&self) -> wire::statements::Domain {
        wire::statements::Domain::IssuanceLog {
            chain_id: self.committee.network.chain.id,
            contract: self.governance.contracts.issuance_log,
        }
    }

    /// The built `quorate`, for this network.
    pub fn quorate(&self) -> Result<Quorate> {
        Quorate::in_folder(&target()?, &network_file(&self.plan))
    }

    /// The DAO of [`Options::dao`].
    pub fn dao(&self) -> Result<&Dao> {
        self.dao.as_ref().context("this network has no DAO")
    }

    /// The repository, where contracts of others lie.
    pub fn repository(&self) -> &std::path::Path {
        &self.plan.repository
    }

    /// A folder that goes away with the network.
    pub fn folder(&self) -> &std::path::Path {
        &self.plan.folder
    }

    /// Stops everything.
    pub async fn down(self) -> Result<()> {
        self.hosts.into_inner().stop().await
    }

    fn next(&self) -> u64 {
        self.names.fetch_add(1, Ordering::Relaxed)
    }
}

/// Hands the network over; votes are taken long enough for slow machines.
async fn dao(plan: &Plan, chain: &Chain, committee: &mut Committee) -> Result<Dao> {
    let deployer = committee.governance.administrator;
    hand_over(plan, &mut committee.network, chain, deployer).await?;
    let quorate = Quorate::in_folder(&target()?, &network_file(plan))?;
    Dao::new(chain.clone(), &committee.network, quorate)
}

fn network_file(plan: &Plan) -> PathBuf {
    plan.folder.join("network.toml")
}

fn plan(options: &Options, folder: PathBuf) -> Result<Plan> {
    let repository = find_repository(&std::env::current_dir()?)?;
    let text = std::fs::read_to_string(repository.join("network.toml"))?;
    let mut network = wire::network::Network::parse(&text)?;
    let mut roots: Vec<&str> = options.vendors.clone();
    roots.sort_unstable();
    roots.dedup();
    network.attestation.roots =
        roots.iter().map(|vendor| Root { vendor: (*vendor).to_owned(), sha256: None }).collect();
    network.committee.threshold = options.threshold;
    network.committee.seats = options
        .vendors
        .iter()
        .enumerate()
        .map(|(index, vendor)| Seat {
            vendor: (*vendor).to_owned(),
            operator: format!("operator-{}", index + 1),
        })
        .collect();
    network.limits = options.limits;
    network.delays.longest_seconds = options.longest_seconds;
    match network.governance.as_mut().and_then(|governance| governance.dao.as_mut()) {
        Some(dao) if options.dao => dao.voting_period = options.voting_seconds,
        _ => network.governance = None,
    }
    Ok(Plan {
        network,
        repository,
        sockets: folder.clone(),
        folder,
        relayed_records: 10_000,
        poll_milliseconds: 100,
        endpoints: Vec::new(),
    })
}

fn built_programs() -> Result<Programs> {
    Programs::in_folder(&target()?)
}

/// A test program lies in `target/<profile>/deps`, the built programs one up.
fn target() -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.parent().and_then(|deps| deps.parent()).context("no target folder")?;
    Ok(folder.to_owned())
}
