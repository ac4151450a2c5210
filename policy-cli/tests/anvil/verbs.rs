//! Verbs that no other test here runs, each as it answers and as it fails: json.md is held against these answers.

use crate::{
    HASH, Quorate,
    devchain::accounts,
    liar::{self, Lie},
    world::World,
};
use serde_json::Value;
use std::path::Path;

/// Broadcasts as an account that anvil has unlocked; the first event's name.
fn sent(quorate: &Quorate<'_>, from: &str, args: &[&str]) -> Value {
    let key = ["--broadcast", "--yes", "--unlocked", "--from", from];
    quorate.json(&[args, &key[..]].concat(), 0)
}

#[test]
fn apps_and_roots_are_governed_in_json() {
    let Some(world) = World::with(true, false) else { return };
    let quorate = world.quorate();
    let [administrator, owner, guardian, stranger] = accounts();
    let create =
        ["app", "create", "--owner", &owner, "--guardian", &guardian, "--grant-delay", "1h"];
    let created = sent(&quorate, &owner, &[&create[..], &["--device", HASH]].concat());
    let app = created["appId"].as_str().unwrap().to_owned();

    let revoke = ["device", "revoke", &app, HASH, "--reason", "compromised"];
    assert_eq!(sent(&quorate, &guardian, &revoke)["events"][0]["name"], "DeviceRevoked");
    let approve = ["device", "approve", &app, HASH];
    assert_eq!(quorate.json(&[&approve[..], &["--from", &guardian]].concat(), 6)["dryRun"], true);
    assert_eq!(sent(&quorate, &owner, &approve)["events"][0]["name"], "DeviceApproved");
    sent(&quorate, &owner, &["measurement", "approve", &app, HASH]);
    let revoke = ["measurement", "revoke", &app, HASH, "--reason", "retired"];
    assert_eq!(sent(&quorate, &guardian, &revoke)["events"][0]["name"], "MeasurementRevoked");
    assert_eq!(quorate.json(&revoke, 6)["reverts"], "NothingToRevoke()");

    let replace = ["app", "guardian", &app, &stranger];
    assert_eq!(sent(&quorate, &owner, &replace)["events"][0]["name"], "GuardianSet");
    let refused = quorate.json(&[&replace[..], &["--from", &guardian]].concat(), 6);
    assert!(refused["reverts"].as_str().unwrap().starts_with("Unauthorized("), "{refused}");
    let lock = ["app", "lock", &app];
    assert_eq!(sent(&quorate, &owner, &lock)["events"][0]["name"], "PolicyLocked");
    assert_eq!(quorate.json(&lock, 6)["error"]["code"], "reverted");

    let root = format!("0x{}", "d1".repeat(32));
    let open = ["root", "open", &root, "--vendor", "soft-d", "--platform", "tdx"];
    let opened = sent(&quorate, &administrator, &open);
    assert_eq!(opened["events"][0]["name"], "RootOpened");
    let twice = quorate.json(&open, 6);
    assert_eq!(twice["error"]["code"], "reverted", "{twice}");
    sent(&quorate, &administrator, &["root", "advisory", &root, "INTEL-SA-1", "--deny"]);
    let accept = ["root", "advisory", &root, "INTEL-SA-1", "--accept"];
    assert_eq!(sent(&quorate, &administrator, &accept)["events"][0]["name"], "AdvisoryAccepted");
    assert_eq!(quorate.json(&accept, 6)["error"]["code"], "reverted");

    let hash = opened["transaction"]["hash"].as_str().unwrap();
    let decoded = quorate.json(&["decode", hash], 0);
    assert_eq!(decoded["schema"], "quorate.decode.transaction");
    assert_eq!(decoded["calls"][0]["name"], "openRoot");
    assert_eq!(quorate.json(&["decode", HASH], 3)["error"]["code"], "not_found");
    the_chain_is_audited_and_watched(&world, &app);
}

