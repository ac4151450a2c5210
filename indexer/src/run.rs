//! Starts the indexer: network file, database, listener, and the loop that follows the chain and audits the index.

use crate::{
    audit::Auditor,
    builds::Builds,
    chain::Chain,
    config::{Config, TextLimits},
    decode::Kind,
    endpoint::Endpoint,
    endpoints::Endpoints,
    follow::{Follower, Reached},
    http, in_force,
    keep::Keeper,
    store::{Store, Watched},
};
use alloy_primitives::Address;
use alloy_primitives::B256;
use anyhow::{Context, Result};
use bundle::NetworkName;
use light_client::{BlockRef, HeadSource};
use policy::{ChainRules, ForkSchedule};
use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinHandle,
};
use tracing::{debug, error, info, warn};
use wire::network::{Contracts, Fork, Network};

/// How long a stop waits for what was begun.
const LAST_MOMENT: Duration = Duration::from_secs(3);
/// How long an endpoint may take to answer.
const ANSWER: Duration = Duration::from_secs(30);

/// Addresses whose code is looked at in one go; the next go takes the next ones.
const AT_ONCE: usize = 32;

/// A running indexer. Dropped, it stops where it stands, as if it were killed.
#[derive(Debug)]
pub struct Running {
    /// The API.
    pub listen: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    service: Arc<Service>,
    ready_file: Option<PathBuf>,
}

/// What the API shows.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) store: Store,
    pub(crate) network: B256,
    pub(crate) head_source: String,
    /// Which of our builds run where.
    pub(crate) builds: Builds,
    /// Changes whenever the index has.
    pub(crate) news: watch::Sender<()>,
    /// True once the indexer is told to stop.
    pub(crate) stopped: watch::Receiver<bool>,
    /// A permit for each open stream.
    pub(crate) streams: Arc<Semaphore>,
    /// How many blocks after its record an issuance may be released, as the network file says.
    pub(crate) release_window_blocks: u64,
    /// How much is kept of texts that others send.
    pub(crate) texts: TextLimits,
    /// Rules of the EVM that views run under.
    pub(crate) fork: Fork,
    status: RwLock<Status>,
}

/// How the last look and the last audit ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Status {
    /// When a look at the chain last succeeded.
    pub(crate) looked: Option<Instant>,
    /// Why the last look failed.
    pub(crate) failure: Option<String>,
    /// When an audit last came to its end.
    pub(crate) audited: Option<Instant>,
    /// Why the last audit did not.
    pub(crate) audit_failure: Option<String>,
    /// Contracts that policies name as members and that are not followed. [IDX-14]
    pub(crate) members_not_followed: usize,
    /// Contracts whose earlier events are being read. [IDX-15]
    pub(crate) being_read: usize,
    /// What KmsCommittee has put in force and what is not followed. [IDX-16]
    pub(crate) not_followed: Vec<Address>,
}

