//! The report: for people in Markdown, for programs in JSON, and one hash over the latter.
//! Spec: docs/spec/simulate.md [SIM-11]. It says nothing that differs from one honest run to another: no clock, no endpoint.

use super::{
    Input, Way,
    course::Course,
    invariants::Finding,
    known::{Key, Known, MAX_QUESTIONS, Question, Who},
    storage::Names,
    stranger,
    verdicts::{Answered, Reach, Verdicts},
};
use crate::{
    decode::Interfaces,
    proven::Proven,
    words::{account, duration, moment, plain},
};
use alloy::primitives::{Address, B256, Bytes, keccak256};
use proposal::Sorted;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use wire::network::label_text;

/// What a report is made of.
pub(crate) struct Parts<'a> {
    pub(crate) proven: &'a Proven,
    pub(crate) interfaces: &'a Interfaces,
    pub(crate) input: &'a Input,
    pub(crate) course: &'a Course,
    pub(crate) known: &'a Known,
    pub(crate) verdicts: &'a Verdicts,
    pub(crate) findings: &'a [Finding],
}

/// The facts of a report, and their hash.
pub(crate) struct Report {
    fields: Value,
    markdown: String,
}

impl Report {
    pub(crate) fn of(parts: &Parts<'_>) -> Self {
        let mut fields = json!({
            "block": parts.block(),
            "by": parts.by(),
            "calls": parts.calls(),
            "times": parts.times(),
            "reverts": parts.course.reverts,
            "supposed": parts.course.supposed,
            "findings": parts.findings.iter().map(finding).collect::<Vec<_>>(),
            "boots": parts.boots(),
            "keys": parts.keys(),
            "steps": parts.steps(),
            "notes": parts.notes(),
        });
        let canonical = serde_json::to_vec(&Sorted::from(fields.clone())).unwrap_or_default();
        let hash = keccak256(&canonical);
        let markdown = markdown(&fields, parts, hash);
        fields["reportHash"] = json!(hash);
        Self { fields, markdown }
    }

    pub(crate) fn fields(&self) -> Value {
        self.fields.clone()
    }

    pub(crate) fn markdown(&self) -> String {
        self.markdown.clone()
    }
}

