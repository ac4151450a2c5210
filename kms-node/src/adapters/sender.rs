//! Sends calls, paying from the host's gas key. What a node says needs no gas of its own: anyone may send it.
//!
//! One transaction at a time, so that nonces are taken in order; it is seen through whether or not somebody waits. One that
//! blocks pass by is sent again at higher fees: a rise of the base fee holds nothing up for good. The gas key belongs to this
//! node alone.

use alloy::{
    eips::eip1559::Eip1559Estimation,
    network::{EthereumWallet, TransactionBuilder},
    primitives::{Address, B256, Bytes},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{TransactionReceipt, TransactionRequest},
    signers::local::PrivateKeySigner,
    transports::{RpcError, TransportErrorKind},
};
use anyhow::{Context, Result};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, OwnedMutexGuard, watch},
    time::{Instant, sleep, timeout_at},
};
use tracing::{debug, warn};

/// How long whoever sends waits for a block; an agent waits no longer for an answer than 30 s.
const WAIT: Duration = Duration::from_secs(20);
/// How long a call is seen through.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often to look for the receipt.
const LOOK: Duration = Duration::from_millis(200);
/// Blocks that may pass a transaction by before it is sent again.
const PASSED_BY: u64 = 3;
/// A replacement pays a quarter more; pools ask for a tenth.
const RAISE: u128 = 4;
/// Fees are never raised above so many times what the endpoint asks for now: one that takes no transaction is not paid more.
const MOST_RAISED: u128 = 8;
/// JSON-RPC's code for a call that reverts.
const REVERTED: i64 = 3;

/// The host's wallet.
#[derive(Debug)]
pub(crate) struct Sender {
    wallet: Arc<Wallet>,
    turn: Arc<Mutex<()>>,
}

#[derive(Debug)]
struct Wallet {
    provider: DynProvider,
    address: Address,
}

/// Why a call was not sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// The contract would refuse it; the revert data names why. Nothing was sent.
    #[error("the call would revert: {reason}")]
    Reverts { reason: String, data: Option<Bytes> },
    /// It was sent and reverted all the same.
    #[error("transaction {0} reverted")]
    Reverted(B256),
    /// Nothing was sent: an earlier transaction has the wallet's turn.
    #[error("the wallet waits for an earlier transaction to get into a block")]
    Busy,
    /// No block has taken it.
    #[error("no block has taken transaction {0} within {PATIENCE:?}")]
    NotMined(B256),
    /// The endpoint or the wallet failed.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl Sender {
    /// The wallet whose key stands in `key_file` as hex, through the endpoint at `url`.
    pub(crate) fn open(key_file: &Path, url: &str, http: reqwest::Client) -> Result<Self> {
        let text = zeroize::Zeroizing::new(
            std::fs::read_to_string(key_file)
                .with_context(|| format!("reading the gas key {}", key_file.display()))?,
        );
        // The cause could repeat the text; it is a key.
        let signer: PrivateKeySigner = text
            .trim()
            .parse()
            .map_err(|_| anyhow::anyhow!("{} holds no hex private key", key_file.display()))?;
        let address = signer.address();
        let client = rpc_client::rpc_client(http, url.parse()?);
        let provider =
            ProviderBuilder::new().wallet(EthereumWallet::from(signer)).connect_client(client);
        let wallet = Arc::new(Wallet { provider: provider.erased(), address });
        Ok(Self { wallet, turn: Arc::default() })
    }

    /// Sends the call once it would not revert, and waits for a while until it is in a block. Returns its transaction hash; of one
    /// that is in no block yet, which may be replaced, the first.
    pub(crate) async fn send(&self, to: Address, data: Bytes) -> Result<B256, SendError> {
        let until = Instant::now() + WAIT;
        let turn = timeout_at(until, Arc::clone(&self.turn).lock_owned()).await;
        let turn = turn.map_err(|_| SendError::Busy)?;
        let (tell, first) = watch::channel(None);
        let wallet = Arc::clone(&self.wallet);
        let sending = tokio::spawn(async move { wallet.see_through(turn, to, data, tell).await });
        match timeout_at(until, sending).await {
            Ok(ended) => ended.context("the sending task panicked")?,
            Err(_) => {
                let sent = *first.borrow();
                Ok(sent.with_context(|| format!("the endpoint took nothing within {WAIT:?}"))?)
            }
        }
    }
}

impl Wallet {
    /// Sends the call, and again at higher fees, until it is in a block.
    async fn see_through(
        &self,
        _turn: OwnedMutexGuard<()>,
        to: Address,
        data: Bytes,
        tell: watch::Sender<Option<B256>>,
    ) -> Result<B256, SendError> {
        let deadline = Instant::now() + PATIENCE;
        let call = TransactionRequest::default().with_from(self.address).with_to(to);
        let call = call.with_input(data);
        let mut nonce = self.nonce().await?;
        // Of one nonce: at most one of these gets into a block.
        let (mut sent, mut paid) = (Vec::new(), None);
        loop {
            match self.put(call.clone().with_nonce(nonce), paid).await {
                Ok((hash, fees)) => {
                    sent.push(hash);
                    paid = Some(fees);
                    tell.send_if_modified(|first| first.replace(hash).is_none());
                }
                // It may be in a block meanwhile, and so not be possible any more.
                Err(error) if !sent.is_empty() => debug!("not sent again: {error:#}"),
                Err(error) if self.nonce().await? == nonce => return Err(error),
                Err(_) => {}
            }
            if let Some(receipt) = self.mined(&sent, deadline).await {
                return match receipt.status() {
                    true => Ok(receipt.transaction_hash),
                    false => Err(SendError::Reverted(receipt.transaction_hash)),
                };
            }
            if Instant::now() > deadline {
                let last = sent.last().copied().unwrap_or_default();
                warn!(transaction = %last, "in no block after {PATIENCE:?}");
                return Err(SendError::NotMined(last));
            }
            // Something else of this wallet's has taken the nonce: none of these will be in a block.
            if let Ok(now) = self.nonce().await
                && now != nonce
                && self.receipt(&sent).await.is_none()
            {
                (nonce, paid) = (now, None);
                sent.clear();
            }
        }
    }