impl Service {
    pub(crate) fn status(&self) -> Status {
        self.status.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.status.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Running {
    /// Stops serving and closes the database.
    pub async fn shutdown(mut self) {
        // No receiver left means that the tasks are gone already.
        let _ = self.stop.send(true);
        let deadline = tokio::time::Instant::now() + LAST_MOMENT;
        for mut task in std::mem::take(&mut self.tasks) {
            if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
            }
        }
        self.service.store.close().await;
        if let Some(path) = &self.ready_file {
            // Whoever finds it gone has what it should say.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Starts the indexer and returns once it serves.
///
/// # Errors
/// If the network file lacks contracts or genesis, the database belongs to another network, or the port is taken.
pub async fn run(config: Config) -> Result<Running> {
    let text = std::fs::read_to_string(&config.network)
        .with_context(|| format!("reading {}", config.network.display()))?;
    let network = Network::parse(&text).with_context(|| config.network.display().to_string())?;
    let contracts = network.contracts.context("the network file has no [contracts]")?;
    let genesis = network.chain.genesis_hash.context("the network file has no genesis_hash")?;
    let hash = network.hash().context("genesis and contracts are known")?;
    let start = config.checkpoint.unwrap_or(BlockRef::new(0, genesis));
    let store = Store::open(&config.database, hash, network.chain.id, start).await?;
    store.watch_from_start(&followed(&network, &contracts)).await?;
    let endpoints = endpoints(&network)?;
    let keeper = keeper(&network, store.clone(), endpoints.clone())?;
    let chain = chain(&network, endpoints, store.cursor().await?.finalized)?;
    let follower = Follower::new(&store, contracts.app_registry, config.proofs).await?;
    let (stop, stopped) = watch::channel(false);
    let service = Arc::new(Service {
        store,
        network: hash,
        head_source: chain.source().to_string(),
        builds: Builds::new()?,
        news: watch::Sender::new(()),
        stopped: stopped.clone(),
        streams: Arc::new(Semaphore::new(http::MAX_STREAMS)),
        release_window_blocks: network.limits.release_window_blocks,
        texts: config.texts,
        fork: network.chain.fork,
        status: RwLock::default(),
    });
    let listener = TcpListener::bind(config.listen).await.context("binding `listen`")?;
    let listen = listener.local_addr()?;
    let ready_file = config.ready_file.clone();
    let api = axum::serve(listener, http::router(Arc::clone(&service)))
        .with_graceful_shutdown(wait(stopped.clone()));
    // Without receipt proofs there is nothing that a bundle could prove its event by.
    let keep = config.proofs.then(|| {
        let every = Duration::from_millis(config.poll_milliseconds);
        tokio::spawn(keeper.run(every, stopped.clone()))
    });
    let mut tasks = vec![
        tokio::spawn(async {
            if let Err(error) = api.await {
                warn!("the listener failed: {error}");
            }
        }),
        tokio::spawn(follow(Arc::clone(&service), follower, chain, config, contracts, stopped)),
    ];
    tasks.extend(keep);
    info!(%listen, network = %hash, "serving");
    if let Some(path) = &ready_file {
        let ready = serde_json::json!({ "pid": std::process::id(), "listen": listen });
        std::fs::write(path, ready.to_string())
            .with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(Running { listen, stop, tasks, service, ready_file })
}

/// What the network file names.
fn followed(network: &Network, contracts: &Contracts) -> Vec<(Address, Kind)> {
    let governance = network.governance.clone().unwrap_or_default();
    let manager = governance.access_manager.filter(|other| *other != contracts.access_manager);
    let named = [
        (governance.governor, Kind::Governor),
        (governance.timelock, Kind::Timelock),
        (manager, Kind::AccessManager),
    ];
    let ours = [
        (contracts.kms_committee, Kind::KmsCommittee),
        (contracts.attestation_registry, Kind::AttestationRegistry),
        (contracts.app_registry, Kind::AppRegistry),
        (contracts.issuance_log, Kind::IssuanceLog),
        (contracts.access_manager, Kind::AccessManager),
    ];
    let named = named.into_iter().filter_map(|(address, kind)| Some((address?, kind)));
    ours.into_iter().chain(named).collect()
}

fn endpoints(network: &Network) -> Result<Vec<Endpoint>> {
    // A second call finds it installed already, which is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().timeout(ANSWER).build()?;
    let urls = network.chain.endpoints.iter().enumerate();
    urls.map(|(id, url)| Endpoint::new(id, url, http.clone())).collect()
}

fn keeper(network: &Network, store: Store, endpoints: Vec<Endpoint>) -> Result<Keeper> {
    let contracts = network.contracts.context("the network file has no [contracts]")?;
    let genesis_hash =
        network.chain.genesis_hash.context("the network file has no genesis_hash")?;
    let name = NetworkName {
        chain_id: network.chain.id,
        genesis_hash,
        kms_committee: contracts.kms_committee,
    };
    Keeper::new(store, endpoints, name, network.chain.fork)
}

fn chain(network: &Network, endpoints: Vec<Endpoint>, trusted: BlockRef) -> Result<Chain> {
    let source = HeadSource::agreement(network.chain.agree, endpoints.len())?;
    let rules = ChainRules {
        chain_id: network.chain.id,
        forks: ForkSchedule::constant(network.chain.fork),
    };
    Ok(Chain::new(Endpoints::new(endpoints, source), rules, trusted))
}

/// Follows the chain until told to stop; audits at each newly finalized block, and now and then. A long way up is gone
/// without a pause.
async fn follow(
    service: Arc<Service>,
    mut follower: Follower,
    mut chain: Chain,
    config: Config,
    contracts: Contracts,
    mut stopped: watch::Receiver<bool>,
) {
    let often = Duration::from_millis(config.audit_milliseconds);
    let poll = Duration::from_millis(config.poll_milliseconds);
    let mut identified = None;
    let mut auditor = Auditor::new(Arc::clone(follower.catalogue()), often);
    loop {
        let pause = match follower.step(&service.store, &mut chain).await {
            Ok(Reached { is_behind: true, finalized }) => {
                debug!(%finalized, "on the way");
                service.note(|status| status.failure = None);
                service.news.send_replace(());
                Duration::ZERO
            }
            Ok(Reached { is_behind: false, finalized }) => {
                service.note(|status| {
                    status.looked = Some(Instant::now());
                    status.failure = None;
                    status.members_not_followed = follower.left_out();
                    status.being_read = follower.being_read();
                });
                service.news.send_replace(());
                in_force(&service).await;
                check(&service, &mut auditor, &mut chain).await;
                if identified != Some(finalized) {
                    match identify(&service, &contracts, &mut chain).await {
                        Ok(()) => identified = Some(finalized),
                        Err(cause) => warn!("what runs at an address is not proven: {cause:#}"),
                    }
                }
                poll
            }
            Err(cause) => {
                let words = format!("{cause:#}");
                // The same failure again and again is one line, not a flood.
                if service.status().failure.as_ref() != Some(&words) {
                    error!("following the chain: {words}");
                }
                service.note(|status| status.failure = Some(words));
                poll
            }
        };
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn check(service: &Service, auditor: &mut Auditor, chain: &mut Chain) {
    let audit = auditor.audit(&service.store, chain).await;
    if let Err(cause) = &audit {
        warn!("the audit did not end: {cause:#}");
    }
    service.note(|status| match audit {
        Ok(is_known) => {
            status.audited = is_known.then(Instant::now);
            status.audit_failure = None;
        }
        Err(cause) => status.audit_failure = Some(format!("{cause:#}")),
    });
}

/// Whether what KmsCommittee has put in force is followed.
async fn in_force(service: &Service) {
    match in_force::not_followed(&service.store).await {
        Ok(not_followed) => {
            if !not_followed.is_empty() && service.status().not_followed.is_empty() {
                error!(
                    ?not_followed,
                    "KmsCommittee has put contracts in force that are not followed"
                );
            }
            service.note(|status| status.not_followed = not_followed);
        }
        Err(cause) => warn!("which contracts are in force: {cause:#}"),
    }
}

/// Finds out what runs at the next addresses of which that is not known.
async fn identify(service: &Service, contracts: &Contracts, chain: &mut Chain) -> Result<()> {
    let (store, builds) = (&service.store, &service.builds);
    let cursor = store.cursor().await?;
    if cursor.finalized == cursor.start {
        return Ok(());
    }
    let finalized = cursor.finalized.number;
    let mut unknown = Vec::new();
    if !builds.knows(contracts.kms_committee) {
        unknown.push(contracts.access_manager);
        if let Ok(ceremony) = chain.ceremony_code(contracts.kms_committee).await {
            unknown.push(ceremony);
        }
    }
    let watched = store.watched().await?;
    let fresh: Vec<Watched> = watched
        .into_iter()
        .filter(|watched| watched.since.number <= finalized && !builds.knows(watched.address))
        .take(AT_ONCE)
        .collect();
    unknown.extend(fresh.iter().map(|watched| watched.address));
    if unknown.is_empty() {
        return Ok(());
    }
    chain.identify(builds, &unknown).await?;
    // What has no code when it is named is none of ours; what the network file names may be deployed later.
    for watched in fresh.iter().filter(|watched| watched.since_log >= 0) {
        if !builds.knows(watched.address) {
            builds.note(watched.address, None, None);
        }
    }
    Ok(())
}

/// Until the indexer is told to stop.
pub(crate) async fn wait(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone: stop as well.
    let _ = stopped.wait_for(|stop| *stop).await;
}
