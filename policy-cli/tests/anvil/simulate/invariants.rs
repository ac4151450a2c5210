//! What `quorate simulate` says that a proposal breaks: each invariant by name, and only that.

use super::{approve, breaks};
use crate::{
    devchain::keys,
    genesis::create,
    world::{DAYS_2, FLOOR, GRANTOR, World, new_code, old_code},
};
use abi::{AccessManager, AllowlistPolicy, AppRegistry, AttestationRegistry, QuorateGovernor};
use alloy::primitives::{B256, U256, hex, keccak256};
use alloy::providers::Provider;
use alloy::sol_types::{SolCall, SolValue};
use serde_json::Value;
use wire::network::label;

/// [SIM-9] [SIM-10]: each is exposed by name.
#[test]
fn hostile_proposals_are_exposed() {
    let Some(world) = World::new(false) else { return };
    let outsider = keys()[3].address();
    let manager = world.contracts.access_manager;

    let friendly = format!("# Bug fix\n\nIt approves {}.\n", new_code());
    let hidden = B256::repeat_byte(0xee);
    let report = world.proposed(world.app, &approve(hidden), &friendly, 4);
    assert_eq!(breaks(&report), ["text-is-calldata"]);
    assert!(report["boots"]["list"].to_string().contains(&hidden.to_string()));

    let grant = AccessManager::grantRoleCall { roleId: 0, account: outsider, executionDelay: 0 };
    let report = world.proposed(manager, &grant, "", 4);
    assert_eq!(breaks(&report), ["delays-stay", "rights-as-the-table"]);
    assert!(report["findings"].to_string().contains("(administrator)"), "{report}");

    let guardian = keys()[2].address();
    let grant =
        AccessManager::grantRoleCall { roleId: GRANTOR, account: guardian, executionDelay: DAYS_2 };
    let report = world.proposed(manager, &grant, "", 4);
    assert_eq!(breaks(&report), ["guardian-grants-nothing", "rights-as-the-table"]);

    let lower = AccessManager::grantRoleCall {
        roleId: GRANTOR,
        account: world.governor,
        executionDelay: 60,
    };
    let report = world.proposed(manager, &lower, "", 4);
    assert_eq!(breaks(&report), ["delays-stay"]);
    assert!(report["findings"].to_string().contains("the floor is 2 d"), "{report}");

    let give = AccessManager::setTargetFunctionRoleCall {
        target: world.contracts.attestation_registry,
        selectors: vec![AttestationRegistry::openRootCall::SELECTOR.into()],
        roleId: 1,
    };
    assert_eq!(breaks(&world.proposed(manager, &give, "", 4)), ["rights-as-the-table"]);

    // Answers (true, "") to whatever it is asked.
    let creation = hex!("600d600c600039600d6000f3" "60015f52604060205260605ff3").to_vec();
    let foreign = world.runtime.block_on(create(&world.chain, &creation.into(), vec![]));
    let replace = AppRegistry::setPolicyCall { appId: world.app, policy: foreign };
    let report = world.proposed(world.contracts.app_registry, &replace, "", 4);
    assert_eq!(breaks(&report), ["approved-code-only", "judged-by-our-code"]);
    let times = &report["times"];
    let wait = times["effectiveAt"].as_u64().unwrap() - times["executedAt"].as_u64().unwrap();
    assert_eq!(wait, u64::from(FLOOR));

    let zero = QuorateGovernor::setBaseDelaySecondsCall { newBaseDelay: 0 };
    assert_eq!(breaks(&world.proposed(world.governor, &zero, "", 4)), ["delays-stay"]);

    // Offered to the guardian, who takes it: one step further than the proposal itself.
    let offer = AppRegistry::offerOwnershipCall { appId: world.app, newOwner: guardian };
    let report = world.proposed(world.contracts.app_registry, &offer, "", 4);
    assert_eq!(breaks(&report), ["guardian-grants-nothing"]);
    assert!(report["steps"].to_string().contains("OwnershipTaken"));

    // A call that reverts says why, and breaks nothing.
    let again = world.proposed(world.app, &approve(old_code()), "", 6);
    assert!(again["reverts"].as_str().unwrap().starts_with("AlreadyApproved("), "{again}");

    // The network's own grants wait two days from the vote on, and the report says so.
    let image = AttestationRegistry::approveOsImageCall {
        osImageHash: B256::repeat_byte(7),
        uri: String::new(),
    };
    let report = world.proposed(world.contracts.attestation_registry, &image, "", 0);
    let times = &report["times"];
    let wait = times["executedAt"].as_u64().unwrap() - times["decidedAt"].as_u64().unwrap();
    assert_eq!(wait, u64::from(DAYS_2) + 1);
    assert_eq!(report["boots"]["changed"], 1);
}