fn the_chain_is_audited_and_watched(world: &World, app: &str) {
    let quorate = world.quorate();
    world.runtime.block_on(async {
        for _ in 0..4 {
            world.chain.mine().await;
        }
    });
    let whole = quorate.json(&["audit"], 0);
    assert_eq!(
        (whole["complete"].as_bool(), whole["policiesKnown"].as_bool()),
        (Some(true), Some(true))
    );
    let liar = liar::start(&world.chain.url, Lie::HiddenEvent);
    let hidden = quorate.json(&["audit", "--rpc-url", &liar], 4);
    assert_eq!(
        (&hidden["schema"], hidden["complete"].as_bool()),
        (&"quorate.audit".into(), Some(false))
    );
    assert!(hidden["trails"].to_string().contains(r#""verdict":"hidden""#), "{hidden}");
    let words = quorate.run(&["audit", "--rpc-url", &liar]);
    assert!(words.out.contains("not every policy is compared"), "{}", words.out);
    assert_eq!(quorate.json(&["audit", "--from", "99999999"], 2)["error"]["code"], "usage");

    let watch = ["watch", "--from", "0", "--app", app, "--timeout", "1", "--event"];
    let watched = quorate.json(&[&watch[..], &["PolicyLocked"]].concat(), 0);
    assert_eq!(watched["event"]["name"], "PolicyLocked");
    assert_eq!(
        quorate.json(&[&watch[..], &["AppThawed"]].concat(), 3)["error"]["code"],
        "not_found"
    );
    assert_eq!(quorate.json(&[&watch[..], &["Nothing"]].concat(), 2)["error"]["code"], "usage");
}

#[test]
fn votes_are_delegated_and_calls_proposed_in_json() {
    let Some(world) = World::new(true) else { return };
    let (quorate, governor) = (world.quorate(), world.governor.to_string());
    let [holder, other, ..] = accounts();
    let of = ["--governor", &governor];
    let delegate = [&["delegate", &holder][..], &of[..]].concat();
    let planned = quorate.json(&[&delegate[..], &["--from", &holder]].concat(), 0);
    assert_eq!(planned["delegatedBefore"], holder.to_lowercase());
    assert_eq!(sent(&quorate, &holder, &delegate)["call"]["name"], "delegate");
    let nobodys = ["delegate", &holder, "--token", &other, "--from", &holder];
    assert_eq!(quorate.json(&nobodys, 3)["error"]["code"], "not_found");

    let approve = ["image", "approve", HASH, "--uri", "https://example.org", "--from", &governor];
    let written =
        quorate.run(&[&approve[..], &["--out", "safe-batch=images.json", "--schedule"]].concat());
    assert_eq!(written.exit, 0, "{}", written.err);
    let propose = ["propose", "An image", "--batch", "images.json"];
    let proposed = sent(&quorate, &holder, &[&propose[..], &of[..]].concat());
    assert_eq!(proposed["events"][0]["name"], "ProposalCreated");
    assert_eq!(quorate.json(&propose, 2)["error"]["message"], "no Governor is named");
    let twice = [&propose[..], &of[..], &["--from", &holder]].concat();
    assert!(quorate.json(&twice, 6)["reverts"].as_str().unwrap().starts_with("GovernorUnexpected"));
}

/// Verbs that need no chain.
pub(crate) fn offline(quorate: &Quorate<'_>) {
    assert!(quorate.json(&["man", "revoke"], 0)["page"].as_str().unwrap().contains("quorate"));
    quorate.json(&["completions", "bash"], 0);
    assert_eq!(quorate.json(&["completions", "csh"], 2)["error"]["code"], "usage");
    let same = ["diff", "docker-compose.yml", "docker-compose.yml"];
    assert_eq!(quorate.json(&same, 0)["changes"], serde_json::json!([]));
    assert_eq!(quorate.json(&["man", "forget"], 2)["error"]["code"], "usage");
    a_bundle_is_verified(quorate);

    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/governance.in/log.json");
    let log = std::fs::read_to_string(here).unwrap();
    std::fs::write(quorate.0.join("log.json"), &log).unwrap();
    let decoded = quorate.json(&["decode", "log.json"], 0);
    assert_eq!(decoded["schema"], "quorate.decode.event");
    let unknown = log.replacen("0x7013520c", "0x7013520d", 1);
    std::fs::write(quorate.0.join("unknown.json"), unknown).unwrap();
    assert_eq!(quorate.json(&["decode", "unknown.json"], 3)["error"]["code"], "not_found");

    let publish =
        |index: &str, exit| quorate.json(&["publish", "log.json", "--index", index], exit);
    let published = publish(&liar::index(200, "{}"), 0);
    assert_eq!(published["texts"][0]["sort"], "simulation");
    let refused = publish(&liar::index(403, r#"{"detail":"nothing names it"}"#), 4);
    assert!(refused["error"]["message"].as_str().unwrap().ends_with("(403): nothing names it"));
    assert_eq!(publish("http://127.0.0.1:1", 5)["error"]["code"], "network");
}

fn a_bundle_is_verified(quorate: &Quorate<'_>) {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/bundle");
    for kind in ["issuance", "revocation"] {
        let text = std::fs::read_to_string(vectors.join(format!("{kind}.json"))).unwrap();
        let case: Value = serde_json::from_str(&text).unwrap();
        let named = |name: &str| case["trusted"][name].as_str().unwrap().to_owned();
        let (network, block) = (named("network"), named("block"));
        let bundle = vectors.join(format!("{kind}.bundle"));
        let verify = ["verify", "bundle", bundle.to_str().unwrap(), "--network", &network];
        let whole = [&verify[..], &["--block", &block]].concat();
        assert_eq!(quorate.json_as_given(&whole, 0)["claim"]["kind"], kind);
        let other = [&verify[..], &["--block", HASH]].concat();
        assert_eq!(quorate.json_as_given(&other, 4)["claim"], Value::Null);
        let root = [&other[..], &["--root", HASH]].concat();
        assert_eq!(quorate.json_as_given(&root, 4)["trusted"]["root"], HASH);
    }
}
