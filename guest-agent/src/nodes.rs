//! The nodes' HTTP API, as the asking side uses it: one call, one answer or one error in words.

use reqwest::{Client, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};
use wire::{
    limits::MAX_BODY_BYTES,
    request::{Code, Problem},
};

/// The first wait between two calls to one node, doubled up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(50);
pub(crate) const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// How long a node may not know our anchor, or deny at an older block than others have: it may be some blocks behind.
const ANCHOR_PATIENCE: Duration = Duration::from_secs(10);

/// Why a node gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nothing listens there, it broke off, or it took too long.
    #[error("it can't be reached: {}", innermost(.0))]
    Unreachable(#[source] reqwest::Error),
    /// The answer is above the limit.
    #[error("its answer has more than {MAX_BODY_BYTES} bytes")]
    TooLarge,
    /// 200, and another body than it should be.
    #[error("its answer can't be read: {0}")]
    Malformed(#[source] serde_json::Error),
    /// Problem details.
    #[error("{}: {}", code(.0.code), .0.detail)]
    Problem(Box<Problem>),
    /// Another status than 200, without problem details.
    #[error("it answered {0}")]
    Status(StatusCode),
    /// It is not of the committee that is asked.
    #[error(transparent)]
    Stranger(#[from] kms_client::WhyStranger),
}

/// Whether a call is worth repeating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// Until the deadline.
    Yes,
    /// For [`ANCHOR_PATIENCE`].
    AWhile,
    /// What it said won't change.
    No,
}

/// Every node, by its place in the list.
#[derive(Clone, Debug)]
pub(crate) struct Nodes {
    urls: Arc<[String]>,
    http: Client,
}

impl Nodes {
    pub(crate) fn new(urls: &[String]) -> Result<Self, reqwest::Error> {
        let urls = urls.iter().map(|url| url.trim_end_matches('/').to_owned()).collect();
        Ok(Self { urls, http: tee_client::http_client()? })
    }

    pub(crate) fn url(&self, node: kms_client::NodeId) -> &str {
        self.urls.get(usize::from(node.0)).map_or("?", String::as_str)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = kms_client::NodeId> + use<> {
        (0..self.urls.len()).filter_map(|at| u16::try_from(at).ok().map(kms_client::NodeId))
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        node: kms_client::NodeId,
        path: &str,
        deadline: Instant,
    ) -> Result<T, AskError> {
        ask(self.http.get(format!("{}{path}", self.url(node))), deadline).await
    }

    /// Posts `body`, which is JSON already: it is the same for every node and every repetition.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        node: kms_client::NodeId,
        path: &str,
        body: Vec<u8>,
        deadline: Instant,
    ) -> Result<T, AskError> {
        let request = self.http.post(format!("{}{path}", self.url(node))).body(body);
        ask(request.header("content-type", "application/json"), deadline).await
    }
}

/// Calls until there is an answer, an error that won't change, or no time left; then the last error.
pub(crate) async fn patiently<T, F: Future<Output = Result<T, AskError>>>(
    deadline: Instant,
    again: impl Fn(&AskError) -> Again,
    call: impl Fn() -> F,
) -> Result<T, AskError> {
    let started = Instant::now();
    let mut wait = FIRST_WAIT;
    loop {
        let error = match call().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let until = match again(&error) {
            Again::Yes => deadline,
            Again::AWhile => deadline.min(started + ANCHOR_PATIENCE),
            Again::No => return Err(error),
        };
        if Instant::now() + wait >= until {
            return Err(error);
        }
        sleep(wait).await;
        wait = LONGEST_WAIT.min(wait * 2);
    }
}

async fn ask<T: DeserializeOwned>(
    request: RequestBuilder,
    deadline: Instant,
) -> Result<T, AskError> {
    let left = deadline.saturating_duration_since(Instant::now()).max(FIRST_WAIT);
    let response = request.timeout(left.min(Duration::from_secs(30))).send().await;
    let mut response = response.map_err(AskError::Unreachable)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(AskError::Unreachable)? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(AskError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    read(status, &body)
}

fn read<T: DeserializeOwned>(status: StatusCode, body: &[u8]) -> Result<T, AskError> {
    if status == StatusCode::OK {
        return serde_json::from_slice(body).map_err(AskError::Malformed);
    }
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => Err(AskError::Problem(Box::new(problem))),
        Err(_) => Err(AskError::Status(status)),
    }
}

impl AskError {
    /// The stable code, if the node gave one.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Problem(problem) => Some(problem.code),
            _ => None,
        }
    }

    /// Whether the node may have begun to do what it was asked.
    pub(crate) fn may_have_acted(&self) -> bool {
        match self {
            Self::Unreachable(error) => !error.is_connect(),
            Self::TooLarge | Self::Malformed(_) => true,
            Self::Problem(_) | Self::Status(_) | Self::Stranger(_) => false,
        }
    }

    /// As [`again`](Self::again), where the chain is at `newest`: who denies at an older block may be behind. [REQ-14]
    pub(crate) fn again_where(&self, newest: u64) -> Again {
        match self {
            Self::Problem(problem)
                if problem.denied.as_ref().is_some_and(|denied| {
                    problem.code == Code::Denied && denied.statement.blockNumber < newest
                }) =>
            {
                Again::AWhile
            }
            _ => self.again(),
        }
    }

    /// Whether the same question may have another answer soon, whatever it is about.
    pub(crate) fn again(&self) -> Again {
        match self {
            Self::Unreachable(_) | Self::Stranger(_) => Again::Yes,
            Self::TooLarge | Self::Malformed(_) => Again::No,
            Self::Status(status) if status.is_server_error() => Again::Yes,
            Self::Status(_) => Again::No,
            Self::Problem(problem) => match problem.code {
                Code::NotFinal
                | Code::HeadStale
                | Code::NotRecorded
                | Code::RateLimited
                | Code::NoShare
                | Code::Internal => Again::Yes,
                Code::AnchorInvalid => Again::AWhile,
                Code::Denied
                | Code::EpochMoved
                | Code::WindowClosed
                | Code::BelowThreshold
                | Code::QuoteInvalid
                | Code::InputInvalid
                | Code::Malformed
                | Code::TooLarge
                | Code::Reverted
                | Code::NotFound => Again::No,
            },
        }
    }
}

/// The code as it stands in JSON.
pub(crate) fn code(code: Code) -> String {
    match serde_json::to_value(code) {
        Ok(serde_json::Value::String(text)) => text,
        _ => format!("{code:?}"),
    }
}

/// The last cause: what the outer ones only surround with the URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if error.is_timeout() { "it took too long".into() } else { cause.to_string() }
}

#[cfg(test)]
mod tests;
