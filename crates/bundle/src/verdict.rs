//! What a bundle proves to a reader, check by check. Spec: docs/spec/bundle.md [BUN-2].

use crate::{
    Bundle, Refusal,
    event::{Event, Kind},
    issuance::{self, Scene},
    line::Line,
    logged::logged,
    revocation,
    state::States,
    trail,
    views::Contracts,
};
use alloy_primitives::{Address, B256};
use light_client::BlockRef;
use serde_json::{Map, Value};
use wire::{UnixSeconds, network::Fork};

/// What the reader trusts, from somewhere else than the bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// Hash of a block that is final: of his own node, a light client, or an explorer that he believes.
    pub block: B256,
    /// networkHash.
    pub network: B256,
    /// Rules of the EVM that views run under.
    pub fork: Fork,
    /// The only attestation root that he accepts, if he wants one and not what the network's registry has open.
    pub root: Option<B256>,
}

/// A check that holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// What is known now.
    pub says: String,
}

/// What is proven.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Claim {
    /// An enclave could have a key.
    Issuance {
        /// The app.
        app_id: Address,
        /// The record.
        issuance_id: B256,
        /// The code.
        compose_hash: B256,
        /// EIP-712 struct hash of the input.
        input: B256,
        /// Of the key.
        key_version: u32,
        /// The committee's.
        epoch: u64,
        /// Who signed.
        seats: Vec<u16>,
        /// Who vouches for the machine.
        root: B256,
        /// The evidence.
        evidence_hash: B256,
        /// The enclave's session key.
        session_key: Address,
        /// The machine.
        device_id: B256,
        /// Its state.
        tcb_status: String,
        /// Where it is recorded.
        block: BlockRef,
        /// Of that block.
        time: UnixSeconds,
    },
    /// From `block` on it stands, up to `until` at least.
    Revocation {
        /// Its name.
        event: &'static str,
        /// What it takes away and why, by name.
        arguments: Map<String, Value>,
        /// Whose event it is.
        contract: Address,
        /// The event's block.
        block: BlockRef,
        /// Of that block.
        time: UnixSeconds,
        /// The reader's block.
        until: BlockRef,
    },
}

/// The checks that hold, in order, and how it ended. `ok` only if every check was made and holds.
#[derive(Debug)]
pub struct Verdict {
    /// In order.
    pub checks: Vec<Check>,
    /// What is proven, or the first check that fails.
    pub outcome: Result<Claim, Refusal>,
}

impl Verdict {
    /// `ok`, or the name of the first check that fails.
    pub fn word(&self) -> &'static str {
        self.outcome.as_ref().map_or_else(Refusal::code, |_| "ok")
    }
}

/// Judges a bundle. No input makes it panic, and none above the limits is read. [BUN-2]
pub fn verify(text: &str, trusted: &Trusted) -> Verdict {
    let mut checks = Checks::default();
    let outcome = Bundle::parse(text).and_then(|bundle| prove(&bundle, trusted, &mut checks));
    Verdict { checks: checks.0, outcome }
}

fn prove(bundle: &Bundle, trusted: &Trusted, checks: &mut Checks) -> Result<Claim, Refusal> {
    checks.holds("format", "one canonical text of quorate-evidence/v1");
    let (line, event) = read(bundle, trusted, checks)?;
    let states = States::prove(bundle, &line)?;
    checks.holds(
        "state",
        format!(
            "{} accounts and their slots are proven under the state roots of blocks {} and {}",
            bundle.at_event.len().saturating_add(bundle.at_block.len()),
            line.event.number(),
            line.block.number()
        ),
    );
    judge(bundle, trusted, &line, &event, &states, Depth::Checks, checks)
}

/// Network, headers, receipt, event: everything that needs no state.
pub(crate) fn read(
    bundle: &Bundle,
    trusted: &Trusted,
    checks: &mut Checks,
) -> Result<(Line, Event), Refusal> {
    let actual = bundle.network.hash();
    if actual != trusted.network {
        return Err(Refusal::OtherNetwork { expected: trusted.network, actual });
    }
    checks.holds(
        "network",
        format!(
            "chain {}, genesis {}, KmsCommittee {} are the network that you named",
            bundle.network.chain_id, bundle.network.genesis_hash, bundle.network.kms_committee
        ),
    );
    let line = Line::link(&bundle.headers, trusted.block)?;
    checks.holds(
        "headers",
        format!(
            "{} headers link block {} to block {}, which you named",
            bundle.headers.len(),
            line.event.block(),
            line.block.block()
        ),
    );
    let log = logged(bundle, &line.event)?;
    let event = Event::read(&log)?;
    checks.holds("receipt", format!(
        "log {} of transaction {} is under the block's receiptsRoot, and the transaction had effect",
        bundle.log, bundle.receipt.index
    ));
    Ok((line, event))
}

/// What the states say of the event.
pub(crate) fn judge(
    bundle: &Bundle,
    trusted: &Trusted,
    line: &Line,
    event: &Event,
    states: &States,
    depth: Depth,
    checks: &mut Checks,
) -> Result<Claim, Refusal> {
    let chain_id = bundle.network.chain_id;
    let contracts = Contracts::new(&bundle.network, trusted.fork);
    let scene = Scene { chain_id, trusted, contracts: &contracts, states, line, event };
    match &event.kind {
        Kind::Issued(_) => issuance::of_the_log(&scene, checks)?,
        Kind::Revoked(revoked) => revocation::of_its_contract(&scene, revoked, checks)?,
    }
    let led = trail::replay(&bundle.trail, event, chain_id)?;
    if contracts.trail(&states.block, event.contract)? != led {
        let (contract, block) = (event.contract, line.block.number());
        return Err(Refusal::TrailMismatch { contract, block });
    }
    checks.holds(
        "trail",
        format!(
            "the event is seq {} of {} in the trail of {}, by the slot proven at block {}",
            event.seq(),
            led.seq,
            event.contract,
            line.block.number()
        ),
    );
    match (&event.kind, &bundle.issuance) {
        (Kind::Issued(issued), Some(proof)) => {
            if depth == Depth::Facts {
                issuance::ask(&scene, issued, proof)?;
            }
            issuance::prove(&scene, issued, proof, checks)
        }
        (Kind::Issued(_), None) => Err(Refusal::StatementMissing),
        (Kind::Revoked(_), Some(_)) => Err(Refusal::StatementSurplus),
        (Kind::Revoked(revoked), None) => revocation::prove(&scene, revoked, &bundle.trail, checks),
    }
}

/// What is asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// As the spec has it: each check before the next.
    Checks,
    /// Every fact first.
    Facts,
}

/// The checks so far.
#[derive(Debug, Default)]
pub(crate) struct Checks(Vec<Check>);

impl Checks {
    pub(crate) fn holds(&mut self, name: &'static str, says: impl Into<String>) {
        self.0.push(Check { name, says: says.into() });
    }
}
