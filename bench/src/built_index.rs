//! The built indexer as a process, with its defaults, and how it is asked.

use anyhow::{Context, Result, ensure};
use devnet::{
    harness::BareChain,
    leash::{Leash, Spawn},
};
use serde_json::Value;
use std::{
    path::Path,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(600);

/// The built indexer.
#[derive(Debug)]
pub struct Index {
    leash: Leash,
    /// When its process was started.
    pub begun: Instant,
    http: reqwest::Client,
    url: Option<String>,
}

impl Index {
    /// Starts it on an own database.
    ///
    /// # Errors
    /// If it is not built, beside this program.
    pub fn start(chain: &BareChain, name: &str, database: &str, proofs: bool) -> Result<Self> {
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

    /// What it answers, which is a 200.
    ///
    /// # Errors
    /// If it answers anything else.
    pub async fn get(&mut self, path: &str) -> Result<Value> {
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

    /// Waits until the block can be asked for.
    ///
    /// # Errors
    /// If that takes minutes.
    pub async fn until_head(&mut self, number: u64) -> Result<()> {
        self.until("/v1/status", |body| body["latest"]["number"].as_u64() >= Some(number)).await
    }

    /// Waits until every trail was compared.
    ///
    /// # Errors
    /// If that takes minutes.
    pub async fn until_ready(&mut self) -> Result<()> {
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

    /// The most memory that it ever held.
    ///
    /// # Errors
    /// If it has ended.
    pub fn peak_megabytes(&self) -> Result<u64> {
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
