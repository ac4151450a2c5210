//! Our index beside other people's, at the same work: the same events of one contract, from the same anvil, on the same machine,
//! in turns. `bench/peers/run` installs them and runs this.
//!
//!     bench/peers/run [EVENTS] [ROUNDS]
//!
//! From the start of the process to the moment the last event can be read: in our API, in Ponder's tables, in cryo's files.
//! What is done for it differs. Ours links every header, judges every receipt by its header and keeps raw and decoded events;
//! Ponder keeps decoded ones; cryo keeps raw logs in files that nothing updates, and knows no reorg. Envio is left out: its
//! licence is its own and limits use.

use anyhow::{Context, Result, bail, ensure};
use bench::{approver::Approver, built_index::Index};
use devnet::{
    harness::BareChain,
    leash::{Leash, Spawn},
    plan::find_repository,
    postgres::OwnPostgres,
};
use sqlx::{Connection, PgConnection};
use std::{
    ffi::OsStr,
    net::TcpListener,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(900);

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    Ours { postgres: bool, proofs: bool },
    Ponder,
    Cryo,
}

const PEERS: [Peer; 6] = [
    Peer::Ours { postgres: true, proofs: false },
    Peer::Ours { postgres: true, proofs: true },
    Peer::Ours { postgres: false, proofs: false },
    Peer::Ours { postgres: false, proofs: true },
    Peer::Ponder,
    Peer::Cryo,
];

/// What all of them work on.
struct Bench {
    chain: BareChain,
    postgres: OwnPostgres,
    repository: PathBuf,
    /// Address of the policy, events of it, and the newest block.
    contract: String,
    events: u64,
    head: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let mut number = |default| words.next().map_or(Ok(default), |word| word.parse::<u64>());
    let events = number(100_000).context("EVENTS is a number")?;
    let rounds = number(5).context("ROUNDS is a number")?;
    let chain = BareChain::up(1).await?;
    let approver = Approver::new(&chain).await?;
    let (contract, events) = (approver.app.to_string(), approver.make(events).await?);
    let head = chain.governance.chain.block_number().await?;
    let postgres = OwnPostgres::start_with(&[])?;
    let repository = find_repository(&std::env::current_dir()?)?;
    let bench = Bench { chain, postgres, repository, contract, events, head };
    println!(
        "{events} events in {head} blocks, {rounds} rounds in turns; seconds: median (least to most)"
    );
    let mut seconds: Vec<Vec<f64>> = vec![Vec::new(); PEERS.len()];
    let mut failures: Vec<Option<String>> = vec![None; PEERS.len()];
    for round in 0..rounds {
        for ((peer, times), failure) in PEERS.iter().zip(&mut seconds).zip(&mut failures) {
            if failure.is_some() {
                continue;
            }
            match bench.run(*peer, round).await {
                Ok(time) => times.push(time.as_secs_f64()),
                Err(error) => *failure = Some(format!("{error:#}")),
            }
        }
    }
    let medians: Vec<f64> = seconds.iter_mut().map(|times| median(times)).collect();
    let ours = medians.first().copied().unwrap_or_default();
    println!("{:<38} {:>24} {:>10} {:>10}", "", "seconds", "events/s", "of ours");
    for (((peer, times), median), failure) in PEERS.iter().zip(&seconds).zip(medians).zip(failures)
    {
        let name = peer.name();
        if let Some(why) = failure {
            println!("{name:<38} not measured: {why}");
            continue;
        }
        let (least, most) = (times.first().unwrap_or(&0.0), times.last().unwrap_or(&0.0));
        let spread = format!("{median:.2} ({least:.2} to {most:.2})");
        let rate = events as f64 / median;
        println!("{name:<38} {spread:>24} {rate:>10.0} {:>10.2}", ours / median);
    }
    Ok(())
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Peer {
    fn name(self) -> &'static str {
        match self {
            Self::Ours { postgres: true, proofs: false } => "ours, Postgres",
            Self::Ours { postgres: true, proofs: true } => "ours, Postgres, receipt proofs kept",
            Self::Ours { postgres: false, proofs: false } => "ours, SQLite",
            Self::Ours { postgres: false, proofs: true } => "ours, SQLite, receipt proofs kept",
            Self::Ponder => "Ponder 0.16.10, Postgres",
            Self::Cryo => "cryo 0.3.2, parquet files",
        }
    }
}

