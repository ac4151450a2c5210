//! A reader of server-sent events, which keeps what it was told and has not been told to forget.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};

const PATIENCE: Duration = Duration::from_secs(90);

/// Where an event is.
pub type Place = (String, u64);

/// An open stream.
#[derive(Debug)]
pub struct Stream {
    response: reqwest::Response,
    text: String,
    /// The id of the last message.
    pub last_id: Option<String>,
    /// The events that it was told, in that order, without those that were taken back.
    pub held: Vec<Place>,
    /// How many were taken back.
    pub retracted: usize,
    /// The names of all events that it was ever told.
    pub names: BTreeSet<String>,
    /// The newest finalized block that it was told.
    pub finalized: u64,
}

/// Where an event of the API is.
///
/// # Errors
/// If it is none.
pub fn place(event: &Value) -> Result<Place> {
    let block = event["block_hash"].as_str().context("a block hash")?;
    Ok((block.to_owned(), event["log_index"].as_u64().context("a log index")?))
}

impl Stream {
    pub(crate) fn new(response: reqwest::Response) -> Self {
        Self {
            response,
            text: String::new(),
            last_id: None,
            held: Vec::new(),
            retracted: 0,
            names: BTreeSet::new(),
            finalized: 0,
        }
    }

    /// Reads until it holds exactly `wanted`.
    ///
    /// # Errors
    /// After some time, or if a message makes no sense: the same event twice, or one taken back that is not the last.
    pub async fn until(&mut self, wanted: &BTreeSet<Place>) -> Result<()> {
        while self.held.iter().cloned().collect::<BTreeSet<_>>() != *wanted {
            let read = tokio::time::timeout(PATIENCE, self.message()).await;
            read.with_context(|| {
                format!("waited for {} events, has {}", wanted.len(), self.held.len())
            })??;
        }
        Ok(())
    }

    /// Reads one message.
    ///
    /// # Errors
    /// If the stream ends, or the message makes no sense.
    pub async fn message(&mut self) -> Result<()> {
        let block = loop {
            if let Some(end) = self.text.find("\n\n") {
                let rest = self.text.split_off(end);
                let block = std::mem::replace(&mut self.text, rest.trim_start().to_owned());
                break block;
            }
            let chunk = self.response.chunk().await?.context("the stream has ended")?;
            self.text.push_str(std::str::from_utf8(&chunk)?);
        };
        let field = |name: &str| {
            let prefix = format!("{name}: ");
            block.lines().find_map(|line| line.strip_prefix(prefix.as_str()))
        };
        if let Some(id) = field("id") {
            self.last_id = Some(id.to_owned());
        }
        let (Some(name), Some(data)) = (field("event"), field("data")) else { return Ok(()) };
        let data: Value = serde_json::from_str(data)?;
        match name {
            "event" => {
                let place = place(&data)?;
                ensure!(!self.held.contains(&place), "told twice: {data}");
                ensure!(data["finality"] != "orphaned", "{data}");
                self.names.extend(data["name"].as_str().map(str::to_owned));
                self.held.push(place);
            }
            "retract" => {
                ensure!(self.held.last() == Some(&place(&data)?), "not the last one: {data}");
                self.held.pop();
                self.retracted += 1;
            }
            "finalized" => {
                self.finalized = data["finalized"]["number"].as_u64().context("a number")?;
            }
            other => bail!("a message {other:?}"),
        }
        Ok(())
    }
}
