//! `quorate` against a real chain: anvil, the contracts by their committed creation code, and a keyset made by a ceremony of
//! three signers that is right in form alone, which is all that the contract judges. Without anvil it says so; where
//! REQUIRE_ANVIL is set it fails.

mod devchain;
mod genesis;
mod liar;
mod simulate;

use devchain::{Devchain, KEYS, MNEMONIC, accounts};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// `quorate` in a directory with network.toml, nobody at the terminal.
struct Quorate<'a>(&'a Path);

struct Answer {
    exit: i32,
    out: String,
    err: String,
}

impl Quorate<'_> {
    fn run(&self, args: &[&str]) -> Answer {
        let output: Output = Command::new(env!("CARGO_BIN_EXE_quorate"))
            .args(args)
            .args(["--network", "network.toml"])
            .env_remove("ETH_RPC_URL")
            .env_remove("ETH_FROM")
            .env_remove("ETH_KEYSTORE")
            .env_remove("ETH_PASSWORD")
            .current_dir(self.0)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Answer {
            exit: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The JSON answer of a run that must end with `exit`.
    fn json(&self, args: &[&str], exit: i32) -> Value {
        let answer = self.run(&[args, &["--json"]].concat());
        assert_eq!(answer.exit, exit, "{args:?}\n{}{}", answer.out, answer.err);
        let value: Value = serde_json::from_str(&answer.out).expect("one JSON object");
        assert_eq!(value["version"], 1);
        assert!(value["schema"].is_string());
        value
    }
}

const HASH: &str = "0x00000000000000000000000000000000000000000000000000000000000000aa";

#[test]
fn an_owner_creates_approves_and_revokes_and_everybody_sees_it() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Some(chain) = Devchain::start() else {
        assert!(
            std::env::var_os("REQUIRE_ANVIL").is_none(),
            "anvil 1.7.1 is missing: run script/setup"
        );
        eprintln!("skipped: anvil is missing; run script/setup");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let contracts = genesis::deploy(&chain).await;
        genesis::ceremony(&chain, &contracts).await;
        std::fs::write(
            directory.path().join("network.toml"),
            genesis::network_toml(&chain, &contracts),
        )
        .unwrap();
    });
    std::fs::write(
        directory.path().join("docker-compose.yml"),
        "services:\n  web:\n    image: nginx@sha256:0000000000000000000000000000000000000000000000000000000000000001\n",
    )
    .unwrap();
    let quorate = Quorate(directory.path());

    the_network_is_shown(&quorate);
    let (app, code) = an_app_is_created(&quorate);
    an_approval_waits(&quorate, &app);
    strangers_and_absent_signers_change_nothing(&quorate, &app);
    the_guardian_revokes(&quorate, &app, &code);
    wrong_networks_are_refused(&quorate, directory.path());
}

fn the_network_is_shown(quorate: &Quorate<'_>) {
    let status = quorate.json(&["status"], 0);
    assert_eq!(status["schema"], "quorate.status");
    assert_eq!(status["chainId"], 31337);
    assert_eq!(status["keyset"]["t"], 2);
    assert_eq!(status["keyset"]["epoch"], 1);
    assert_eq!(status["keyset"]["members"], serde_json::json!([1, 2, 3]));
    assert_eq!(status["seats"][1]["vendor"], "soft-b");
    assert_eq!(status["seats"][1]["operator"], "operator-2");
    assert_eq!(status["seats"][1]["isSuspended"], false);
    assert_eq!(status["roots"][0]["isSoftware"], true);
    let text = quorate.run(&["status"]).out;
    for words in [
        "SOFTWARE: whoever has its key makes quotes",
        "1: 2 of 3, 3 confirmed",
        "not proven",
        "agreement 1 of 1",
    ] {
        assert!(text.contains(words), "{words:?} is missing in\n{text}");
    }
}

