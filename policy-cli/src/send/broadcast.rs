//! Signs exactly what was confirmed, sends it, and waits for its block.

use super::{SendError, line, plan::Confirmed, plan::revert_reason};
use crate::{
    chain::Chain,
    decode::{Decoded, Interfaces},
    failure::Failure,
    output::Output,
    signer::{Signer, SignerError},
};
use alloy::eips::BlockId;
use alloy::network::{NetworkTransactionBuilder, TransactionBuilder};
use alloy::primitives::B256;
use alloy::providers::Provider;
use alloy::rpc::types::{Log, TransactionReceipt, TransactionRequest};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long a transaction may wait for its block before we say so.
const MINING_SECONDS: u64 = 180;
const POLL: Duration = Duration::from_millis(400);

/// A transaction in a block.
pub(crate) struct Sent {
    pub(crate) hash: B256,
    pub(crate) block: u64,
    pub(crate) logs: Vec<Log>,
    gas_used: u64,
    call: Value,
    events: Vec<Decoded>,
}

impl Confirmed {
    pub(crate) async fn send(
        self,
        chain: &Chain,
        interfaces: &Interfaces,
        signer: Signer,
        output: &mut Output<'_>,
    ) -> Result<Sent, Failure> {
        let request = self.request(chain).await?;
        let pending = match signer.wallet() {
            Some(wallet) => {
                let signed = request
                    .build(&wallet)
                    .await
                    .map_err(|unbuilt| SignerError::Signing { source: unbuilt })?;
                chain.provider.send_tx_envelope(signed).await
            }
            None => chain.provider.send_transaction(request).await,
        };
        let pending =
            pending.map_err(|error| chain.failed("the transaction was refused", &error))?;
        let hash = *pending.tx_hash();
        output.talk(&format!("sent        {hash}"))?;
        let receipt = mined(chain, hash).await?;
        let block = receipt.block_number.unwrap_or_default();
        if !receipt.status() {
            let at = BlockId::number(block);
            let reason =
                revert_reason(chain, interfaces, &self.plan.call, self.plan.sender, at).await?;
            let reason =
                reason.unwrap_or_else(|| "not reproduced at the end of its block".to_owned());
            return Err(SendError::Reverted { hash, block, reason }.into());
        }
        let logs = receipt.logs().to_vec();
        let events = logs
            .iter()
            .filter_map(|log| interfaces.event(log.topics(), &log.data().data))
            .collect();
        let mut call = self.plan.decoded.to_json();
        call["to"] = json!(self.plan.call.to);
        call["from"] = json!(self.plan.sender);
        call["calldata"] = json!(self.plan.call.calldata);
        Ok(Sent { hash, block, gas_used: receipt.gas_used, call, events, logs })
    }

    async fn request(&self, chain: &Chain) -> Result<TransactionRequest, Failure> {
        let nonce = chain
            .provider
            .get_transaction_count(self.plan.sender)
            .pending()
            .await
            .map_err(|error| chain.failed("eth_getTransactionCount", &error))?;
        Ok(TransactionRequest::default()
            .with_from(self.plan.sender)
            .with_to(self.plan.call.to)
            .with_value(self.plan.call.value)
            .with_input(self.plan.call.calldata.clone())
            .with_chain_id(chain.network.chain.id)
            .with_nonce(nonce)
            .with_gas_limit(self.gas.limit)
            .with_max_fee_per_gas(self.gas.max_fee_per_gas)
            .with_max_priority_fee_per_gas(self.gas.max_priority_fee_per_gas))
    }
}

async fn mined(chain: &Chain, hash: B256) -> Result<TransactionReceipt, Failure> {
    let waiting = async {
        loop {
            let receipt = chain
                .provider
                .get_transaction_receipt(hash)
                .await
                .map_err(|error| chain.failed("eth_getTransactionReceipt", &error))?;
            if let Some(receipt) = receipt {
                return Ok(receipt);
            }
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(MINING_SECONDS), waiting)
        .await
        .map_err(|_| SendError::NotMined { hash, seconds: MINING_SECONDS })?
}

impl Sent {
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        line(&mut text, "transaction", &self.hash.to_string());
        line(&mut text, "block", &self.block.to_string());
        line(&mut text, "gas used", &self.gas_used.to_string());
        for event in &self.events {
            line(&mut text, "event", &event.to_string());
        }
        text
    }

    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let events: Vec<Value> = self.events.iter().map(Decoded::to_json).collect();
        let transaction =
            json!({ "hash": self.hash, "block": self.block, "gasUsed": self.gas_used });
        Map::from_iter([
            ("dryRun".to_owned(), json!(false)),
            ("call".to_owned(), self.call.clone()),
            ("transaction".to_owned(), transaction),
            ("events".to_owned(), Value::Array(events)),
        ])
    }
}
