//! The committee's verbs: a network without a keyset, whose administrator acts at once, and one that a DAO governs.

use crate::{
    HASH, Quorate,
    devchain::{Devchain, accounts, keys},
    genesis,
    liar::{self, Lie},
    world::World,
};
use alloy::primitives::keccak256;
use serde_json::{Value, json};

/// Broadcasts as an account that anvil has unlocked; the first event's name.
fn sent(quorate: &Quorate<'_>, from: &str, args: &[&str]) -> Value {
    let key = ["--broadcast", "--yes", "--unlocked", "--from", from];
    quorate.json(&[args, &key[..]].concat(), 0)
}

fn event(sent: &Value) -> &str {
    sent["events"][0]["name"].as_str().unwrap()
}

#[test]
fn seats_are_given_suspended_and_taken_and_an_epoch_keeps_p7() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Some(chain) = Devchain::start() else {
        assert!(std::env::var_os("REQUIRE_ANVIL").is_none(), "anvil is missing: run script/setup");
        eprintln!("skipped: anvil is missing; run script/setup");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let contracts = genesis::deploy(&chain).await;
        let toml = genesis::network_toml(&chain, &contracts);
        std::fs::write(directory.path().join("network.toml"), toml).unwrap();
        // The fourth node is one more of the first vendor.
        for (index, vendor) in [(0, 0), (1, 1), (2, 2), (3, 0)] {
            let signer = &keys()[index];
            genesis::post_candidate(&chain, &contracts, (index, vendor), signer).await;
        }
    });
    let quorate = Quorate(directory.path());
    let [administrator, _, _, fourth] = accounts();
    let (image, code) = (keccak256("image").to_string(), keccak256("node").to_string());

    assert_eq!(quorate.json(&["epoch", "show"], 0)["inForce"], Value::Null);
    let listed = quorate.json(&["seat", "list"], 0);
    assert_eq!(listed["seats"], json!([]));
    assert_eq!(listed["candidates"].as_array().map(Vec::len), Some(4));
    let lacks = listed["candidates"][0]["missing"].to_string();
    assert!(lacks.contains("quorate operator assign 0x"), "{lacks}");
    assert!(lacks.contains("quorate node-code approve --os-image 0x"), "{lacks}");

    // Not before its code is approved and its operator assigned; the reason is the contract's.
    let admit = ["seat", "admit", &fourth];
    let refused = quorate.json(&[&admit[..], &["--from", &administrator]].concat(), 6);
    assert!(refused["reverts"].as_str().unwrap().starts_with("OperatorNotAssigned("), "{refused}");
    assert!(refused["error"]["hint"].as_str().unwrap().contains("quorate seat list"));
    assert_eq!(refused["candidate"]["operator"], "operator-4");
    let nobody = quorate.json(&["seat", "admit", &format!("0x{}", "11".repeat(20))], 3);
    assert!(nobody["error"]["message"].as_str().unwrap().ends_with("asks for no seat"), "{nobody}");

    let approve = ["node-code", "approve", "--os-image", &image, "--compose-hash", &code];
    let approve = [&approve[..], &["--uri", "https://example.org/node"]].concat();
    assert_eq!(event(&sent(&quorate, &administrator, &approve)), "NodeCodeApproved");
    for (index, signer) in accounts().iter().enumerate() {
        let operator = format!("operator-{}", index + 1);
        let assign = ["operator", "assign", signer, &operator];
        let assigned = sent(&quorate, &administrator, &assign);
        assert_eq!(event(&assigned), "OperatorAssigned");
        let admitted = sent(&quorate, &administrator, &["seat", "admit", signer]);
        assert_eq!(admitted["events"][0]["arguments"]["seat"], index + 1);
    }
    let again = quorate.json(&admit, 4);
    assert!(again["error"]["message"].as_str().unwrap().ends_with("has seat 4 already"), "{again}");
    let nobody = ["operator", "assign", &fourth, "--nobody", "--from", &administrator];
    assert!(quorate.json(&nobody, 6)["reverts"].as_str().unwrap().starts_with("AlreadySeated("));

    // P7, in the dry run, whoever sends it: seats 1 and 4 are of one vendor, and two can use the keys.
    let open = |seats: &str, exit: i32| {
        quorate.json(&["epoch", "open", "--seats", seats, "--threshold", "2"], exit)
    };
    let refused = open("1,2,4", 6);
    assert_eq!(refused["reverts"], "VendorHoldsTooManySeats(vendor: soft-a, seats: 2, max: 1)");
    assert!(refused["error"]["hint"].as_str().unwrap().contains("P7"), "{refused}");
    assert_eq!(refused["seats"][2]["vendor"], "soft-a");
    assert!(open("1,2", 6)["reverts"].as_str().unwrap().starts_with("TooFewSeats("));
    assert!(open("2,1,3", 6)["reverts"].as_str().unwrap().starts_with("SeatsNotAscending("));

    // The guardian's, at once, and what waits: suspended seats hold no shares.
    let suspend = ["seat", "suspend", "3", "--reason", "vulnerable"];
    let suspended = sent(&quorate, &administrator, &suspend);
    assert_eq!(event(&suspended), "SeatSuspended");
    assert_eq!(suspended["effectiveFromBlock"], suspended["transaction"]["block"]);
    assert!(open("1,2,3", 6)["reverts"].as_str().unwrap().starts_with("SeatIsSuspended("));
    assert_eq!(
        event(&sent(&quorate, &administrator, &["seat", "unsuspend", "3"])),
        "SeatUnsuspended"
    );

    let opened = ["epoch", "open", "--seats", "1,2,3", "-t", "2"];
    assert_eq!(event(&sent(&quorate, &administrator, &opened)), "EpochOpened");
    let shown = quorate.json(&["epoch", "show"], 0);
    assert_eq!((&shown["ceremony"]["step"], &shown["ceremony"]["t"]), (&json!("keys"), &json!(2)));
    assert_eq!(shown["ceremony"]["seats"][2]["vendor"], "soft-c");
    let text = quorate.run(&["epoch", "show"]).out;
    assert!(text.contains("3 soft-c of operator-3: nothing yet"), "{text}");
    let running = open("1,2,3", 6);
    assert!(running["reverts"].as_str().unwrap().starts_with("CeremonyRunning("), "{running}");

    let revoke = ["node-code", "revoke", "--os-image", &image, "--compose-hash", &code];
    let revoke = [&revoke[..], &["--reason", "superseded"]].concat();
    assert_eq!(event(&sent(&quorate, &administrator, &revoke)), "NodeCodeRevoked");
    assert_eq!(quorate.json(&revoke, 6)["reverts"], "NothingToRevoke()");
    let remove = ["seat", "remove", "4", "--reason", "retired"];
    assert_eq!(event(&sent(&quorate, &administrator, &remove)), "SeatRemoved");
    let seats = quorate.run(&["seat", "list"]).out;
    assert!(seats.contains("4 soft-a of operator-4") && seats.contains(", REMOVED"), "{seats}");
}

