//! An issuance: what t members signed, over evidence that holds, for what the policy allows. Spec: docs/spec/bundle.md
//! [BUN-9]..[BUN-12]. Trusts: the proven event and states. Prevents: true parts that speak of different issuances.

use crate::{
    Claim, Refusal, Trusted, event::Event, format::IssuanceProof, line::Line, state::States,
    verdict::Checks, views::Contracts,
};
use abi::issuance_log::IssuanceLog::KeyIssued;
use alloy_primitives::{Address, B256};
use alloy_sol_types::SolStruct;
use evidence::{Purpose, RawEvidence, VerifiedIdentity};
use wire::{
    limits::{MAX_INPUTS, MAX_SEATS},
    report_data::{ReportData, words},
    request::EvidenceBytes,
    statements::{Domain, Issuance, issuance_id},
};

/// Everything that an issuance is judged in.
pub(crate) struct Scene<'a> {
    pub(crate) chain_id: u64,
    pub(crate) trusted: &'a Trusted,
    pub(crate) contracts: &'a Contracts,
    pub(crate) states: &'a States,
    pub(crate) line: &'a Line,
    pub(crate) event: &'a Event,
}

pub(crate) fn prove(
    scene: &Scene<'_>,
    issued: &KeyIssued,
    proof: &IssuanceProof,
    checks: &mut Checks,
) -> Result<Claim, Refusal> {
    let statement = &proof.statement;
    says_the_same(scene.chain_id, scene.event.contract, issued, statement)?;
    checks.holds(
        "statement",
        "the statement that was signed is the one that the event names, field for field",
    );
    recorded(scene, issued)?;
    checks.holds(
        "record",
        format!("recorded[{}] is block {}", issued.issuanceId, scene.line.event.number()),
    );
    let seats = signatures(scene, proof)?;
    checks.holds(
        "signatures",
        format!(
            "seats {seats:?} of epoch {} signed exactly this statement; t or more were needed",
            statement.epoch
        ),
    );
    let identity = judge_evidence(scene, issued, proof)?;
    checks.holds("evidence", format!(
        "quote, event log and collateral hash to what the event names and hold at the block's time under root {}: {}",
        issued.root,
        root_words(&identity, issued.root)
    ));
    // Known so far: 1. recorded, 2. by t members, 3. a genuine TEE under an open root, whose boot and report_data are these.
    scene.contracts.is_allowed(&scene.states.event, scene.event.contract, &statement.attested)?;
    checks.holds(
        "policy",
        format!(
            "AppRegistry.isAllowed, run over the state of block {}, allows this enclave",
            scene.line.event.number()
        ),
    );
    Ok(Claim::Issuance {
        app_id: issued.appId,
        issuance_id: issued.issuanceId,
        compose_hash: issued.composeHash,
        input: issued.input,
        key_version: issued.keyVersion,
        epoch: issued.epoch,
        seats,
        root: issued.root,
        evidence_hash: issued.evidenceHash,
        session_key: issued.sessionKey,
        device_id: statement.attested.boot.deviceId,
        tcb_status: statement.attested.boot.tcbStatus.clone(),
        block: scene.line.event.block(),
        time: scene.line.event.timestamp(),
    })
}

/// Asks everything that will be asked, so that what is missing is known before anything costly is judged.
pub(crate) fn ask(
    scene: &Scene<'_>,
    issued: &KeyIssued,
    proof: &IssuanceProof,
) -> Result<(), Refusal> {
    let (contracts, state) = (scene.contracts, &scene.states.event);
    let seats = proof.signatures.iter().map(|signature| signature.seat).collect();
    recorded(scene, issued)?;
    contracts.members(state, proof.statement.epoch, seats)?;
    contracts.root_rules(state, issued.root)?;
    contracts.is_allowed(state, scene.event.contract, &proof.statement.attested)
}

/// Every field of the event, which `log` emitted, is that of the statement, and the id is that of its report_data. [BUN-9]
///
/// # Errors
/// [`Refusal::StatementMismatch`] with the first field that is another.
pub fn says_the_same(
    chain_id: u64,
    log: Address,
    issued: &KeyIssued,
    statement: &Issuance,
) -> Result<(), Refusal> {
    let boot = &statement.attested.boot;
    let id = issuance_id(chain_id, log, statement.reportData);
    let input = statement.inputs.iter().find(|input| input.eip712_hash_struct() == issued.input);
    let is_input = input
        .is_some_and(|found| (found.kind, found.keyVersion) == (issued.kind, issued.keyVersion));
    for (field, holds) in [
        ("issuanceId", id == issued.issuanceId),
        ("appId", boot.appId == issued.appId),
        ("composeHash", boot.composeHash == issued.composeHash),
        ("input", is_input && statement.inputs.len() <= MAX_INPUTS),
        ("epoch", statement.epoch == issued.epoch),
        ("root", statement.attested.root == issued.root),
        ("evidenceHash", statement.evidenceHash == issued.evidenceHash),
        ("sessionKey", statement.sessionKey == issued.sessionKey),
        ("anchor", statement.anchor.number == issued.anchor),
    ] {
        if !holds {
            return Err(Refusal::StatementMismatch { field });
        }
    }
    Ok(())
}

