//! One RPC endpoint. It is here for liveness: everything it says is judged by `light-client` and `receipts`.

use crate::receipts::ToldReceipt;
use alloy::{
    consensus::ReceiptEnvelope,
    primitives::{Address, B256, Bytes, Log, U64},
    providers::{Provider, RootProvider},
    rpc::client::BatchRequest,
};
use anyhow::{Context, Result};
use light_client::{BlockRef, EndpointClaim, EndpointId, ProofRequest, RawAccountProof, RawHeader};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Debug;

/// An endpoint by its place in the network file.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) id: EndpointId,
    pub(crate) url: String,
    provider: RootProvider,
}

impl Endpoint {
    pub(crate) fn new(id: usize, url: &str, http: reqwest::Client) -> Result<Self> {
        let parsed = url.parse().with_context(|| format!("endpoint {url:?}"))?;
        let client = rpc_client::rpc_client(http, parsed);
        Ok(Self { id: EndpointId(id), url: url.to_owned(), provider: RootProvider::new(client) })
    }

    /// What it says is latest and finalized, what it has at `also`, and what it says is safe.
    pub(crate) async fn claim(&self, also: &[u64]) -> Result<(EndpointClaim, Option<BlockRef>)> {
        let latest = self.block_at("latest".into()).await?;
        let finalized = self.block_at("finalized".into()).await?;
        // A chain without this level: nothing is safe before it is final.
        let safe = self.block_at("safe".into()).await.ok();
        let mut more = Vec::new();
        for number in also {
            // Not having a block yet is no claim.
            if let Ok(block) = self.block_at(json!(U64::from(*number))).await {
                more.push(block);
            }
        }
        Ok((EndpointClaim { endpoint: self.id, latest, finalized, also: more }, safe))
    }

    pub(crate) async fn header(&self, hash: B256) -> Result<RawHeader> {
        self.ask("eth_getBlockByHash", json!([hash, false])).await
    }

    /// Headers by height, in one request.
    pub(crate) async fn headers(&self, from: u64, to: u64) -> Result<Vec<RawHeader>> {
        let method = "eth_getBlockByNumber";
        let mut batch = BatchRequest::new(self.provider.client());
        let mut asked = Vec::new();
        for number in from..=to {
            let params = (U64::from(number), false);
            asked.push(batch.add_call::<_, Option<RawHeader>>(method, &params)?);
        }
        batch.send().await.context(method)?;
        let mut headers = Vec::new();
        for answer in asked {
            headers.extend(answer.await.context(method)?);
        }
        Ok(headers)
    }

    pub(crate) async fn receipts(&self, hash: B256) -> Result<Vec<ReceiptEnvelope<Log>>> {
        let told: Vec<ToldReceipt> = self.ask("eth_getBlockReceipts", json!([hash])).await?;
        Ok(told.into_iter().map(ReceiptEnvelope::try_from).collect::<Result<_, _>>()?)
    }

    /// Calldata of a transaction.
    pub(crate) async fn input(&self, block: B256, index: u64) -> Result<Bytes> {
        let place = json!([block, U64::from(index)]);
        let told: Value = self.ask("eth_getTransactionByBlockHashAndIndex", place).await?;
        let input = told.get("input").cloned().context("a transaction has an input")?;
        Ok(serde_json::from_value(input)?)
    }

    pub(crate) async fn proof(
        &self,
        request: &ProofRequest,
        block: B256,
    ) -> Result<RawAccountProof> {
        let slots: Vec<B256> = request.slots.iter().map(|slot| B256::from(*slot)).collect();
        self.ask("eth_getProof", json!([request.address, slots, { "blockHash": block }])).await
    }

    pub(crate) async fn code(&self, address: Address, block: B256) -> Result<Bytes> {
        self.ask("eth_getCode", json!([address, { "blockHash": block }])).await
    }

    async fn block_at(&self, at: Value) -> Result<BlockRef> {
        let told: RawHeader = self.ask("eth_getBlockByNumber", json!([at, false])).await?;
        Ok(BlockRef::new(told.header.number, told.hash))
    }

    async fn ask<T>(&self, method: &'static str, params: Value) -> Result<T>
    where
        T: DeserializeOwned + Debug + Send + Sync + Unpin + 'static,
    {
        let answer: Option<T> =
            self.provider.raw_request(method.into(), params).await.context(method)?;
        answer.with_context(|| format!("{method}: there is no such block there"))
    }
}
