//! Starts a node: measured configuration, sealed state, listeners, and the loop that follows the chain.

use crate::{
    adapters::{rpc::Endpoint, sender::Sender, store::Store},
    budget::{Budgets, PaidOnce},
    chain::ChainService,
    config::Config,
    http,
    member::checkpoint,
    metrics::Metrics,
    node::{Judgements, Node},
    state_file::StateFile,
};
use alloy::primitives::Address;
use anyhow::{Context, Result, ensure};
use kms_core::{Network, StatementKey, at_rest::SealingKey};
use light_client::{AgeLimits, BlockRef, HeadSource};
use policy::{ChainRules, ForkSchedule};
use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tee_client::{Pccs, Socket};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tracing::{info, warn};
use wire::{SealingKind, network::MeasuredNode, statements::labels};

/// How far a head may be ahead of the host's clock: a chain whose clock was set, or a host that is late.
const MAX_HEAD_AHEAD_SECONDS: u64 = 900;

/// How long a stop waits for what was begun.
const LAST_MOMENT: Duration = Duration::from_secs(3);

/// A running node.
#[derive(Debug)]
pub struct Running {
    /// The public API.
    pub listen: SocketAddr,
    /// The admin listener.
    pub admin: SocketAddr,
    /// The node's signing address.
    pub signer: Address,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Stops serving. What was begun may finish for a moment; what does not is on disk and goes on after a restart.
    pub async fn shutdown(self) {
        // No receiver left means that the tasks are gone already.
        let _ = self.stop.send(true);
        let deadline = tokio::time::Instant::now() + LAST_MOMENT;
        for mut task in self.tasks {
            match tokio::time::timeout_at(deadline, &mut task).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => warn!("a task of the node failed: {error}"),
                Err(_) => task.abort(),
            }
        }
    }
}

/// Starts the node and returns once it serves.
pub async fn run(config: Config) -> Result<Running> {
    let public = TcpListener::bind(config.listen).await.context("binding `listen`")?;
    let private = TcpListener::bind(config.admin).await.context("binding `admin`")?;
    let (listen, admin) = (public.local_addr()?, private.local_addr()?);
    let node = Arc::new(open(config, listen).await?);
    let signer = node.key.address();
    let (stop, stopped) = watch::channel(false);
    let (finalized, newly_finalized) = watch::channel(None);
    let service =
        http::public(Arc::clone(&node)).into_make_service_with_connect_info::<SocketAddr>();
    let tasks = vec![
        tokio::spawn(serve(
            axum::serve(public, service).with_graceful_shutdown(wait(stopped.clone())),
        )),
        tokio::spawn(serve(
            axum::serve(private, http::admin(Arc::clone(&node)))
                .with_graceful_shutdown(wait(stopped.clone())),
        )),
        tokio::spawn(follow(Arc::clone(&node), finalized, stopped.clone())),
        tokio::spawn(act(Arc::clone(&node), newly_finalized, stopped)),
    ];
    info!(%listen, %admin, %signer, network = %node.network.network_hash, "serving");
    if let Some(path) = &node.config.ready_file {
        let ready = serde_json::json!({
            "pid": std::process::id(), "listen": listen, "admin": admin, "signer": signer,
        });
        std::fs::write(path, ready.to_string()).context("writing the ready file")?;
    }
    Ok(Running { listen, admin, signer, stop, tasks })
}

async fn open(config: Config, listen: SocketAddr) -> Result<Node> {
    let socket = Socket::at(&config.socket)?;
    let boot = socket.boot().await.context("asking the dstack socket what runs here")?;
    let measured = MeasuredNode::from_compose(&boot.compose)?;
    let network = network(&measured)?;
    let genesis = measured.chain.genesis_hash.context("the compose file names no genesis hash")?;
    let key =
        socket.key(labels::SEALING_PATH, "sealing").await.context("asking for the sealing key")?;
    std::fs::create_dir_all(&config.data).context("making the data folder")?;
    let state = StateFile::open(config.data.join("node.sealed"), SealingKey::new(*key))?;
    let key = state.read(|state| StatementKey::from_bytes(&state.signing_key.0))?;
    let http = tee_client::http_client()?;
    let urls = endpoints(&config, &measured)?;
    let endpoints: Vec<Endpoint> = urls
        .iter()
        .enumerate()
        .map(|(id, url)| Endpoint::new(id, url, http.clone()))
        .collect::<Result<_>>()?;
    let source = HeadSource::agreement(measured.chain.agree, endpoints.len())?;
    let limits = AgeLimits {
        max_head_age_seconds: measured.limits.max_head_age_seconds,
        max_finality_age_seconds: measured.limits.max_finality_age_seconds,
        max_head_ahead_seconds: MAX_HEAD_AHEAD_SECONDS,
    };
    let kept = state.read(|state| state.finalized);
    let from = checkpoint(kept, measured.chain.checkpoint, genesis);
    let sender = match (&config.gas_key_file, urls.first()) {
        (Some(path), Some(url)) => Some(Sender::open(path, url, http)?),
        _ => None,
    };
    let per_minute = measured.limits.requests_per_minute;
    Ok(Node {
        endpoint: config.endpoint.clone().unwrap_or_else(|| format!("http://{listen}")),
        pccs: Pccs::at(&config.pccs)?,
        store: Store::open(&config.data.join("node.sqlite")).await?,
        chain: ChainService::new(endpoints, source, limits, from),
        sealing: SealingKind::SgxProvider,
        sources: Budgets::new(per_minute),
        apps: PaidOnce::new(per_minute),
        metrics: Metrics::default(),
        readable: false.into(),
        seat: None.into(),
        shares: None.into(),
        canary: None.into(),
        ceremony: None.into(),
        judgements: Judgements::default(),
        config,
        measured,
        network,
        key,
        boot,
        socket,
        state,
        sender,
    })
}

