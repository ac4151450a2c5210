//! The unix socket of a dstack guest: `POST /<Method>`, `GET` with arguments in the query, `/prpc/<Service>.<Method>`.
//!
//! JSON, bytes as hex without 0x; any failure is HTTP 400 with `{"error": …}`. Served are the methods that a node or an agent
//! below needs: `GetQuote`, `GetKey`, `Info`, `Version`.

use crate::TrustDomain;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Query, State},
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use hkdf::Hkdf;
use k256::ecdsa::SigningKey;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::Sha256;
use sha3::{Digest, Keccak256};
use std::sync::Arc;

/// A message for the client.
type Failure = String;

pub(super) fn router(domain: Arc<TrustDomain>) -> Router {
    Router::new().fallback(call).with_state(domain)
}

async fn call(
    State(domain): State<Arc<TrustDomain>>,
    method: Method,
    uri: Uri,
    Query(query): Query<Map<String, Value>>,
    body: Bytes,
) -> Response {
    let arguments = match method {
        Method::GET => Ok(Value::Object(query)),
        Method::POST if body.is_empty() => Ok(json!({})),
        Method::POST => serde_json::from_slice(&body).map_err(|error| error.to_string()),
        _ => Err(format!("{method} is not served")),
    };
    match arguments.and_then(|arguments| answer(&domain, procedure(uri.path()), arguments)) {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response(),
    }
}

/// `GetKey` of `/GetKey` and of `/prpc/DstackGuest.GetKey`.
fn procedure(path: &str) -> &str {
    path.rsplit(['/', '.']).next().unwrap_or_default()
}

fn answer(domain: &TrustDomain, procedure: &str, arguments: Value) -> Result<Value, Failure> {
    match procedure {
        "GetQuote" => get_quote(domain, read(arguments)?),
        "GetKey" => get_key(domain, read(arguments)?),
        "Info" => Ok(info(domain)),
        "Version" => Ok(json!({ "version": env!("CARGO_PKG_VERSION"), "rev": "" })),
        _ => Err(format!("there is no method {procedure:?}")),
    }
}

fn read<T: serde::de::DeserializeOwned>(arguments: Value) -> Result<T, Failure> {
    serde_json::from_value(arguments).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
struct GetQuote {
    report_data: String,
}

/// The data is zero-padded to 64 bytes, not hashed.
fn get_quote(domain: &TrustDomain, GetQuote { report_data }: GetQuote) -> Result<Value, Failure> {
    let given = hex::decode(&report_data).map_err(|error| format!("report_data: {error}"))?;
    let mut report_data = [0; 64];
    report_data
        .get_mut(..given.len())
        .ok_or("report_data: at most 64 bytes")?
        .copy_from_slice(&given);
    Ok(json!({
        "quote": hex::encode(domain.quote(report_data)),
        "event_log": domain.event_log(),
        "report_data": hex::encode(report_data),
        "vm_config": domain.vm_config(),
    }))
}

#[derive(Deserialize)]
struct GetKey {
    #[serde(default)]
    path: String,
    #[serde(default)]
    purpose: String,
    #[serde(default)]
    algorithm: String,
}

/// dstack's formulas, under a key of this machine's: `key = HKDF-SHA256("RATLS", app key, path)`, and a chain of two
/// recoverable secp256k1 signatures, of the app key over the key and of the machine's provider over the app key.
fn get_key(domain: &TrustDomain, request: GetKey) -> Result<Value, Failure> {
    if !matches!(request.algorithm.as_str(), "" | "secp256k1" | "k256") {
        return Err(format!("algorithm {:?} is not supported", request.algorithm));
    }
    let app_key = domain.app_key();
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(Some(b"RATLS"), &app_key)
        .expand(request.path.as_bytes(), &mut key)
        .map_err(|error| error.to_string())?;
    let public = hex::encode(public_key(&signing_key(&key)?));
    let by_app = sign(&app_key, format!("{}:{public}", request.purpose).as_bytes())?;
    let app_public = public_key(&signing_key(&app_key)?);
    let issued = [b"dstack-kms-issued:", domain.app().app_id.as_slice(), &app_public];
    let by_provider = sign(&domain.provider_key(), &issued.concat())?;
    Ok(json!({
        "key": hex::encode(key),
        "signature_chain": [hex::encode(by_app), hex::encode(by_provider)],
    }))
}

fn signing_key(bytes: &[u8; 32]) -> Result<SigningKey, Failure> {
    SigningKey::from_slice(bytes).map_err(|error| error.to_string())
}

fn public_key(key: &SigningKey) -> Vec<u8> {
    key.verifying_key().to_sec1_point(true).as_bytes().to_vec()
}

fn sign(key: &[u8; 32], message: &[u8]) -> Result<Vec<u8>, Failure> {
    let digest = Keccak256::digest(message);
    let (signature, recovery) = signing_key(key)?.sign_prehash_recoverable(&digest);
    let mut bytes = signature.to_bytes().to_vec();
    bytes.push(recovery.to_byte());
    Ok(bytes)
}

fn info(domain: &TrustDomain) -> Value {
    let compose: Value = serde_json::from_slice(&domain.app().compose).unwrap_or_default();
    let name = compose.get("name").and_then(Value::as_str).unwrap_or_default();
    json!({
        "app_id": hex::encode(domain.app().app_id),
        "instance_id": hex::encode(domain.instance_id()),
        "app_cert": domain.machine().certificate_pem(),
        "tcb_info": domain.tcb_info(),
        "app_name": name,
        "device_id": hex::encode(domain.machine().device_id()),
        "mr_aggregated": hex::encode(domain.mr_aggregated()),
        "os_image_hash": hex::encode(domain.machine().image().hash()),
        "key_provider_info": String::from_utf8_lossy(domain.key_provider()),
        "compose_hash": hex::encode(domain.app().compose_hash()),
        "vm_config": domain.vm_config(),
        "cloud_vendor": "soft-tee",
        "cloud_product": "software",
    })
}
