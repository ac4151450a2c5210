//! `quorate watch`: waits for an event, and ends with the first one that its block's receipts prove. Spec: docs/spec/bundle.md
//! [BUN-15].

use super::audit::{contracts, named_policy};
use crate::{
    chain::{Chain, ChainError},
    cli::Global,
    decode::{Decoded, Interfaces},
    exit::Exit,
    failure::Failure,
    output::Output,
    values,
};
use alloy::consensus::proofs::calculate_receipt_root;
use alloy::primitives::{Address, B256};
use alloy::providers::Provider;
use alloy::rpc::types::{Filter, Log, TransactionReceipt};
use clap::Args;
use light_client::RawHeader;
use serde_json::json;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

const AFTER: &str = "Exit code 0 with the event, 3 if there was none within --timeout, 5 if an endpoint tells an event that its block's
receipts don't hold. That the block is on the chain is the endpoint's word.

Example:
  quorate watch --network network.toml --app 0x1111111111111111111111111111111111111111 --event ComposeHashRevoked --timeout 600";

const LOOK: Duration = Duration::from_secs(1);

/// Waits for an event of the network's contracts and policies, proven in its receipt
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Watch {
    /// Only events of this app
    #[arg(long, value_name = "APP", value_parser = values::address)]
    app: Option<Address>,
    /// Only events of this name, such as KeyIssued
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// Seconds to wait; left out: for ever
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds)]
    timeout: Option<u32>,
    /// First block that is looked at; left out: the one after the head
    #[arg(long, value_name = "BLOCK")]
    from: Option<u64>,
}

/// Why no event was found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchError {
    #[error("no contract of ours has an event {0:?}")]
    UnknownEvent(String),
    #[error("no such event within {0} s")]
    Timeout(u32),
    #[error("{endpoint} tells an event in block {block} that the block's receipts don't hold")]
    Forged { endpoint: String, block: B256 },
}

impl WatchError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::UnknownEvent(_) => Exit::Usage,
            Self::Timeout(_) => Exit::NotFound,
            Self::Forged { .. } => Exit::Network,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::UnknownEvent(_) => {
                vec![
                    "names are those of the contracts' interfaces: ComposeHashRevoked, KeyIssued"
                        .into(),
                ]
            }
            Self::Forged { .. } => vec!["ask another endpoint: --rpc-url URL".into()],
            Self::Timeout(_) => Vec::new(),
        }
    }
}

impl Watch {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let interfaces = Interfaces::ours();
        if let Some(name) = &self.event
            && !interfaces.has_event(name)
        {
            return Err(WatchError::UnknownEvent(name.clone()).into());
        }
        let begun = Instant::now();
        let chain = super::connect(global).await?;
        let mut known = contracts(&chain).await?;
        let mut next = self.from.unwrap_or_else(|| chain.head.number.saturating_add(1));
        loop {
            let head = head(&chain).await?;
            if next <= head {
                let filter = Filter::new().from_block(next).to_block(head);
                for log in told(&chain, filter).await? {
                    learn(&mut known, &chain, &log);
                    if let Some(decoded) = self.matches(&interfaces, &known, &log) {
                        prove(&chain, &log).await?;
                        found(&log, &decoded, output)?;
                        return Ok(Exit::Ok);
                    }
                }
                next = head.saturating_add(1);
            }
            if let Some(seconds) = self.timeout
                && begun.elapsed() >= Duration::from_secs(seconds.into())
            {
                return Err(WatchError::Timeout(seconds).into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn matches(
        &self,
        interfaces: &Interfaces,
        known: &BTreeMap<Address, &'static str>,
        log: &Log,
    ) -> Option<Decoded> {
        known.get(&log.address())?;
        let decoded = interfaces.event(log.topics(), &log.data().data)?;
        let is_name = self.event.as_ref().is_none_or(|name| *name == decoded.name);
        let is_app = self.app.is_none_or(|app| decoded.is_of(app));
        (is_name && is_app).then_some(decoded)
    }
}

/// A policy that is named from here on is watched from here on.
fn learn(known: &mut BTreeMap<Address, &'static str>, chain: &Chain, log: &Log) {
    if log.address() == chain.contracts.app_registry
        && let Some(policy) = named_policy(log)
    {
        known.insert(policy, "Policy");
    }
}

async fn head(chain: &Chain) -> Result<u64, ChainError> {
    let number = chain.provider.get_block_number().await;
    number.map_err(|error| chain.failed("eth_blockNumber", &error))
}

async fn told(chain: &Chain, filter: Filter) -> Result<Vec<Log>, ChainError> {
    let logs = chain.provider.get_logs(&filter).await;
    let mut logs = logs.map_err(|error| chain.failed("eth_getLogs", &error))?;
    logs.sort_by_key(|log| (log.block_number, log.log_index));
    Ok(logs)
}

/// The log is in the receipts of its block, by the header's own hash.
async fn prove(chain: &Chain, log: &Log) -> Result<(), Failure> {
    let block = log.block_hash.unwrap_or_default();
    let forged = || WatchError::Forged { endpoint: chain.endpoint.clone(), block };
    let header: Option<RawHeader> = chain
        .provider
        .raw_request("eth_getBlockByHash".into(), (block, false))
        .await
        .map_err(|error| chain.failed("eth_getBlockByHash", &error))?;
    let header = header.and_then(|told| told.seal().ok()).filter(|header| header.hash() == block);
    let receipts: Option<Vec<TransactionReceipt>> = chain
        .provider
        .raw_request("eth_getBlockReceipts".into(), [block])
        .await
        .map_err(|error| chain.failed("eth_getBlockReceipts", &error))?;
    let receipts: Vec<_> = receipts
        .unwrap_or_default()
        .into_iter()
        .map(|receipt| receipt.into_primitives_receipt().inner)
        .collect();
    let root = header.map(|header| header.fields().receipts_root);
    let place = log.log_index.and_then(|place| usize::try_from(place).ok());
    let held = receipts.iter().flat_map(|receipt| receipt.logs()).nth(place.ok_or_else(forged)?);
    if root != Some(calculate_receipt_root(&receipts)) || held != Some(&log.inner) {
        return Err(forged().into());
    }
    Ok(())
}

fn found(log: &Log, decoded: &Decoded, output: &mut Output<'_>) -> Result<(), Failure> {
    let fields = json!({
        "blockNumber": log.block_number,
        "blockHash": log.block_hash,
        "logIndex": log.log_index,
        "address": log.address(),
        "event": decoded.to_json(),
    });
    let text = format!(
        "{decoded}\nof {}, log {} of block {} {}, proven under its receiptsRoot\n",
        log.address(),
        log.log_index.unwrap_or_default(),
        log.block_number.unwrap_or_default(),
        log.block_hash.unwrap_or_default()
    );
    Ok(output.answer("quorate.watch", fields, &text)?)
}
