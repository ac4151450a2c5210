//! `quorate app policy` of every kind of policy, made by AppRegistry or by nobody: all that it holds is shown.

use crate::{
    Quorate,
    devchain::{accounts, keys},
    genesis::create,
    world::World,
};
use abi::{AllOfPolicy, AppRegistry, LicensePolicy, app_registry::AppRegistry::Holding};
use alloy::primitives::{Address, U256};
use alloy::sol_types::{SolCall, SolValue};
use serde_json::{Value, json};

const HOUR: u64 = 3600;

fn sent(quorate: &Quorate<'_>, from: &str, args: &[&str]) -> Value {
    let key = ["--broadcast", "--yes", "--unlocked", "--from", from];
    quorate.json(&[args, &key[..]].concat(), 0)
}

impl World {
    /// Sends as the apps' owner; the contract whose event comes first.
    fn owner(&self, to: Address, call: &impl SolCall) -> Address {
        let receipt = self.runtime.block_on(self.chain.send_as(keys()[1].address(), to, call));
        receipt.logs().first().unwrap().address()
    }

    fn pass(&self, seconds: u64) {
        let time = self.now() + seconds;
        self.runtime.block_on(async {
            self.chain.next_block_at(time).await;
            self.chain.mine().await;
        });
    }

    /// Replaces the app's policy, and waits until that counts.
    fn judged_by(&self, app: &str, policy: Address) {
        let set = ["app", "policy", app, "--set", &policy.to_string()];
        sent(&self.quorate(), &accounts()[1], &set);
        self.pass(HOUR + 1);
    }
}

