//! Every refusal as problem details (RFC 9457) with a stable code. Internals go to the log, never to the caller.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tracing::error;

/// A problem on its way to the caller.
#[derive(Debug)]
pub(crate) struct Refused {
    code: &'static str,
    title: &'static str,
    status: StatusCode,
    detail: String,
}

impl Refused {
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self {
            code: "not_found",
            title: "there is no such thing",
            status: StatusCode::NOT_FOUND,
            detail: detail.into(),
        }
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self {
            code: "malformed",
            title: "the request can't be read",
            status: StatusCode::BAD_REQUEST,
            detail: detail.into(),
        }
    }

    /// Status, title and detail, for a page.
    pub(crate) fn words(&self) -> (StatusCode, &'static str, &str) {
        (self.status, self.title, &self.detail)
    }

    /// The page that the cursor ended is on another branch now.
    pub(crate) fn reorged(detail: impl Into<String>) -> Self {
        Self {
            code: "reorged",
            title: "a reorg took away the block that the cursor stands at",
            status: StatusCode::CONFLICT,
            detail: detail.into(),
        }
    }

    pub(crate) fn not_ready(detail: impl Into<String>) -> Self {
        Self {
            code: "not_ready",
            title: "the index can't be relied on now",
            status: StatusCode::SERVICE_UNAVAILABLE,
            detail: detail.into(),
        }
    }
}

impl From<anyhow::Error> for Refused {
    fn from(cause: anyhow::Error) -> Self {
        error!("{cause:#}");
        Self {
            code: "internal",
            title: "internal error",
            status: StatusCode::INTERNAL_SERVER_ERROR,
            detail: "the indexer failed; its operator finds the cause in the log".to_owned(),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let problem = json!({
            "type": format!("https://quorate.invalid/problems/{}", self.code),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
        });
        let mut response = (self.status, Json(problem)).into_response();
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}
