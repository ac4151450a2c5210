//! An enclave's evidence, step by step as a node judges it, under the rules of the registry at the newest block.

mod quote_alone;

use super::{Fact, Holds, Verified, nothing};
use crate::{
    decode::Kind,
    http::Refused,
    run::Service,
    store::{Newest, Store},
    views::{AsOf, Event, event::label},
};
use ::evidence::{
    Platform, Purpose, RawEvidence, RootRules, TcbStatuses, VerifiedIdentity, VerifiedQuote,
};
use alloy_primitives::{Address, B256, hex};
use anyhow::Result;
use wire::{UnixSeconds, request::EvidenceBytes};

/// Records of an app that are searched for the evidence.
const MOST_RECORDS: u32 = 1_000;
const REGISTRY: &str = "this server: the root’s rules are those of its index";
const NOBODY: &str = "nobody: computed from the bytes";

pub(super) async fn judge(
    service: &Service,
    as_of: AsOf,
    bytes: &[u8],
) -> Result<Verified, Refused> {
    let mut told = nothing("evidence", as_of);
    let bytes = match EvidenceBytes::decode(bytes) {
        Ok(bytes) => bytes,
        Err(_) => match quote_alone::evidence_of(&service.store, bytes, &mut told).await? {
            Ok(kept) => kept,
            Err(failure) => return Ok(told.fails(failure.0, &failure.1)),
        },
    };
    let raw = match RawEvidence::new(bytes) {
        Ok(raw) => raw,
        Err(too_large) => return Ok(told.fails("format", &too_large.to_string())),
    };
    let hash = raw.hash();
    told.facts.push(fact("evidence hash", hash));
    if let Err(failure) = steps(service, &raw, &mut told).await? {
        return Ok(told.fails(failure.0, &failure.1));
    }
    Ok(told)
}

