//! One app: who may do what, and which code may have its keys.

use crate::{
    apps::App,
    chain::Chain,
    exit::Exit,
    failure::Failure,
    output::Output,
    policy_views::Says,
    send::line,
    words::{account, duration, moment},
};
use abi::AllowlistPolicy;
use alloy::primitives::{Address, B256};
use alloy::sol_types::SolEvent;
use serde::Serialize;
use wire::network::label_text;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AppStatus {
    app_id: Address,
    block: u64,
    registry: Address,
    policy: Address,
    policy_kind: Option<&'static str>,
    is_foreign: bool,
    is_locked: bool,
    is_frozen: bool,
    thaws_at: u64,
    owner: Address,
    pending_owner: Address,
    guardian: Address,
    pending_guardian: Address,
    guardian_effective_at: u64,
    pending_policy: Address,
    policy_effective_at: u64,
    key_version: u32,
    vendors: Vec<String>,
    allowlist: Option<Allowlist>,
}

/// What an AllowlistPolicy of ours says; no other policy can be asked this.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Allowlist {
    grant_delay_seconds: u32,
    allows_any_device: bool,
    allows_any_measurement: bool,
    allows_any_instance: bool,
    requires_tcb_up_to_date: bool,
    compose_hashes: Vec<Approval>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Approval {
    compose_hash: B256,
    effective_at: u64,
    is_effective: bool,
    uri: String,
}

pub(crate) async fn status(
    chain: &Chain,
    id: Address,
    from_block: u64,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let app = App::find(chain, id).await?;
    let says = Says::of(chain, app.info.policy).await?;
    let allowlist = match (app.allowlist(), &says) {
        (Ok(policy), Says::Allowlist) => Some(allowlist(chain, policy, from_block).await?),
        _ => None,
    };
    let App { registry, info, .. } = app;
    let status = AppStatus {
        app_id: id,
        block: chain.head.number,
        registry,
        policy: info.policy,
        policy_kind: says.kind(),
        is_foreign: info.isForeign,
        is_locked: info.isLocked,
        is_frozen: info.isFrozen,
        thaws_at: info.thawsAt,
        owner: info.owner,
        pending_owner: info.pendingOwner,
        guardian: info.guardian,
        pending_guardian: info.pendingGuardian,
        guardian_effective_at: info.guardianEffectiveAt,
        pending_policy: info.pendingPolicy,
        policy_effective_at: info.policyEffectiveAt,
        key_version: info.keyVersion,
        vendors: info.vendors.into_iter().map(label_text).collect(),
        allowlist,
    };
    let fields = serde_json::to_value(&status).unwrap_or_default();
    output.answer("quorate.status.app", fields, &text(&status, chain))?;
    Ok(Exit::Ok)
}

async fn allowlist(chain: &Chain, policy: Address, from_block: u64) -> Result<Allowlist, Failure> {
    const POLICY: &str = "AllowlistPolicy";
    Ok(Allowlist {
        grant_delay_seconds: chain
            .view(POLICY, policy, &AllowlistPolicy::grantDelayCall {})
            .await?,
        allows_any_device: chain
            .view(POLICY, policy, &AllowlistPolicy::allowAnyDeviceCall {})
            .await?,
        allows_any_measurement: chain
            .view(POLICY, policy, &AllowlistPolicy::allowAnyMeasurementCall {})
            .await?,
        allows_any_instance: chain
            .view(POLICY, policy, &AllowlistPolicy::allowAnyInstanceCall {})
            .await?,
        requires_tcb_up_to_date: chain
            .view(POLICY, policy, &AllowlistPolicy::requireTcbUpToDateCall {})
            .await?,
        compose_hashes: approvals(chain, policy, from_block).await?,
    })
}