#[test]
fn a_policy_of_every_kind_is_shown_with_all_that_it_holds() {
    let Some(world) = World::with(true, false) else { return };
    let (quorate, registry) = (world.quorate(), world.contracts.app_registry);
    let [_, owner, guardian, _] = accounts();
    let create_app = ["app", "create", "--owner", &owner, "--guardian", &guardian];
    let create_app = [&create_app[..], &["--danger-any-device", "--grant-delay", "1h"]].concat();
    let app = sent(&quorate, &owner, &create_app)["appId"].as_str().unwrap().to_owned();
    let id: Address = app.parse().unwrap();
    let lower = |address: Address| address.to_string().to_lowercase();

    let shown = quorate.json(&["app", "policy", &app], 0);
    assert_eq!((&shown["kind"], &shown["isForeign"]), (&json!("AllowlistPolicy"), &json!(false)));

    // Every one must agree; one is on its way out.
    let arguments = (registry, id, HOUR as u32, vec![id]).abi_encode_params();
    let foreign = world.runtime.block_on(create(&world.chain, &AllOfPolicy::BYTECODE, arguments));
    let all_of = AppRegistry::createAllOfPolicyCall {
        appId: id,
        grantDelaySeconds: HOUR as u32,
        members: vec![id, foreign],
    };
    let all_of = world.owner(registry, &all_of);
    world.judged_by(&app, all_of);
    world.owner(all_of, &AllOfPolicy::removeMemberCall { member: foreign });
    let leaves = world.now() + HOUR;
    let shown = quorate.json(&["app", "policy", &app], 0);
    assert_eq!((&shown["kind"], &shown["isForeign"]), (&json!("AllOfPolicy"), &json!(false)));
    let members = json!([
        { "policy": lower(id), "removedFrom": null },
        { "policy": lower(foreign), "removedFrom": leaves },
    ]);
    assert_eq!(shown["allOf"], json!({ "members": members, "isLocked": false }));
    let text = quorate.run(&["app", "policy", &app]).out;
    assert!(text.contains("kind        AllOfPolicy\n"), "{text}");
    assert!(text.contains(&format!("members     {id}\n            {foreign} until ")), "{text}");
    // It has no lists, and that is said where they would be.
    let status = quorate.json(&["status", &app], 0);
    assert_eq!(
        (&status["policyKind"], &status["allowlist"]),
        (&json!("AllOfPolicy"), &json!(null))
    );
    let text = quorate.run(&["status", &app]).out;
    assert!(text.contains(&format!("AllOfPolicy: quorate app policy {id}")), "{text}");
    world.pass(HOUR + 1);
    world.owner(all_of, &AllOfPolicy::lockMembersCall {});
    let shown = quorate.json(&["app", "policy", &app], 0);
    assert_eq!(shown["allOf"]["isLocked"], true);
    assert_eq!(shown["allOf"]["members"].as_array().map(Vec::len), Some(1), "{shown}");

    // A replacement on its way is cancelled by the guardian, once.
    let (token, licensee) = (world.contracts.kms_committee, keys()[3].address());
    let until = world.now() + 10 * HOUR;
    let license = AppRegistry::createLicensePolicyCall {
        appId: id,
        grantDelaySeconds: HOUR as u32,
        inner: id,
        until,
        holding: Holding { token, licensee, leastBalance: U256::from(5) },
    };
    let license = world.owner(registry, &license);
    sent(&quorate, &owner, &["app", "policy", &app, "--set", &license.to_string()]);
    let cancel = ["app", "policy", &app, "--cancel", "--reason", "retired"];
    let cancelled = sent(&quorate, &guardian, &cancel);
    assert_eq!(cancelled["events"][0]["name"], "PolicyChangeCancelled");
    assert_eq!(quorate.json(&cancel, 6)["error"]["code"], "reverted");
    world.judged_by(&app, license);

    // A licence, with what keeps it alive; a later end waits, an earlier one does not.
    world.owner(license, &LicensePolicy::extendCall::from((until + HOUR,)));
    let from = world.now() + HOUR;
    let shown = quorate.json(&["app", "policy", &app], 0);
    assert_eq!((&shown["kind"], &shown["isForeign"]), (&json!("LicensePolicy"), &json!(false)));
    let holding =
        json!({ "token": lower(token), "licensee": lower(licensee), "leastBalance": "5" });
    let expected = json!({
        "inner": lower(id),
        "until": until,
        "extension": { "until": until + HOUR, "effectiveAt": from },
        "holding": holding,
        "isLicensed": true,
    });
    assert_eq!(shown["license"], expected);
    let text = quorate.run(&["app", "policy", &app]).out;
    for words in [format!("or while {licensee} holds 5 of {token}"), format!("inner       {id}")] {
        assert!(text.contains(&words), "{words:?} is missing in\n{text}");
    }
    world.owner(license, &LicensePolicy::dropHoldingCall { reason: 4 });
    world.owner(license, &LicensePolicy::cutCall::from((0, 4)));
    let shown = quorate.json(&["app", "policy", &app], 0);
    let license = &shown["license"];
    assert_eq!((&license["holding"], &license["extension"]), (&json!(null), &json!(null)));
    assert_eq!(license["isLicensed"], false);
    let text = quorate.run(&["app", "policy", &app]).out;
    assert!(text.contains("NOT in force: nobody is allowed"), "{text}");

    // The same code that nobody of ours made is foreign, and what it says is its own word.
    world.judged_by(&app, foreign);
    let shown = quorate.json(&["app", "policy", &app], 0);
    assert_eq!((&shown["kind"], &shown["isForeign"]), (&json!("AllOfPolicy"), &json!(true)));
    let text = quorate.run(&["app", "policy", &app]).out;
    assert!(text.contains("answers as AllOfPolicy; FOREIGN: judge its code yourself"), "{text}");
    world.judged_by(&app, world.contracts.issuance_log);
    let shown = quorate.json(&["app", "policy", &app], 0);
    assert_eq!((&shown["kind"], &shown["isForeign"]), (&json!(null), &json!(true)));
    assert_eq!(quorate.json(&["status", &app], 0)["policyKind"], json!(null));
    assert_eq!(quorate.json(&["app", "policy", &lower(foreign)], 3)["error"]["code"], "not_found");
}