/// [SIM-10] `slow-to-widen`: before the hand-over the deployer lets a machine in at once; the same by a vote waits two days
/// (`hostile_proposals_are_exposed`).
#[test]
fn what_widens_at_once_is_exposed() {
    let Some(world) = World::with(false, false) else { return };
    let deployer = keys()[0].address().to_string();
    let registry = world.contracts.attestation_registry.to_string();
    let image = B256::repeat_byte(7);
    let approve =
        AttestationRegistry::approveOsImageCall { osImageHash: image, uri: String::new() };
    let data = hex::encode_prefixed(approve.abi_encode());
    let call = ["simulate", "--from", &deployer, "--to", &registry, "--data", &data];
    let report = world.quorate().json(&[&call[..], &["--block", "latest"]].concat(), 4);
    assert_eq!(breaks(&report), ["slow-to-widen"]);
    let said = report["findings"].to_string();
    assert!(said.contains("0 s after the decision, the floor is 1 h"), "{said}");
    assert!(report["boots"]["list"].to_string().contains(&image.to_string()));
}

/// [SIM-10] `seats-are-split`: KmsCommittee opens no such epoch and a root keeps its vendor, so the state itself is written:
/// as if the contract had let seat 2 go to the operator of seat 1. Two of its seats would be enough for the keys.
#[test]
fn a_quorum_in_one_hand_is_exposed() {
    let Some(world) = World::new(true) else { return };
    let guardian = keys()[2].address().to_string();
    let revoke = AllowlistPolicy::revokeComposeHashCall { composeHash: old_code(), reason: 2 };
    let (app, data) = (world.app.to_string(), hex::encode_prefixed(revoke.abi_encode()));
    let call = ["simulate", "--from", &guardian, "--to", &app, "--data", &data];
    let call = [&call[..], &["--block", "latest"]].concat();
    assert_eq!(breaks(&world.quorate().json(&call, 0)), Vec::<&str>::new());
    let operator_of = |seat: u64| -> B256 {
        let seats = keccak256((U256::from(seat), layout("KmsCommittee", "_seats")).abi_encode());
        // Facts are the struct's first word, the operator its second.
        (U256::from_be_bytes(seats.0) + U256::from(1)).into()
    };
    world.runtime.block_on(async {
        let committee = world.contracts.kms_committee;
        let first = label("operator", "operator-1").unwrap();
        let told = world.chain.provider.get_storage_at(committee, operator_of(1).into()).await;
        assert_eq!(B256::from(told.unwrap()), first);
        let params = serde_json::json!([committee, operator_of(2), first]);
        let set: bool =
            world.chain.provider.raw_request("anvil_setStorageAt".into(), params).await.unwrap();
        assert!(set);
        world.chain.mine().await;
    });
    let report = world.quorate().json(&call, 4);
    assert_eq!(breaks(&report), ["seats-are-split"]);
    let said = report["findings"].to_string();
    assert!(said.contains("operator operator-1 would hold 2 seats of epoch 1, 2 are"), "{said}");
}

/// The slot of a variable, as `simulate` names it.
fn layout(contract: &str, variable: &str) -> U256 {
    let layouts: Value =
        serde_json::from_str(include_str!("../../../src/simulate/layouts.json")).unwrap();
    let variables = layouts[contract]["storage"].as_array().unwrap();
    let found = variables.iter().find(|found| found["label"] == variable).unwrap();
    U256::from(found["slot"].as_u64().unwrap())
}
