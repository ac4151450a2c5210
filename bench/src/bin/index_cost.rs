//! What indexing costs: events per second from an empty database to the head, for each database with and without proofs; peak
//! memory; how long after its block an event can be asked for; how long the API takes.
//!
//!     cargo build --release -p bench -p indexer && target/release/index_cost [EVENTS]
//!
//! The events are real: an app's owner, a contract of 60 bytes, approves compose hashes in a loop, two events each, one of them
//! in the policy's trail. The indexer is the built program, with its defaults; anvil, databases and indexer share the machine.
//! Postgres runs with the package's settings, so it waits for its disk.

use abi::{AppRegistry, app_registry::AppRegistry as registry};
use alloy::{
    primitives::{Address, B256, Bytes, TxKind, U256},
    providers::Provider,
    rpc::types::{TransactionReceipt, TransactionRequest},
    sol_types::SolValue,
};
use anyhow::{Context, Result, ensure};
use devnet::{
    harness::BareChain,
    leash::{Leash, Spawn},
    postgres::OwnPostgres,
};
use serde_json::Value;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Approvals of one transaction, which is a block: two events each, below EIP-7825's limit of gas.
const APPROVALS: u64 = 200;
const GAS: u64 = 16_000_000;
const LIVE_BLOCKS: u64 = 200;
const ASKED: usize = 200;
const PATIENCE: Duration = Duration::from_secs(600);
/// `addComposeHash(start..start + count)` on a policy, each by a call: (policy, start, count).
const LOOP: &str = "603c8060093d393df363dfc7722360e01b60005260203560403581015b816004526000600060246000600060003\
                    55af1602f5760006000fd5b9060010190808210601357\
                    00";

#[tokio::main]
async fn main() -> Result<()> {
    let events: u64 = match std::env::args().nth(1) {
        Some(word) => word.parse().context("EVENTS is a number")?,
        None => 100_000,
    };
    let chain = BareChain::up(1).await?;
    let approver = Approver::new(&chain).await?;
    let begun = Instant::now();
    let mut approved = 0;
    while approved * 2 < events {
        approver.approve(approved, APPROVALS).await?;
        approved += APPROVALS;
    }
    chain.governance.chain.mine(4).await?;
    let head = chain.governance.chain.block_number().await?;
    println!("{} events in {head} blocks, made in {:.0?}", approved * 2, begun.elapsed());
    let postgres = OwnPostgres::start_with(&[])?;

    println!(
        "{:<28} {:>9} {:>10} {:>12} {:>9}",
        "backfill", "seconds", "events/s", "all compared", "peak MB"
    );
    let mut at_head = Vec::new();
    for (name, proofs) in
        [("sqlite", false), ("sqlite-proofs", true), ("postgres", false), ("postgres-proofs", true)]
    {
        let database = match name.starts_with("sqlite") {
            true => chain.folder().join(format!("{name}.sqlite")).display().to_string(),
            false => postgres.database(&format!("index-{name}"))?,
        };
        let mut index = Index::start(&chain, name, &database, proofs)?;
        index.until_head(head).await?;
        let seconds = index.begun.elapsed().as_secs_f64();
        index.until_ready().await?;
        let compared = index.begun.elapsed().as_secs_f64();
        let rate = (approved * 2) as f64 / seconds;
        let peak = index.peak_megabytes()?;
        println!("{name:<28} {seconds:>9.2} {rate:>10.0} {compared:>10.2} s {peak:>9}");
        if proofs {
            at_head.push((name, database));
        }
    }
    for (name, database) in at_head {
        let mut index = Index::start(&chain, name, &database, true)?;
        index.until_ready().await?;
        live(&chain, &approver, &mut index, name).await?;
        api(&mut index, name, approver.app).await?;
        println!("{:<28} {:>9} MB peak", format!("{name}, all of that"), index.peak_megabytes()?);
    }
    Ok(())
}

