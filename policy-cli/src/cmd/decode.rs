//! `quorate decode`: calldata, a transaction, a log, a batch or a proposal, in words.

use crate::{
    calls::batch_of_any_chain,
    chain::Chain,
    cli::Global,
    decode::{Decoded, Interfaces, ShownCall, shown_calls},
    exit::Exit,
    failure::{Failure, text_exit, text_hints},
    file,
    governor::{GovernorArgs, Proposal},
    output::Output,
    poll::Poll,
    send::{Call, line},
    values, words,
};
use alloy::consensus::Transaction as _;
use alloy::network::TransactionResponse as _;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::Provider;
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const AFTER: &str = "INPUT is calldata in hex (offline), the hash of a transaction, the number of a proposal, or a file (offline): a batch
for Safe's Transaction Builder, or a log with topics and data. Exit code 3: it is none of ours.

Example:
  quorate decode 0x462da6ab";

/// Says in words what calldata, a transaction, a log, a batch or a proposal does
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Decode {
    /// Calldata, transaction hash, proposal id, or a file
    #[arg(value_name = "INPUT")]
    input: String,
    /// The contract that the calldata is for
    #[arg(long, value_name = "ADDRESS", value_parser = values::address)]
    to: Option<Address>,
    #[command(flatten)]
    governor: GovernorArgs,
}

/// Why there is nothing to say.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("{what} is none of our contracts', of a Governor's or an AccessManager's")]
    Unknown { what: String },
    #[error("no transaction {hash}")]
    NoTransaction { hash: B256 },
    #[error("{}: neither a batch nor a log", path.display())]
    NoForm { path: PathBuf },
    #[error("not hex: {0}")]
    NotHex(String),
}

impl DecodeError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Unknown { .. } | Self::NoTransaction { .. } => Exit::NotFound,
            Self::NoForm { .. } | Self::NotHex(_) => Exit::Usage,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::NoForm { .. } => {
                vec!["a batch has transactions, a log has topics and data".into()]
            }
            Self::Unknown { .. } | Self::NoTransaction { .. } | Self::NotHex(_) => Vec::new(),
        }
    }
}

impl Decode {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        if let Some(digits) = self.input.strip_prefix("0x") {
            if digits.len() == 64 {
                let hash =
                    values::hash(digits).map_err(|_| DecodeError::NotHex(plain(&self.input)))?;
                return transaction(&super::connect(global).await?, hash, output).await;
            }
            return self.calldata(output);
        }
        match self.input.bytes().all(|byte| byte.is_ascii_digit()) {
            true => self.proposal(global, output).await,
            false => in_file(Path::new(&self.input), output),
        }
    }

    fn calldata(&self, output: &mut Output<'_>) -> Result<Exit, Failure> {
        let bytes: Bytes =
            self.input.parse().map_err(|_| DecodeError::NotHex(plain(&self.input)))?;
        let to = self.to.unwrap_or_default();
        answer_calls(&[Call { to, value: U256::ZERO, calldata: bytes }], output)
    }

    async fn proposal(&self, global: &Global, output: &mut Output<'_>) -> Result<Exit, Failure> {
        let id =
            values::number(&self.input).map_err(|_| DecodeError::NotHex(plain(&self.input)))?;
        let chain = super::connect(global).await?;
        let proposal = Proposal::find(&chain, id, &self.governor, output).await?;
        let Poll { facts, mismatch, .. } = Poll::of(&chain, &proposal).await?;
        let (text, fields) = facts.into_answer();
        output.answer("quorate.decode.proposal", fields, &text)?;
        match mismatch {
            Some(mismatch) => {
                if !output.is_json() {
                    output.complain(&mismatch.to_string(), &text_hints(&mismatch))?;
                }
                Ok(text_exit(&mismatch))
            }
            None => Ok(Exit::Ok),
        }
    }
}

fn plain(text: &str) -> String {
    words::plain(&text.chars().take(80).collect::<String>())
}

