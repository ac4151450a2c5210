//! Style, scripts and icon, embedded; and the headers that keep anything else out. [EXP-7]

use super::error::missing;
use alloy_primitives::keccak256;
use axum::{
    extract::Path,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::sync::LazyLock;

/// Nothing is loaded but our own style and scripts; nothing is sent but forms to us.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The verify page also asks the endpoint that the reader names.
pub(super) const POLICY_OF_VERIFY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     connect-src 'self' http: https:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const ASSETS: [(&str, &str, &str); 6] = [
    ("style.css", "text/css; charset=utf-8", include_str!("../../assets/style.css")),
    ("explorer.js", "text/javascript; charset=utf-8", include_str!("../../assets/explorer.js")),
    ("verify.js", "text/javascript; charset=utf-8", include_str!("../../assets/verify.js")),
    ("vote.js", "text/javascript; charset=utf-8", include_str!("../../assets/vote.js")),
    ("proof.js", "text/javascript; charset=utf-8", include_str!("../../assets/proof.js")),
    ("icon.svg", "image/svg+xml", include_str!("../../assets/icon.svg")),
];

/// Names the assets' content, so that a browser may keep them.
pub(super) fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let all: String = ASSETS.iter().map(|(_, _, content)| *content).collect();
        alloy_primitives::hex::encode(&keccak256(all)[..6])
    });
    &VERSION
}

pub(super) async fn asset(Path(name): Path<String>) -> Response {
    let Some((_, kind, content)) = ASSETS.iter().find(|(known, _, _)| *known == name) else {
        return missing("there is no such file").into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, *kind),
        // A new binary has another address for it.
        (header::CACHE_CONTROL, "public, max-age=86400"),
    ];
    (StatusCode::OK, headers, *content).into_response()
}

/// Puts the policy on every answer that has none of its own.
pub(super) async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CACHE_CONTROL, "no-cache");
    response
}
