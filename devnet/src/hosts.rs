//! Where machines and nodes run: as processes of their own, or inside this one.

use crate::leash::{Leash, Spawn};
use alloy::primitives::Address;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long a process gets until it serves.
const PATIENCE: Duration = Duration::from_secs(90);

/// The programs that a devnet starts.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `kms-node`
    pub kms_node: PathBuf,
    /// `soft-tee`
    pub soft_tee: PathBuf,
    /// `guest-agent`
    pub guest_agent: PathBuf,
    /// `indexer`
    pub indexer: PathBuf,
}

/// Everything that runs, by name.
#[derive(Debug)]
pub struct Hosts {
    /// `None`: inside this process.
    programs: Option<Programs>,
    folder: PathBuf,
    nodes: BTreeMap<String, Node>,
    machines: BTreeMap<String, Machine>,
    indexer: Option<Leash>,
}

#[derive(Debug)]
struct Node {
    config: kms_node::Config,
    /// `None` while it is stopped.
    runs: Option<NodeRuns>,
}

#[derive(Debug)]
enum NodeRuns {
    Here(kms_node::Running),
    Process(Leash),
}

enum Machine {
    Here(soft_tee::SoftTee),
    Process(Leash),
}

/// A node that serves, as its ready file has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct NodeReady {
    /// The public API.
    pub listen: SocketAddr,
    /// The admin listener.
    pub admin: SocketAddr,
    /// The signing address.
    pub signer: Address,
}

/// An indexer that serves, as its ready file has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct IndexerReady {
    /// The API.
    pub listen: SocketAddr,
}

impl Programs {
    /// Those that lie in `folder`, where cargo builds them.
    pub fn in_folder(folder: &Path) -> Result<Self> {
        let find = |name: &str| {
            let path = folder.join(name);
            match path.is_file() {
                true => Ok(path),
                false => bail!(
                    "{} is missing: cargo build -p kms-node -p soft-tee -p guest-agent -p indexer",
                    path.display()
                ),
            }
        };
        Ok(Self {
            kms_node: find("kms-node")?,
            soft_tee: find("soft-tee")?,
            guest_agent: find("guest-agent")?,
            indexer: find("indexer")?,
        })
    }
}

impl Hosts {
    /// Runs everything inside this process, or as `programs`. Logs go to `folder`.
    pub fn new(programs: Option<Programs>, folder: &Path) -> Self {
        Self {
            programs,
            folder: folder.to_owned(),
            nodes: BTreeMap::new(),
            machines: BTreeMap::new(),
            indexer: None,
        }
    }

    /// Starts a machine and returns once its socket and PCCS serve. One of this name that runs is stopped: it reboots.
    pub async fn start_machine(
        &mut self,
        name: &str,
        config: soft_tee::Config,
    ) -> Result<soft_tee::Ready> {
        if let Some(Machine::Here(soft_tee)) = self.machines.remove(name) {
            soft_tee.shutdown().await?;
        }
        let (machine, ready) = match &self.programs {
            None => {
                let soft_tee = soft_tee::run(config).await.with_context(|| name.to_owned())?;
                let ready = soft_tee.ready().clone();
                (Machine::Here(soft_tee), ready)
            }
            Some(programs) => {
                let args = soft_tee_arguments(name, &self.folder, &config)?;
                let ready_file = config.ready_file.context("a process needs a ready file")?;
                // What an earlier run wrote would look like readiness.
                let _ = std::fs::remove_file(&ready_file);
                let mut leash = self.spawn(name, &programs.soft_tee, args)?;
                let ready = when_ready(&mut leash, &ready_file).await?;
                (Machine::Process(leash), ready)
            }
        };
        self.machines.insert(name.to_owned(), machine);
        Ok(ready)
    }

