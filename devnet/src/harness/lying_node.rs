//! A node that signs false partials with its own key, as far as anybody outside can tell.
//!
//! The proxy stands in front of an honest node whose machine is a software one: it asks that machine's socket for the
//! sealing key, as only the node itself could on hardware, and takes the signing key out of the sealed state.

use crate::bring_up::Member;
use anyhow::{Context, Result};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use kms_core::{StatementKey, at_rest::SealingKey};
use std::sync::Arc;
use tee_client::Socket;
use tokio::{net::TcpListener, task::JoinHandle};
use wire::{
    SeatId,
    request::{KeyRequest, Release, partials_hash},
    statements::{Domain, labels},
};

/// The proxy.
#[derive(Debug)]
pub struct LyingNode {
    url: String,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Inner {
    upstream: String,
    http: reqwest::Client,
    key: StatementKey,
    seat: SeatId,
    domain: Domain,
}

impl LyingNode {
    pub(super) async fn start(
        member: &Member,
        config: &kms_node::Config,
        domain: Domain,
    ) -> Result<Self> {
        let socket = Socket::at(&config.socket)?;
        let sealing = SealingKey::new(*socket.key(labels::SEALING_PATH, "sealing").await?);
        let sealed = std::fs::read(config.data.join("node.sealed")).context("the sealed state")?;
        let key = StatementKey::from_bytes(&sealing.open(&sealed)?.signing_key.0)?;
        let inner = Arc::new(Inner {
            upstream: member.url.clone(),
            http: tee_client::http_client()?,
            key,
            seat: member.seat,
            domain,
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(answer).with_state(inner);
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!("the lying node failed: {error}");
            }
        });
        Ok(Self { url, task })
    }

    /// Where it serves.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for LyingNode {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    State(inner): State<Arc<Inner>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Result<Response, StatusCode> {
    let bad = |_| StatusCode::BAD_GATEWAY;
    let request = inner
        .http
        .request(method, format!("{}{}", inner.upstream, uri.path()))
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.to_vec());
    let response = request.send().await.map_err(bad)?;
    let status = response.status();
    let mut answer = response.bytes().await.map_err(bad)?.to_vec();
    if uri.path() == "/v1/release" && status.is_success() {
        answer = inner.falsify(&body, &answer).map_err(|_| StatusCode::BAD_GATEWAY)?;
    }
    Ok((status, [(header::CONTENT_TYPE, "application/json")], answer).into_response())
}

impl Inner {
    /// B stands where Z_i was: a point, with a proof that is not of it, under a signature that is the node's own.
    fn falsify(&self, request: &[u8], answer: &[u8]) -> Result<Vec<u8>> {
        let request: KeyRequest = serde_json::from_slice(request)?;
        let mut release: Release = serde_json::from_slice(answer)?;
        for (body, asked) in release.partials.iter_mut().zip(&request.inputs) {
            let mut partial = body.partial.to_vec();
            let points = partial.get_mut(..33).zip(asked.blinded.get(..33));
            let (output, blinded) = points.context("a partial begins with a point")?;
            output.copy_from_slice(blinded);
            body.partial = partial.into();
        }
        release.released.partialsHash = partials_hash(self.seat, &release.partials);
        release.signature = self.key.sign(self.seat, self.domain, &release.released)?;
        Ok(serde_json::to_vec(&release)?)
    }
}