fn answer_calls(calls: &[Call], output: &mut Output<'_>) -> Result<Exit, Failure> {
    let shown = shown_calls(&Interfaces::ours(), calls)?;
    if let Some(call) = calls.iter().zip(&shown).find(|(_, shown)| shown.is_unnamed()) {
        let head = call.0.calldata.get(..4).unwrap_or_default();
        let what = format!("a call of {}", alloy::primitives::hex::encode_prefixed(head));
        return Err(DecodeError::Unknown { what }.into());
    }
    let mut text = String::new();
    shown.iter().for_each(|call| line(&mut text, "call", &call.to_string()));
    let list: Value = shown.iter().map(ShownCall::to_json).collect();
    output.answer("quorate.decode.calls", json!({ "calls": list }), &text)?;
    Ok(Exit::Ok)
}

async fn transaction(chain: &Chain, hash: B256, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let failed = |error| chain.failed("eth_getTransactionByHash", &error);
    let found = chain.provider.get_transaction_by_hash(hash).await.map_err(failed)?;
    let found = found.ok_or(DecodeError::NoTransaction { hash })?;
    let failed = |error| chain.failed("eth_getTransactionReceipt", &error);
    let receipt = chain.provider.get_transaction_receipt(hash).await.map_err(failed)?;
    let interfaces = Interfaces::ours();
    let to = found.to().unwrap_or_default();
    let call = Call { to, value: found.value(), calldata: found.input().clone() };
    let shown = shown_calls(&interfaces, &[call])?;
    let logs = receipt.iter().flat_map(|receipt| receipt.logs().iter());
    let events: Vec<(Address, Decoded)> = logs
        .filter_map(|log| Some((log.address(), interfaces.event(log.topics(), &log.data().data)?)))
        .collect();
    if shown.iter().any(ShownCall::is_unnamed) && events.is_empty() {
        return Err(DecodeError::Unknown { what: format!("transaction {hash}") }.into());
    }
    let mut text = String::new();
    line(&mut text, "transaction", &hash.to_string());
    line(&mut text, "from", &words::account(found.from()));
    shown.iter().for_each(|call| line(&mut text, "call", &call.to_string()));
    let state = receipt.as_ref().map(|receipt| (receipt.status(), receipt.block_number));
    let outcome = match state {
        None => "not in a block".to_owned(),
        Some((true, block)) => format!("succeeded in block {}", block.unwrap_or_default()),
        Some((false, block)) => format!("REVERTED in block {}", block.unwrap_or_default()),
    };
    line(&mut text, "outcome", &outcome);
    for (address, event) in &events {
        line(&mut text, "event", &format!("{event}\nby {}", words::account(*address)));
    }
    let calls: Value = shown.iter().map(ShownCall::to_json).collect();
    let list: Value = events
        .iter()
        .map(|(address, event)| {
            let mut event = event.to_json();
            event["address"] = json!(address);
            event
        })
        .collect();
    let fields = json!({
        "hash": hash,
        "from": found.from(),
        "calls": calls,
        "succeeded": state.map(|(succeeded, _)| succeeded),
        "block": state.and_then(|(_, block)| block),
        "events": list,
    });
    output.answer("quorate.decode.transaction", fields, &text)?;
    Ok(Exit::Ok)
}

/// What we read of a log.
#[derive(serde::Deserialize)]
struct RawLog {
    topics: Vec<B256>,
    data: Bytes,
}

fn in_file(path: &Path, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let no_form = || DecodeError::NoForm { path: path.into() };
    let value: Value = serde_json::from_slice(&file::read(path)?).map_err(|_| no_form())?;
    if value.get("transactions").is_some() {
        return answer_calls(&batch_of_any_chain(path)?, output);
    }
    let log: RawLog = serde_json::from_value(value).map_err(|_| no_form())?;
    let event = Interfaces::ours().event(&log.topics, &log.data);
    let topic = log.topics.first().map(ToString::to_string).unwrap_or_default();
    let event = event.ok_or(DecodeError::Unknown { what: format!("an event {topic}") })?;
    let mut text = String::new();
    line(&mut text, "event", &event.block(|_| false));
    output.answer("quorate.decode.event", json!({ "event": event.to_json() }), &text)?;
    Ok(Exit::Ok)
}
