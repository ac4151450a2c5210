//! The chain as one RPC endpoint tells it. Good enough to show and to send by; nothing here is proven.
//!
//! Every view of one run is asked at the same block, so that an answer does not mix two heads.

use crate::{exit::Exit, network::Target, words::plain};
use alloy::eips::BlockId;
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rpc::types::{Filter, Log, TransactionRequest};
use alloy::sol_types::SolCall;
use alloy::transports::{RpcError, TransportErrorKind, http::reqwest};
use std::time::Duration;
use wire::network::{Contracts, Network};

/// Longer than any honest endpoint takes; shorter than anybody's patience.
const RPC_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) type TransportError = RpcError<TransportErrorKind>;

/// Why the chain did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChainError {
    #[error("{endpoint}: {cause}")]
    Unreachable { endpoint: String, cause: String },
    #[error("{endpoint}: {what}: {cause}")]
    Rpc { endpoint: String, what: &'static str, cause: String },
    #[error("{endpoint} is chain {actual}, the network is on chain {expected}")]
    WrongChain { endpoint: String, expected: u64, actual: u64 },
    #[error("{endpoint} has genesis {actual}, the network has {expected}")]
    WrongGenesis { endpoint: String, expected: B256, actual: B256 },
    #[error("{contract} {address} has no code, or does not answer {function}")]
    NotTheContract { contract: &'static str, address: Address, function: &'static str },
    #[error("{endpoint}: no block {what}")]
    NoBlock { endpoint: String, what: &'static str },
}

impl ChainError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Unreachable { .. }
            | Self::Rpc { .. }
            | Self::WrongChain { .. }
            | Self::WrongGenesis { .. }
            | Self::NoBlock { .. } => Exit::Network,
            Self::NotTheContract { .. } => Exit::NotFound,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::Unreachable { .. } => {
                vec!["another endpoint: --rpc-url URL or ETH_RPC_URL".into()]
            }
            Self::WrongChain { .. } | Self::WrongGenesis { .. } | Self::NotTheContract { .. } => {
                vec!["--network and --rpc-url must name the same network".into()]
            }
            Self::Rpc { .. } | Self::NoBlock { .. } => Vec::new(),
        }
    }
}

/// The block that a run looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) number: u64,
    pub(crate) hash: B256,
    /// Unix seconds: time is block time.
    pub(crate) time: u64,
}

/// One endpoint of one network, at one head.
pub(crate) struct Chain {
    pub(crate) network: Network,
    pub(crate) contracts: Contracts,
    pub(crate) provider: DynProvider,
    /// Without path and query: those may hold a key.
    pub(crate) endpoint: String,
    pub(crate) head: Head,
    pub(crate) genesis_hash: B256,
}

impl Chain {
    /// The first endpoint that answers, if it is the network's chain.
    pub(crate) async fn connect(target: Target) -> Result<Self, crate::failure::Failure> {
        let mut last = None;
        for endpoint in &target.endpoints {
            let url: reqwest::Url = endpoint
                .parse()
                .map_err(|_| crate::network::NetworkFileError::RpcUrl(origin_of_text(endpoint)))?;
            let (provider, shown) = (http(url.clone()), origin(&url));
            match provider.get_chain_id().await {
                Ok(chain_id) => {
                    let connected = Self::at(target, provider, shown, chain_id).await;
                    return Ok(connected?);
                }
                Err(error) => {
                    last = Some(ChainError::Unreachable { endpoint: shown, cause: cause(&error) });
                }
            }
        }
        // `Target` has at least one endpoint.
        Err(last.map_or(crate::network::NetworkFileError::Unnamed.into(), Into::into))
    }

    async fn at(
        target: Target,
        provider: DynProvider,
        endpoint: String,
        actual: u64,
    ) -> Result<Self, ChainError> {
        let expected = target.network.chain.id;
        if actual != expected {
            return Err(ChainError::WrongChain { endpoint, expected, actual });
        }
        let genesis = block(&provider, &endpoint, BlockId::number(0), "0").await?;
        if let Some(expected) = target.network.chain.genesis_hash
            && expected != genesis.hash
        {
            return Err(ChainError::WrongGenesis { endpoint, expected, actual: genesis.hash });
        }
        let head = block(&provider, &endpoint, BlockId::latest(), "latest").await?;
        Ok(Self {
            network: target.network,
            contracts: target.contracts,
            provider,
            endpoint,
            head,
            genesis_hash: genesis.hash,
        })
    }

