use super::*;
use crate::views::{app_policy::State, event::Args, says::Act};
use light_client::BlockRef;
use serde_json::{Value, json};

pub(crate) const APP: Address = Address::repeat_byte(0xA0);
const REGISTRY: Address = Address::repeat_byte(0xB0);
const OTHER: Address = Address::repeat_byte(0xC0);

/// An event of `APP` in block `block`, whose time is ten times its number.
pub(crate) fn event(kind: Kind, contract: Address, name: &str, args: Value, block: u64) -> Event {
    Event {
        place: Place {
            block_number: block,
            block_hash: B256::with_last_byte(block as u8),
            block_time: block * 10,
            tx_index: 0,
            log_index: 0,
            finality: "latest",
        },
        contract,
        kind,
        standing: "trail".into(),
        name: Some(name.to_owned()),
        act: Act::of(name),
        app_id: Some(APP),
        judges_app: None,
        seq: Some(1),
        args: Args(args.as_object().unwrap().clone()),
        indexed: Vec::new(),
    }
}

fn code(byte: u8) -> B256 {
    B256::repeat_byte(byte)
}

fn vendor(text: &str) -> B256 {
    let mut word = B256::ZERO;
    word[..text.len()].copy_from_slice(text.as_bytes());
    word
}

fn entered() -> Event {
    let args = json!({"appId": APP, "policy": APP, "owner": Address::repeat_byte(1),
        "guardian": Address::repeat_byte(2), "isForeign": false, "vendors": [vendor("soft-a")]});
    event(Kind::AppRegistry, REGISTRY, "AppEntered", args, 1)
}

fn initialized(any_device: bool) -> Event {
    let args = json!({"appId": APP, "grantDelaySeconds": 100, "requireTcbUpToDate": true,
        "allowAnyDevice": any_device});
    event(Kind::Policy, APP, "PolicyInitialized", args, 1)
}

fn approved(byte: u8, effective_at: u64, block: u64) -> Event {
    let args = json!({"composeHash": code(byte), "effectiveAt": effective_at, "uri": "ipfs://x"});
    event(Kind::Policy, APP, "ComposeHashApproved", args, block)
}

fn revoked(byte: u8, block: u64) -> Event {
    let args = json!({"composeHash": code(byte), "reason": 2});
    event(Kind::Policy, APP, "ComposeHashRevoked", args, block)
}

fn registry(name: &str, args: Value, block: u64) -> Event {
    event(Kind::AppRegistry, REGISTRY, name, args, block)
}

fn fold(events: &[Event], block: u64) -> App {
    let at = Moment { block: BlockRef::new(block, B256::ZERO), time: block * 10 };
    App::fold(APP, events, at).unwrap().unwrap()
}

fn states(app: &App) -> Vec<State> {
    app.allowlist.as_ref().unwrap().codes.iter().map(|code| code.state).collect()
}

#[test]
fn a_code_is_pending_then_in_force_then_revoked() {
    // [EXP-2]
    let events =
        [initialized(true), entered(), approved(1, 10, 1), approved(2, 150, 5), revoked(1, 20)];
    assert_eq!(states(&fold(&events[..4], 6)), [State::InForce, State::Pending]);
    assert_eq!(states(&fold(&events[..4], 15)), [State::InForce, State::InForce]);
    let after = fold(&events, 20);
    assert_eq!(states(&after), [State::Revoked, State::InForce]);
    assert_eq!(after.says(), "One code may boot, on any machine of soft-a.");
}

#[test]
fn a_pending_code_that_is_revoked_never_counted() {
    let events = [initialized(true), entered(), approved(2, 150, 5), revoked(2, 6)];
    let app = fold(&events, 20);
    assert_eq!(states(&app), [State::Cancelled]);
    assert_eq!(app.says(), "Nothing may boot: no code is approved.");
}

#[test]
fn a_foreign_contract_says_nothing_about_the_rules() {
    // [EXP-2] It emits our event, with our app's id.
    let mut forged = approved(9, 1, 2);
    (forged.kind, forged.contract) = (Kind::ForeignPolicy, OTHER);
    let app = fold(&[initialized(true), entered(), forged], 20);
    assert!(states(&app).is_empty());
    // So does a policy of ours that is not the app's.
    let mut elsewhere = approved(9, 1, 2);
    elsewhere.contract = OTHER;
    let app = fold(&[initialized(true), entered(), elsewhere], 20);
    assert!(states(&app).is_empty());
}

#[test]
fn a_foreign_policy_is_not_judged() {
    // [EXP-2]
    let set = json!({"policy": OTHER, "isForeign": true, "effectiveAt": 100});
    let events = [initialized(true), entered(), approved(1, 10, 1), registry("PolicySet", set, 2)];
    let before = fold(&events, 9);
    assert!(before.allowlist.is_some() && before.pending_policy.unwrap().is_foreign);
    let after = fold(&events, 10);
    assert!(after.policy.is_foreign && after.allowlist.is_none() && after.pending_policy.is_none());
    assert_eq!(after.says(), "A foreign policy decides what may boot: judge its code.");
}