/// Returns the app's id and its first compose hash.
fn an_app_is_created(quorate: &Quorate<'_>) -> (String, String) {
    let [_, owner, guardian, _] = accounts();
    let create = [
        "app",
        "create",
        "--owner",
        &owner,
        "--guardian",
        &guardian,
        "--danger-any-device",
        "--grant-delay",
        "1h",
    ];

    let planned = quorate.json(&create, 0);
    assert_eq!(planned["dryRun"], true);
    assert_eq!(planned["call"]["contract"], "AppRegistry");
    assert_eq!(planned["call"]["name"], "createApp");
    assert_eq!(planned["call"]["arguments"]["app.policy.grantDelaySeconds"], 3600);
    assert_eq!(planned["vendors"], serde_json::json!(["soft-a", "soft-b", "soft-c"]));
    assert_eq!(planned["agent"]["app_id"], planned["appId"].as_str().unwrap().to_lowercase());
    let app = planned["appId"].as_str().unwrap().to_owned();
    // A dry run changes nothing: the app is not there.
    assert_eq!(quorate.json(&["status", &app], 3)["error"]["code"], "not_found");

    // The block of the dry run and that of `compose` are one and the same.
    let compose = ["compose", "--name", "hello", "--docker-compose", "docker-compose.yml"];
    let made = quorate.json(&[&compose[..], &["--app-id", &app]].concat(), 0);
    let text = made["appCompose"].as_str().unwrap();
    std::fs::write(quorate.0.join("app-compose.json"), text).unwrap();
    let parsed: Value = serde_json::from_str(text).unwrap();
    assert_eq!(parsed["quorate"], planned["agent"]);
    let code = quorate.json(&["hash", "app-compose.json"], 0)["files"][0]["composeHash"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(made["composeHash"].as_str(), Some(code.as_str()));

    // Another salt is another app: the compose file names the first one and is refused (A28).
    let with_compose = [&create[..], &["--compose", "app-compose.json"]].concat();
    let other = [&with_compose[..], &["--salt", HASH]].concat();
    let refused = quorate.json(&other, 4);
    assert!(refused["error"]["message"].as_str().unwrap().contains("quorate.app_id"), "{refused}");

    let sent = quorate.json(
        &[&with_compose[..], &["--broadcast", "--yes", "--unlocked", "--from", &owner]].concat(),
        0,
    );
    assert_eq!(sent["dryRun"], false);
    assert_eq!(sent["appId"], planned["appId"]);
    let entered = sent["events"]
        .as_array()
        .unwrap()
        .iter()
        .find(|event| event["name"] == "AppEntered")
        .unwrap();
    assert_eq!(entered["arguments"]["appId"], app);
    assert_eq!(entered["arguments"]["vendors"].as_array().unwrap().len(), 3);

    // The same sender and salt again would be the same id.
    assert_eq!(quorate.json(&create, 6)["error"]["code"], "reverted");

    let status = quorate.json(&["status", &app], 0);
    assert_eq!(status["owner"], owner.to_lowercase());
    assert_eq!(status["keyVersion"], 1);
    assert_eq!(status["allowlist"]["allowsAnyDevice"], true);
    assert_eq!(
        status["allowlist"]["composeHashes"][0]["composeHash"].as_str(),
        Some(code.as_str())
    );
    assert_eq!(status["allowlist"]["composeHashes"][0]["isEffective"], true);
    (app, code)
}

fn an_approval_waits(quorate: &Quorate<'_>, app: &str) {
    let approve = ["approve", app, HASH, "--uri", "https://example.org/\u{1b}[2J"];
    let planned = quorate.run(&approve);
    assert_eq!(planned.exit, 0, "{}", planned.err);
    for words in [
        "AllowlistPolicy.approveComposeHash",
        HASH,
        "(the app's owner; no sender is named)",
        "1 h after its block",
        "--broadcast",
    ] {
        assert!(planned.out.contains(words), "{words:?} is missing in\n{}", planned.out);
    }
    // Text of others can't drive the terminal.
    assert!(!planned.out.contains('\u{1b}') && planned.out.contains("\\u{1b}[2J"));

    // Even with --quiet the decoded call is on stderr before it is signed; stdout holds the answer alone.
    let sent = quorate.run(
        &[&approve[..], &["--broadcast", "--yes", "--private-key", KEYS[1], "--quiet"]].concat(),
    );
    assert_eq!(sent.exit, 0, "{}", sent.err);
    assert!(sent.err.starts_with("warning: --private-key"), "{}", sent.err);
    assert!(sent.err.contains("AllowlistPolicy.approveComposeHash"));
    assert!(
        sent.out.starts_with("transaction") && sent.out.contains("ComposeHashApproved("),
        "{}",
        sent.out
    );
    assert!(!sent.err.contains(KEYS[1]) && !sent.out.contains(KEYS[1]));

    let hashes = &quorate.json(&["status", app], 0)["allowlist"]["composeHashes"];
    assert_eq!(hashes[0]["composeHash"], HASH);
    assert_eq!(hashes[0]["isEffective"], false);
    assert!(quorate.run(&["status", app]).out.contains("PENDING until"));
    assert!(quorate.json(&approve, 6)["reverts"].as_str().unwrap().starts_with("AlreadyApproved("));
}

fn strangers_and_absent_signers_change_nothing(quorate: &Quorate<'_>, app: &str) {
    let [_, owner, _, stranger] = accounts();
    let revoke = ["revoke", app, HASH, "--reason", "superseded"];
    let with = |more: &[&str]| -> Value {
        quorate.json(
            &[&revoke[..], more].concat(),
            if more.contains(&"--from") && !more.contains(&"--private-key") { 6 } else { 7 },
        )
    };

    let refused = with(&["--from", &stranger]);
    assert_eq!(refused["reverts"], format!("Unauthorized(caller: {stranger})"));
    assert!(refused["error"]["hint"].as_str().unwrap().contains("guardian"));
    // A call that would revert is not signed.
    assert_eq!(
        with(&["--from", &stranger, "--unlocked", "--broadcast", "--yes"])["error"]["code"],
        "reverted"
    );

    assert_eq!(with(&["--broadcast", "--yes"])["error"]["message"], "--broadcast needs a key");
    assert_eq!(
        with(&["--broadcast", "--private-key", KEYS[1]])["error"]["message"],
        "nobody is there to confirm"
    );
    let wrong_key = with(&["--broadcast", "--yes", "--from", &owner, "--private-key", KEYS[3]]);
    assert!(wrong_key["error"]["message"].as_str().unwrap().starts_with("the key is 0x"));
    assert_eq!(with(&["--broadcast", "--yes", "--private-key", "0x01"])["error"]["code"], "signer");
    assert_eq!(
        with(&["--broadcast", "--yes", "--mnemonic", "not a phrase"])["error"]["code"],
        "signer"
    );

    let hashes = &quorate.json(&["status", app], 0)["allowlist"]["composeHashes"];
    assert_eq!(hashes.as_array().unwrap().len(), 2);
}

fn the_guardian_revokes(quorate: &Quorate<'_>, app: &str, code: &str) {
    // With a keystore as cast makes it.
    devchain::cast_keystore(quorate.0, KEYS[2]);
    std::fs::write(quorate.0.join("password"), "tortoise\n").unwrap();
    let key = ["--broadcast", "--yes", "--keystore", "guardian", "--password-file", "password"];
    let sent =
        quorate.json(&[&["revoke", app, code, "--reason", "compromised"], &key[..]].concat(), 0);
    let revoked = &sent["events"][0];
    assert_eq!(revoked["name"], "ComposeHashRevoked");
    assert_eq!(revoked["arguments"]["reason"], 2);
    assert_eq!(sent["effectiveFromBlock"], sent["transaction"]["block"]);
    assert_eq!(sent["effectiveOnNodesWithinSeconds"], 60);

    std::fs::write(quorate.0.join("password"), "hare\n").unwrap();
    let wrong = quorate.json(&[&["revoke", app, HASH, "--reason", "2"], &key[..]].concat(), 7);
    assert_eq!(wrong["error"]["code"], "signer");

    // With a mnemonic in a file; this one was pending and is cancelled.
    std::fs::write(quorate.0.join("phrase"), MNEMONIC).unwrap();
    let key = ["--broadcast", "--yes", "--mnemonic", "phrase", "--mnemonic-index", "2"];
    quorate.json(&[&["revoke", app, HASH, "--reason", "retired"], &key[..]].concat(), 0);
    let status = quorate.json(&["status", app], 0);
    assert_eq!(status["allowlist"]["composeHashes"], serde_json::json!([]));
    let again = quorate.json(&["revoke", app, HASH, "--reason", "retired"], 6);
    assert_eq!(again["reverts"], "NothingToRevoke()");
}

fn wrong_networks_are_refused(quorate: &Quorate<'_>, directory: &Path) {
    let path = directory.join("network.toml");
    let right = std::fs::read_to_string(&path).unwrap();
    let status_of = |changed: String, exit: i32| {
        assert_ne!(changed, right);
        std::fs::write(&path, changed).unwrap();
        let error =
            quorate.json(&["status"], exit)["error"]["message"].as_str().unwrap().to_owned();
        std::fs::write(&path, &right).unwrap();
        error
    };
    assert!(
        status_of(right.replace("id = 31337", "id = 1"), 5)
            .contains("is chain 31337, the network is on chain 1")
    );
    let genesis = right.replace("[chain]\n", &format!("[chain]\ngenesis_hash = \"{HASH}\"\n"));
    assert!(status_of(genesis, 5).contains("has genesis 0x"));
    let committee = right.lines().find(|line| line.starts_with("kms_committee")).unwrap();
    let elsewhere =
        right.replace(committee, "kms_committee = \"0x1000000000000000000000000000000000000003\"");
    assert!(status_of(elsewhere, 3).contains("has no code, or does not answer"));
}
