//! An app's policy at two proven blocks.
//! Spec: docs/spec/simulate.md [SIM-12]. The lists come from events that the policy's proven trail finds complete.

use super::DiffError;
use crate::{
    cli::Global,
    decode::Interfaces,
    failure::Failure,
    network::Target,
    output::Output,
    proven::{At, Proven},
    trail,
    words::{account, moment},
};
use abi::{AllowlistPolicy, AppRegistry, KmsCommittee};
use alloy::primitives::Address;
use alloy::sol_types::SolEvent;
use serde_json::json;
use std::collections::BTreeMap;
use wire::network::label_text;

/// Facts by name.
type Facts = BTreeMap<String, String>;

/// Whether anything differs.
pub(super) async fn diff(
    global: &Global,
    app: Address,
    from: At,
    to: At,
    output: &mut Output<'_>,
) -> Result<bool, Failure> {
    let mut earlier = Proven::connect(Target::load(global)?, from).await?;
    let mut later = Proven::connect(Target::load(global)?, to).await?;
    let (old, new) = (facts(&mut earlier, app).await?, facts(&mut later, app).await?);
    let (from, to) = (earlier.chain.head, later.chain.head);
    let mut text =
        format!("- block {} {}\n+ block {} {}\n", from.number, from.hash, to.number, to.hash);
    let mut changes = Vec::new();
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names.into_iter().filter(|name| old.get(*name) != new.get(*name)) {
        let (before, after) = (old.get(name), new.get(name));
        text.push_str(&format!("  {name}\n"));
        for (sign, side) in [('-', before), ('+', after)] {
            if let Some(side) = side {
                text.push_str(&format!("    {sign} {side}\n"));
            }
        }
        changes.push(json!({ "place": name, "before": before, "after": after }));
    }
    if changes.is_empty() {
        text.push_str("  nothing differs\n");
    }
    let differs = !changes.is_empty();
    let fields = json!({
        "appId": app,
        "from": { "number": from.number, "hash": from.hash },
        "to": { "number": to.number, "hash": to.hash },
        "differs": differs,
        "changes": changes,
    });
    output.answer("quorate.diff.policy", fields, &text)?;
    Ok(differs)
}

async fn facts(proven: &mut Proven, app: Address) -> Result<Facts, Failure> {
    let committee = proven.chain.contracts.kms_committee;
    let block = proven.chain.head.number;
    let registry = proven.read(committee, &KmsCommittee::registryOfCall { appId: app }).await?;
    if !proven.read(registry, &AppRegistry::isRegisteredCall { appId: app }).await? {
        return Err(DiffError::NoApp { app, block }.into());
    }
    let info = proven.read(registry, &AppRegistry::appInfoCall { appId: app }).await?;
    let vendors: Vec<String> = info.vendors.iter().copied().map(label_text).collect();
    let mut facts = Facts::from([
        ("registry".to_owned(), account(registry)),
        ("policy".to_owned(), account(info.policy)),
        ("policy is foreign".to_owned(), yes(info.isForeign)),
        ("policy is locked".to_owned(), yes(info.isLocked)),
        ("frozen".to_owned(), yes(info.isFrozen)),
        ("owner".to_owned(), account(info.owner)),
        ("pending owner".to_owned(), account(info.pendingOwner)),
        ("guardian".to_owned(), account(info.guardian)),
        ("pending policy".to_owned(), account(info.pendingPolicy)),
        ("key version".to_owned(), info.keyVersion.to_string()),
        ("vendors".to_owned(), vendors.join(", ")),
    ]);
    if info.isForeign || !answers_as_allowlist(proven, info.policy, app).await? {
        return Ok(facts);
    }
    let policy = info.policy;
    let delay = proven.read(policy, &AllowlistPolicy::grantDelayCall {}).await?;
    facts.insert("grant delay, seconds".to_owned(), delay.to_string());
    let any = proven.read(policy, &AllowlistPolicy::anyEffectiveAtCall {}).await?;
    for (name, from) in [
        ("any device", any._0),
        ("any measurement", any._1),
        ("any instance", any._2),
        ("any accepted TCB", any._3),
    ] {
        facts.insert(name.to_owned(), counts_from(from));
    }
    lists(proven, policy, &mut facts).await?;
    Ok(facts)
}

/// A policy of ours may be of another kind: those have no lists.
async fn answers_as_allowlist(
    proven: &mut Proven,
    policy: Address,
    app: Address,
) -> Result<bool, Failure> {
    match proven.read(policy, &AllowlistPolicy::anyEffectiveAtCall {}).await {
        Ok(_) => Ok(proven.read(policy, &AllowlistPolicy::appIdCall {}).await? == app),
        Err(error) if error.is_no_answer() => Ok(false),
        Err(error) => Err(error),
    }
}

async fn lists(proven: &mut Proven, policy: Address, facts: &mut Facts) -> Result<(), Failure> {
    let interfaces = Interfaces::ours();
    for log in trail::events(proven, &interfaces, policy).await? {
        let log = &log.inner;
        if let Ok(event) = AllowlistPolicy::ComposeHashApproved::decode_log(log) {
            let name = format!("compose hash {}", event.composeHash);
            facts.insert(
                name,
                format!("{} {}", counts_from(event.effectiveAt), event.uri.escape_debug()),
            );
        } else if let Ok(event) = AllowlistPolicy::ComposeHashRevoked::decode_log(log) {
            facts.remove(&format!("compose hash {}", event.composeHash));
        } else if let Ok(event) = AllowlistPolicy::DeviceApproved::decode_log(log) {
            facts.insert(format!("device {}", event.deviceId), counts_from(event.effectiveAt));
        } else if let Ok(event) = AllowlistPolicy::DeviceRevoked::decode_log(log) {
            facts.remove(&format!("device {}", event.deviceId));
        } else if let Ok(event) = AllowlistPolicy::MeasurementApproved::decode_log(log) {
            facts.insert(format!("measurement {}", event.mrSystem), counts_from(event.effectiveAt));
        } else if let Ok(event) = AllowlistPolicy::MeasurementRevoked::decode_log(log) {
            facts.remove(&format!("measurement {}", event.mrSystem));
        } else if let Ok(event) = AllowlistPolicy::InstanceApproved::decode_log(log) {
            facts.insert(format!("instance {}", event.instanceId), counts_from(event.effectiveAt));
        } else if let Ok(event) = AllowlistPolicy::InstanceRevoked::decode_log(log) {
            facts.remove(&format!("instance {}", event.instanceId));
        }
    }
    Ok(())
}

fn yes(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

fn counts_from(from: u64) -> String {
    match from {
        0 => "never".to_owned(),
        1 => "always".to_owned(),
        from => format!("from {}", moment(from)),
    }
}
