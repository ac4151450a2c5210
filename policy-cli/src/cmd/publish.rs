//! `quorate publish`: gives an index the texts that the chain names by hash, so that everybody reads what is voted on.
//! Spec: docs/spec/api.md [API-6]. Trusts: nobody; the hash is computed here.

use crate::{
    compose::{compose_hash, docker_compose_of},
    exit::Exit,
    failure::Failure,
    file,
    output::Output,
    send::line,
    words,
};
use alloy::{
    primitives::{B256, keccak256},
    transports::http::reqwest,
};
use clap::Args;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

const AFTER: &str = "A file that is an app-compose.json goes under its compose hash, any other as the report of a simulation under its keccak256.
An index keeps what an event or a proposal names, and refuses everything else.

Example:
  quorate publish app-compose.json report.md --index http://127.0.0.1:8090";

/// How long an index may take for one text.
const PATIENCE: Duration = Duration::from_secs(20);
/// What is read of a refusal, in bytes, and what of its words is shown.
const MOST_REFUSAL: usize = 16 * 1024;
const MOST_WORDS: usize = 400;

/// Sends compose files and simulation reports to an index, which keeps what the chain names
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Publish {
    /// app-compose.json, or the report of a simulation; - is stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The index
    #[arg(long, value_name = "URL", value_parser = url)]
    index: reqwest::Url,
}

/// Why a text is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    #[error("{index} does not answer: {words}")]
    NoAnswer { index: String, words: String },
    #[error("{}: {index} refuses it ({status}): {words}", path.display())]
    Refused { path: PathBuf, index: String, status: u16, words: String },
}

impl PublishError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::NoAnswer { .. } => Exit::Network,
            Self::Refused { .. } => Exit::Denied,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::NoAnswer { .. } => Vec::new(),
            Self::Refused { status: 403, .. } => {
                vec!["first approve or propose it; an index knows of it a block later".into()]
            }
            Self::Refused { .. } => vec!["--index takes an index of this network".into()],
        }
    }
}

impl Publish {
    pub(crate) async fn run(&self, output: &mut Output<'_>) -> Result<Exit, Failure> {
        let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap_or_default();
        let index = self.index.as_str().trim_end_matches('/').to_owned();
        let (mut text, mut sent) = (String::new(), Vec::new());
        for path in &self.files {
            let bytes = file::read(path)?;
            let (sort, hash) = named(&bytes);
            send(&client, &index, hash, bytes, path).await?;
            let page = format!("{index}/texts/{hash}");
            line(&mut text, sort, &page);
            sent.push(json!({ "path": path, "sort": sort, "hash": hash, "url": page }));
        }
        output.answer("quorate.publish", json!({ "texts": sent }), &text)?;
        Ok(Exit::Ok)
    }
}

/// What a file is, and the hash by which the chain names it.
fn named(bytes: &[u8]) -> (&'static str, B256) {
    match docker_compose_of(bytes) {
        Ok(_) => ("app-compose", compose_hash(bytes).into()),
        Err(_) => ("simulation", keccak256(bytes)),
    }
}

async fn send(
    client: &reqwest::Client,
    index: &str,
    hash: B256,
    bytes: Vec<u8>,
    path: &Path,
) -> Result<(), Failure> {
    let no_answer = |error: reqwest::Error| PublishError::NoAnswer {
        index: index.to_owned(),
        words: words::plain(&error.without_url().to_string()),
    };
    let request = client.put(format!("{index}/v1/texts/{hash}"));
    let request = request.header("content-type", "text/plain; charset=utf-8").body(bytes);
    let mut answer = request.send().await.map_err(no_answer)?;
    if answer.status().is_success() {
        return Ok(());
    }
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(no_answer)? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_REFUSAL {
            break;
        }
    }
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let said = problem["detail"].as_str().unwrap_or("without a word");
    let words = words::plain(&said.chars().take(MOST_WORDS).collect::<String>());
    let index = index.to_owned();
    Err(PublishError::Refused { path: path.into(), index, status, words }.into())
}

fn url(word: &str) -> Result<reqwest::Url, String> {
    let url: reqwest::Url = word.parse().map_err(|_| "no URL".to_owned())?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err("http:// or https://".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_under_the_hash_that_the_chain_names_it_by() {
        // [API-6]
        let compose = br#"{"docker_compose_file":"services: {}"}"#;
        assert_eq!(named(compose), ("app-compose", compose_hash(compose).into()));
        for report in [&b"# Report"[..], br#"{"schema":"quorate.simulate"}"#] {
            assert_eq!(named(report), ("simulation", keccak256(report)));
        }
    }

    #[test]
    fn an_index_is_a_web_address() {
        assert!(url("http://127.0.0.1:1/x").is_ok());
        for wrong in ["", "127.0.0.1", "ftp://x", "file:///etc/passwd"] {
            assert!(url(wrong).is_err(), "{wrong}");
        }
    }
}
