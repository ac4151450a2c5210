//! Sends calls, paying from the host's gas key. What a node says needs no gas of its own: anyone may send it.

use alloy::{
    network::{EthereumWallet, TransactionBuilder},
    primitives::{Address, B256, Bytes},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::{client::RpcClient, types::TransactionRequest},
    signers::local::PrivateKeySigner,
    transports::{RpcError, TransportErrorKind, http::Http},
};
use anyhow::{Context, Result};
use std::{path::Path, time::Duration};
use tokio::sync::Mutex;

/// How long a transaction may take to get into a block. It may still do so later; then its effect is seen on chain.
const RECEIPT_TIMEOUT: Duration = Duration::from_secs(90);

/// The host's wallet.
#[derive(Debug)]
pub(crate) struct Sender {
    provider: DynProvider,
    /// One transaction at a time: nonces are taken in order.
    turn: Mutex<()>,
}

/// Why a call was not sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// The contract would refuse it; the revert data names why.
    #[error("the call would revert: {reason}")]
    Reverts { reason: String, data: Option<Bytes> },
    /// It was sent and reverted all the same.
    #[error("transaction {0} reverted")]
    Reverted(B256),
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
        let client = RpcClient::new(Http::with_client(http, url.parse()?), false)
            .with_poll_interval(Duration::from_millis(200));
        let provider =
            ProviderBuilder::new().wallet(EthereumWallet::from(signer)).connect_client(client);
        Ok(Self { provider: provider.erased(), turn: Mutex::new(()) })
    }

    /// Sends the call once it would not revert, and waits until it is in a block. Returns its transaction hash.
    pub(crate) async fn send(&self, to: Address, data: Bytes) -> Result<B256, SendError> {
        let _turn = self.turn.lock().await;
        let request = TransactionRequest::default().with_to(to).with_input(data);
        let gas = self.provider.estimate_gas(request.clone()).await.map_err(reverts)?;
        // The policy check needs its whole allowance left (IssuanceLog.NotEnoughGas); estimates are tight.
        let request = request.with_gas_limit(gas.saturating_add(gas / 4).saturating_add(50_000));
        let pending = self.provider.send_transaction(request).await.map_err(reverts)?;
        let receipt = pending.with_timeout(Some(RECEIPT_TIMEOUT)).get_receipt().await;
        let receipt = receipt.context("waiting for the receipt")?;
        if !receipt.status() {
            return Err(SendError::Reverted(receipt.transaction_hash));
        }
        Ok(receipt.transaction_hash)
    }
}

fn reverts(error: RpcError<TransportErrorKind>) -> SendError {
    match error.as_error_resp() {
        Some(payload) => SendError::Reverts {
            reason: payload.message.to_string(),
            data: payload.as_revert_data(),
        },
        None => SendError::Other(error.into()),
    }
}