impl Parts<'_> {
    fn block(&self) -> Value {
        let head = self.proven.chain.head;
        json!({ "chainId": self.proven.rules.chain_id, "number": head.number, "hash": head.hash, "time": head.time })
    }

    fn by(&self) -> Value {
        match &self.input.way {
            Way::Governor { governor, id, .. } => {
                json!({ "governor": governor, "proposalId": id.map(|id| id.to_string()) })
            }
            Way::Account(from) => json!({ "account": from }),
        }
    }

    fn calls(&self) -> Value {
        self.input
            .actions
            .iter()
            .map(|action| {
                let decoded = self.interfaces.call(&action.calldata);
                let words = decoded.as_ref().map(ToString::to_string);
                json!({
                    "to": action.to,
                    "value": action.value.to_string(),
                    "calldata": action.calldata,
                    "decoded": decoded.map(|decoded| decoded.to_json()),
                    "words": words,
                })
            })
            .collect()
    }

    fn times(&self) -> Value {
        let course = self.course;
        let times: Vec<u64> = course.moments.iter().map(|moment| moment.time).collect();
        json!({
            "decidedAt": course.decided_at,
            "executedAt": course.executed_at,
            "effectiveAt": times.last().copied().unwrap_or(course.executed_at),
            "moments": times,
            "momentsLeftOut": course.moments_left_out,
        })
    }

    /// Every question whose answer is yes in any column; the others are counted.
    fn boots(&self) -> Value {
        let pairs: Vec<(&Question, &Answered)> =
            self.known.questions.iter().zip(&self.verdicts.answers).collect();
        let ever = |answer: &Answered| {
            [&answer.now, &answer.without, &answer.with].iter().any(|v| v.is_none())
        };
        let shown: Vec<Value> =
            pairs.iter().filter(|(_, answer)| ever(answer)).map(|(q, a)| boot(q, a)).collect();
        json!({
            "asked": pairs.len(),
            "leftOut": self.known.questions_left_out,
            "deniedAlways": pairs.len() - shown.len(),
            "changed": pairs.iter().filter(|(_, answer)| answer.is_changed()).count(),
            "list": shown,
        })
    }

    fn keys(&self) -> Value {
        let keys = self.verdicts.keys.iter();
        keys.filter(|(_, reach)| reach.now || reach.without || reach.with)
            .map(|(key, reach)| key_json(key, reach))
            .collect()
    }

    fn steps(&self) -> Value {
        let names = self.names();
        self.course
            .steps
            .iter()
            .map(|step| {
                let events: Vec<Value> = step
                    .logs
                    .iter()
                    .map(|log| match self.interfaces.event(log.data.topics(), &log.data.data) {
                        Some(event) => {
                            let mut shown = event.to_json();
                            shown["address"] = json!(log.address);
                            shown["words"] = json!(event.to_string());
                            shown
                        }
                        None => json!({ "address": log.address, "topics": log.data.topics(), "data": log.data.data }),
                    })
                    .collect();
                let storage: Vec<Value> = step
                    .changes
                    .iter()
                    .map(|change| {
                        let fields: Vec<Value> = names
                            .fields(change)
                            .into_iter()
                            .map(|field| json!({ "name": field.path, "before": field.before, "after": field.after }))
                            .collect();
                        json!({
                            "address": change.address,
                            "contract": names.contract(change.address),
                            "slot": B256::from(change.slot),
                            "before": B256::from(change.before),
                            "after": B256::from(change.after),
                            "fields": fields,
                        })
                    })
                    .collect();
                json!({ "what": step.what, "time": step.time, "gas": step.gas, "events": events, "storage": storage })
            })
            .collect()
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.known.notes.clone();
        if self.known.questions_left_out > 0 {
            let left = self.known.questions_left_out;
            notes.push(format!("{left} questions above {MAX_QUESTIONS} were not asked"));
        }
        if self.course.moments_left_out > 0 {
            notes
                .push(format!("{} later moments were not looked at", self.course.moments_left_out));
        }
        notes
    }

    /// Which layout each address has, and every word that the run has used.
    fn names(&self) -> Names {
        let contracts = self.proven.chain.contracts;
        let mut known = BTreeMap::from([
            (contracts.access_manager, "AccessManager"),
            (contracts.attestation_registry, "AttestationRegistry"),
            (contracts.kms_committee, "KmsCommittee"),
            (contracts.app_registry, "AppRegistry"),
            (contracts.issuance_log, "IssuanceLog"),
        ]);
        known.extend(self.known.policies().map(|policy| (policy, "AllowlistPolicy")));
        if let Way::Governor { governor, .. } = &self.input.way {
            known.insert(*governor, "QuorateGovernor");
        }
        let calls = self.input.actions.iter().flat_map(|action| {
            let head = action.calldata.len().min(4);
            words_of(action.calldata.slice(head..))
        });
        let logs = self.course.logs().flat_map(|log| {
            let address = log.address.into_word();
            log.data
                .topics()
                .iter()
                .copied()
                .chain([address])
                .chain(words_of(log.data.data.clone()))
        });
        let accounts = self.input.actions.iter().map(|action| action.to.into_word());
        Names::new(known, calls.chain(logs).chain(accounts).collect::<Vec<_>>().into_iter())
    }
}

fn words_of(bytes: Bytes) -> Vec<B256> {
    bytes.chunks_exact(32).map(B256::from_slice).collect()
}

fn finding(finding: &Finding) -> Value {
    json!({
        "breaks": finding.breaks,
        "invariant": finding.invariant,
        "promise": finding.promise,
        "words": finding.words,
    })
}

fn who(question: &Question) -> Value {
    match &question.who {
        Who::Issued { times } => json!({ "kind": "issued", "times": times }),
        Who::Quote { file } => json!({ "kind": "quote", "file": file }),
        Who::Supposed => json!({ "kind": "supposed" }),
    }
}

