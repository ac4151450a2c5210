//! The process: a dstack socket for one booted app, and a PCCS for the authority of its machine.
//!
//! Nothing here is an interface of our own: whoever works against it works against a dstack guest and a PCCS.

mod pccs;
mod socket;

use crate::{App, Authority, Machine, OsImage, TrustDomain};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{
    net::{TcpListener, UnixListener},
    sync::watch,
    task::JoinSet,
};

/// What to serve.
#[derive(Clone, Debug)]
pub struct Config {
    /// The seed of authority and machine.
    pub seed: [u8; 32],
    /// The authority's label.
    pub authority_label: String,
    /// The machine's id under the authority.
    pub machine_id: String,
    /// app-compose.json, byte for byte.
    pub compose: Vec<u8>,
    /// The app's id; `None` for dstack's default, `compose_hash[0..20]`.
    pub app_id: Option<[u8; 20]>,
    /// The seed of the OS image ([`OsImage::from_seed`]).
    pub os_image: [u8; 32],
    /// Where the dstack socket goes. A file that is there is replaced.
    pub socket: PathBuf,
    /// Where the PCCS listens; port 0 for any.
    pub pccs_listen: SocketAddr,
    /// Where [`Ready`] is written, once both serve.
    pub ready_file: Option<PathBuf>,
    /// Issue collateral for this time (Unix seconds) and never anew; `None`: an hour before now, anew every day.
    pub collateral_issued: Option<u64>,
}

/// What is served, as the ready file has it. Bytes are hex with 0x.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The process.
    pub pid: u32,
    /// The PCCS's base URL.
    pub pccs_url: String,
    /// The dstack socket.
    pub socket: PathBuf,
    /// The authority's root, as AttestationRegistry names it.
    pub root_sha256: String,
    /// The root certificate, DER.
    pub root_certificate: String,
    /// What AttestationRegistry approves as this machine's OS image.
    pub os_image_hash: String,
    /// The machine's device id.
    pub device_id: String,
    /// The app's id as measured.
    pub app_id: String,
    /// The app's compose hash.
    pub compose_hash: String,
    /// The instance id.
    pub instance_id: String,
    /// dstack's `mr_system`.
    pub mr_system: String,
}

/// A running soft-tee; dropped, it stops.
pub struct SoftTee {
    ready: Ready,
    stop: watch::Sender<bool>,
    tasks: JoinSet<std::io::Result<()>>,
}

/// Boots the app and serves until the handle is shut down or dropped.
pub async fn run(config: Config) -> anyhow::Result<SoftTee> {
    let authority = Arc::new(Authority::from_seed(config.seed, &config.authority_label));
    let machine = Machine::new(&authority, &config.machine_id, OsImage::from_seed(config.os_image));
    let app = match config.app_id {
        Some(app_id) => App { compose: config.compose, app_id },
        None => App::with_default_id(config.compose),
    };
    let domain = Arc::new(Arc::new(machine).boot(app));
    let (socket, socket_path) = bind_socket(&config.socket)?;
    let pccs = TcpListener::bind(config.pccs_listen)
        .await
        .with_context(|| format!("the PCCS can't listen at {}", config.pccs_listen))?;
    let ready = ready(&authority, &domain, pccs.local_addr()?, socket_path);

    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    tasks.spawn(serve(socket, socket::router(domain), stopped.clone()));
    let pccs_router = pccs::router(authority, config.collateral_issued);
    tasks.spawn(serve(pccs, pccs_router, stopped));
    if let Some(path) = &config.ready_file {
        write_whole(path, &serde_json::to_vec_pretty(&ready)?)?;
    }
    Ok(SoftTee { ready, stop, tasks })
}

impl SoftTee {
    /// What is served, and where.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Answers what is under way, then stops.
    pub async fn shutdown(mut self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        while let Some(task) = self.tasks.join_next().await {
            task??;
        }
        Ok(())
    }
}

impl Drop for SoftTee {
    fn drop(&mut self) {
        // A socket that nobody serves would look like a guest that hangs.
        let _ = std::fs::remove_file(&self.ready.socket);
    }
}

async fn serve<L>(
    listener: L,
    router: axum::Router,
    mut stopped: watch::Receiver<bool>,
) -> std::io::Result<()>
where
    L: axum::serve::Listener,
    L::Addr: std::fmt::Debug,
{
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            // An error means that the handle is gone: stop as well.
            let _ = stopped.wait_for(|stop| *stop).await;
        })
        .await
}

fn bind_socket(path: &Path) -> anyhow::Result<(UnixListener, PathBuf)> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("{} can't be replaced", path.display()));
        }
        _ => {}
    }
    let listener = UnixListener::bind(path)
        .with_context(|| format!("the socket can't listen at {}", path.display()))?;
    Ok((listener, std::path::absolute(path)?))
}

fn ready(authority: &Authority, domain: &TrustDomain, pccs: SocketAddr, socket: PathBuf) -> Ready {
    let hex = |bytes: &[u8]| format!("0x{}", hex::encode(bytes));
    Ready {
        pid: std::process::id(),
        pccs_url: format!("http://{pccs}"),
        socket,
        root_sha256: hex(&authority.root_sha256()),
        root_certificate: hex(&authority.root_certificate()),
        os_image_hash: hex(&domain.machine().image().hash()),
        device_id: hex(&domain.machine().device_id()),
        app_id: hex(&domain.app().app_id),
        compose_hash: hex(&domain.app().compose_hash()),
        instance_id: hex(&domain.instance_id()),
        mr_system: hex(&domain.mr_system()),
    }
}

/// Writes a file that is never seen half written.
fn write_whole(path: &Path, contents: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension("partial");
    std::fs::write(&beside, contents)
        .and_then(|()| std::fs::rename(&beside, path))
        .with_context(|| format!("{} can't be written", path.display()))
}
