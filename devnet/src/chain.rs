//! The chain as a devnet uses it: calls by name, transactions from anvil's unlocked accounts, blocks on demand, and waiting
//! for a condition with a limit.

use crate::revert::Revert;
use alloy::{
    eips::BlockId,
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, U256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::{
        client::RpcClient,
        types::{TransactionReceipt, TransactionRequest},
    },
    sol_types::SolCall,
    transports::{RpcError, TransportErrorKind, http::Http},
};
use anyhow::{Context, Result, bail};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Between two blocks while somebody waits.
const MINE: Duration = Duration::from_millis(250);
/// How long a transaction gets to be in a block.
const RECEIPT: Duration = Duration::from_secs(90);

/// A chain with unlocked accounts.
#[derive(Clone, Debug)]
pub struct Chain {
    provider: DynProvider,
    url: String,
    /// `Some`: this chain makes blocks only when told to; how many wait for blocks.
    waiting: Option<Arc<AtomicUsize>>,
}

/// Blocks come while this is alive.
#[derive(Debug)]
pub struct Mining(Option<Arc<AtomicUsize>>);

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The contract refuses it.
    #[error("{0}")]
    Reverted(Revert),
    /// The endpoint failed.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl CallError {
    /// The contract's refusal, if that is what it was.
    pub fn revert(&self) -> Option<&Revert> {
        match self {
            Self::Reverted(revert) => Some(revert),
            Self::Other(_) => None,
        }
    }
}

impl Chain {
    /// Speaks to `url`. With `on_demand`, blocks are mined while somebody waits for one; call it on a runtime then.
    pub(crate) fn connect(url: &str, on_demand: bool) -> Result<Self> {
        let transport = Http::with_client(tee_client::http_client()?, url.parse()?);
        let client = RpcClient::new(transport, true);
        let provider = ProviderBuilder::default().connect_client(client).erased();
        let waiting = on_demand.then(|| Arc::new(AtomicUsize::new(0)));
        let chain = Self { provider, url: url.to_owned(), waiting };
        if let Some(waiting) = &chain.waiting {
            tokio::spawn(mine_while_awaited(chain.provider.clone(), Arc::downgrade(waiting)));
        }
        Ok(chain)
    }

    /// The endpoint.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The endpoint, for what has no method here.
    pub fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// EIP-155 chain id.
    pub async fn chain_id(&self) -> Result<u64> {
        Ok(self.provider.get_chain_id().await?)
    }

    /// The head's number.
    pub async fn block_number(&self) -> Result<u64> {
        Ok(self.provider.get_block_number().await?)
    }

    /// The hash of a block.
    pub async fn block_hash(&self, number: u64) -> Result<B256> {
        let block = self.provider.get_block_by_number(number.into()).await?;
        Ok(block.with_context(|| format!("there is no block {number}"))?.header.hash)
    }

    /// The head's time.
    pub async fn time(&self) -> Result<u64> {
        let block = self.provider.get_block_by_number(Default::default()).await?;
        Ok(block.context("there is no head")?.header.timestamp)
    }

    /// Anvil's unlocked accounts, in order.
    pub async fn accounts(&self) -> Result<Vec<Address>> {
        Ok(self.provider.get_accounts().await?)
    }

    /// Mines `count` blocks now.
    pub async fn mine(&self, count: usize) -> Result<()> {
        for _ in 0..count {
            mine(&self.provider).await?;
        }
        Ok(())
    }

    /// Blocks come as long as the answer lives; on a chain with a block time they come anyway.
    pub fn mining(&self) -> Mining {
        if let Some(waiting) = &self.waiting {
            waiting.fetch_add(1, Ordering::SeqCst);
        }
        Mining(self.waiting.clone())
    }