fn boot(question: &Question, answer: &Answered) -> Value {
    let boot = &question.attested.boot;
    let listed = |word: B256, of: &str| (word != stranger(of)).then_some(word);
    let instance = listed(boot.instanceId.into_word(), "instance")
        .filter(|_| boot.instanceId != Address::from_word(stranger("instance")))
        .map(|_| boot.instanceId);
    json!({
        "who": who(question),
        "appId": boot.appId,
        "composeHash": listed(boot.composeHash, "compose hash"),
        "osImageHash": boot.osImageHash,
        "root": question.attested.root,
        "vendor": label_text(question.attested.vendor),
        "device": listed(boot.deviceId, "device"),
        "measurement": listed(boot.mrSystem, "measurement"),
        "instance": instance,
        "now": verdict(&answer.now),
        "without": verdict(&answer.without),
        "with": verdict(&answer.with),
        "widenedAt": answer.widened_at,
    })
}

fn verdict(verdict: &Option<String>) -> Value {
    match verdict {
        None => json!({ "allowed": true }),
        Some(reason) => json!({ "allowed": false, "reason": reason }),
    }
}

fn key_json(key: &Key, reach: &Reach) -> Value {
    json!({
        "appId": key.app,
        "scope": scope(key),
        "keyVersion": key.key_version,
        "now": reach.now,
        "without": reach.without,
        "with": reach.with,
    })
}

fn scope(key: &Key) -> String {
    match key.scope_kind {
        1 => "app".to_owned(),
        2 => format!("code {}", key.scope_value),
        _ => format!("instance {}", Address::from_word(key.scope_value)),
    }
}

/* FOR PEOPLE */

fn markdown(fields: &Value, parts: &Parts<'_>, hash: B256) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "# Simulation\n");
    head(&mut text, parts);
    verdict_lines(&mut text, parts);
    calls(&mut text, parts);
    boots(&mut text, fields);
    keys(&mut text, parts);
    steps(&mut text, fields);
    for note in fields["notes"].as_array().into_iter().flatten() {
        let _ = writeln!(text, "> {}\n", plain(note.as_str().unwrap_or_default()));
    }
    let _ = writeln!(text, "report hash `{hash}`");
    text
}

fn head(text: &mut String, parts: &Parts<'_>) {
    let Parts { proven, course, .. } = parts;
    let head = proven.chain.head;
    let _ = writeln!(
        text,
        "On proven state of block {} `{}`, {}.\n",
        head.number, head.hash, proven.source
    );
    let effective = course.last().map_or(course.executed_at, |moment| moment.time);
    let _ = writeln!(text, "- decided at the earliest {}", moment(course.decided_at));
    let _ = writeln!(text, "- executed at the earliest {}", moment(course.executed_at));
    let _ = writeln!(text, "- all of it counts from {}", moment(effective));
    let wait = effective.saturating_sub(course.decided_at);
    let _ = writeln!(text, "- from decision to effect: {}", duration(wait));
    for supposed in &course.supposed {
        let _ = writeln!(text, "- supposed: {}", plain(supposed));
    }
    let _ = writeln!(text);
}

fn verdict_lines(text: &mut String, parts: &Parts<'_>) {
    if let Some(reason) = &parts.course.reverts {
        let _ = writeln!(text, "**It reverts: {}**\n", plain(reason));
    }
    let _ = writeln!(text, "## Findings\n");
    if parts.findings.is_empty() {
        let _ = writeln!(text, "No invariant would break.\n");
        return;
    }
    let (breaks, notices): (Vec<&Finding>, Vec<&Finding>) =
        parts.findings.iter().partition(|finding| finding.breaks);
    for finding in breaks {
        let _ = writeln!(
            text,
            "- **BREAKS {} ({})**: {}",
            finding.invariant,
            finding.promise,
            plain(&finding.words)
        );
    }
    for finding in notices {
        let _ = writeln!(text, "- {}: {}", finding.invariant, plain(&finding.words));
    }
    let _ = writeln!(text);
}

fn calls(text: &mut String, parts: &Parts<'_>) {
    let _ = writeln!(text, "## Calls\n");
    for (index, action) in parts.input.actions.iter().enumerate() {
        let to = account(action.to);
        match parts.interfaces.call(&action.calldata) {
            Some(decoded) => {
                let _ = writeln!(text, "{}. `{to}` {}.{decoded}", index + 1, decoded.contract);
            }
            None => {
                let _ =
                    writeln!(text, "{}. `{to}` no call of ours: `{}`", index + 1, action.calldata);
            }
        }
        if !action.value.is_zero() {
            let _ = writeln!(text, "   with {} wei", action.value);
        }
    }
    let _ = writeln!(text);
}