/// From the moment anvil has the block to the moment the API has it.
async fn live(
    chain: &BareChain,
    approver: &Approver<'_>,
    index: &mut Index,
    name: &str,
) -> Result<()> {
    let mut lags = Vec::new();
    for block in 0..LIVE_BLOCKS {
        // Not in step with the indexer's looks.
        tokio::time::sleep(Duration::from_millis(block * 37 % 500)).await;
        let first = chain.governance.chain.block_number().await? << 32;
        approver.approve(first, 1).await?;
        let mined = Instant::now();
        index.until_head(chain.governance.chain.block_number().await?).await?;
        lags.push(mined.elapsed());
    }
    report(&format!("{name}, head to queryable"), lags);
    Ok(())
}

async fn api(index: &mut Index, name: &str, app: Address) -> Result<()> {
    let first = index.get("/v1/events?limit=100").await?;
    let place = &first["events"][50];
    let place = format!(
        "/v1/events/{}/{}",
        place["block_hash"].as_str().context("a hash")?,
        place["log_index"]
    );
    let deep = index.get("/v1/events?name=ComposeHashApproved&limit=1000").await?;
    let cursor = deep["next_cursor"].as_str().context("a cursor")?;
    for (what, path) in [
        ("first page of 100", "/v1/events?limit=100".to_owned()),
        ("page of an app", format!("/v1/events?app={app}&name=ComposeHashApproved&limit=100")),
        ("page after a cursor", format!("/v1/events?cursor={cursor}&limit=100")),
        ("one event", place.clone()),
        ("its proof", format!("{place}/proof")),
        ("status", "/v1/status".to_owned()),
    ] {
        let mut times = Vec::new();
        for _ in 0..ASKED {
            let begun = Instant::now();
            index.get(&path).await?;
            times.push(begun.elapsed());
        }
        report(&format!("{name}, {what}"), times);
    }
    Ok(())
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |hundredths: usize| {
        let place = (times.len() * hundredths / 100).min(times.len().saturating_sub(1));
        times.get(place).copied().unwrap_or_default().as_secs_f64() * 1000.0
    };
    println!("{what:<42} p50 {:>8.2} ms   p99 {:>8.2} ms", at(50), at(99));
}

/// Owner of an app, who approves in a loop.
struct Approver<'a> {
    chain: &'a BareChain,
    owner: Address,
    app: Address,
}

impl<'a> Approver<'a> {
    async fn new(chain: &'a BareChain) -> Result<Self> {
        let governance = &chain.governance;
        let code = alloy::primitives::hex::decode(LOOP.replace(char::is_whitespace, ""))?;
        let create = TransactionRequest {
            to: Some(TxKind::Create),
            ..TransactionRequest::default().from(governance.owner).input(Bytes::from(code).into())
        };
        let sent = governance.chain.provider().send_transaction(create).await?;
        let receipt = mined(chain, *sent.tx_hash()).await?;
        let owner = receipt.contract_address.context("the loop is not there")?;
        let salt = B256::repeat_byte(0xBE);
        let sender = governance.owner;
        let predict = AppRegistry::predictAppIdCall { sender, salt };
        let app = governance.chain.view(governance.contracts.app_registry, predict).await?;
        let new = registry::NewApp {
            salt,
            owner,
            guardian: owner,
            vendors: Vec::new(),
            lockPolicy: false,
            policy: registry::PolicySetup {
                grantDelaySeconds: 0,
                requireTcbUpToDate: true,
                allowAnyDevice: true,
                composeHash: B256::repeat_byte(1),
                uri: String::new(),
                deviceIds: Vec::new(),
                measurements: Vec::new(),
            },
        };
        let call = AppRegistry::createAppCall { app: new };
        governance.chain.send(sender, governance.contracts.app_registry, call).await?;
        Ok(Self { chain, owner, app })
    }