    async fn nonce(&self) -> Result<u64, SendError> {
        self.provider.get_transaction_count(self.address).await.map_err(refused)
    }

    /// Puts it into the pool at what the endpoint asks for now, above what was `paid` before, and above what the pool has under the
    /// same nonce: an earlier process may have left something there.
    async fn put(
        &self,
        call: TransactionRequest,
        paid: Option<Eip1559Estimation>,
    ) -> Result<(B256, Eip1559Estimation), SendError> {
        let gas = self.provider.estimate_gas(call.clone()).await.map_err(refused)?;
        // The policy check needs its whole allowance left (IssuanceLog.NotEnoughGas); estimates are tight.
        let call = call.with_gas_limit(gas.saturating_add(gas / 4).saturating_add(50_000));
        let asked = self.provider.estimate_eip1559_fees().await.map_err(refused)?;
        let mut fees = match paid {
            Some(paid) => above(paid, asked).ok_or(SendError::Busy)?,
            None => asked,
        };
        loop {
            let call = call
                .clone()
                .with_max_fee_per_gas(fees.max_fee_per_gas)
                .with_max_priority_fee_per_gas(fees.max_priority_fee_per_gas);
            match self.provider.send_transaction(call).await {
                Ok(pending) => return Ok((*pending.tx_hash(), fees)),
                Err(error) if is_beside_another(&error) => {
                    fees = above(fees, asked).ok_or(SendError::Busy)?;
                }
                Err(error) => return Err(refused(error)),
            }
        }
    }

    /// The receipt of one of these; `None` once blocks have passed them by, or at the deadline.
    async fn mined(&self, sent: &[B256], deadline: Instant) -> Option<TransactionReceipt> {
        let mut from = None;
        loop {
            // Read first: a block that comes in between may be the one.
            let now = self.provider.get_block_number().await.ok();
            if let Some(receipt) = self.receipt(sent).await {
                return Some(receipt);
            }
            from = from.or(now);
            let passed = now.zip(from).map_or(0, |(now, from)| now.saturating_sub(from));
            if sent.is_empty() || passed >= PASSED_BY || Instant::now() > deadline {
                return None;
            }
            sleep(LOOK).await;
        }
    }

    async fn receipt(&self, sent: &[B256]) -> Option<TransactionReceipt> {
        for hash in sent {
            match self.provider.get_transaction_receipt(*hash).await {
                Ok(Some(receipt)) => return Some(receipt),
                Ok(None) => {}
                Err(error) => debug!("no answer about transaction {hash}: {error}"),
            }
        }
        None
    }
}

/// What replaces a transaction at `before`, at least what is asked for now; `None` if that is out of all proportion to it.
fn above(before: Eip1559Estimation, asked: Eip1559Estimation) -> Option<Eip1559Estimation> {
    let raise = |before: u128, asked: u128| {
        let raised = before.saturating_add(before / RAISE).saturating_add(1).max(asked);
        (raised <= asked.saturating_mul(MOST_RAISED)).then_some(raised)
    };
    Some(Eip1559Estimation {
        max_fee_per_gas: raise(before.max_fee_per_gas, asked.max_fee_per_gas)?,
        max_priority_fee_per_gas: raise(
            before.max_priority_fee_per_gas,
            asked.max_priority_fee_per_gas,
        )?,
    })
}

/// The pool has another transaction of the same nonce that pays as much, or this very one.
fn is_beside_another(error: &RpcError<TransportErrorKind>) -> bool {
    let words = ["underpriced", "already known", "already imported"];
    error.as_error_resp().is_some_and(|said| words.iter().any(|word| said.message.contains(word)))
}

fn refused(error: RpcError<TransportErrorKind>) -> SendError {
    match error.as_error_resp() {
        Some(said)
            if said.code == REVERTED
                || said.as_revert_data().is_some()
                || said.message.contains("execution reverted") =>
        {
            SendError::Reverts { reason: said.message.to_string(), data: said.as_revert_data() }
        }
        _ => SendError::Other(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_pays_more_and_never_out_of_proportion() {
        // [REC-9]
        let fees = |max_fee_per_gas, max_priority_fee_per_gas| Eip1559Estimation {
            max_fee_per_gas,
            max_priority_fee_per_gas,
        };
        assert_eq!(above(fees(100, 8), fees(100, 8)), Some(fees(126, 11)), "a quarter and one");
        assert_eq!(above(fees(100, 8), fees(500, 40)), Some(fees(500, 40)), "what is asked for");
        assert_eq!(above(fees(639, 8), fees(100, 8)), Some(fees(799, 11)), "the most");
        assert_eq!(above(fees(640, 8), fees(100, 8)), None, "more than eight times what is asked");
        assert_eq!(above(fees(100, 64), fees(100, 8)), None);
    }
}
