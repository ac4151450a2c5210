//! An indexer of a story: started, killed and started again on its own database.

use crate::sse::{self, Place, Stream};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};
use wire::network::Network;

const LIMIT: Duration = Duration::from_secs(100);
const LOOK: Duration = Duration::from_millis(30);

/// An indexer and its database.
#[derive(Debug)]
pub struct Index {
    config: indexer::Config,
    http: reqwest::Client,
    running: Option<indexer::Running>,
}

impl Index {
    /// Starts on an empty SQLite file called `name` in `folder`.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start(network: &Network, folder: &Path, name: &str) -> Result<Self> {
        let file = folder.join(format!("{name}.sqlite"));
        Self::start_on(network, folder, name, &file.to_string_lossy()).await
    }

    /// Starts on the empty database at `url`.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_on(network: &Network, folder: &Path, name: &str, url: &str) -> Result<Self> {
        let path = folder.join(format!("{name}.network.toml"));
        std::fs::write(&path, network.to_toml())?;
        let config = indexer::Config {
            network: path,
            database: url.to_owned(),
            listen: ([127, 0, 0, 1], 0).into(),
            poll_milliseconds: 30,
            audit_milliseconds: 100,
            proofs: true,
            checkpoint: None,
            ready_file: None,
            texts: indexer::TextLimits::default(),
        };
        let mut index = Self { config, http: tee_client::http_client()?, running: None };
        index.restart().await?;
        Ok(index)
    }

    /// Drops it in the middle of whatever it does.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// Starts it on its database.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill();
        self.running = Some(indexer::run(self.config.clone()).await?);
        Ok(())
    }

    /// Its database.
    pub fn database(&self) -> &str {
        &self.config.database
    }

    /// Where it serves.
    ///
    /// # Errors
    /// If it does not run.
    pub fn url(&self) -> Result<String> {
        let listen = self.running.as_ref().context("the indexer does not run")?.listen;
        Ok(format!("http://{listen}"))
    }

    /// Status and body of an answer; text that is no JSON is a JSON string.
    ///
    /// # Errors
    /// If nobody answers.
    pub async fn get(&self, path: &str) -> Result<(u16, Value)> {
        let listen = self.running.as_ref().context("the indexer does not run")?.listen;
        let response = self.http.get(format!("http://{listen}{path}")).send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// A whole answer, to a request with these headers.
    ///
    /// # Errors
    /// If nobody answers.
    pub async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Result<reqwest::Response> {
        let mut request = self.http.get(format!("{}{path}", self.url()?));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Ok(request.send().await?)
    }

    /// Opens a stream; `last` is the id that it goes on after.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn stream(&self, query: &str, last: Option<&str>) -> Result<Stream> {
        let headers: Vec<_> = last.iter().map(|last| ("last-event-id", *last)).collect();
        // The usual client gives every answer a time to end in; a stream has none.
        let mut request = reqwest::Client::new().get(format!("{}/v1/stream?{query}", self.url()?));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = request.send().await?;
        ensure!(response.status() == 200, "{} {}", response.status(), response.text().await?);
        Ok(Stream::new(response))
    }

    /// Where all events are that the list with `query` has.
    ///
    /// # Errors
    /// If a page is refused.
    pub async fn places(&self, query: &str) -> Result<BTreeSet<Place>> {
        let mut places = BTreeSet::new();
        let mut cursor = String::new();
        loop {
            let (status, page) = self.get(&format!("/v1/events?{query}{cursor}")).await?;
            ensure!(status == 200, "{page}");
            for event in page["events"].as_array().context("a list")? {
                ensure!(places.insert(sse::place(event)?), "twice: {event}");
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(places),
            }
        }
    }

    /// The text of an answer, as it is.
    ///
    /// # Errors
    /// If nobody answers.
    pub async fn text(&self, path: &str) -> Result<String> {
        Ok(String::from_utf8(self.bytes(path).await?)?)
    }

    /// The bytes of an answer.
    ///
    /// # Errors
    /// If nobody answers.
    pub async fn bytes(&self, path: &str) -> Result<Vec<u8>> {
        let listen = self.running.as_ref().context("the indexer does not run")?.listen;
        let response = self.http.get(format!("http://{listen}{path}")).send().await?;
        Ok(response.bytes().await?.to_vec())
    }

    /// Waits for an answer that `is` what is waited for.
    ///
    /// # Errors
    /// With the last answer, after some time.
    pub async fn until(&self, path: &str, is: impl Fn(u16, &Value) -> bool) -> Result<Value> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let (status, body) = self.get(path).await?;
            if is(status, &body) {
                return Ok(body);
            }
            if Instant::now() >= deadline {
                let (_, ready) = self.get("/readyz").await?;
                bail!("{path} still says {status} {body}; /readyz: {ready}");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until it has the block with this number and hash as its head.
    ///
    /// # Errors
    /// After some time.
    pub async fn until_head(&self, number: u64, hash: &str) -> Result<()> {
        let is_there =
            |_, body: &Value| body["latest"]["number"] == number && body["latest"]["hash"] == hash;
        self.until("/v1/status", is_there).await.map(drop)
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// After some time, with the reason why it is not.
    pub async fn until_ready(&self) -> Result<()> {
        self.until("/readyz", |status, _| status == 200).await.map(drop)
    }
}