    /// Looks until `look` finds something, while blocks come.
    ///
    /// # Errors
    /// After `limit`, naming `what` was waited for.
    pub async fn until<T>(
        &self,
        what: &str,
        limit: Duration,
        mut look: impl AsyncFnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let _mining = self.mining();
        let deadline = Instant::now() + limit;
        loop {
            let looked = look().await;
            match looked {
                Ok(Some(found)) => return Ok(found),
                Ok(None) if Instant::now() > deadline => bail!("waited {limit:?} for {what}"),
                Err(error) if Instant::now() > deadline => {
                    return Err(error.context(format!("waited {limit:?} for {what}")));
                }
                _ => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// The answer of a view.
    pub async fn view<C: SolCall>(&self, to: Address, call: C) -> Result<C::Return, CallError> {
        let request = TransactionRequest::default().with_to(to).with_input(call.abi_encode());
        let answer = self.provider.call(request).await.map_err(refused)?;
        Ok(C::abi_decode_returns(&answer).context("the answer can't be decoded")?)
    }

    /// The answer of a view at the head's own time. [`view`](Self::view) asks anvil about its next block, whose time is now.
    pub async fn view_at_head<C: SolCall>(
        &self,
        to: Address,
        call: C,
    ) -> Result<C::Return, CallError> {
        let request = TransactionRequest::default().with_to(to).with_input(call.abi_encode());
        let answer = self.provider.call(request).block(BlockId::latest()).await.map_err(refused)?;
        Ok(C::abi_decode_returns(&answer).context("the answer can't be decoded")?)
    }

    /// Sends a call from an unlocked account and waits until it is in a block.
    pub async fn send<C: SolCall>(
        &self,
        from: Address,
        to: Address,
        call: C,
    ) -> Result<TransactionReceipt, CallError> {
        self.send_bytes(from, to, call.abi_encode().into()).await
    }

    /// As [`send`](Self::send), with calldata.
    pub async fn send_bytes(
        &self,
        from: Address,
        to: Address,
        data: Bytes,
    ) -> Result<TransactionReceipt, CallError> {
        let request = TransactionRequest::default().with_from(from).with_to(to).with_input(data);
        let gas = self.provider.estimate_gas(request.clone()).await.map_err(refused)?;
        // The policy check needs its whole allowance left; estimates are tight.
        let request = request.with_gas_limit(gas.saturating_add(gas / 4).saturating_add(50_000));
        self.settle(request).await
    }

    /// Makes a contract from an unlocked account.
    ///
    /// # Errors
    /// If its constructor refuses.
    pub async fn create(&self, from: Address, code: Bytes) -> Result<Address, CallError> {
        let request = TransactionRequest::default().with_from(from).with_deploy_code(code);
        let gas = self.provider.estimate_gas(request.clone()).await.map_err(refused)?;
        let receipt = self.settle(request.with_gas_limit(gas.saturating_add(gas / 4))).await?;
        Ok(receipt.contract_address.context("no contract was made")?)
    }

    /// Gives `amount` wei to `to`.
    pub async fn fund(&self, from: Address, to: Address, amount: U256) -> Result<(), CallError> {
        let request = TransactionRequest::default().with_from(from).with_to(to).with_value(amount);
        self.settle(request).await.map(drop)
    }

    async fn settle(&self, request: TransactionRequest) -> Result<TransactionReceipt, CallError> {
        let hash: B256 = self
            .provider
            .raw_request("eth_sendTransaction".into(), (request,))
            .await
            .map_err(refused)?;
        let receipt = self
            .until(&format!("the receipt of {hash}"), RECEIPT, async || {
                Ok(self.provider.get_transaction_receipt(hash).await?)
            })
            .await?;
        if !receipt.status() {
            return Err(anyhow::anyhow!("transaction {hash} reverted").into());
        }
        Ok(receipt)
    }
}

impl Drop for Mining {
    fn drop(&mut self) {
        if let Some(waiting) = &self.0 {
            waiting.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

async fn mine_while_awaited(provider: DynProvider, waiting: std::sync::Weak<AtomicUsize>) {
    while let Some(count) = waiting.upgrade().map(|waiting| waiting.load(Ordering::SeqCst)) {
        if count > 0 && mine(&provider).await.is_err() {
            return;
        }
        tokio::time::sleep(MINE).await;
    }
}

/// `evm_mine` keeps to the wall clock; `anvil_mine` would run ahead of it.
async fn mine(provider: &DynProvider) -> Result<()> {
    let _: serde_json::Value = provider.raw_request("evm_mine".into(), ()).await?;
    Ok(())
}

fn refused(error: RpcError<TransportErrorKind>) -> CallError {
    let data = error.as_error_resp().and_then(|payload| payload.as_revert_data());
    match data {
        Some(data) => CallError::Reverted(Revert::read(&data)),
        None => CallError::Other(error.into()),
    }
}