#[test]
fn a_policy_of_ours_without_a_list_is_not_an_empty_list() {
    // [EXP-2] AllOfPolicy and LicensePolicy ask other policies: nothing is known to be refused.
    let set = json!({"policy": OTHER, "isForeign": false, "effectiveAt": 20});
    let member = json!({"member": APP});
    let events = [
        initialized(true),
        entered(),
        approved(1, 10, 1),
        event(Kind::Policy, OTHER, "MemberAdded", member, 2),
        registry("PolicySet", set, 2),
    ];
    let app = fold(&events, 5);
    assert!(app.allowlist.is_none() && !app.policy.is_foreign);
    assert!(app.says().starts_with("A policy of ours that asks others"), "{}", app.says());
}

#[test]
fn a_cancelled_change_of_policy_never_counts_but_one_that_counted_stays() {
    let set = json!({"policy": OTHER, "isForeign": false, "effectiveAt": 100});
    let cancel = json!({"policy": OTHER, "reason": 0});
    let begin = [initialized(true), entered(), registry("PolicySet", set, 2)];
    let cancelled = registry("PolicyChangeCancelled", cancel, 3);
    let mut events = begin.to_vec();
    events.push(cancelled);
    assert_eq!(fold(&events, 20).policy.address, APP);
    let offered = json!({"pendingOwner": OTHER});
    let mut events = begin.to_vec();
    events.push(registry("OwnershipOffered", offered, 12));
    assert_eq!(fold(&events, 20).policy.address, OTHER);
}

#[test]
fn a_frozen_app_boots_nothing_until_it_has_thawed() {
    let frozen = registry("AppFrozen", json!({"reason": 1}), 3);
    let thawed = registry("AppThawed", json!({"effectiveAt": 90}), 5);
    let events = [initialized(true), entered(), approved(1, 10, 1), frozen, thawed];
    assert_eq!(fold(&events[..4], 4).says(), "Nothing may boot: the app is frozen.");
    assert!(fold(&events, 8).frozen.unwrap().thaws_at.is_some());
    assert!(fold(&events, 9).frozen.is_none());
}

#[test]
fn vendors_count_when_they_count() {
    let accept = json!({"vendor": vendor("intel"), "effectiveAt": 100});
    let remove = json!({"vendor": vendor("soft-a"), "reason": 1});
    let events = [
        initialized(false),
        entered(),
        approved(1, 10, 1),
        registry("VendorAccepted", accept, 2),
        registry("VendorRemoved", remove, 3),
    ];
    assert_eq!(fold(&events, 4).says(), "Nothing may boot: the app accepts no vendor.");
    assert_eq!(fold(&events, 10).says(), "One code may boot, on 0 listed machines of intel.");
}

#[test]
fn measurements_given_at_creation_count_and_later_ones_say_so() {
    let measurement = |block| {
        let args = json!({"mrSystem": code(5), "effectiveAt": block * 10});
        event(Kind::Policy, APP, "MeasurementApproved", args, block)
    };
    let at_creation = fold(&[initialized(true), measurement(1), entered()], 2);
    assert!(!at_creation.allowlist.unwrap().any_measurement.is_any);
    let later = fold(&[initialized(true), entered()], 2);
    assert!(later.allowlist.unwrap().any_measurement.is_any);
    let any = json!({"effectiveAt": 0});
    let counts = event(Kind::Policy, APP, "AnyMeasurementSet", any, 3);
    let later = fold(&[initialized(true), entered(), counts, measurement(3)], 4);
    assert!(!later.allowlist.unwrap().any_measurement.is_any);
}

#[test]
fn a_shorter_delay_waits_for_the_longer_one() {
    let set = |seconds: u64, at: u64, block| {
        let args = json!({"grantDelaySeconds": seconds, "effectiveAt": at});
        event(Kind::Policy, APP, "GrantDelaySet", args, block)
    };
    let events = [initialized(true), entered(), set(10, 150, 5)];
    assert_eq!(fold(&events, 14).allowlist.unwrap().grant_delay_seconds, 100);
    assert_eq!(fold(&events, 15).allowlist.unwrap().grant_delay_seconds, 10);
    let events = [initialized(true), entered(), set(200, 50, 5)];
    assert_eq!(fold(&events, 5).allowlist.unwrap().grant_delay_seconds, 200);
}

#[test]
fn an_app_that_never_entered_is_none() {
    let at = Moment { block: BlockRef::new(9, B256::ZERO), time: 90 };
    assert!(App::fold(APP, &[initialized(true), approved(1, 10, 1)], at).unwrap().is_none());
}