/// The log that emitted the event is the network's. [BUN-8]
pub(crate) fn of_the_log(scene: &Scene<'_>, checks: &mut Checks) -> Result<(), Refusal> {
    let actual = scene.event.contract;
    let expected = scene.contracts.issuance_log(&scene.states.event)?;
    if expected != actual {
        return Err(Refusal::OtherLog { expected, actual });
    }
    checks.holds("log", format!("{actual} is the network's IssuanceLog"));
    Ok(())
}

/// Its slot names this block. [BUN-8]
fn recorded(scene: &Scene<'_>, issued: &KeyIssued) -> Result<(), Refusal> {
    let expected = scene.line.event.number();
    let state = &scene.states.event;
    let actual = scene.contracts.recorded(state, scene.event.contract, issued.issuanceId)?;
    if expected != actual {
        return Err(Refusal::NotRecorded { expected, actual });
    }
    Ok(())
}

/// t distinct members of the epoch signed; returns their seats. [BUN-10]
fn signatures(scene: &Scene<'_>, proof: &IssuanceProof) -> Result<Vec<u16>, Refusal> {
    let (statement, signatures) = (&proof.statement, &proof.signatures);
    let seats: Vec<u16> = signatures.iter().map(|signature| signature.seat).collect();
    if !seats.is_sorted_by(|a, b| a < b) || seats.len() > MAX_SEATS {
        return Err(Refusal::SeatsNotAscending);
    }
    let members = scene.contracts.members(&scene.states.event, statement.epoch, seats.clone())?;
    let (threshold, signed) = (members.threshold, seats.len());
    if signed < usize::from(threshold) || threshold == 0 {
        return Err(Refusal::BelowThreshold { threshold, signed });
    }
    let contract = scene.event.contract;
    let digest = Domain::IssuanceLog { chain_id: scene.chain_id, contract }.digest(statement);
    let mut members = members.signers.into_iter();
    for signature in signatures {
        let member = members.next().filter(|member| *member != Address::ZERO);
        if member.is_none() || signature.signer(digest) != member {
            let (seat, epoch) = (signature.seat, statement.epoch);
            return Err(Refusal::SignatureInvalid { seat, epoch });
        }
    }
    Ok(seats)
}

/// The evidence that the event names shows exactly the enclave of the statement. [BUN-11]
fn judge_evidence(
    scene: &Scene<'_>,
    issued: &KeyIssued,
    proof: &IssuanceProof,
) -> Result<VerifiedIdentity, Refusal> {
    let bytes = EvidenceBytes::decode(&proof.evidence).map_err(refused)?;
    let (expected, actual) = (issued.evidenceHash, bytes.hash());
    if expected != actual {
        return Err(Refusal::OtherEvidence { expected, actual });
    }
    if let Some(expected) = scene.trusted.root
        && expected != issued.root
    {
        return Err(Refusal::OtherRoot { expected, actual: issued.root });
    }
    let raw = RawEvidence::new(bytes).map_err(refused)?;
    let root = raw.claimed_root().map_err(refused)?;
    if root.hash() != issued.root {
        return Err(Refusal::OtherEnclave);
    }
    let rules = scene.contracts.root_rules(&scene.states.event, issued.root)?;
    let quote = raw.verify(&root, &rules, scene.line.event.timestamp()).map_err(refused)?;
    let report_data = *quote.report_data();
    if Purpose::of(&report_data) != Ok(Purpose::Issue) || !says(&report_data, &proof.statement) {
        return Err(Refusal::OtherEnclave);
    }
    let identity = quote.replay().map_err(refused)?;
    match identity.attested(issued.appId) {
        Ok(attested) if attested == proof.statement.attested => Ok(identity),
        _ => Err(Refusal::OtherEnclave),
    }
}

fn says(report_data: &ReportData, statement: &Issuance) -> bool {
    words(report_data) == statement.reportData
}

fn root_words(identity: &VerifiedIdentity, root: B256) -> &'static str {
    if root == evidence::INTEL_ROOT_SHA256 {
        "Intel's"
    } else if identity.quote().vendor() == evidence::VENDOR_INTEL {
        "a hardware vendor's"
    } else {
        "a software root, whose holder can make any quote"
    }
}

fn refused(cause: impl std::error::Error) -> Refusal {
    let mut words = cause.to_string();
    let mut source = cause.source();
    while let Some(inner) = source {
        words.push_str(": ");
        words.push_str(&inner.to_string());
        source = inner.source();
    }
    Refusal::EvidenceRefused { cause: words }
}