    /// Starts a node and returns once it serves.
    pub async fn start_node(&mut self, name: &str, config: kms_node::Config) -> Result<NodeReady> {
        let (runs, ready) = self.run_node(name, &config).await?;
        // After a restart it is found where it was.
        let config = kms_node::Config { listen: ready.listen, admin: ready.admin, ..config };
        self.nodes.insert(name.to_owned(), Node { config, runs: Some(runs) });
        Ok(ready)
    }

    async fn run_node(
        &self,
        name: &str,
        config: &kms_node::Config,
    ) -> Result<(NodeRuns, NodeReady)> {
        let Some(programs) = &self.programs else {
            let running = kms_node::run(config.clone()).await.with_context(|| name.to_owned())?;
            let ready =
                NodeReady { listen: running.listen, admin: running.admin, signer: running.signer };
            return Ok((NodeRuns::Here(running), ready));
        };
        let ready_file = self.folder.join(format!("{name}.ready.json"));
        let _ = std::fs::remove_file(&ready_file);
        let config = kms_node::Config { ready_file: Some(ready_file.clone()), ..config.clone() };
        let file = self.folder.join(format!("{name}.toml"));
        std::fs::write(&file, toml::to_string(&config)?)
            .with_context(|| file.display().to_string())?;
        let args = ["--config".into(), file.into_os_string()];
        let mut leash = self.spawn(name, &programs.kms_node, args)?;
        let ready = when_ready(&mut leash, &ready_file).await?;
        Ok((NodeRuns::Process(leash), ready))
    }

    /// Starts the indexer as a process and returns once it serves.
    pub async fn start_indexer(&mut self, config: indexer::Config) -> Result<IndexerReady> {
        let programs = self.programs.as_ref().context("the indexer of a devnet is a process")?;
        let ready_file = self.folder.join("indexer.ready.json");
        let _ = std::fs::remove_file(&ready_file);
        let config = indexer::Config { ready_file: Some(ready_file.clone()), ..config };
        let file = self.folder.join("indexer.toml");
        std::fs::write(&file, toml::to_string(&config)?)
            .with_context(|| file.display().to_string())?;
        let args = ["--config".into(), file.into_os_string()];
        let mut leash = self.spawn("indexer", &programs.indexer, args)?;
        let ready = when_ready(&mut leash, &ready_file).await?;
        self.indexer = Some(leash);
        Ok(ready)
    }

    /// Stops a node: a process by a kill that it does not see coming.
    pub async fn stop_node(&mut self, name: &str) -> Result<()> {
        let node = self.nodes.get_mut(name).with_context(|| format!("there is no {name}"))?;
        match node.runs.take() {
            Some(NodeRuns::Here(running)) => running.shutdown().await,
            Some(NodeRuns::Process(mut leash)) => leash.kill(),
            None => {}
        }
        Ok(())
    }

    /// Starts a stopped node again, on its own data and addresses.
    pub async fn restart_node(&mut self, name: &str) -> Result<NodeReady> {
        let node = self.nodes.get(name).with_context(|| format!("there is no {name}"))?;
        if node.runs.is_some() {
            bail!("{name} runs");
        }
        let config = node.config.clone();
        self.start_node(name, config).await
    }

    /// The configuration of a node.
    pub fn node_config(&self, name: &str) -> Option<&kms_node::Config> {
        Some(&self.nodes.get(name)?.config)
    }

    /// The names of the nodes that run.
    pub fn running_nodes(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().filter(|(_, node)| node.runs.is_some()).map(|(name, _)| name.as_str())
    }

    /// The pids of all processes, by name.
    pub fn pids(&self) -> Vec<(String, u32)> {
        let nodes = self.nodes.values().filter_map(|node| match &node.runs {
            Some(NodeRuns::Process(leash)) => Some(leash),
            _ => None,
        });
        let machines = self.machines.values().filter_map(|machine| match machine {
            Machine::Process(leash) => Some(leash),
            Machine::Here(_) => None,
        });
        let named = |leash: &Leash| Some((leash.name().to_owned(), leash.pid()?));
        nodes.chain(machines).chain(&self.indexer).filter_map(named).collect()
    }

