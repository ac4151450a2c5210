//! What holds for every request: limits, a request id, and headers that allow no more than reading. [API-1]

use super::{Refused, problem::Code};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::Semaphore;
use tracing::{Instrument, info_span, warn};

/// Requests that are answered at once.
const MAX_REQUESTS: usize = 64;
/// A request that takes longer than this is given up.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Path and query.
const MAX_ADDRESS_BYTES: usize = 8 * 1024;
const MAX_ID_BYTES: usize = 64;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Set unless the resource has said otherwise.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-cache"),
    // Everything here is public and there is no cookie: any page may read it.
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (header::ACCESS_CONTROL_EXPOSE_HEADERS, "*"),
];

/// What is allowed at once, and how long.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    requests: Arc<Semaphore>,
    timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { requests: Arc::new(Semaphore::new(MAX_REQUESTS)), timeout: TIMEOUT }
    }
}

/// Around everything else.
pub(crate) async fn guard(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let span = info_span!("request", %id, method = %request.method(), path = request.uri().path());
    let mut response = limited(&limits, request, next).instrument(span).await;
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

async fn limited(limits: &Limits, request: Request, next: Next) -> Response {
    if is_preflight(&request) {
        return preflight();
    }
    if let Err(refused) = small(&request) {
        return refused.into_response();
    }
    let Ok(_permit) = limits.requests.try_acquire() else {
        return Refused::new(Code::Busy, "come back in a moment").into_response();
    };
    match tokio::time::timeout(limits.timeout, next.run(request)).await {
        Ok(response) => in_our_words(response),
        Err(_) => {
            warn!("given up after {:?}", limits.timeout);
            let words = format!("not done after {:?}: ask for less at once", limits.timeout);
            Refused::new(Code::Timeout, words).into_response()
        }
    }
}

/// Whoever reads has nothing to send; what may be sent, its resource limits.
fn small(request: &Request) -> Result<(), Refused> {
    let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if address > MAX_ADDRESS_BYTES {
        let words = format!("path and query: at most {MAX_ADDRESS_BYTES} bytes");
        return Err(Refused::new(Code::TooLarge, words));
    }
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let headers = request.headers();
    let length = headers.get(header::CONTENT_LENGTH).map(HeaderValue::as_bytes);
    let has_body = length.is_some_and(|length| length != b"0")
        || headers.contains_key(header::TRANSFER_ENCODING);
    if is_read && has_body {
        return Err(Refused::new(Code::TooLarge, "a request to read has no body"));
    }
    Ok(())
}

/// The router's own refusal of a method, which has no words.
fn in_our_words(response: Response) -> Response {
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    // The router adds the header to whatever comes out of here.
    Refused::new(Code::MethodNotAllowed, "the header `allow` says which there are").into_response()
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "accept, if-none-match, last-event-id, x-request-id",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The caller's, if it is one; else a new one.
fn request_id(headers: &HeaderMap) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let told = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let is_fit = |id: &&str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        !id.is_empty() && id.len() <= MAX_ID_BYTES && id.bytes().all(fits)
    };
    told.filter(is_fit).map(str::to_owned).unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        format!("{now:x}-{:x}", COUNT.fetch_add(1, Ordering::Relaxed))
    })
}

#[cfg(test)]
mod tests;