    /// The newest block there is now.
    pub(crate) async fn latest(&self) -> Result<Head, ChainError> {
        block(&self.provider, &self.endpoint, BlockId::latest(), "latest").await
    }

    /// The hash of the block that has this number now, if one has.
    pub(crate) async fn hash_of(&self, number: u64) -> Result<Option<B256>, ChainError> {
        let block = self.provider.get_block(BlockId::number(number)).await;
        let block = block.map_err(|error| self.failed("eth_getBlockByNumber", &error))?;
        Ok(block.map(|block| block.header.hash))
    }

    /// The finalized block.
    pub(crate) async fn finalized(&self) -> Result<Head, ChainError> {
        block(&self.provider, &self.endpoint, BlockId::finalized(), "finalized").await
    }

    /// When a block was made.
    pub(crate) async fn time_of(&self, number: u64) -> Result<u64, ChainError> {
        let id = BlockId::number(number);
        Ok(block(&self.provider, &self.endpoint, id, "of that number").await?.time)
    }

    /// Where a shown state comes from, in words.
    pub(crate) fn as_of(&self) -> String {
        let (number, hash, time) = (self.head.number, self.head.hash, self.head.time);
        let moment = crate::words::moment(time);
        format!("block {number} {hash}\n{moment}, as {} says, not proven", self.endpoint)
    }

    /// The answer of a view at this run's head.
    pub(crate) async fn view<C: SolCall>(
        &self,
        contract: &'static str,
        address: Address,
        call: &C,
    ) -> Result<C::Return, ChainError> {
        let request = TransactionRequest::default()
            .with_to(address)
            .with_input(Bytes::from(call.abi_encode()));
        let not_the_contract =
            || ChainError::NotTheContract { contract, address, function: C::SIGNATURE };
        let answer =
            self.provider.call(request).block(BlockId::number(self.head.number)).await.map_err(
                |error| match &error {
                    RpcError::ErrorResp(payload) if payload.as_revert_data().is_some() => {
                        not_the_contract()
                    }
                    _ => self.failed("eth_call", &error),
                },
            )?;
        C::abi_decode_returns(&answer).map_err(|_| not_the_contract())
    }

    /// Events of a contract up to this run's head. Hints to what is there, not proof of what is not.
    pub(crate) async fn logs(
        &self,
        address: Address,
        topic0: Vec<B256>,
        from_block: u64,
    ) -> Result<Vec<Log>, ChainError> {
        let filter = Filter::new()
            .address(address)
            .event_signature(topic0)
            .from_block(from_block)
            .to_block(self.head.number);
        self.provider.get_logs(&filter).await.map_err(|error| self.failed("eth_getLogs", &error))
    }

    pub(crate) fn failed(&self, what: &'static str, error: &TransportError) -> ChainError {
        ChainError::Rpc { endpoint: self.endpoint.clone(), what, cause: cause(error) }
    }
}

pub(crate) fn http(url: reqwest::Url) -> DynProvider {
    let client = reqwest::Client::builder().timeout(RPC_TIMEOUT).build().unwrap_or_default();
    let client = rpc_client::rpc_client(client, url);
    ProviderBuilder::new().disable_recommended_fillers().connect_client(client).erased()
}

async fn block(
    provider: &DynProvider,
    endpoint: &str,
    id: BlockId,
    what: &'static str,
) -> Result<Head, ChainError> {
    let block = provider
        .get_block(id)
        .await
        .map_err(|error| ChainError::Rpc {
            endpoint: endpoint.to_owned(),
            what: "eth_getBlockByNumber",
            cause: cause(&error),
        })?
        .ok_or_else(|| ChainError::NoBlock { endpoint: endpoint.to_owned(), what })?;
    Ok(Head { number: block.header.number, hash: block.header.hash, time: block.header.timestamp })
}

/// Scheme, host and port: what may be shown.
pub(crate) fn origin(url: &reqwest::Url) -> String {
    url.origin().ascii_serialization()
}

fn origin_of_text(text: &str) -> String {
    text.chars().take(24).collect()
}

/// The innermost cause, which names no URL.
pub(crate) fn cause(error: &TransportError) -> String {
    if let RpcError::ErrorResp(payload) = error {
        return format!("{} (code {})", plain(&payload.message), payload.code);
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match error {
        RpcError::DeserError { .. } => "the answer is no JSON-RPC".to_owned(),
        _ => plain(&innermost.to_string()),
    }
}