/// The measured endpoints. Only on a network that allows software roots may the host name others, as many of them. (A4)
fn endpoints(config: &Config, measured: &MeasuredNode) -> Result<Vec<String>> {
    let expected = measured.chain.endpoints.len();
    let Some(urls) = &config.danger_endpoints else {
        return Ok(measured.chain.endpoints.clone());
    };
    ensure!(
        measured.allows_software,
        "node.toml: danger_endpoints is refused: this network does not allow software roots"
    );
    ensure!(
        urls.len() == expected,
        "node.toml: {} danger_endpoints, the measured compose file has {expected} endpoints",
        urls.len()
    );
    Ok(urls.clone())
}

fn network(measured: &MeasuredNode) -> Result<Network> {
    Ok(Network {
        rules: ChainRules {
            chain_id: measured.chain.id,
            forks: ForkSchedule::constant(measured.chain.fork),
        },
        committee: measured.kms_committee,
        network_hash: measured.network_hash().context("the compose file names no genesis hash")?,
    })
}

/// Follows the chain until told to stop; a new head puts shares in use.
async fn follow(
    node: Arc<Node>,
    finalized: watch::Sender<Option<BlockRef>>,
    mut stopped: watch::Receiver<bool>,
) {
    let poll = Duration::from_millis(node.config.poll_milliseconds);
    let mut failing = false;
    loop {
        match step(&node).await {
            Ok(block) => {
                failing = false;
                finalized.send_if_modified(|known| known.replace(block) != Some(block));
            }
            // The same failure again and again is one line, not a flood.
            Err(error) if !failing => {
                warn!("following the chain: {error:#}");
                failing = true;
            }
            Err(_) => {}
        }
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(poll) => {}
        }
    }
}

async fn step(node: &Node) -> Result<BlockRef> {
    let finalized = node.chain.follow().await?;
    if let Some(snapshot) = node.chain.newest() {
        let followed = node.follow_epoch(&snapshot).await;
        node.readable.store(followed.is_ok(), Ordering::Relaxed);
        followed?;
    }
    Ok(finalized)
}

/// Acts as a member at every newly finalized block. Apart from [`follow`], so that waiting for a transaction never
/// makes the head stale.
async fn act(
    node: Arc<Node>,
    mut finalized: watch::Receiver<Option<BlockRef>>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            changed = finalized.changed() => if changed.is_err() { return },
        }
        let Some(snapshot) = node.chain.newest() else { continue };
        if let Err(error) = node.act(&snapshot).await {
            warn!("acting as a member: {error:#}");
        }
    }
}

async fn serve(server: impl IntoFuture<Output = std::io::Result<()>>) {
    if let Err(error) = server.await {
        warn!("a listener failed: {error}");
    }
}

async fn wait(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone: stop as well.
    let _ = stopped.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPOSE: &str = r#"{"quorate":{
        "chain":{"id":1,"fork":"osaka","endpoints":["http://a","http://b"],"agree":2,"finality_blocks":64},
        "kms_committee":"0x0000000000000000000000000000000000000001","allows_software":true,
        "limits":{"max_head_age_seconds":60,"max_finality_age_seconds":60,"release_window_blocks":250,"requests_per_minute":60}
    }}"#;

    const NODE: &str = r#"
socket = "dstack.sock"
pccs = "http://127.0.0.1:1"
data = "data"
listen = "127.0.0.1:0"
admin = "127.0.0.1:0"
operator = "operator-1"
"#;

    #[test]
    fn a_host_can_not_choose_the_endpoints_of_a_node_that_guards_real_keys() {
        // A4: who chooses all endpoints chooses the chain.
        let software = MeasuredNode::from_compose(COMPOSE.as_bytes()).unwrap();
        let hardware = MeasuredNode { allows_software: false, ..software.clone() };
        let measured = vec!["http://a".to_owned(), "http://b".to_owned()];
        let config = Config::parse(NODE).unwrap();
        assert_eq!(endpoints(&config, &hardware).unwrap(), measured);

        let two = vec!["http://c".to_owned(), "http://d".to_owned()];
        let other = Config { danger_endpoints: Some(two.clone()), ..config.clone() };
        assert_eq!(endpoints(&other, &software).unwrap(), two);
        let refused = endpoints(&other, &hardware).unwrap_err().to_string();
        assert!(refused.contains("danger_endpoints is refused"), "{refused}");

        let one = Config { danger_endpoints: Some(vec!["http://c".to_owned()]), ..config };
        assert!(endpoints(&one, &software).unwrap_err().to_string().contains("2 endpoints"));
    }
}