fn boots(text: &mut String, fields: &Value) {
    let boots = &fields["boots"];
    let _ = writeln!(text, "## Who could boot\n");
    let _ = writeln!(
        text,
        "{} questions, {} answers change, {} are no before and after.\n",
        boots["asked"], boots["changed"], boots["deniedAlways"]
    );
    let list: Vec<&Value> = boots["list"].as_array().into_iter().flatten().collect();
    if list.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "| app | code | image | vendor | machine | who | now | later without | later with |"
    );
    let _ = writeln!(text, "|---|---|---|---|---|---|---|---|---|");
    for boot in list {
        let code = boot["composeHash"].as_str().unwrap_or("**any code**");
        let machine = match (&boot["device"], &boot["measurement"], &boot["instance"]) {
            (Value::Null, Value::Null, Value::Null) => "any".to_owned(),
            (device, measurement, instance) => [device, measurement, instance]
                .into_iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(" "),
        };
        let who = match boot["who"]["kind"].as_str() {
            Some("issued") => format!("had keys, {} times", boot["who"]["times"]),
            Some("quote") => plain(boot["who"]["file"].as_str().unwrap_or_default()),
            _ => "could exist".to_owned(),
        };
        let _ = writeln!(
            text,
            "| {} | {code} | {} | {} | {machine} | {who} | {} | {} | {} |",
            text_of(&boot["appId"]),
            text_of(&boot["osImageHash"]),
            text_of(&boot["vendor"]),
            yes_or_why(&boot["now"]),
            yes_or_why(&boot["without"]),
            yes_or_why(&boot["with"])
        );
    }
    let _ = writeln!(text);
}

fn text_of(value: &Value) -> String {
    plain(value.as_str().unwrap_or_default()).replace('|', "\\|")
}

fn yes_or_why(verdict: &Value) -> String {
    match verdict["reason"].as_str() {
        None => "yes".to_owned(),
        Some(_) => format!("no: {}", text_of(&verdict["reason"])),
    }
}

fn keys(text: &mut String, parts: &Parts<'_>) {
    let _ = writeln!(text, "## Keys\n");
    let changed: Vec<(&Key, &Reach)> =
        parts.verdicts.keys.iter().filter(|(_, reach)| reach.without != reach.with).collect();
    if changed.is_empty() {
        let _ = writeln!(text, "No key becomes reachable or unreachable.\n");
    }
    for (key, reach) in changed {
        let becomes = if reach.with { "becomes reachable" } else { "becomes unreachable" };
        let _ = writeln!(
            text,
            "- app {} {} version {}: {becomes}",
            key.app,
            scope(key),
            key.key_version
        );
    }
    let _ = writeln!(text);
}

fn steps(text: &mut String, fields: &Value) {
    let _ = writeln!(text, "## Steps\n");
    for step in fields["steps"].as_array().into_iter().flatten() {
        let time = moment(step["time"].as_u64().unwrap_or_default());
        let _ = writeln!(
            text,
            "### {}: {time}, {} gas\n",
            plain(step["what"].as_str().unwrap_or_default()),
            step["gas"]
        );
        for event in step["events"].as_array().into_iter().flatten() {
            match event["words"].as_str() {
                Some(words) => {
                    let _ = writeln!(text, "- event {}", plain(words));
                }
                None => {
                    let _ = writeln!(
                        text,
                        "- event of {}: {}",
                        text_of(&event["address"]),
                        event["topics"]
                    );
                }
            }
        }
        for change in step["storage"].as_array().into_iter().flatten() {
            let place =
                change["contract"].as_str().or(change["address"].as_str()).unwrap_or_default();
            let fields: Vec<&Value> = change["fields"].as_array().into_iter().flatten().collect();
            if fields.is_empty() {
                let _ = writeln!(
                    text,
                    "- slot {place} {}: {} → {}",
                    text_of(&change["slot"]),
                    text_of(&change["before"]),
                    text_of(&change["after"])
                );
            }
            for field in fields {
                let _ = writeln!(
                    text,
                    "- {place}.{}: {} → {}",
                    text_of(&field["name"]),
                    text_of(&field["before"]),
                    text_of(&field["after"])
                );
            }
        }
        let _ = writeln!(text);
    }
}
