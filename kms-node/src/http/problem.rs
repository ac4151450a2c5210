//! Every refusal and error as problem details (RFC 9457) with a stable code. Internals go to the log, never to the caller.

use crate::chain::ChainError;
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use kms_core::{
    Fault, JudgeError,
    authorize::{AuthorizeError, Refusal},
    release::ReleaseError,
};
use tracing::error;
use wire::request::{Code, Problem, SignedDenial};

/// A problem on its way to the caller.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    detail: String,
    denied: Option<Box<SignedDenial>>,
}

impl Refused {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), denied: None }
    }

    /// A fault of this node: logged here, named outside.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        error!("{cause:#}");
        Self::new(Code::Internal, "this node failed; its operator finds the cause in the log")
    }

    pub(crate) fn denied(denial: SignedDenial) -> Self {
        let detail = denial.statement.reason.clone();
        Self { code: Code::Denied, detail, denied: Some(denial.into()) }
    }
}

/// Title and status of a code.
fn describe(code: Code) -> (&'static str, StatusCode) {
    match code {
        Code::Denied => ("the policy denies this", StatusCode::FORBIDDEN),
        Code::NotFinal => ("allowed, but not final yet", StatusCode::TOO_EARLY),
        Code::HeadStale => ("no fresh proven head", StatusCode::SERVICE_UNAVAILABLE),
        Code::NotRecorded => ("not recorded yet", StatusCode::TOO_EARLY),
        Code::AnchorInvalid => ("the anchor can't be used", StatusCode::CONFLICT),
        Code::EpochMoved => ("another keyset or epoch is in force", StatusCode::CONFLICT),
        Code::WindowClosed => ("the release window is over", StatusCode::GONE),
        Code::BelowThreshold => ("too few authorizations", StatusCode::UNPROCESSABLE_ENTITY),
        Code::QuoteInvalid => ("the evidence does not hold", StatusCode::UNPROCESSABLE_ENTITY),
        Code::InputInvalid => ("an input does not hold", StatusCode::UNPROCESSABLE_ENTITY),
        Code::Malformed => ("the body can't be read", StatusCode::BAD_REQUEST),
        Code::TooLarge => ("above a limit", StatusCode::PAYLOAD_TOO_LARGE),
        Code::RateLimited => ("too many requests", StatusCode::TOO_MANY_REQUESTS),
        Code::NoShare => ("this node may not act now", StatusCode::SERVICE_UNAVAILABLE),
        Code::Reverted => ("the chain refuses it", StatusCode::UNPROCESSABLE_ENTITY),
        Code::NotFound => ("there is no such thing", StatusCode::NOT_FOUND),
        Code::Internal => ("internal error", StatusCode::INTERNAL_SERVER_ERROR),
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (title, status) = describe(self.code);
        let code = serde_json::to_value(self.code).ok();
        let code = code.as_ref().and_then(serde_json::Value::as_str).unwrap_or("internal");
        let problem = Problem {
            kind: format!("https://quorate.invalid/problems/{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail,
            code: self.code,
            denied: self.denied.map(|denied| *denied),
        };
        let mut response = (status, Json(problem)).into_response();
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}

impl From<ChainError> for Refused {
    fn from(error: ChainError) -> Self {
        match &error {
            ChainError::TooManyRounds => Self::internal(&error),
            ChainError::Stale(_)
            | ChainError::NoHead
            | ChainError::NoFloor
            | ChainError::Unavailable { .. } => Self::new(Code::HeadStale, error.to_string()),
        }
    }
}

impl From<JudgeError> for Refused {
    fn from(error: JudgeError) -> Self {
        let code = match &error {
            JudgeError::TooLarge(_) => Code::TooLarge,
            JudgeError::Input(_) => Code::InputInvalid,
            JudgeError::Anchor(_) => Code::AnchorInvalid,
            JudgeError::Keyset { .. } => Code::EpochMoved,
            JudgeError::NotAMember { .. } => Code::NoShare,
            JudgeError::Parse(_)
            | JudgeError::Quote(_)
            | JudgeError::Replay(_)
            | JudgeError::Bind(_)
            | JudgeError::AppId(_) => Code::QuoteInvalid,
            JudgeError::Budget { .. } => Code::RateLimited,
            JudgeError::Read(_) | JudgeError::Decide(_) => return Self::internal(chain(&error)),
        };
        debug_assert!(error.fault() != Fault::Local || code == Code::NoShare);
        Self::new(code, chain(&error))
    }
}

impl From<AuthorizeError> for Refused {
    fn from(error: AuthorizeError) -> Self {
        match error {
            AuthorizeError::Judge(error) => error.into(),
            AuthorizeError::Signing(_) => Self::internal(error),
        }
    }
}

impl From<ReleaseError> for Refused {
    fn from(error: ReleaseError) -> Self {
        let code = match error {
            ReleaseError::Judge(error) => return error.into(),
            ReleaseError::WindowClosed { .. } => Code::WindowClosed,
            ReleaseError::EpochMoved { .. } => Code::EpochMoved,
            ReleaseError::NotAMember { .. } => Code::NoShare,
            ReleaseError::Evaluate(_) | ReleaseError::Signing(_) => return Self::internal(error),
        };
        Self::new(code, error.to_string())
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Denied(denial) => Self::denied(*denial),
            Refusal::NotFinal { reason, finalized } => {
                let detail = format!("the finalized block {finalized} says: {reason}");
                Self::new(Code::NotFinal, detail)
            }
        }
    }
}

/// An error with its causes, each once. For errors about the caller's own bytes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        source = cause.source();
    }
    text
}