impl Bench {
    /// From its start to the last event.
    async fn run(&self, peer: Peer, round: u64) -> Result<Duration> {
        match peer {
            Peer::Ours { postgres, proofs } => self.ours(postgres, proofs, round).await,
            Peer::Ponder => self.ponder(round).await,
            Peer::Cryo => self.cryo(round).await,
        }
    }

    fn endpoint(&self) -> Result<String> {
        let endpoint = self.chain.network.chain.endpoints.first().context("an endpoint")?;
        Ok(endpoint.clone())
    }

    async fn ours(&self, postgres: bool, proofs: bool, round: u64) -> Result<Duration> {
        let name = format!("ours-{postgres}-{proofs}-{round}");
        let database = match postgres {
            true => self.postgres.database(&name)?,
            false => self.chain.folder().join(format!("{name}.sqlite")).display().to_string(),
        };
        let mut index = Index::start(&self.chain, &name, &database, proofs)?;
        index.until_head(self.head).await?;
        Ok(index.begun.elapsed())
    }

    async fn ponder(&self, round: u64) -> Result<Duration> {
        let root = self.repository.join("bench/peers/ponder");
        let program = root.join("node_modules/.bin/ponder");
        ensure!(program.exists(), "it is not installed: target/peers/ponder.log says why");
        let database = self.postgres.database(&format!("ponder-{round}"))?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
        let (endpoint, end) = (self.endpoint()?, self.head.to_string());
        let chain = self.chain.network.chain.id.to_string();
        let environment: [(&str, &OsStr); 6] = [
            ("PEER_RPC", endpoint.as_ref()),
            ("PEER_CONTRACT", self.contract.as_ref()),
            ("PEER_CHAIN", chain.as_ref()),
            ("PEER_END", end.as_ref()),
            ("PEER_DATABASE", database.as_ref()),
            ("PONDER_TELEMETRY_DISABLED", "true".as_ref()),
        ];
        let node = which("node")?;
        let name = format!("ponder-{round}");
        let spawn = Spawn {
            environment: &environment,
            directory: Some(&root),
            ..Spawn::new(&name, &node, self.chain.folder())
        };
        let words = ["start", "--schema", "peer", "--hostname", "127.0.0.1", "--port", &port];
        let begun = Instant::now();
        let arguments = [program.as_os_str()].into_iter().chain(words.map(OsStr::new));
        let mut leash = Leash::spawn(&spawn, arguments)?;
        let mut connection = PgConnection::connect(&database).await?;
        let count =
            "SELECT (SELECT COUNT(*) FROM peer.approved) + (SELECT COUNT(*) FROM peer.added)";
        loop {
            // Until its tables are there, the query fails.
            let found: i64 =
                sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap_or(0);
            // The code that an app begins with is approved too.
            if u64::try_from(found)? >= self.events {
                return Ok(begun.elapsed());
            }
            ensure!(leash.exited().is_none(), "it ended:\n{}", leash.last_words());
            ensure!(begun.elapsed() < PATIENCE, "{found} events:\n{}", leash.last_words());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn cryo(&self, round: u64) -> Result<Duration> {
        let python = self.repository.join("target/peers/python/bin/python");
        ensure!(
            self.repository.join("target/peers/installed.txt").exists(),
            "it is not installed: target/peers/cryo.log says why"
        );
        let files = self.chain.folder().join(format!("cryo-{round}"));
        let begun = Instant::now();
        let mut command = tokio::process::Command::new(python);
        command.arg(self.repository.join("bench/peers/freeze.py")).arg(self.endpoint()?);
        command.arg(&self.contract).arg((self.head + 1).to_string()).arg(&files);
        let output = tokio::time::timeout(PATIENCE, command.kill_on_drop(true).output()).await??;
        let took = begun.elapsed();
        let words = String::from_utf8_lossy(&output.stdout);
        let rows = words.trim().lines().last().and_then(|line| line.parse::<u64>().ok());
        match rows {
            Some(rows) if rows >= self.events => Ok(took),
            _ => bail!("{words} {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
}

fn which(program: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").context("a PATH")?;
    let found = std::env::split_paths(&path).map(|folder| folder.join(program));
    found.into_iter().find(|path: &PathBuf| Path::exists(path)).context("node is not in PATH")
}
