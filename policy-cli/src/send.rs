//! The one way to a transaction: `Call → Plan → Shown → Confirmed → Sent`. Each step takes the one before by value, so
//! nothing is signed that was not decoded from its own bytes, simulated, shown and agreed to.

mod broadcast;
mod effect;
mod out;
mod plan;
mod route;
mod safe_batch;

pub(crate) use broadcast::Sent;
pub(crate) use effect::Effect;
pub(crate) use out::Out;
pub(crate) use plan::{Outcome, Plan};
pub(crate) use proposal::Call;
pub(crate) use route::{About, ProposalWords, ProposeArgs, Route};
pub(crate) use safe_batch::checksum;

use effect::Foretold;

use crate::{
    chain::Chain, decode::Interfaces, exit::Exit, failure::Failure, output::Output,
    output::error_object, signer::KeyArgs, signer::Signer, signer::SignerError,
};
use abi::QuorateGovernor;
use alloy::primitives::{Address, B256};
use alloy::sol_types::SolCall;
use clap::Args;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// Flags of every verb that sends.
#[derive(Args)]
#[command(next_help_heading = "Sending")]
pub(crate) struct DirectArgs {
    /// Send it; without this nothing is signed
    #[arg(long)]
    pub(crate) broadcast: bool,
    /// Do not ask before sending
    #[arg(long, requires = "broadcast")]
    pub(crate) yes: bool,
    /// Write it instead: calldata, or safe-batch=FILE for Safe's Transaction Builder (- is stdout)
    #[arg(long, value_name = "FORM", value_parser = Out::parse, conflicts_with = "broadcast")]
    pub(crate) out: Option<Out>,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

/// Flags of a verb whose call may as well be proposed to a Governor.
#[derive(Args)]
pub(crate) struct SendArgs {
    #[command(flatten)]
    pub(crate) direct: DirectArgs,
    #[command(flatten)]
    pub(crate) propose: ProposeArgs,
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

/// What to do about a refusal, by the error's name.
fn revert_hint(reason: &str) -> Vec<String> {
    let name = reason.split('(').next().unwrap_or_default();
    let hint = match name {
        "Unauthorized" => {
            "the sender must be the app's owner (grants) or its guardian (revocations): see quorate status APP"
        }
        "AccessManagedUnauthorized" => {
            "the sender must hold the role of this function: --from names it, --propose puts it to the vote"
        }
        "AccessManagerUnauthorizedCall" => {
            "the sender has no role for this function, or one that does not wait: then leave out --schedule"
        }
        "AccessManagerNotScheduled" => {
            "this role waits: --propose puts it to the vote; who holds the role itself sends it with --schedule first, and again without it after the delay"
        }
        "UnknownCandidate" | "CandidateExpired" => {
            "the node posts its statement itself when it starts: quorate seat list shows who has"
        }
        "OperatorNotAssigned" | "NodeCodeNotApproved" => {
            "quorate seat list says what a candidate lacks; with --propose, --with-operator and --with-code put it into the same vote"
        }
        "VendorHoldsTooManySeats" | "OperatorHoldsTooManySeats" => {
            "nobody may hold a quorum (P7): fewer seats of theirs, or a greater --threshold"
        }
        "ReshareNotAvailable" => {
            "an activated committee keeps its seats until resharing is built: nothing opens a second epoch"
        }
        "CeremonyRunning" => "quorate epoch show says how far it is",
        "GovernorInsufficientProposerVotes" => {
            "the proposer needs delegated votes: --from names one who has them"
        }
        "NothingToRevoke" => "it is not approved, or was revoked before",
        "AlreadySet" | "AlreadyApproved" => "it is so already: nothing is to be done",
        "ListNotInForce" => "the app accepts any: there is no list to take one from",
        "RootNotOpen" => "quorate root show lists the roots",
        "NotAContract" => "a policy is a contract; this address has no code",
        "GovernorUnableToCancel" => {
            "only its proposer cancels, before the vote begins; the proposal guardian vetoes"
        }
        "GovernorUnexpectedProposalState" => "quorate decode ID shows the state of a proposal",
        "GovernorUnmetDelay" => "its delay is not over: quorate decode ID shows when it is",
        _ => return Vec::new(),
    };
    vec![hint.into()]
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

    pub(crate) fn extend(&mut self, more: Self) {
        self.lines.extend(more.lines);
        self.fields.extend(more.fields);
    }

    /// The facts alone, for people and for programs.
    pub(crate) fn into_answer(self) -> (String, Value) {
        (lines(&self), Value::Object(self.fields))
    }
}

/// Who sends, and whether it is sent at all.
pub(crate) struct Sender {
    /// Who signs, or would.
    pub(crate) address: Address,
    /// Whom the contracts see: the sender, or who acts for a Governor.
    pub(crate) caller: Address,
    mode: Mode,
    route: Option<Route>,
}

/// The second field of the first two is what the sender is taken to be, if nobody was named.
enum Mode {
    DryRun(Option<&'static str>),
    Out(Out, Option<&'static str>),
    Broadcast { signer: Signer, yes: bool },
}

impl Sender {
    /// Whether the call itself is shown and nothing sent: only then a verb can say when it would count.
    pub(crate) fn is_rehearsal(&self) -> bool {
        self.route.is_none() && !matches!(self.mode, Mode::Broadcast { .. })
    }

    /// Turns what is sent into a proposal.
    pub(crate) fn through(self, route: Route) -> Self {
        Self { caller: route.governor.executor, route: Some(route), ..self }
    }
}

impl DirectArgs {
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
            let address = signer.address();
            let mode = Mode::Broadcast { signer, yes: self.yes };
            return Ok(Sender { address, caller: address, mode, route: None });
        }
        let known = self.key.known_sender()?;
        let address = known.unwrap_or(assumed.0);
        let what = known.is_none().then_some(assumed.1);
        let mode = match &self.out {
            Some(out) => Mode::Out(out.clone(), what),
            None => Mode::DryRun(what),
        };
        Ok(Sender { address, caller: address, mode, route: None })
    }
}

/// Anybody may propose where no votes are needed for it.
pub(crate) const ANYBODY: (Address, &str) = (Address::ZERO, "nobody");

impl SendArgs {
    /// As [`DirectArgs::sender`]; with `--propose` it becomes a proposal of whoever sends.
    pub(crate) async fn sender(
        &self,
        chain: &Chain,
        assumed: (Address, &'static str),
        output: &mut Output<'_>,
    ) -> Result<Sender, Failure> {
        let Some(title) = &self.propose.propose else {
            return self.direct.sender(assumed, output);
        };
        let sender = self.direct.sender(ANYBODY, output)?;
        let proposer = Some(sender.address).filter(|address| !address.is_zero());
        let ProposeArgs { governor, words, .. } = &self.propose;
        let route = Route::to_governor(chain, title, *governor, words, proposer).await?;
        Ok(sender.through(route))
    }
}

/// A verb's request: one call, and what the verb has to say about it.
pub(crate) struct Request {
    pub(crate) schema: &'static str,
    pub(crate) call: Call,
    pub(crate) facts: Facts,
    /// For the text of a proposal.
    pub(crate) about: About,
    /// What the call is for, if that is another call: what it does must come to pass.
    pub(crate) effect: Option<Effect>,
}

impl Request {
    pub(crate) fn new(schema: &'static str, call: Call, facts: Facts) -> Self {
        Self { schema, call, facts, about: About::default(), effect: None }
    }
}

/// Simulates and shows a call, and with `--broadcast` sends it. `learned` reads more facts out of what was sent.
pub(crate) async fn carry_out(
    chain: &Chain,
    sender: Sender,
    request: Request,
    output: &mut Output<'_>,
    learned: impl FnOnce(&Sent) -> Facts,
) -> Result<Exit, Failure> {
    let Request { schema, call, facts, about, effect } = request;
    match sender.route {
        Some(_) => {
            let calls = vec![call];
            let effect = Some(Effect { calls: calls.clone(), caller: sender.caller });
            carry_out_proposal(chain, sender, calls, (schema, facts, about, effect), output).await
        }
        None => carry_out_call(chain, sender, call, (schema, facts, effect), output, learned).await,
    }
}

/// The same for calls that are proposed together. The sender goes through a Governor. Without an `effect` what the calls
/// would do is left to a simulation.
pub(crate) async fn carry_out_proposal(
    chain: &Chain,
    mut sender: Sender,
    calls: Vec<Call>,
    (schema, mut facts, about, effect): (&'static str, Facts, About, Option<Effect>),
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let Some(route) = sender.route.take() else {
        return Err(crate::governor::GovernorError::Unnamed.into());
    };
    let call = route.wrap(&calls, about, &mut facts)?;
    let id = facts.fields["proposalId"].as_str().unwrap_or_default().to_owned();
    let next = |_: &Sent| {
        let mut facts = Facts::default();
        route::next_steps(&mut facts, &id);
        facts
    };
    carry_out_call(chain, sender, call, (schema, facts, effect), output, next).await
}

async fn carry_out_call(
    chain: &Chain,
    sender: Sender,
    call: Call,
    (schema, mut facts, effect): (&'static str, Facts, Option<Effect>),
    output: &mut Output<'_>,
    learned: impl FnOnce(&Sent) -> Facts,
) -> Result<Exit, Failure> {
    let interfaces = Interfaces::ours();
    let proposes = call.calldata.starts_with(&QuorateGovernor::proposeCall::SELECTOR);
    let mut plan = Plan::make(chain, &interfaces, call, sender.address).await?;
    if let Some(effect) = effect {
        match effect.foretell(chain, &interfaces).await? {
            Foretold::Succeeds if sender.address.is_zero() && proposes => {
                plan.outcome = Outcome::Unnamed;
            }
            Foretold::Succeeds => {}
            Foretold::Reverts { reason } => plan.outcome = Outcome::Reverts { reason },
            Foretold::Unknown { cause } => {
                output.warn(&format!("what it would do is not known here: {cause}"))?;
            }
        }
    }
    let (signer, yes) = match sender.mode {
        Mode::DryRun(assumed) => return dry_run(&plan, assumed, schema, facts, output),
        Mode::Out(out, assumed) => {
            return out.write((chain, &interfaces), &plan, assumed, (schema, facts), output);
        }
        Mode::Broadcast { signer, yes } => (signer, yes),
    };
    let sent = plan
        .show(&lines(&facts), output)?
        .confirm(yes, output)?
        .send(chain, &interfaces, signer, output)
        .await?;
    facts.extend(learned(&sent));
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