/// The check that fails, and why.
type Failure = (&'static str, String);

async fn steps(
    service: &Service,
    raw: &RawEvidence,
    told: &mut Verified,
) -> Result<std::result::Result<(), Failure>, Refused> {
    let root = match raw.claimed_root() {
        Ok(root) => root,
        Err(error) => return Ok(Err(("quote", error.to_string()))),
    };
    told.facts.push(fact("root", root.hash()));
    let Some(rules) = rules(&service.store, &told.as_of, root.hash()).await? else {
        return Ok(Err((
            "root",
            "the registry has never opened the root that it stands under".to_owned(),
        )));
    };
    let now = UnixSeconds(told.as_of.latest_time);
    let quote = match raw.verify(&root, &rules, now) {
        Ok(quote) => quote,
        Err(error) => return Ok(Err(("quote", error.to_string()))),
    };
    let status = quote.tcb_status().as_str();
    told.checks.push(holds(
        "root",
        format!("open in the registry, vendor {}", label(quote.vendor())),
        REGISTRY,
    ));
    told.checks.push(holds(
        "quote",
        format!(
            "signed by a genuine machine under that root, TCB {status}, at the newest block’s time"
        ),
        REGISTRY,
    ));
    of_quote(&quote, &mut told.facts);
    let identity = match quote.replay() {
        Ok(identity) => identity,
        Err(error) => return Ok(Err(("event-log", error.to_string()))),
    };
    told.checks.push(holds(
        "event-log",
        "it replays to the quote’s registers: it is the whole boot",
        NOBODY,
    ));
    of_identity(&identity, &mut told.facts);
    told.issuances = records(&service.store, &told.as_of, &identity, raw.hash()).await?;
    Ok(Ok(()))
}

/// The root's rules, as the registry's events leave them.
async fn rules(store: &Store, as_of: &AsOf, root: B256) -> Result<Option<RootRules>> {
    let rows = store.facts_of(Kind::AttestationRegistry, as_of.latest.number).await?;
    let mut found: Option<RootRules> = None;
    for event in Event::all(&rows, as_of) {
        let args = &event.args;
        if !matches!(args.hash("root"), Ok(of) if of == root) {
            continue;
        }
        match (event.name(), &mut found) {
            ("RootOpened", _) => found = Some(opened(&event)?),
            ("RootRulesSet", Some(rules)) => set(rules, &event)?,
            ("RootClosed", Some(rules)) => rules.open = false,
            ("AdvisoryDenied", Some(rules)) => {
                rules.denied_advisories.push(args.text("advisoryId")?.to_owned());
            }
            ("AdvisoryAccepted", Some(rules)) => {
                let accepted = args.text("advisoryId")?;
                rules.denied_advisories.retain(|denied| denied != accepted);
            }
            _ => {}
        }
    }
    Ok(found)
}

fn opened(event: &Event) -> Result<RootRules> {
    let mut rules = RootRules {
        open: true,
        platform: match event.args.number("platform")? {
            2 => Platform::SevSnp,
            3 => Platform::Nitro,
            _ => Platform::Dcap,
        },
        vendor: event.args.hash("vendor")?,
        // A registry that allows none opens none.
        allows_software: true,
        least_tcb_evaluation_data_number: 0,
        least_crl_issue: UnixSeconds(0),
        least_root_crl_issue: UnixSeconds(0),
        max_collateral_age_seconds: 0,
        accepted_statuses: TcbStatuses::from_bits(0),
        denied_advisories: Vec::new(),
    };
    set(&mut rules, event)?;
    Ok(rules)
}

fn set(rules: &mut RootRules, event: &Event) -> Result<()> {
    let told = event.args.inner("rules")?;
    let least = told.number("leastTcbEvaluationDataNumber")?;
    rules.least_tcb_evaluation_data_number = u32::try_from(least)?;
    rules.least_crl_issue = UnixSeconds(told.number("leastCrlIssuedAt")?);
    rules.least_root_crl_issue = UnixSeconds(told.number("leastRootCrlIssuedAt")?);
    rules.max_collateral_age_seconds = told.number("maxCollateralAgeSeconds")?;
    // The registry has eight statuses; Revoked has no bit.
    let [.., accepted] = told.number("acceptedTcbStatuses")?.to_be_bytes();
    rules.accepted_statuses = TcbStatuses::from_bits(accepted);
    Ok(())
}

fn of_quote(quote: &VerifiedQuote, facts: &mut Vec<Fact>) {
    let purpose = match Purpose::of(quote.report_data()) {
        Ok(Purpose::Issue) => "a request for keys",
        Ok(Purpose::Recipient) => "a node’s key for a ceremony",
        Ok(Purpose::Candidate) => "a node that asks for a seat",
        Err(_) => "nothing of ours: it has no quorate tag",
    };
    facts.push(fact("vendor", label(quote.vendor())));
    facts.push(fact("TCB status", quote.tcb_status().as_str()));
    facts.push(fact("TCB evaluation data number", quote.tcb_evaluation_data_number()));
    let advisories = quote.advisory_ids().join(", ");
    facts.push(fact("open advisories", if advisories.is_empty() { "none" } else { &advisories }));
    facts.push(fact("device", quote.device_id()));
    facts.push(fact("made for", purpose));
    facts.push(fact("report_data", hex::encode_prefixed(quote.report_data())));
    if let Some(measured) = quote.measurements() {
        facts.push(fact("MRTD (firmware)", hex::encode_prefixed(measured.mrtd)));
        let registers = [
            "RTMR0 (firmware’s configuration)",
            "RTMR1 (kernel)",
            "RTMR2 (command line, initrd)",
            "RTMR3 (run time)",
        ];
        for (name, register) in registers.into_iter().zip(measured.rtmr) {
            facts.push(fact(name, hex::encode_prefixed(register)));
        }
    }
}

fn of_identity(identity: &VerifiedIdentity, facts: &mut Vec<Fact>) {
    facts.push(fact("app", in_hex(identity.measured_app_id())));
    facts.push(fact("compose hash", identity.compose_hash()));
    let instance = identity.instance_id().map(in_hex);
    facts.push(fact("instance", instance.unwrap_or_else(|| "none".to_owned())));
    facts.push(fact("OS image", identity.os_image_hash()));
    facts.push(fact("system measurement", identity.mr_system()));
    facts.push(fact("all measurements", identity.mr_aggregated()));
}

/// Issuances of this code that were recorded on this evidence.
async fn records(
    store: &Store,
    as_of: &AsOf,
    identity: &VerifiedIdentity,
    evidence: B256,
) -> Result<Vec<B256>> {
    // A default app id names no app: then every app's newest records are looked through.
    let app = Some(identity.measured_app_id()).filter(|_| !identity.has_default_app_id());
    let wanted = Newest { app, names: &["KeyIssued"], limit: MOST_RECORDS, ..Newest::default() };
    let events = Event::all(&store.newest(&wanted).await?, as_of);
    let of_it =
        |event: &&Event| matches!(event.args.hash("evidenceHash"), Ok(hash) if hash == evidence);
    let mut found: Vec<B256> = events
        .iter()
        .filter(of_it)
        .filter_map(|event| event.args.hash("issuanceId").ok())
        .collect();
    found.dedup();
    Ok(found)
}

fn in_hex(address: Address) -> String {
    hex::encode_prefixed(address)
}

fn fact(name: &str, value: impl ToString) -> Fact {
    Fact { name: name.to_owned(), value: value.to_string() }
}

fn holds(name: &str, says: impl Into<String>, trusted: &str) -> Holds {
    Holds { name: name.to_owned(), says: says.into(), trusted: trusted.to_owned() }
}