    /// One transaction in one block.
    async fn approve(&self, first: u64, count: u64) -> Result<()> {
        let start = (U256::from(1) << 128) + U256::from(first);
        let input = (self.app, start, U256::from(count)).abi_encode();
        let request = TransactionRequest::default()
            .from(self.chain.governance.owner)
            .to(self.owner)
            .gas_limit(GAS)
            .input(Bytes::from(input).into());
        let provider = self.chain.governance.chain.provider();
        let sent = provider.send_transaction(request).await?;
        let receipt = mined(self.chain, *sent.tx_hash()).await?;
        ensure!(receipt.status(), "an approval failed");
        Ok(())
    }
}

/// Anvil makes a block of each transaction as it comes.
async fn mined(chain: &BareChain, hash: B256) -> Result<TransactionReceipt> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let provider = chain.governance.chain.provider();
        if let Some(receipt) = provider.get_transaction_receipt(hash).await? {
            return Ok(receipt);
        }
        ensure!(Instant::now() < deadline, "no block took the transaction");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The built indexer.
struct Index {
    leash: Leash,
    begun: Instant,
    http: reqwest::Client,
    url: Option<String>,
}

impl Index {
    fn start(chain: &BareChain, name: &str, database: &str, proofs: bool) -> Result<Self> {
        let folder = chain.folder();
        let network = folder.join("bench.network.toml");
        std::fs::write(&network, chain.network.to_toml())?;
        let config = folder.join(format!("{name}.toml"));
        let text = format!(
            "network = {:?}\ndatabase = {database:?}\nlisten = \"127.0.0.1:0\"\nproofs = {proofs}\n",
            network.display().to_string()
        );
        std::fs::write(&config, text)?;
        let here = std::env::current_exe()?;
        let program = here.parent().context("no target folder")?.join("indexer");
        ensure!(program.exists(), "{} is not built", program.display());
        let spawn = Spawn::new(name, &program, folder);
        let begun = Instant::now();
        let leash = Leash::spawn(&spawn, [Path::new("--config"), &config])?;
        Ok(Self { leash, begun, http: tee_client::http_client()?, url: None })
    }

    async fn get(&mut self, path: &str) -> Result<Value> {
        let (status, body) = self.ask(path).await?;
        ensure!(status == 200, "{path}: {status} {body}");
        Ok(body)
    }

    async fn ask(&mut self, path: &str) -> Result<(u16, Value)> {
        let url = match &self.url {
            Some(url) => url.clone(),
            None => self.listen().await?,
        };
        let response = self.http.get(format!("{url}{path}")).send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// Its log says where it listens.
    async fn listen(&mut self) -> Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = std::fs::read_to_string(self.leash.log()).unwrap_or_default();
            let plain: String = without_colours(&log);
            if let Some(rest) = plain.split("listen=").nth(1) {
                let address: String = rest.chars().take_while(|c| !c.is_whitespace()).collect();
                let url = format!("http://{address}");
                self.url = Some(url.clone());
                return Ok(url);
            }
            ensure!(self.leash.exited().is_none(), "it ended:\n{}", self.leash.last_words());
            ensure!(Instant::now() < deadline, "it does not serve");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn until_head(&mut self, number: u64) -> Result<()> {
        self.until("/v1/status", |body| body["latest"]["number"].as_u64() >= Some(number)).await
    }

    async fn until_ready(&mut self) -> Result<()> {
        self.until("/readyz", |_| true).await
    }

    async fn until(&mut self, path: &str, is: impl Fn(&Value) -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (status, body) = self.ask(path).await?;
            if status == 200 && is(&body) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{path} still says {status} {body}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn peak_megabytes(&self) -> Result<u64> {
        let pid = self.leash.pid().context("a pid")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        Ok(kilobytes.context("VmHWM")? / 1024)
    }
}

/// A terminal's colour codes taken out.
fn without_colours(text: &str) -> String {
    let mut plain = String::new();
    let mut is_code = false;
    for letter in text.chars() {
        match letter {
            '\u{1b}' => is_code = true,
            'm' if is_code => is_code = false,
            _ if is_code => {}
            _ => plain.push(letter),
        }
    }
    plain
}