/// [GOV-25]: one vote for operator and seat; and the words of an epoch that can't be, before anybody votes.
#[test]
fn a_dao_admits_a_node_by_one_vote() {
    let Some(world) = World::new(true) else { return };
    let (fourth, proposer) = (keys()[3].clone(), accounts()[0].clone());
    world.runtime.block_on(async {
        genesis::post_candidate(&world.chain, &world.contracts, (3, 1), &fourth).await;
    });
    let (quorate, governor) = (world.quorate(), world.governor.to_string());
    let fourth = fourth.address().to_string();
    let vote = ["--propose", "A fourth node", "--governor", &governor, "--from", &proposer];
    // Its code is the committee's and is approved; nobody has said who runs it.
    let admit = [&["seat", "admit", &fourth][..], &vote[..]].concat();
    let refused = quorate.json(&admit, 6);
    assert!(refused["reverts"].as_str().unwrap().starts_with("OperatorNotAssigned("), "{refused}");
    let planned = quorate.json(&[&admit[..], &["--with-operator"]].concat(), 0);
    let calls = planned["call"]["calls"].as_array().unwrap();
    let names: Vec<&str> = calls.iter().map(|call| call["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["assignOperator", "admitSeat"]);
    assert_eq!(planned["candidate"]["vendor"], "soft-b");
    // A member who only looks names nobody: what is proposed is run all the same.
    let look = ["operator", "assign", &fourth, "operator-4", "--propose", "x"];
    let looked = quorate.run(&[&look[..], &["--governor", &governor]].concat());
    assert_eq!(looked.exit, 0, "{}", looked.err);
    assert!(
        looked.out.contains("would succeed now; --from names who proposes it"),
        "{}",
        looked.out
    );
    // Where the endpoint does not simulate, what the call would do is not known, and that is said.
    let url = liar::start(&world.chain.url, Lie::NoSimulation);
    let unknown = quorate.run(&[&admit[..], &["--rpc-url", &url]].concat());
    assert_eq!(unknown.exit, 0, "{}", unknown.err);
    let warning = "warning: what it would do is not known here: no such method";
    assert!(unknown.err.contains(warning), "{}", unknown.err);
    // What is approved already is not approved twice, and the whole would fail.
    let twice = quorate.json(&[&admit[..], &["--with-operator", "--with-code", "x"]].concat(), 6);
    assert_eq!(twice["reverts"], "AlreadySet()");

    // The governor's role waits: the call is shown, with what it would do and how it is sent.
    let assign = ["operator", "assign", &fourth, "operator-4", "--from", &governor];
    let waits = quorate.json(&assign, 6);
    assert_eq!(waits["delaySeconds"], 7 * 86_400);
    assert!(
        waits["reverts"].as_str().unwrap().starts_with("AccessManagerNotScheduled("),
        "{waits}"
    );
    assert!(waits["error"]["hint"].as_str().unwrap().contains("--propose"), "{waits}");
    let scheduled = quorate.json(&[&assign[..], &["--schedule"]].concat(), 0);
    assert_eq!(scheduled["call"]["calls"][0]["name"], "assignOperator");
    // What could never be executed is not scheduled.
    let image = ["image", "revoke", HASH, "--reason", "retired", "--schedule", "--from", &governor];
    assert_eq!(quorate.json(&image, 6)["reverts"], "NothingToRevoke()");

    // An activated committee: the contract's own words, before the vote.
    let open = ["epoch", "open", "--seats", "1,2,3", "--threshold", "2"];
    let refused = quorate.json(&[&open[..], &vote[..]].concat(), 6);
    assert_eq!(refused["reverts"], "ReshareNotAvailable()");
    assert!(refused["error"]["hint"].as_str().unwrap().contains("resharing"), "{refused}");

    // The guardian takes the code back, at once, and the vote brings it anew: all three in one text.
    let guardian = accounts()[2].clone();
    let (image, code) = (keccak256("image").to_string(), keccak256("node").to_string());
    let revoke = ["node-code", "revoke", "--os-image", &image, "--compose-hash", &code];
    let revoke = [&revoke[..], &["--reason", "superseded"]].concat();
    assert_eq!(event(&sent(&quorate, &guardian, &revoke)), "NodeCodeRevoked");
    let lacking = quorate.json(&[&admit[..], &["--with-operator"]].concat(), 6);
    assert!(lacking["reverts"].as_str().unwrap().starts_with("NodeCodeNotApproved("), "{lacking}");

    // The vote: everybody's steps, with the committee's delay of seven days.
    let proposed =
        ["seat", "admit", &fourth, "--with-operator", "--with-code", "https://example.org"];
    let proposed = [&proposed[..], &["--propose", "A fourth node"]].concat();
    let of = ["--governor", &governor];
    let proposed = sent(&quorate, &proposer, &[&proposed[..], &of[..]].concat());
    let text = proposed["description"].as_str().unwrap();
    for words in ["node compose hash", &code, &image, "https://example.org"] {
        assert!(text.contains(words), "{words} is missing in\n{text}");
    }
    let id = proposed["proposalId"].as_str().unwrap().to_owned();
    let pass = |seconds: u64| {
        let time = world.now() + seconds;
        world.runtime.block_on(async {
            world.chain.next_block_at(time).await;
            world.chain.mine().await;
        });
    };
    for (wait, step) in [(11, vec!["vote", &id, "for"]), (1001, vec!["queue", &id])] {
        pass(wait);
        sent(&quorate, &proposer, &[&step[..], &of[..]].concat());
    }
    let early = quorate.json(&[&["execute", &id][..], &of[..]].concat(), 6);
    assert!(early["reverts"].as_str().unwrap().starts_with("GovernorUnmetDelay("), "{early}");
    pass(7 * 86_400);
    let executed = sent(&quorate, &proposer, &[&["execute", &id][..], &of[..]].concat());
    assert!(executed["events"].to_string().contains("SeatAdmitted"), "{executed}");
    let seats = quorate.json(&["seat", "list"], 0);
    assert_eq!(seats["candidates"], json!([]));
    assert_eq!(seats["seats"][3]["operator"], "operator-4");

    // The guardian's suspension waits for nothing.
    let suspended = sent(&quorate, &guardian, &["seat", "suspend", "4", "--reason", "compromised"]);
    assert_eq!(event(&suspended), "SeatSuspended");
}
