//! The dstack guest socket: JSON over HTTP on a unix socket, bytes as hex without 0x. reference: dstack guest agent API.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use wire::report_data::ReportData;
use zeroize::Zeroizing;

/// A dstack socket.
#[derive(Clone, Debug)]
pub struct Socket {
    path: PathBuf,
    http: reqwest::Client,
}

/// What the socket says about this boot. `compose` is checked against the hash that the socket names; whether that hash
/// was measured is for whoever verifies the quote.
#[derive(Clone, Debug)]
pub struct Boot {
    /// The measured app id, 20 bytes.
    pub app_id: [u8; 20],
    /// The measured instance id, 20 bytes; `None` with no_instance_id.
    pub instance_id: Option<[u8; 20]>,
    /// SHA-256 of `compose`.
    pub compose_hash: [u8; 32],
    /// The OS image as the socket states it; what counts is what the quote measures.
    pub os_image_hash: [u8; 32],
    /// The exact bytes of app-compose.json.
    pub compose: Vec<u8>,
}

/// Why the socket's answer can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Nothing listens there, or it broke off.
    #[error("dstack socket {path}: {method} failed; is the guest agent running?")]
    Unreachable {
        /// Where.
        path: PathBuf,
        /// What was asked.
        method: &'static str,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// It refused.
    #[error("dstack socket: {method} was refused: {message}")]
    Refused {
        /// What was asked.
        method: &'static str,
        /// What it said.
        message: String,
    },
    /// It answered something else than it should.
    #[error("dstack socket: {method} answered with a wrong {field}")]
    Field {
        /// What was asked.
        method: &'static str,
        /// Which field.
        field: &'static str,
    },
}

#[derive(Serialize)]
struct GetQuote {
    report_data: String,
}

#[derive(Deserialize)]
struct GetQuoteAnswer {
    quote: String,
    event_log: String,
}

#[derive(Serialize)]
struct GetKey<'a> {
    path: &'a str,
    purpose: &'a str,
    algorithm: &'a str,
}

#[derive(Deserialize)]
struct GetKeyAnswer {
    key: Zeroizing<String>,
}

#[derive(Deserialize)]
struct InfoAnswer {
    app_id: String,
    #[serde(default)]
    instance_id: String,
    compose_hash: String,
    os_image_hash: String,
    tcb_info: String,
}

#[derive(Deserialize)]
struct TcbInfo {
    app_compose: String,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl Socket {
    /// The socket at `path`. Nothing is asked yet.
    pub fn at(path: impl AsRef<Path>) -> Result<Self, reqwest::Error> {
        let path = path.as_ref().to_owned();
        let http = crate::client_builder().unix_socket(path.clone()).build()?;
        Ok(Self { path, http })
    }

    /// A quote over exactly `report_data`, and the event log as JSON text.
    pub async fn quote(&self, report_data: &ReportData) -> Result<(Vec<u8>, String), SocketError> {
        let request = GetQuote { report_data: hex::encode(report_data) };
        let answer: GetQuoteAnswer = self.ask("GetQuote", &request).await?;
        let quote = decode("GetQuote", "quote", &answer.quote)?;
        Ok((quote, answer.event_log))
    }

    /// The 32-byte key of `path`: the same on this machine for this app, another elsewhere.
    pub async fn key(&self, path: &str, purpose: &str) -> Result<Zeroizing<[u8; 32]>, SocketError> {
        let request = GetKey { path, purpose, algorithm: "secp256k1" };
        let answer: GetKeyAnswer = self.ask("GetKey", &request).await?;
        fixed("GetKey", "key", &answer.key).map(Zeroizing::new)
    }

    /// What runs here.
    pub async fn boot(&self) -> Result<Boot, SocketError> {
        let answer: InfoAnswer = self.ask("Info", &serde_json::json!({})).await?;
        let wrong = |field| SocketError::Field { method: "Info", field };
        let tcb_info: TcbInfo =
            serde_json::from_str(&answer.tcb_info).map_err(|_| wrong("tcb_info"))?;
        let compose = tcb_info.app_compose.into_bytes();
        let compose_hash = fixed("Info", "compose_hash", &answer.compose_hash)?;
        if <[u8; 32]>::from(Sha256::digest(&compose)) != compose_hash {
            return Err(wrong("app_compose: it does not hash to compose_hash"));
        }
        let instance_id = match answer.instance_id.as_str() {
            "" => None,
            id => Some(fixed("Info", "instance_id", id)?),
        };
        Ok(Boot {
            app_id: fixed("Info", "app_id", &answer.app_id)?,
            instance_id,
            compose_hash,
            os_image_hash: fixed("Info", "os_image_hash", &answer.os_image_hash)?,
            compose,
        })
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        body: &impl Serialize,
    ) -> Result<T, SocketError> {
        let unreachable =
            |source| SocketError::Unreachable { path: self.path.clone(), method, source };
        // The host name of a unix socket means nothing.
        let url = format!("http://dstack/{method}");
        let response = self.http.post(url).json(body).send().await.map_err(unreachable)?;
        if !response.status().is_success() {
            let message =
                response.json::<Refusal>().await.map_or_else(|e| e.to_string(), |r| r.error);
            return Err(SocketError::Refused { method, message });
        }
        response.json().await.map_err(unreachable)
    }
}

fn decode(method: &'static str, field: &'static str, text: &str) -> Result<Vec<u8>, SocketError> {
    hex::decode(text).map_err(|_| SocketError::Field { method, field })
}

/// A wrong length is refused, never padded.
fn fixed<const N: usize>(
    method: &'static str,
    field: &'static str,
    text: &str,
) -> Result<[u8; N], SocketError> {
    let bytes = Zeroizing::new(decode(method, field, text)?);
    bytes.as_slice().try_into().map_err(|_| SocketError::Field { method, field })
}
