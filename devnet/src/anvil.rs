//! The chain of a devnet: a native anvil with a port of its own.

use crate::{
    chain::Chain,
    leash::{Leash, Spawn, program},
};
use anyhow::{Context, Result, bail};
use std::{
    net::TcpListener,
    path::Path,
    time::{Duration, Instant},
};
use wire::network::Fork;

/// How long anvil gets to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What chain to start.
#[derive(Clone, Copy, Debug)]
pub struct AnvilOptions<'a> {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Rules.
    pub fork: Fork,
    /// Finalized is the latest block minus twice this.
    pub slots_in_an_epoch: u64,
    /// Seconds between blocks; `None`: a block per transaction, and those that are mined explicitly.
    pub block_time: Option<u64>,
    /// For its log.
    pub folder: &'a Path,
    /// Removed after anvil's end, even if we are gone by then.
    pub sweep: Option<&'a Path>,
    /// The repository, for the installed anvil.
    pub repository: &'a Path,
}

/// A running anvil; dropped, it stops.
#[derive(Debug)]
pub struct Anvil {
    leash: Leash,
    url: String,
}

impl Anvil {
    /// Starts anvil and returns once it answers.
    pub async fn start(options: &AnvilOptions<'_>) -> Result<(Self, Chain)> {
        let program = program("anvil", options.repository)?;
        // Another process may take the port in between: then once more.
        for _ in 0..3 {
            let port = free_port()?;
            let args = arguments(options, port);
            let spawn =
                Spawn { sweep: options.sweep, ..Spawn::new("anvil", &program, options.folder) };
            let mut anvil = Self {
                leash: Leash::spawn(&spawn, args)?,
                url: format!("http://127.0.0.1:{port}"),
            };
            if let Some(chain) = anvil.wait(options).await? {
                return Ok((anvil, chain));
            }
        }
        bail!("anvil found no free port")
    }

    /// Its RPC endpoint.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The process.
    pub fn leash(&mut self) -> &mut Leash {
        &mut self.leash
    }

    /// `None` if it ended at once.
    async fn wait(&mut self, options: &AnvilOptions<'_>) -> Result<Option<Chain>> {
        let chain = Chain::connect(&self.url, options.block_time.is_none())?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.leash.exited() {
                let words = self.leash.last_words();
                if words.contains("in use") {
                    return Ok(None);
                }
                bail!("anvil ended ({status}):\n{words}");
            }
            match chain.chain_id().await {
                Ok(id) if id == options.chain_id => return Ok(Some(chain)),
                // Somebody else's chain at this port.
                Ok(_) => return Ok(None),
                Err(error) if Instant::now() > deadline => {
                    return Err(error).context("anvil does not answer");
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }
}

fn arguments(options: &AnvilOptions<'_>, port: u16) -> Vec<String> {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut args = words("--silent --prune-history 300");
    args.extend(words(&format!("--slots-in-an-epoch {}", options.slots_in_an_epoch)));
    args.extend(words(&format!("--port {port} --chain-id {}", options.chain_id)));
    if let Some(seconds) = options.block_time {
        args.extend(words(&format!("--block-time {seconds} --mixed-mining")));
    }
    if options.fork == Fork::Prague {
        args.extend(words("--hardfork prague"));
    }
    args
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}
