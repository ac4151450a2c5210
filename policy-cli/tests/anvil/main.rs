//! `quorate` against a real chain: anvil, the contracts by their committed creation code, and a keyset made by a ceremony of
//! three signers that is right in form alone, which is all that the contract judges. Without anvil it says so; where
//! REQUIRE_ANVIL is set it fails.

mod committee;
mod devchain;
mod genesis;
mod liar;
mod policies;
mod schemas;
mod simulate;
mod verbs;
mod world;

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
        self.run_as_given(&[args, &["--network", "network.toml"]].concat())
    }

    /// Without the directory's network.
    fn run_as_given(&self, args: &[&str]) -> Answer {
        let output: Output = Command::new(env!("CARGO_BIN_EXE_quorate"))
            .args(args)
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
        self.json_as_given(&[args, &["--network", "network.toml"]].concat(), exit)
    }

    fn json_as_given(&self, args: &[&str], exit: i32) -> Value {
        let answer = self.run_as_given(&[args, &["--json"]].concat());
        assert_eq!(answer.exit, exit, "{args:?}\n{}{}", answer.out, answer.err);
        let value: Value = serde_json::from_str(&answer.out).expect("one JSON object");
        assert_eq!(value["version"], 1);
        schemas::check(&value);
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
    dry_runs_read_as_their_golden_text(&quorate, &app);
    an_app_is_governed(&quorate, &app);
    calls_are_written_instead_of_sent(&quorate, &app);
    roots_and_images_are_governed(&quorate);
    wrong_networks_are_refused(&quorate, directory.path());
    verbs::offline(&quorate);
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
    let image = sent["images"][0].as_str().unwrap();
    assert!(image.starts_with("nginx@sha256:"), "{image}");
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

/// Word for word but for gas, which is the chain's; written anew with TRYCMD=overwrite.
fn dry_runs_read_as_their_golden_text(quorate: &Quorate<'_>, app: &str) {
    let [administrator, _, guardian, _] = accounts();
    let runs = [
        vec!["app", "freeze", app, "--reason", "compromised"],
        vec!["app", "rotate", app, "--keep-previous"],
        vec!["app", "transfer", app, "--to", &guardian],
        vec!["app", "thaw", app, "--from", &guardian],
        vec!["image", "approve", HASH, "--uri", "https://example.org/image", "--schedule"],
        vec!["seat", "suspend", "2", "--reason", "compromised", "--from", &administrator],
        vec!["epoch", "open", "--seats", "1,2,3", "--threshold", "2"],
    ];
    let mut text = String::new();
    for args in runs {
        let answer = quorate.run(&args);
        let lines = answer.out.lines().chain(answer.err.lines());
        let lines =
            lines.filter(|line| !line.starts_with("gas ") && !line.starts_with("effective  "));
        text.push_str(&format!("$ quorate {}\n? {}\n", args.join(" "), answer.exit));
        lines.for_each(|line| text.push_str(&format!("{line}\n")));
        text.push('\n');
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/anvil/dry_runs.txt");
    if std::env::var("TRYCMD").is_ok_and(|value| value == "overwrite") {
        std::fs::write(&golden, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    assert_eq!(text, expected, "{}", golden.display());
}

/// Broadcasts as an account that anvil has unlocked.
fn sent(quorate: &Quorate<'_>, from: &str, args: &[&str]) -> Value {
    let key = ["--broadcast", "--yes", "--unlocked", "--from", from];
    quorate.json(&[args, &key[..]].concat(), 0)
}

fn an_app_is_governed(quorate: &Quorate<'_>, app: &str) {
    let [_, owner, guardian, stranger] = accounts();

    // A dry run shows the call, when it would count, and changes nothing.
    let planned = quorate.run(&["app", "freeze", app, "--reason", "compromised"]);
    for words in ["AppRegistry.freeze", "2 (compromised)", "the app's guardian", "within 60 s"] {
        assert!(planned.out.contains(words), "{words:?} is missing in\n{}", planned.out);
    }
    assert_eq!(quorate.json(&["app", "show", app], 0)["isFrozen"], false);
    let frozen = sent(quorate, &guardian, &["app", "freeze", app, "--reason", "compromised"]);
    assert_eq!(frozen["events"][0]["name"], "AppFrozen");
    assert_eq!(frozen["effectiveFromBlock"], frozen["transaction"]["block"]);
    assert_eq!(quorate.json(&["app", "show", app], 0)["isFrozen"], true);

    // Only the owner thaws, after the delay: the guardian can't.
    let thaw = ["app", "thaw", app];
    let refused = quorate.json(&[&thaw[..], &["--from", &guardian]].concat(), 6);
    assert_eq!(refused["reverts"], format!("Unauthorized(caller: {guardian})"));
    let planned = quorate.json(&thaw, 0);
    let thawed = sent(quorate, &owner, &thaw);
    assert_eq!(thawed["events"][0]["name"], "AppThawed");
    assert!(
        planned["effectiveAt"].as_u64() <= thawed["events"][0]["arguments"]["effectiveAt"].as_u64()
    );

    let rotated = sent(quorate, &owner, &["app", "rotate", app, "--keep-previous"]);
    assert_eq!(rotated["events"][0]["arguments"]["keyVersion"], 2);
    let delist = ["app", "rotate", app, "--delist", "1", "--reason", "retired"];
    assert_eq!(sent(quorate, &guardian, &delist)["events"][0]["name"], "KeyVersionDelisted");

    let remove = ["app", "vendors", app, "--remove", "soft-c", "--reason", "vulnerable"];
    assert_eq!(sent(quorate, &guardian, &remove)["events"][0]["name"], "VendorRemoved");
    let vendors = quorate.json(&["app", "vendors", app], 0);
    assert_eq!(vendors["vendors"].as_array().map(Vec::len), Some(2));
    let accept = ["app", "vendors", app, "--accept", "soft-c"];
    assert_eq!(sent(quorate, &owner, &accept)["events"][0]["name"], "VendorAccepted");

    // The first measurement also ends "any".
    let approved = sent(quorate, &owner, &["measurement", "approve", app, HASH]);
    let names = approved["events"].as_array().unwrap().iter().map(|event| &event["name"]);
    assert!(names.into_iter().any(|name| name == "MeasurementApproved"), "{approved}");
    let device = ["device", "revoke", app, HASH, "--reason", "compromised"];
    // The app accepts any device: there is no list to take one from.
    assert_eq!(quorate.json(&device, 6)["reverts"], "ListNotInForce()");

    // In two steps; a stranger can't take what was not offered to it.
    let offered = sent(quorate, &owner, &["app", "transfer", app, "--to", &guardian]);
    assert_eq!(offered["events"][0]["name"], "OwnershipOffered");
    let take = ["app", "transfer", app, "--accept"];
    let refused = quorate.json(&[&take[..], &["--from", &stranger]].concat(), 6);
    assert_eq!(refused["error"]["code"], "reverted");
    assert_eq!(sent(quorate, &guardian, &take)["events"][0]["name"], "OwnershipTaken");
    sent(quorate, &guardian, &["app", "transfer", app, "--to", &owner]);
    sent(quorate, &owner, &take);

    let shown = quorate.json(&["app", "policy", app], 0);
    assert_eq!(
        (shown["isForeign"].as_bool(), shown["isLocked"].as_bool()),
        (Some(false), Some(false))
    );
    let locked =
        quorate.run(&["app", "lock", app, "--broadcast", "--yes", "--unlocked", "--from", &owner]);
    assert!(locked.err.starts_with("warning: nothing takes a lock back"), "{}", locked.err);
    let set = ["app", "policy", app, "--set", app];
    assert!(quorate.json(&set, 6)["reverts"].as_str().unwrap().starts_with("PolicyIsLocked("));
}

fn calls_are_written_instead_of_sent(quorate: &Quorate<'_>, app: &str) {
    let rotate = ["app", "rotate", app];
    let before = quorate.json(&["app", "show", app], 0)["keyVersion"].clone();
    let written = quorate.run(&[&rotate[..], &["--out", "calldata"]].concat());
    assert_eq!(written.exit, 0, "{}", written.err);
    // stdout is the calldata alone; the decoded call is on stderr.
    assert!(written.err.contains("AppRegistry.rotate"), "{}", written.err);
    let decoded = quorate.json(&["decode", written.out.trim()], 0);
    assert_eq!(decoded["calls"][0]["name"], "rotate");
    assert_eq!(decoded["calls"][0]["arguments"]["appId"], app);

    let batch = quorate.json(&[&rotate[..], &["--out", "safe-batch=batch.json"]].concat(), 0);
    assert_eq!(batch["file"], "batch.json");
    let file: Value =
        serde_json::from_slice(&std::fs::read(quorate.0.join("batch.json")).unwrap()).unwrap();
    assert_eq!(file, batch["safeBatch"]);
    let transaction = &file["transactions"][0];
    assert_eq!(transaction["data"], written.out.trim());
    assert_eq!(transaction["contractMethod"]["name"], "rotate");
    assert_eq!(transaction["contractInputsValues"]["keepPreviousReadable"], "false");
    assert_eq!(quorate.json(&["decode", "batch.json"], 0)["calls"][0]["name"], "rotate");
    // Nothing was sent, and what the chain would refuse is not written.
    assert_eq!(quorate.json(&["app", "show", app], 0)["keyVersion"], before);
    let refused = ["app", "thaw", app, "--out", "safe-batch=never.json"];
    assert_eq!(quorate.json(&refused, 6)["error"]["code"], "reverted");
    assert!(!quorate.0.join("never.json").exists());

    // This network has no Governor, and an account is none.
    let propose = [&rotate[..], &["--propose", "Rotate"]].concat();
    let error = quorate.json(&propose, 2);
    assert_eq!(error["error"]["message"], "no Governor is named");
    let propose = [&propose[..], &["--governor", app]].concat();
    assert_eq!(quorate.json(&propose, 3)["error"]["code"], "not_found");
}

fn roots_and_images_are_governed(quorate: &Quorate<'_>) {
    let [administrator, _, _, stranger] = accounts();
    let approve = ["image", "approve", HASH, "--uri", "https://example.org/image"];
    let refused = quorate.json(&[&approve[..], &["--from", &stranger]].concat(), 6);
    assert!(refused["reverts"].as_str().unwrap().starts_with("AccessManagedUnauthorized("));
    let approved = sent(quorate, &administrator, &approve);
    assert_eq!(approved["events"][0]["name"], "OsImageApproved");
    let revoke = ["image", "revoke", HASH, "--reason", "vulnerable"];
    assert_eq!(sent(quorate, &administrator, &revoke)["events"][0]["name"], "OsImageRevoked");

    // This administrator's role does not wait: there is nothing to schedule. What would be is shown all the same.
    let scheduled = [&approve[..], &["--schedule", "--from", &administrator]].concat();
    let planned = quorate.json(&scheduled, 6);
    assert_eq!(planned["call"]["name"], "schedule");
    assert_eq!(planned["call"]["calls"][0]["name"], "approveOsImage");
    assert!(planned["reverts"].as_str().unwrap().contains("selector: 0x2a0c1013"), "{planned}");

    let roots = quorate.json(&["root", "show"], 0);
    let root = roots["roots"][0]["root"].as_str().unwrap().to_owned();
    let rules = ["root", "rules", &root, "--least-tcb-evaluation", "18"];
    let set = sent(quorate, &administrator, &rules);
    assert_eq!(set["events"][0]["arguments"]["rules.leastTcbEvaluationDataNumber"], 18);
    // What was not given stays.
    assert_eq!(set["events"][0]["arguments"]["rules.maxCollateralAgeSeconds"], 3600);
    let deny = ["root", "advisory", &root, "INTEL-SA-00615", "--deny"];
    assert_eq!(sent(quorate, &administrator, &deny)["events"][0]["name"], "AdvisoryDenied");
    let shown = quorate.json(&["root", "show"], 0);
    assert_eq!(shown["roots"][0]["deniedAdvisoryIds"][0], "INTEL-SA-00615");
    let close = ["root", "close", &root, "--reason", "compromised"];
    assert_eq!(sent(quorate, &administrator, &close)["events"][0]["name"], "RootClosed");
    assert_eq!(quorate.json(&["root", "show"], 0)["roots"][0]["isOpen"], false);
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
