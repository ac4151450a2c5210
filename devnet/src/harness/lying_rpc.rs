//! An RPC endpoint that passes everything on and changes one kind of answer when told to.

use abi::AppRegistry;
use alloy::{primitives::Address, sol_types::SolEvent};
use anyhow::{Context, Result};
use axum::{Json, Router, extract::State, routing::post};
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// What is told wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RpcLie {
    /// Every account has one wei more than it has (`eth_getProof`).
    Balance,
    /// Every slot holds one more than it holds (`eth_getProof`).
    Slot,
    /// The last byte of every code is another (`eth_getCode`).
    Code,
    /// Every header has another state root.
    Header,
    /// The last log of every block is left out (`eth_getBlockReceipts`), and of every answer (`eth_getLogs`).
    HiddenLog,
    /// Every block has one more log, of a contract that emitted none (`eth_getBlockReceipts`); every answer has its last log
    /// twice (`eth_getLogs`).
    InventedLog,
    /// The data of every log has another last byte (`eth_getBlockReceipts`), or its last topic has (`eth_getLogs`).
    ChangedLog,
    /// The first answer with an event `PolicySet` is without it, the next ones are true (`eth_getLogs`).
    HiddenPolicyOnce,
    /// Every event `PolicySet` is left out (`eth_getLogs`).
    HiddenPolicy,
    /// Of every event `PolicySet`, `isForeign` is the other (`eth_getLogs`).
    OtherPolicy,
    /// Every event of this contract is left out (`eth_getLogs`).
    HiddenContract(Address),
    /// Nothing is answered at all.
    Silence,
}

/// The endpoint.
#[derive(Debug)]
pub struct LyingRpc {
    url: String,
    inner: Arc<Inner>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Inner {
    upstream: String,
    http: reqwest::Client,
    lie: Mutex<Option<RpcLie>>,
    told: AtomicUsize,
    looks: AtomicUsize,
}

impl LyingRpc {
    /// Serves in front of `upstream`, truthfully.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn start(upstream: &str) -> Result<Self> {
        let inner = Arc::new(Inner {
            upstream: upstream.to_owned(),
            http: tee_client::http_client()?,
            lie: Mutex::new(None),
            told: AtomicUsize::new(0),
            looks: AtomicUsize::new(0),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().route("/", post(answer)).with_state(Arc::clone(&inner));
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!("the lying endpoint failed: {error}");
            }
        });
        Ok(Self { url, inner, task })
    }

    /// Where it serves.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on this is told wrongly; `None`: nothing.
    pub fn tell(&self, lie: Option<RpcLie>) {
        *self.inner.lie.lock().unwrap_or_else(PoisonError::into_inner) = lie;
    }

    /// How many answers were changed.
    pub fn told(&self) -> usize {
        self.inner.told.load(Ordering::SeqCst)
    }

    /// How often it was asked for events (`eth_getLogs`).
    pub fn looks(&self) -> usize {
        self.inner.looks.load(Ordering::SeqCst)
    }
}

impl Drop for LyingRpc {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    State(inner): State<Arc<Inner>>,
    Json(request): Json<Value>,
) -> Result<Json<Value>, axum::http::StatusCode> {
    let lie = *inner.lie.lock().unwrap_or_else(PoisonError::into_inner);
    if lie == Some(RpcLie::Silence) {
        inner.told.fetch_add(1, Ordering::SeqCst);
        return Err(axum::http::StatusCode::SERVICE_UNAVAILABLE);
    }
    let mut response =
        inner.pass_on(&request).await.map_err(|_| axum::http::StatusCode::BAD_GATEWAY)?;
    if request.get("method").and_then(Value::as_str) == Some("eth_getLogs") {
        inner.looks.fetch_add(1, Ordering::SeqCst);
    }
    if let Some(lie) = lie {
        match (&request, &mut response) {
            (Value::Array(requests), Value::Array(responses)) => {
                for (request, response) in requests.iter().zip(responses) {
                    inner.change(lie, request, response);
                }
            }
            (request, response) => inner.change(lie, request, response),
        }
    }
    Ok(Json(response))
}

impl Inner {
    async fn pass_on(&self, request: &Value) -> Result<Value> {
        let response = self.http.post(&self.upstream).json(request).send().await?;
        response.json().await.context("the upstream's answer")
    }

