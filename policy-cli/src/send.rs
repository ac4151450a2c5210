//! The one way to a transaction: `Call → Plan → Shown → Confirmed → Sent`. Each step takes the one before by value, so
//! nothing is signed that was not decoded from its own bytes, simulated, shown and agreed to.

mod broadcast;
mod plan;

pub(crate) use broadcast::Sent;
pub(crate) use plan::{Call, Outcome, Plan};

use crate::{
    chain::Chain, decode::Interfaces, exit::Exit, failure::Failure, output::Output,
    output::error_object, signer::KeyArgs, signer::Signer, signer::SignerError,
};
use alloy::primitives::{Address, B256};
use clap::Args;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// Flags of every verb that sends.
#[derive(Args)]
#[command(next_help_heading = "Sending")]
pub(crate) struct SendArgs {
    /// Send it; without this nothing is signed
    #[arg(long)]
    pub(crate) broadcast: bool,
    /// Do not ask before sending
    #[arg(long, requires = "broadcast")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

/// Why a call was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("the chain refuses this call: {reason}")]
    WouldRevert { reason: String },
    #[error("transaction {hash} was mined in block {block} and reverted: {reason}")]
    Reverted { hash: B256, block: u64, reason: String },
    #[error("transaction {hash} was sent and is not mined after {seconds} s")]
    NotMined { hash: B256, seconds: u64 },
    #[error("the calldata does not decode: it is not signed")]
    Undecodable,
}

impl SendError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::WouldRevert { .. } | Self::Reverted { .. } => Exit::Reverted,
            Self::NotMined { .. } => Exit::Network,
            Self::Undecodable => Exit::Internal,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::WouldRevert { reason } => revert_hint(reason),
            Self::NotMined { .. } => {
                vec!["it may still be mined: look for it before sending again".into()]
            }
            Self::Reverted { .. } | Self::Undecodable => Vec::new(),
        }
    }
}

fn revert_hint(reason: &str) -> Vec<String> {
    if reason.starts_with("Unauthorized(") {
        return vec!["the sender must be the app's owner (grants) or its guardian (revocations): see quorate status APP".into()];
    }
    Vec::new()
}

/// What a verb adds to an answer: the same facts for people and for programs.
#[derive(Default)]
pub(crate) struct Facts {
    lines: Vec<(&'static str, String)>,
    fields: Map<String, Value>,
}

impl Facts {
    pub(crate) fn add(
        &mut self,
        label: &'static str,
        words: impl Into<String>,
        field: &str,
        value: Value,
    ) {
        self.lines.push((label, words.into()));
        self.fields.insert(field.to_owned(), value);
    }
}

/// Who sends, and whether it is sent at all.
pub(crate) struct Sender {
    pub(crate) address: Address,
    mode: Mode,
}

enum Mode {
    /// Holds what the sender is taken to be, if nobody was named.
    DryRun(Option<&'static str>),
    Broadcast {
        signer: Signer,
        yes: bool,
    },
}

impl SendArgs {
    /// Opens the key if it is needed. A dry run asks for no secret: where no sender is named it simulates as `assumed`.
    pub(crate) fn sender(
        &self,
        assumed: (Address, &'static str),
        output: &mut Output<'_>,
    ) -> Result<Sender, Failure> {
        if self.broadcast {
            if !self.yes && !output.can_ask() {
                return Err(SignerError::NobodyToAsk.into());
            }
            let signer = self.key.open(output)?;
            return Ok(Sender {
                address: signer.address(),
                mode: Mode::Broadcast { signer, yes: self.yes },
            });
        }
        let known = self.key.known_sender()?;
        Ok(Sender {
            address: known.unwrap_or(assumed.0),
            mode: Mode::DryRun(known.is_none().then_some(assumed.1)),
        })
    }
}

/// A verb's request: one call, and what the verb has to say about it.
pub(crate) struct Request {
    pub(crate) schema: &'static str,
    pub(crate) call: Call,
    pub(crate) facts: Facts,
}

/// Simulates and shows a call, and with `--broadcast` sends it. `learned` reads more facts out of what was sent.
pub(crate) async fn carry_out(
    chain: &Chain,
    sender: Sender,
    request: Request,
    output: &mut Output<'_>,
    learned: impl FnOnce(&Sent) -> Facts,
) -> Result<Exit, Failure> {
    let interfaces = Interfaces::ours();
    let Request { schema, call, mut facts } = request;
    let plan = Plan::make(chain, &interfaces, call, sender.address).await?;
    let (signer, yes) = match sender.mode {
        Mode::DryRun(assumed) => return dry_run(&plan, assumed, schema, facts, output),
        Mode::Broadcast { signer, yes } => (signer, yes),
    };
    let sent = plan
        .show(&lines(&facts), output)?
        .confirm(yes, output)?
        .send(chain, &interfaces, signer, output)
        .await?;
    let more = learned(&sent);
    facts.lines.extend(more.lines);
    facts.fields.extend(more.fields);
    let text = format!("{}{}", sent.text(), lines(&facts));
    let mut fields = sent.to_json();
    fields.extend(facts.fields);
    output.answer(schema, Value::Object(fields), &text)?;
    Ok(Exit::Ok)
}

fn dry_run(
    plan: &Plan,
    assumed: Option<&'static str>,
    schema: &str,
    facts: Facts,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let mut fields = plan.to_json();
    fields.extend(facts.fields.clone());
    let mut text = format!("{}{}", plan.text(assumed), lines(&facts));
    let Outcome::Reverts { reason } = &plan.outcome else {
        line(
            &mut text,
            "to send",
            "the same command with --broadcast and a key: --keystore PATH or -i",
        );
        output.answer(schema, Value::Object(fields), &text)?;
        return Ok(Exit::Ok);
    };
    let refusal = SendError::WouldRevert { reason: reason.clone() };
    fields.insert(
        "error".into(),
        error_object(refusal.exit(), &refusal.to_string(), &refusal.hints()),
    );
    output.answer(schema, Value::Object(fields), &text)?;
    if !output.is_json() {
        output.complain(&refusal.to_string(), &refusal.hints())?;
    }
    Ok(refusal.exit())
}

fn lines(facts: &Facts) -> String {
    let mut text = String::new();
    for (label, words) in &facts.lines {
        line(&mut text, label, words);
    }
    text
}

/// One line of an answer; more lines of the same fact are indented below.
pub(crate) fn line(text: &mut String, label: &str, words: &str) {
    let mut rows = words.lines();
    let _ = writeln!(text, "{label:<12}{}", rows.next().unwrap_or_default());
    for row in rows {
        let _ = writeln!(text, "{:12}{row}", "");
    }
}
