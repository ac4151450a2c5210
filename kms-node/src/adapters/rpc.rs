//! One RPC endpoint. It is here for liveness: everything it says is judged by `light-client`.

use alloy::{
    primitives::{Address, B256, Bytes, U64},
    providers::{Provider, RootProvider},
    rpc::types::{Filter, Log},
    transports::{RpcError, TransportErrorKind},
};
use light_client::{BlockRef, EndpointClaim, EndpointId, ProofRequest, RawAccountProof, RawHeader};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// An endpoint by its place in the configuration.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) id: EndpointId,
    pub(crate) url: String,
    provider: RootProvider,
}

/// Why an endpoint gave no answer that could be judged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndpointError {
    /// It did not answer, or with an error.
    #[error("{method} failed")]
    Failed {
        method: &'static str,
        #[source]
        source: RpcError<TransportErrorKind>,
    },
    /// It answered null.
    #[error("{method}: there is no such block there")]
    Absent { method: &'static str },
}

impl Endpoint {
    pub(crate) fn new(id: usize, url: &str, http: reqwest::Client) -> anyhow::Result<Self> {
        let parsed = url.parse().map_err(|e| anyhow::anyhow!("endpoint {url:?}: {e}"))?;
        let client = rpc_client::rpc_client(http, parsed);
        Ok(Self { id: EndpointId(id), url: url.to_owned(), provider: RootProvider::new(client) })
    }

    /// What it says is latest and finalized, and what it has at `also`.
    pub(crate) async fn claim(&self, also: &[u64]) -> Result<EndpointClaim, EndpointError> {
        let latest = self.block_at("latest".into()).await?;
        let finalized = self.block_at("finalized".into()).await?;
        let mut more = Vec::new();
        for number in also {
            // Not having a block yet is no claim.
            if let Ok(block) = self.block_at(json!(U64::from(*number))).await {
                more.push(block);
            }
        }
        Ok(EndpointClaim { endpoint: self.id, latest, finalized, also: more })
    }

    pub(crate) async fn header(&self, hash: B256) -> Result<RawHeader, EndpointError> {
        self.present("eth_getBlockByHash", json!([hash, false])).await
    }

    pub(crate) async fn proof(
        &self,
        request: &ProofRequest,
        block: B256,
    ) -> Result<RawAccountProof, EndpointError> {
        let slots: Vec<B256> = request.slots.iter().map(|slot| B256::from(*slot)).collect();
        self.present("eth_getProof", json!([request.address, slots, { "blockHash": block }])).await
    }

    pub(crate) async fn code(&self, address: Address, block: B256) -> Result<Bytes, EndpointError> {
        self.present("eth_getCode", json!([address, { "blockHash": block }])).await
    }

    pub(crate) async fn logs(&self, filter: &Filter) -> Result<Vec<Log>, EndpointError> {
        self.ask("eth_getLogs", json!([filter])).await
    }

    async fn block_at(&self, at: Value) -> Result<BlockRef, EndpointError> {
        let told: RawHeader = self.present("eth_getBlockByNumber", json!([at, false])).await?;
        Ok(BlockRef::new(told.header.number, told.hash))
    }

    async fn present<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<T, EndpointError> {
        match self.ask::<Option<Value>>(method, params).await? {
            None => Err(EndpointError::Absent { method }),
            Some(value) => serde_json::from_value(value).map_err(|error| EndpointError::Failed {
                method,
                source: RpcError::deser_err(error, String::new()),
            }),
        }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<T, EndpointError> {
        let answer: Value = self
            .provider
            .raw_request(method.into(), params)
            .await
            .map_err(|source| EndpointError::Failed { method, source })?;
        serde_json::from_value(answer).map_err(|error| EndpointError::Failed {
            method,
            source: RpcError::deser_err(error, String::new()),
        })
    }
}