    fn change(&self, lie: RpcLie, request: &Value, response: &mut Value) {
        let method = request.get("method").and_then(Value::as_str).unwrap_or_default();
        let Some(result) = response.get_mut("result").filter(|result| !result.is_null()) else {
            return;
        };
        let changed = match (lie, method) {
            (RpcLie::Balance, "eth_getProof") => change_all(result.get_mut("balance"), plus_one),
            (RpcLie::Slot, "eth_getProof") => {
                let slots = result.get_mut("storageProof").and_then(Value::as_array_mut);
                let slots = slots.into_iter().flatten();
                change_all(slots.filter_map(|slot| slot.get_mut("value")), plus_one)
            }
            (RpcLie::Code, "eth_getCode") => change_all([result], other_last_digit),
            (RpcLie::Header, "eth_getBlockByHash" | "eth_getBlockByNumber") => {
                change_all(result.get_mut("stateRoot"), other_last_digit)
            }
            (RpcLie::HiddenLog, "eth_getBlockReceipts") => {
                change_all(logs(result).filter(|logs| !logs.is_empty()).last(), |logs| {
                    logs.pop();
                })
            }
            (RpcLie::InventedLog, "eth_getBlockReceipts") => {
                change_all(logs(result).filter(|logs| !logs.is_empty()).last(), |logs| {
                    let mut log = logs.last().cloned().unwrap_or_default();
                    log["address"] = json!(Address::repeat_byte(0xA4));
                    logs.push(log);
                })
            }
            (RpcLie::ChangedLog, "eth_getBlockReceipts") => change_all(
                logs(result).flatten().filter_map(|log| log.get_mut("data")),
                other_last_digit,
            ),
            (RpcLie::HiddenLog, "eth_getLogs") => {
                change_all(result.as_array_mut().filter(|logs| !logs.is_empty()), |logs| {
                    logs.pop();
                })
            }
            (RpcLie::InventedLog, "eth_getLogs") => {
                change_all(result.as_array_mut().filter(|logs| !logs.is_empty()), |logs| {
                    logs.extend(logs.last().cloned());
                })
            }
            (RpcLie::ChangedLog, "eth_getLogs") => {
                let logs = result.as_array_mut().into_iter().flatten();
                let topics =
                    logs.filter_map(|log| log.get_mut("topics")?.as_array_mut()?.last_mut());
                change_all(topics, other_last_digit)
            }
            (RpcLie::HiddenPolicy, "eth_getLogs") => hide(result, is_policy_set),
            (RpcLie::HiddenContract(contract), "eth_getLogs") => {
                let contract = contract.to_string().to_lowercase();
                hide(result, |log| log.get("address").and_then(Value::as_str) == Some(&contract))
            }
            (RpcLie::HiddenPolicyOnce, "eth_getLogs") => {
                let hidden = hide(result, is_policy_set);
                if hidden > 0 {
                    *self.lie.lock().unwrap_or_else(PoisonError::into_inner) = None;
                }
                hidden
            }
            (RpcLie::OtherPolicy, "eth_getLogs") => {
                let logs = result.as_array_mut().into_iter().flatten();
                let events = logs.filter(|log| is_policy_set(log));
                change_all(events.filter_map(|log| log.get_mut("data")), other_first_word)
            }
            _ => 0,
        };
        self.told.fetch_add(changed, Ordering::SeqCst);
    }
}

/// The logs of each receipt.
fn logs(receipts: &mut Value) -> impl Iterator<Item = &mut Vec<Value>> {
    let receipts = receipts.as_array_mut().into_iter().flatten();
    receipts.filter_map(|receipt| receipt.get_mut("logs").and_then(Value::as_array_mut))
}

/// Leaves out every such log, and says how many there were.
fn hide(logs: &mut Value, is_hidden: impl Fn(&Value) -> bool) -> usize {
    let Some(logs) = logs.as_array_mut() else { return 0 };
    let before = logs.len();
    logs.retain(|log| !is_hidden(log));
    before.saturating_sub(logs.len())
}

fn is_policy_set(log: &Value) -> bool {
    let topic = log.pointer("/topics/0").and_then(Value::as_str);
    topic == Some(AppRegistry::PolicySet::SIGNATURE_HASH.to_string().as_str())
}

/// A first word of 0 or 1, which is the other then.
fn other_first_word(data: &mut Value) {
    let mut text = data.as_str().unwrap_or_default().to_owned();
    let is_set = text.get(65..66) == Some("1");
    if text.len() >= 66 {
        text.replace_range(65..66, if is_set { "0" } else { "1" });
    }
    *data = Value::String(text);
}

/// Changes every value, and says how many there were.
fn change_all<'a, T: 'a>(
    values: impl IntoIterator<Item = &'a mut T>,
    change: impl Fn(&mut T),
) -> usize {
    values.into_iter().map(change).count()
}

/// A quantity in hex, and one.
fn plus_one(value: &mut Value) {
    let digits = value.as_str().unwrap_or("0x0").trim_start_matches("0x");
    let number = alloy::primitives::U256::from_str_radix(digits, 16).unwrap_or_default();
    *value = json!(number.wrapping_add(alloy::primitives::U256::from(1)));
}

/// The same hex with another last digit.
fn other_last_digit(value: &mut Value) {
    let mut text = value.as_str().unwrap_or("0x0").to_owned();
    let last = text.pop();
    text.push(if last == Some('0') { '1' } else { '0' });
    *value = Value::String(text);
}
