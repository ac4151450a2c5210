//! `quorate watch`: waits for an event, and ends with the first one that its block's receipts prove. Spec: docs/spec/bundle.md
//! [BUN-15]. Prevents: an event that a reorg puts where was looked already; an event of a contract that nobody made a policy.

mod looked;

use crate::{
    chain::{Chain, ChainError},
    cli::Global,
    decode::{Decoded, Interfaces},
    exit::Exit,
    failure::Failure,
    named,
    output::Output,
    replay, values,
};
use alloy::consensus::proofs::calculate_receipt_root;
use alloy::primitives::{Address, B256};
use alloy::providers::Provider;
use alloy::rpc::types::{Log, TransactionReceipt};
use clap::Args;
use light_client::RawHeader;
use looked::Looked;
use serde_json::json;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

const AFTER: &str = "Exit code 0 with the event, 3 if there was none within --timeout, 5 if an endpoint tells an event that its block's
receipts don't hold. That the block is on the chain is the endpoint's word, and what it hides is not seen: `quorate audit` finds
that. A block that takes the place of one that was looked at is looked at as well.

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
        let mut looked = Looked::from(self.from.unwrap_or(chain.head.number.saturating_add(1)));
        let mut known = Known::of(&chain, chain.head.number).await?;
        loop {
            let head = chain.latest().await?;
            if looked.step_back(&chain).await? {
                known.forget_from(looked.above(), &chain, head.number).await?;
            }
            if looked.next() <= head.number {
                for log in known.events(&chain, looked.next(), head.number).await? {
                    if let Some((decoded, naming)) = self.matches(&interfaces, &known, &log) {
                        if let Some(naming) = naming {
                            prove(&chain, naming).await?;
                        }
                        prove(&chain, &log).await?;
                        found(&log, &decoded, output)?;
                        return Ok(Exit::Ok);
                    }
                }
            }
            // Its hash was told before its events were: what changes in between is looked at again.
            looked.up_to(head);
            if let Some(seconds) = self.timeout
                && begun.elapsed() >= Duration::from_secs(seconds.into())
            {
                return Err(WatchError::Timeout(seconds).into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The event, and what names its contract.
    fn matches<'a>(
        &self,
        interfaces: &Interfaces,
        known: &'a Known,
        log: &Log,
    ) -> Option<(Decoded, Option<&'a Log>)> {
        let naming = known.0.get(&log.address())?;
        let decoded = interfaces.event(log.topics(), &log.data().data)?;
        let is_name = self.event.as_ref().is_none_or(|name| *name == decoded.name);
        let is_app = self.app.is_none_or(|app| decoded.is_of(app));
        (is_name && is_app).then_some((decoded, naming.as_ref()))
    }
}

/// Whose events are looked for: the network's contracts, and each policy with the event of AppRegistry that names it. That event
/// is proven when one of the policy's is told.
struct Known(BTreeMap<Address, Option<Log>>);

impl Known {
    /// With every policy that is named up to a block.
    async fn of(chain: &Chain, to: u64) -> Result<Self, ChainError> {
        let of = chain.contracts;
        let contracts =
            [of.kms_committee, of.attestation_registry, of.app_registry, of.issuance_log];
        let mut known = Self(contracts.into_iter().map(|contract| (contract, None)).collect());
        known.learn(chain, &replay::logs(chain, &[of.app_registry], 0, to).await?);
        Ok(known)
    }

    /// Names that stood in blocks from this one on, which others have replaced.
    async fn forget_from(&mut self, next: u64, chain: &Chain, to: u64) -> Result<(), ChainError> {
        let is_replaced = |log: &Log| log.block_number.is_none_or(|number| number >= next);
        self.0.retain(|_, naming| !naming.as_ref().is_some_and(is_replaced));
        let registry = chain.contracts.app_registry;
        let logs = replay::logs(chain, &[registry], next, to).await?;
        self.learn(chain, &logs);
        Ok(())
    }

    /// Returns the policies that were not known.
    fn learn(&mut self, chain: &Chain, logs: &[Log]) -> Vec<Address> {
        let mut new = Vec::new();
        for log in logs.iter().filter(|log| log.address() == chain.contracts.app_registry) {
            if let Some(policy) = named::policy(log)
                && !self.0.contains_key(&policy)
            {
                self.0.insert(policy, Some(log.clone()));
                new.push(policy);
            }
        }
        new
    }

    /// Their events in the chain's order, those of a policy that is named there included.
    async fn events(&mut self, chain: &Chain, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
        let (mut events, mut ask) = (Vec::new(), self.0.keys().copied().collect::<Vec<_>>());
        while !ask.is_empty() {
            let told = replay::logs(chain, &ask, from, to).await?;
            ask = self.learn(chain, &told);
            events.extend(told);
        }
        events.sort_by_key(|log| (log.block_number, log.log_index));
        Ok(events)
    }
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
