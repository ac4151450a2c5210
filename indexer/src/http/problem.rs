//! Every refusal as problem details (RFC 9457) with a stable code. Internals go to the log, never to the caller. [API-1]

use super::shape::Block;
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use light_client::BlockRef;
use serde::Serialize;
use tracing::error;
use utoipa::ToSchema;

pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was refused. Codes are stable; titles and details are for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Code {
    /// The request can't be read.
    Malformed,
    /// There is no such thing.
    NotFound,
    /// The resource has no such method.
    MethodNotAllowed,
    /// There is no answer in a format that the caller takes.
    NotAcceptable,
    /// A reorg took away the block that a cursor belongs to.
    Reorged,
    /// The request has a body that it should not have or that is too long, or too long an address.
    TooLarge,
    /// A text has not the hash that it was sent under.
    WrongHash,
    /// Nothing on the chain names a text by this hash.
    NotNamed,
    /// No more texts are kept for whoever names this one.
    Full,
    /// The index can't be relied on now.
    NotReady,
    /// Too many requests at once.
    Busy,
    /// The answer took too long.
    Timeout,
    /// The indexer failed.
    Internal,
}

impl Code {
    fn title(self) -> &'static str {
        match self {
            Self::Malformed => "the request can't be read",
            Self::NotFound => "there is no such thing",
            Self::MethodNotAllowed => "the resource has no such method",
            Self::NotAcceptable => "there is no answer in such a format",
            Self::Reorged => "a reorg took away the block that the cursor belongs to",
            Self::TooLarge => "the request is too large",
            Self::WrongHash => "the text has another hash",
            Self::NotNamed => "the chain names no such text",
            Self::Full => "no more texts are kept",
            Self::NotReady => "the index can't be relied on now",
            Self::Busy => "too many requests at once",
            Self::Timeout => "the answer took too long",
            Self::Internal => "internal error",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::Reorged => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::WrongHash => StatusCode::CONFLICT,
            Self::NotNamed => StatusCode::FORBIDDEN,
            Self::Full => StatusCode::INSUFFICIENT_STORAGE,
            Self::NotReady | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn word(self) -> String {
        // A unit variant is a JSON string.
        serde_json::to_value(self)
            .ok()
            .and_then(|word| Some(word.as_str()?.to_owned()))
            .unwrap_or_default()
    }
}

/// Problem details, RFC 9457.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// A name for the code, as a URI that nothing is served at.
    #[schema(format = "uri")]
    r#type: String,
    /// The code in words.
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong with this request, and what to do.
    detail: String,
    code: Code,
    /// With `reorged`: the newest block that the cursor's chain and the canonical one have in common.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_common: Option<Block>,
}

/// A problem on its way to the caller.
#[derive(Debug)]
pub(crate) struct Refused(Box<Problem>);

impl Refused {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem {
            r#type: format!("https://quorate.invalid/problems/{}", code.word()),
            title: code.title().to_owned(),
            status: code.status().as_u16(),
            detail: detail.into(),
            code,
            last_common: None,
        }))
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(Code::NotFound, detail)
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(Code::Malformed, detail)
    }

    /// Status, title and detail, for a page.
    pub(crate) fn words(&self) -> (StatusCode, &str, &str) {
        (self.0.code.status(), &self.0.title, &self.0.detail)
    }

    pub(crate) fn not_ready(detail: impl Into<String>) -> Self {
        Self::new(Code::NotReady, detail)
    }

    /// What the cursor belongs to is on another branch now.
    pub(crate) fn reorged(cursor: BlockRef, last_common: Option<BlockRef>) -> Self {
        let detail = match last_common {
            Some(block) => format!(
                "block {cursor} is not canonical any more: what you have up to block {} holds, begin anew at from_block={}",
                block.number,
                block.number.saturating_add(1)
            ),
            None => format!("this index never had block {cursor}: begin anew without a cursor"),
        };
        let Self(mut problem) = Self::new(Code::Reorged, detail);
        problem.last_common = last_common.map(Block::from);
        Self(problem)
    }
}

impl From<anyhow::Error> for Refused {
    fn from(cause: anyhow::Error) -> Self {
        error!("{cause:#}");
        Self::new(Code::Internal, "the indexer failed; its operator finds the cause in the log")
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = self.0.code.status();
        let retry = matches!(self.0.code, Code::Busy | Code::NotReady);
        let mut response = (status, Json(self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