/// The hashes that events name, each as the contract's view judges it now: events find, state decides.
async fn approvals(
    chain: &Chain,
    policy: Address,
    from_block: u64,
) -> Result<Vec<Approval>, Failure> {
    let topic = AllowlistPolicy::ComposeHashApproved::SIGNATURE_HASH;
    let mut approvals: Vec<Approval> = Vec::new();
    // The latest approval of a hash is the one with the text that counts.
    for log in chain.logs(policy, vec![topic], from_block).await?.into_iter().rev() {
        let Ok(event) = AllowlistPolicy::ComposeHashApproved::decode_log(&log.inner) else {
            continue;
        };
        let compose_hash = event.composeHash;
        if approvals.iter().any(|known| known.compose_hash == compose_hash) {
            continue;
        }
        let call = AllowlistPolicy::composeHashEffectiveAtCall { composeHash: compose_hash };
        let effective_at = chain.view("AllowlistPolicy", policy, &call).await?;
        if effective_at != 0 {
            approvals.push(Approval {
                compose_hash,
                effective_at,
                is_effective: effective_at <= chain.head.time,
                uri: event.uri.clone(),
            });
        }
    }
    Ok(approvals)
}

fn text(status: &AppStatus, chain: &Chain) -> String {
    let mut text = String::new();
    line(&mut text, "app", &account(status.app_id));
    line(&mut text, "as of", &chain.as_of());
    let foreign = if status.is_foreign { ", FOREIGN: judge its code yourself" } else { "" };
    let locked = if status.is_locked { ", locked for ever" } else { "" };
    line(&mut text, "policy", &format!("{}{foreign}{locked}", account(status.policy)));
    if let (false, None, Some(kind)) = (status.is_foreign, &status.allowlist, status.policy_kind) {
        line(&mut text, "", &format!("{kind}: quorate app policy {}", status.app_id));
    }
    pending(&mut text, status.pending_policy, status.policy_effective_at);
    line(&mut text, "owner", &account(status.owner));
    if !status.pending_owner.is_zero() {
        line(&mut text, "", &format!("offered to {}", account(status.pending_owner)));
    }
    line(&mut text, "guardian", &account(status.guardian));
    if status.guardian_effective_at > chain.head.time {
        pending(&mut text, status.pending_guardian, status.guardian_effective_at);
    }
    line(&mut text, "vendors", &status.vendors.join(", "));
    line(&mut text, "key version", &status.key_version.to_string());
    line(&mut text, "frozen", &frozen(status));
    if let Some(list) = &status.allowlist {
        allowlist_text(&mut text, list);
    }
    text
}

fn pending(text: &mut String, who: Address, at: u64) {
    if at != 0 {
        line(text, "", &format!("{} from {} on", account(who), moment(at)));
    }
}

fn frozen(status: &AppStatus) -> String {
    match (status.is_frozen, status.thaws_at) {
        (false, _) => "no".to_owned(),
        (true, 0) => "YES: nobody gets its keys".to_owned(),
        (true, at) => format!("YES, until {}", moment(at)),
    }
}

fn allowlist_text(text: &mut String, list: &Allowlist) {
    line(text, "grant delay", &duration(list.grant_delay_seconds.into()));
    let devices =
        if list.allows_any_device { "ANY machine of the vendors" } else { "those listed" };
    line(text, "devices", devices);
    let any = |any| {
        if any { "any that runs an approved OS image" } else { "those listed" }
    };
    line(text, "measured", any(list.allows_any_measurement));
    line(text, "instances", if list.allows_any_instance { "any" } else { "those listed" });
    let tcb = if list.requires_tcb_up_to_date {
        "UpToDate only"
    } else {
        "what AttestationRegistry accepts"
    };
    line(text, "TCB", tcb);
    if list.compose_hashes.is_empty() {
        line(text, "code", "none");
    }
    for approval in &list.compose_hashes {
        let since = if approval.is_effective { "approved since" } else { "PENDING until" };
        let uri =
            if approval.uri.is_empty() { String::new() } else { format!("\n{:?}", approval.uri) };
        let words =
            format!("{} {since} {}{uri}", approval.compose_hash, moment(approval.effective_at));
        line(text, "code", &words);
    }
}