    /// An error with the last words of the first process that has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        let nodes = self.nodes.values_mut().filter_map(|node| match &mut node.runs {
            Some(NodeRuns::Process(leash)) => Some(leash),
            _ => None,
        });
        let machines = self.machines.values_mut().filter_map(|machine| match machine {
            Machine::Process(leash) => Some(leash),
            Machine::Here(_) => None,
        });
        for leash in nodes.chain(machines).chain(&mut self.indexer) {
            if let Some(status) = leash.exited() {
                bail!("{} ended ({status}):\n{}", leash.name(), leash.last_words());
            }
        }
        Ok(())
    }

    /// Stops everything and waits for it: nodes and indexer first, then what is below them.
    pub async fn stop(&mut self) -> Result<()> {
        if let Some(leash) = &mut self.indexer {
            leash.let_go();
        }
        for node in self.nodes.values_mut() {
            match &mut node.runs {
                Some(NodeRuns::Process(leash)) => leash.let_go(),
                _ => {
                    if let Some(NodeRuns::Here(running)) = node.runs.take() {
                        running.shutdown().await;
                    }
                }
            }
        }
        self.nodes.clear();
        self.indexer = None;
        for machine in self.machines.values_mut() {
            if let Machine::Process(leash) = machine {
                leash.let_go();
            }
        }
        for machine in std::mem::take(&mut self.machines).into_values() {
            if let Machine::Here(soft_tee) = machine {
                soft_tee.shutdown().await?;
            }
        }
        Ok(())
    }

    fn spawn<S: AsRef<std::ffi::OsStr>>(
        &self,
        name: &str,
        program: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> Result<Leash> {
        Leash::spawn(&Spawn::new(name, program, &self.folder), args)
    }
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Here(soft_tee) => f.debug_tuple("Here").field(soft_tee.ready()).finish(),
            Self::Process(leash) => f.debug_tuple("Process").field(leash).finish(),
        }
    }
}

fn soft_tee_arguments(
    name: &str,
    folder: &Path,
    config: &soft_tee::Config,
) -> Result<Vec<std::ffi::OsString>> {
    let file = |ending: &str, bytes: &[u8]| -> Result<PathBuf> {
        let path = folder.join(format!("{name}.{ending}"));
        std::fs::write(&path, bytes).with_context(|| path.display().to_string())?;
        Ok(path)
    };
    let seed = file("seed", hex::encode(config.seed).as_bytes())?;
    let compose = file("app-compose.json", &config.compose)?;
    let ready_file = config.ready_file.clone().context("a process needs a ready file")?;
    let mut args = vec![
        "--seed-file".into(),
        seed.into(),
        "--authority-label".into(),
        config.authority_label.clone().into(),
        "--machine-id".into(),
        config.machine_id.clone().into(),
        "--compose".into(),
        compose.into(),
        "--os-image".into(),
        hex::encode(config.os_image).into(),
        "--socket".into(),
        config.socket.clone().into(),
        "--pccs-listen".into(),
        config.pccs_listen.to_string().into(),
        "--ready-file".into(),
        ready_file.into(),
    ];
    if let Some(app_id) = config.app_id {
        args.extend(["--app-id".into(), hex::encode(app_id).into()]);
    }
    Ok(args)
}

/// Waits for a ready file; a process that ends instead tells why.
async fn when_ready<T: serde::de::DeserializeOwned>(leash: &mut Leash, file: &Path) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(ready) =
            std::fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok())
        {
            return Ok(ready);
        }
        if let Some(status) = leash.exited() {
            bail!("{} ended ({status}):\n{}", leash.name(), leash.last_words());
        }
        if Instant::now() > deadline {
            bail!("{} does not serve after {PATIENCE:?}:\n{}", leash.name(), leash.last_words());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
