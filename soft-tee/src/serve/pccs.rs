//! The HTTP interface of a PCCS, version 4, for the collateral of one authority.
//!
//! Bodies and headers as Intel's: signed JSON beside its signature, issuer chains percent-encoded in a header; the root's
//! revocation list as hex (a PCCS's way), the PCK's as DER if `encoding=der` is asked for, else as hex.

use crate::{Authority, CollateralTerms, QuoteCollateralV3};
use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

const DAY: u64 = 86_400;
/// Collateral is dated back, so that a chain whose clock is behind does not find it to be of the future.
const BACKDATED: u64 = 3_600;

struct Pccs {
    authority: Arc<Authority>,
    fixed: Option<u64>,
    issued: Mutex<Option<(u64, Arc<QuoteCollateralV3>)>>,
}

pub(super) fn router(authority: Arc<Authority>, collateral_issued: Option<u64>) -> Router {
    let pccs = Pccs { authority, fixed: collateral_issued, issued: Mutex::new(None) };
    Router::new()
        .route("/sgx/certification/v4/rootcacrl", get(root_ca_crl))
        .route("/sgx/certification/v4/pckcrl", get(pck_crl))
        .route("/tdx/certification/v4/tcb", get(tcb_info))
        .route("/tdx/certification/v4/qe/identity", get(qe_identity))
        .with_state(Arc::new(pccs))
}

impl Pccs {
    /// The collateral of today, or of the fixed time.
    fn collateral(&self) -> Arc<QuoteCollateralV3> {
        let now = self.fixed.unwrap_or_else(|| now().saturating_sub(BACKDATED));
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        match &*issued {
            Some((at, collateral)) if now.saturating_sub(*at) < DAY => Arc::clone(collateral),
            _ => {
                let collateral = Arc::new(self.authority.collateral(&CollateralTerms::at(now)));
                *issued = Some((now, Arc::clone(&collateral)));
                collateral
            }
        }
    }
}

type Arguments = Query<HashMap<String, String>>;

async fn root_ca_crl(State(pccs): State<Arc<Pccs>>) -> Response {
    hex::encode(&pccs.collateral().root_ca_crl).into_response()
}

async fn pck_crl(State(pccs): State<Arc<Pccs>>, Query(arguments): Arguments) -> Response {
    match arguments.get("ca").map(String::as_str) {
        Some("platform") => {}
        Some("processor") => return not_found("this authority has no processor CA"),
        _ => return bad_request("ca=platform or ca=processor is missing"),
    }
    let collateral = pccs.collateral();
    let chain = header("sgx-pck-crl-issuer-chain", &collateral.pck_crl_issuer_chain);
    match arguments.get("encoding").map(String::as_str) {
        Some("der") => (chain, collateral.pck_crl.clone()).into_response(),
        _ => (chain, hex::encode(&collateral.pck_crl)).into_response(),
    }
}

async fn tcb_info(State(pccs): State<Arc<Pccs>>, Query(arguments): Arguments) -> Response {
    let Some(fmspc) = arguments.get("fmspc") else {
        return bad_request("fmspc is missing");
    };
    if !fmspc.eq_ignore_ascii_case(&hex::encode(pccs.authority.fmspc())) {
        return not_found("this authority has no such platforms");
    }
    let collateral = pccs.collateral();
    let chain = header("tcb-info-issuer-chain", &collateral.tcb_info_issuer_chain);
    let signature = hex::encode(&collateral.tcb_info_signature);
    let body = format!(r#"{{"tcbInfo":{},"signature":"{signature}"}}"#, collateral.tcb_info);
    (chain, json(), body).into_response()
}

async fn qe_identity(State(pccs): State<Arc<Pccs>>) -> Response {
    let collateral = pccs.collateral();
    let chain = header("sgx-enclave-identity-issuer-chain", &collateral.qe_identity_issuer_chain);
    let signature = hex::encode(&collateral.qe_identity_signature);
    let body =
        format!(r#"{{"enclaveIdentity":{},"signature":"{signature}"}}"#, collateral.qe_identity);
    (chain, json(), body).into_response()
}

fn json() -> HeaderMap {
    header_map("content-type", "application/json")
}

/// A percent-encoded issuer chain.
fn header(name: &'static str, chain: &str) -> HeaderMap {
    header_map(name, &percent_encoded(chain))
}

fn header_map(name: &'static str, value: &str) -> HeaderMap {
    let value = HeaderValue::from_str(value).expect("printable ASCII");
    HeaderMap::from_iter([(HeaderName::from_static(name), value)])
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn bad_request(reason: &'static str) -> Response {
    (StatusCode::BAD_REQUEST, reason).into_response()
}

fn not_found(reason: &'static str) -> Response {
    (StatusCode::NOT_FOUND, reason).into_response()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
