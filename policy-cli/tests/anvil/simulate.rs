//! `quorate simulate` against a real chain: what it foretells happens, and what a hostile proposal hides it says.

mod invariants;

use crate::{
    devchain::keys,
    genesis::{self, create},
    liar::{self, Lie},
    world::{BASE_DELAY, FLOOR, World, app_of, image, new_code, old_code, stranger},
};
use abi::{AllowlistPolicy, AppRegistry, IssuanceLog, KmsCommittee, QuorateGovernor, app_registry};
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes, U256, hex, keccak256};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::signers::SignerSync;
use alloy::sol_types::{SolCall, SolEvent, SolValue};
use serde_json::Value;
use wire::network::label;
use wire::statements::{Anchor, AppBootInfo, Attested, Domain, Input, Issuance, SeatSignature};

fn breaks(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    let broken = findings.filter(|finding| finding["breaks"] == true);
    let mut names: Vec<&str> =
        broken.map(|finding| finding["invariant"].as_str().unwrap()).collect();
    names.dedup();
    names
}

fn approve(hash: B256) -> AllowlistPolicy::approveComposeHashCall {
    AllowlistPolicy::approveComposeHashCall { composeHash: hash, uri: String::new() }
}

/// What a question of the report was.
fn attested(boot: &Value) -> app_registry::AppRegistry::Attested {
    let word = |field: &str, of: &str| -> B256 {
        boot[field].as_str().map_or_else(|| stranger(of), |word| word.parse().unwrap())
    };
    app_registry::AppRegistry::Attested {
        boot: app_registry::AppRegistry::AppBootInfo {
            appId: boot["appId"].as_str().unwrap().parse().unwrap(),
            composeHash: word("composeHash", "compose hash"),
            instanceId: Address::from_word(stranger("instance")),
            deviceId: word("device", "device"),
            mrAggregated: stranger("machine"),
            mrSystem: word("measurement", "measurement"),
            osImageHash: word("osImageHash", ""),
            tcbStatus: "UpToDate".into(),
            advisoryIds: vec![],
        },
        root: word("root", ""),
        vendor: label("vendor", boot["vendor"].as_str().unwrap()).unwrap(),
        tcbEvaluationDataNumber: u32::MAX,
    }
}

/// [SIM-2] [SIM-3] [SIM-5] [SIM-6] [SIM-7] [SIM-11]: a live proposal, and then the same on the chain.
#[test]
fn what_a_simulation_foretells_happens() {
    let Some(world) = World::new(false) else { return };
    let chain = &world.chain;
    let text = format!("# New code\n\nIt approves {}.\n", new_code());
    let voter = keys()[0].address();
    let (targets, values) = (vec![world.app], vec![U256::ZERO]);
    let calldatas: Vec<Bytes> = vec![approve(new_code()).abi_encode().into()];
    let propose = QuorateGovernor::proposeCall {
        targets: targets.clone(),
        values: values.clone(),
        calldatas: calldatas.clone(),
        description: text.clone(),
    };
    let made = world.runtime.block_on(chain.send_as(voter, world.governor, &propose));
    let created = made
        .logs()
        .iter()
        .find_map(|log| QuorateGovernor::ProposalCreated::decode_log(&log.inner).ok());
    let id = created.unwrap().proposalId;

    let arguments = [
        "simulate",
        "--governor",
        &world.governor.to_string(),
        "--proposal",
        &id.to_string(),
        "--block",
        "latest",
        "--exit-code",
    ];
    let report = world.quorate().json(&arguments, 10);
    assert_eq!(report["schema"], "quorate.simulate");
    assert_eq!(breaks(&report), Vec::<&str>::new(), "{report}");
    assert_eq!(report["by"]["proposalId"], id.to_string());
    // The same at the same block: the report and its hash are a function of the state.
    assert_eq!(world.quorate().json(&arguments, 10), report);

    let boots = report["boots"]["list"].as_array().unwrap();
    let new: Vec<&Value> =
        boots.iter().filter(|boot| boot["composeHash"] == new_code().to_string()).collect();
    assert_eq!(new.len(), 1);
    assert_eq!(new[0]["now"]["reason"], "Compose hash not allowed");
    assert_eq!(new[0]["without"]["allowed"], false);
    assert_eq!(new[0]["with"]["allowed"], true);
    let times = &report["times"];
    let (decided, executed, effective) = (
        times["decidedAt"].as_u64().unwrap(),
        times["executedAt"].as_u64().unwrap(),
        times["effectiveAt"].as_u64().unwrap(),
    );
    assert_eq!(effective - executed, u64::from(FLOOR));
    assert_eq!(executed - decided, u64::from(BASE_DELAY) + 1);
    assert_eq!(new[0]["widenedAt"].as_u64(), Some(effective));

    // The chain does it, at the very times.
    let step = |what: &str| -> &Value {
        report["steps"].as_array().unwrap().iter().find(|step| step["what"] == what).unwrap()
    };
    let hash = keccak256(text.as_bytes());
    let allowed = |boot: &Value| -> bool {
        let call = AppRegistry::isAllowedCall { attested: attested(boot) };
        let request = TransactionRequest::default()
            .with_from(world.contracts.issuance_log)
            .with_to(world.contracts.app_registry)
            .with_input(Bytes::from(call.abi_encode()));
        let answer = world.runtime.block_on(async { chain.provider.call(request).await }).unwrap();
        bool::abi_decode(&answer[..32]).unwrap()
    };
    for boot in boots {
        assert_eq!(Value::from(allowed(boot)), boot["now"]["allowed"], "{boot}");
    }
    let at = |step: &Value| step["time"].as_u64().unwrap();
    world.runtime.block_on(async {
        chain.next_block_at(at(step("vote"))).await;
        let vote = QuorateGovernor::castVoteCall { proposalId: id, support: 1 };
        chain.send_as(voter, world.governor, &vote).await;
        chain.next_block_at(at(step("queue"))).await;
        let queue = QuorateGovernor::queue_0Call {
            targets: targets.clone(),
            values: values.clone(),
            calldatas: calldatas.clone(),
            descriptionHash: hash,
        };
        chain.send_as(voter, world.governor, &queue).await;
        chain.next_block_at(at(step("execute"))).await;
        let execute =
            QuorateGovernor::execute_0Call { targets, values, calldatas, descriptionHash: hash };
        let done = chain.send_as(voter, world.governor, &execute).await;
        let told = step("execute")["events"].as_array().unwrap();
        assert_eq!(done.logs().len(), told.len());
        for (log, event) in done.logs().iter().zip(told) {
            assert_eq!(event["address"], log.address().to_string().to_lowercase());
        }
        // 21,000 and the calldata come on top.
        let gas = step("execute")["gas"].as_u64().unwrap();
        assert!(
            done.gas_used > gas + 21_000 && done.gas_used < gas + 40_000,
            "{gas} {}",
            done.gas_used
        );
        for change in step("execute")["storage"].as_array().unwrap() {
            let address: Address = change["address"].as_str().unwrap().parse().unwrap();
            let slot: U256 = change["slot"].as_str().unwrap().parse().unwrap();
            let value = chain.provider.get_storage_at(address, slot).await.unwrap();
            assert_eq!(change["after"], B256::from(value).to_string(), "{change}");
        }
    });
    let named = step("execute")["storage"].to_string();
    assert!(named.contains(&format!("_composeHash[{}]", new_code())), "{named}");
    world.runtime.block_on(async {
        chain.next_block_at(effective).await;
        chain.mine().await;
    });
    assert_eq!(world.now(), effective);
    for boot in boots {
        assert_eq!(Value::from(allowed(boot)), boot["with"]["allowed"], "{boot}");
    }
    // Executed: nothing is left to simulate.
    let over = world.quorate().json(&arguments, 4);
    assert!(over["error"]["message"].as_str().unwrap().contains("executed"), "{over}");
}

/// [SIM-5]: on a long chain, behind an endpoint that answers for few blocks at a time.
#[test]
fn a_proposal_is_searched_from_its_vote_backwards() {
    let Some(world) = World::new(false) else { return };
    let chain = &world.chain;
    let propose = |text: &str| QuorateGovernor::proposeCall {
        targets: vec![world.app],
        values: vec![U256::ZERO],
        calldatas: vec![approve(new_code()).abi_encode().into()],
        description: format!("# {text}\n\nIt approves {}.\n", new_code()),
    };
    let made = |text: &str| -> U256 {
        let voter = keys()[0].address();
        let receipt = world.runtime.block_on(chain.send_as(voter, world.governor, &propose(text)));
        let mut logs = receipt.logs().iter();
        let found =
            logs.find_map(|log| QuorateGovernor::ProposalCreated::decode_log(&log.inner).ok());
        found.unwrap().proposalId
    };
    let pass = |blocks: u64| {
        let mined = chain.provider.raw_request::<_, Value>(
            "anvil_mine".into(),
            serde_json::json!([format!("{blocks:#x}"), "0x1"]),
        );
        world.runtime.block_on(mined).unwrap();
    };
    pass(3_000);
    let id = made("Searched");
    // Younger proposals and blocks do not hide it; the vote still runs.
    pass(500);
    let last = made("Another").to_string();
    let narrow = liar::start(&chain.url, Lie::Narrow(2_000));
    let (governor, id) = (world.governor.to_string(), id.to_string());
    let here = ["--governor", &governor, "--rpc-url", &narrow];
    let simulate = ["simulate", "--proposal", &id, "--block", "latest"];
    let report = world.quorate().json(&[&simulate[..], &here[..]].concat(), 0);
    assert_eq!(report["by"]["proposalId"], id);
    let decoded = world.quorate().json(&[&["decode", &id], &here[..]].concat(), 0);
    assert_eq!(decoded["proposalId"], id);
    // While the vote runs it is voted on or vetoed, and nothing else.
    let refused = |verb: &[&str], code: i32| {
        let at = ["--governor", &governor];
        world.quorate().json(&[verb, &at[..]].concat(), code)["reverts"].to_string()
    };
    for verb in ["queue", "execute"] {
        assert!(refused(&[verb, &id], 6).contains("GovernorUnexpectedProposalState"), "{verb}");
    }
    for verb in [vec!["vote", &id, "for"], vec!["veto", &id]] {
        assert_eq!(refused(&verb, 0), "null");
    }
    refused(&["cancel", &id], 6);
    // One that the Governor has and the endpoint does not tell is no absent one.
    let blind = liar::start(&chain.url, Lie::Narrow(u64::MAX));
    let blind = ["decode", &id, "--governor", &governor, "--rpc-url", &blind];
    assert_eq!(world.quorate().json(&blind, 5)["error"]["code"], "network");
    let hidden = liar::start(&chain.url, Lie::HiddenEvent);
    let hidden = ["decode", &last, "--governor", &governor, "--rpc-url", &hidden];
    let untold = world.quorate().json(&hidden, 5)["error"]["message"].to_string();
    assert!(untold.contains("does not tell its event"), "{untold}");
}

/// [SIM-4] [SIM-7] [SIM-10]: a foreign policy's list can't be read; every identity that had keys is asked about all the same,
/// and the report says what is not.
#[test]
fn a_foreign_policy_is_judged_by_who_had_keys() {
    let Some(world) = World::new(true) else { return };
    let chain = &world.chain;
    let owner = keys()[1].address();
    // Answers (slot 0, ""); a call of one byte sets slot 0 to yes.
    let switch =
        hex!("601a600c600039601a6000f3" "366001146014575f545f52604060205260605ff35b60015f5500")
            .to_vec();
    let (app, foreign) = world.runtime.block_on(async {
        let app = app_of(chain, &world.contracts, owner, B256::repeat_byte(1)).await;
        issue(&world, app).await;
        let foreign = create(chain, &switch.into(), vec![]).await;
        let replace = AppRegistry::setPolicyCall { appId: app, policy: foreign };
        chain.send_as(owner, world.contracts.app_registry, &replace).await;
        let head = chain.provider.get_block(Default::default()).await.unwrap().unwrap();
        chain.next_block_at(head.header.timestamp + u64::from(FLOOR) + 1).await;
        chain.mine().await;
        (app, foreign)
    });
    let (from, to) = (owner.to_string(), foreign.to_string());
    let call = ["simulate", "--from", &from, "--to", &to, "--data", "0x01", "--block", "latest"];
    let report = world.quorate().json(&call, 4);
    // It opens to all at once, whatever a delay says.
    assert_eq!(breaks(&report), ["approved-code-only", "slow-to-widen"]);
    let boots = report["boots"]["list"].as_array().unwrap();
    let is_issued = |boot: &&Value| {
        boot["who"]["kind"] == "issued" && boot["appId"] == app.to_string().to_lowercase()
    };
    let issued: Vec<&Value> = boots.iter().filter(is_issued).collect();
    assert_eq!(issued.len(), 1, "{report}");
    assert_eq!(
        (&issued[0]["now"]["allowed"], &issued[0]["with"]["allowed"]),
        (&false.into(), &true.into())
    );
    let notes = report["notes"].to_string();
    let covered =
        "asked about are identities that had keys, --as evidence, and what lists of ours name";
    assert!(notes.contains(&format!("policy {foreign} of app {app} is foreign")), "{notes}");
    assert!(
        notes.contains(covered) && notes.contains("code that it alone knows is not"),
        "{notes}"
    );
}

/// [SIM-10]: a revoked hash comes back by name, which is said, or past its list, which breaks.
#[test]
fn a_revoked_hash_that_comes_back_is_said_and_a_veto_ends_it() {
    let Some(world) = World::new(false) else { return };
    let guardian = keys()[2].address();
    let revoke = AllowlistPolicy::revokeComposeHashCall { composeHash: old_code(), reason: 2 };
    world.runtime.block_on(world.chain.send_as(guardian, world.app, &revoke));
    // Past its list: whatever the new policy is asked, it says yes.
    let yes = hex!("600d600c600039600d6000f3" "60015f52604060205260605ff3").to_vec();
    let foreign = world.runtime.block_on(create(&world.chain, &yes.into(), vec![]));
    let replace = AppRegistry::setPolicyCall { appId: world.app, policy: foreign };
    let report = world.proposed(world.contracts.app_registry, &replace, "", 4);
    assert_eq!(
        breaks(&report),
        ["approved-code-only", "judged-by-our-code", "revoked-stays-revoked"]
    );
    let text = format!("It approves {}.", old_code());
    let report = world.proposed(world.app, &approve(old_code()), &text, 0);
    let findings = report["findings"].to_string();
    assert!(
        findings
            .contains("revoked as 2 (compromised), could boot again: it is approved anew by name"),
        "{findings}"
    );

    // A live proposal, vetoed by the proposal guardian.
    let propose = QuorateGovernor::proposeCall {
        targets: vec![world.app],
        values: vec![U256::ZERO],
        calldatas: vec![approve(old_code()).abi_encode().into()],
        description: text,
    };
    let (id, veto) = world.runtime.block_on(async {
        let voter = keys()[0].address();
        let made = world.chain.send_as(voter, world.governor, &propose).await;
        let logs = made.logs().iter();
        let id = logs
            .filter_map(|log| QuorateGovernor::ProposalCreated::decode_log(&log.inner).ok())
            .next()
            .unwrap()
            .proposalId;
        (id, QuorateGovernor::cancel_0Call { proposalId: id })
    });
    let arguments = [
        "simulate",
        "--governor",
        &world.governor.to_string(),
        "--proposal",
        &id.to_string(),
        "--block",
        "latest",
    ];
    assert_eq!(world.quorate().json(&arguments, 0)["reverts"], Value::Null);
    world.runtime.block_on(world.chain.send_as(guardian, world.governor, &veto));
    let over = world.quorate().json(&arguments, 4);
    assert!(over["error"]["message"].as_str().unwrap().contains("is canceled"), "{over}");
    // An id that nobody proposed.
    let absent = [
        "simulate",
        "--governor",
        &world.governor.to_string(),
        "--proposal",
        "7",
        "--block",
        "latest",
    ];
    assert_eq!(world.quorate().json(&absent, 3)["error"]["code"], "not_found");
}

/// [SIM-1] [SIM-4] [SIM-7]: an identity that had keys, the guardian's revocation by a Safe batch, and endpoints that lie about it.
#[test]
fn issued_identities_are_asked_about_and_liars_are_named() {
    let Some(world) = World::new(true) else { return };
    world.runtime.block_on(issue(&world, world.app));
    let guardian = keys()[2].address();
    let revoke = AllowlistPolicy::revokeComposeHashCall { composeHash: old_code(), reason: 2 };
    let batch = serde_json::json!({
        "version": "1.0", "chainId": "31337", "createdAt": 1,
        "meta": { "name": "revoke", "description": "", "createdFromSafeAddress": guardian },
        "transactions": [{ "to": world.app, "value": "0", "data": hex::encode_prefixed(revoke.abi_encode()) }],
    });
    std::fs::write(world.directory.path().join("batch.json"), batch.to_string()).unwrap();
    let safe = guardian.to_string();
    let arguments = [
        "simulate",
        "--safe-batch",
        "batch.json",
        "--from",
        &safe,
        "--block",
        "latest",
        "--exit-code",
    ];
    let report = world.quorate().json(&arguments, 10);
    assert_eq!(breaks(&report), Vec::<&str>::new());
    let boots = report["boots"]["list"].as_array().unwrap();
    let issued: Vec<&Value> = boots.iter().filter(|boot| boot["who"]["kind"] == "issued").collect();
    assert_eq!(issued.len(), 1, "{report}");
    assert_eq!(issued[0]["device"], B256::repeat_byte(0xd1).to_string());
    assert_eq!(
        (&issued[0]["now"]["allowed"], &issued[0]["with"]["allowed"]),
        (&true.into(), &false.into())
    );
    assert_eq!(issued[0]["with"]["reason"], "Compose hash not allowed");
    let key = &report["keys"][0];
    assert_eq!((&key["without"], &key["with"]), (&true.into(), &false.into()));
    let text = world.quorate().run(&arguments).out;
    for words in ["becomes unreachable", "had keys, 1 times", "ComposeHashRevoked(", "report hash"]
    {
        assert!(text.contains(words), "{words:?} is missing in\n{text}");
    }

    let lied = |lie: Lie, exit: i32| -> Value {
        let url = liar::start(&world.chain.url, lie);
        world.quorate().json(&[&arguments[..], &["--rpc-url", &url]].concat(), exit)
    };
    let slot = lied(Lie::Slot, 5);
    assert!(slot["error"]["message"].as_str().unwrap().contains("lied: forged slot"), "{slot}");
    let hidden = lied(Lie::HiddenEvent, 5);
    assert!(
        hidden["error"]["message"].as_str().unwrap().contains("hides or changes events of"),
        "{hidden}"
    );
    // An identity that the seats did not sign is not asked about, and the report says so.
    let made_up = lied(Lie::Calldata, 10);
    assert!(
        made_up["notes"].to_string().contains("no identity that its seats signed"),
        "{made_up}"
    );
    assert!(!made_up["boots"].to_string().contains(&"d2".repeat(32)));
}

/// Two seats sign that an enclave may have an app's key, and it is recorded.
async fn issue(world: &World, app: Address) {
    let provider = &world.chain.provider;
    let head = provider.get_block(Default::default()).await.unwrap().unwrap().header;
    let keyset = TransactionRequest::default()
        .with_to(world.contracts.kms_committee)
        .with_input(Bytes::from(KmsCommittee::keysetCall {}.abi_encode()));
    let keyset = provider.call(keyset).await.unwrap();
    let keyset = KmsCommittee::keysetCall::abi_decode_returns(&keyset).unwrap();
    let attested = Attested {
        boot: AppBootInfo {
            appId: app,
            composeHash: old_code(),
            instanceId: Address::repeat_byte(9),
            deviceId: B256::repeat_byte(0xd1),
            mrAggregated: B256::repeat_byte(1),
            mrSystem: B256::repeat_byte(2),
            osImageHash: image(),
            tcbStatus: "UpToDate".into(),
            advisoryIds: vec![],
        },
        root: genesis::root(0),
        vendor: label("vendor", "soft-a").unwrap(),
        tcbEvaluationDataNumber: 1,
    };
    let issuance = Issuance {
        keysetId: keyset.keysetId,
        epoch: keyset.epoch,
        reportData: [B256::repeat_byte(3), B256::repeat_byte(4)],
        releaseAt: 1,
        anchor: Anchor { number: head.number, hash: head.hash },
        sessionKey: Address::repeat_byte(5),
        evidenceHash: B256::repeat_byte(6),
        attested,
        inputs: vec![Input {
            kind: 1,
            scopeKind: 1,
            scopeValue: B256::ZERO,
            keyVersion: 1,
            secretId: B256::ZERO,
            ciphertextHash: B256::ZERO,
        }],
    };
    let domain = Domain::IssuanceLog { chain_id: 31337, contract: world.contracts.issuance_log };
    let digest = domain.digest(&issuance);
    let signatures: Vec<SeatSignature> = [1u16, 2]
        .into_iter()
        .zip(keys())
        .map(|(seat, key)| SeatSignature::new(seat, &key.sign_hash_sync(&digest).unwrap()))
        .collect();
    let arguments = (vec![issuance], vec![signatures]).abi_encode_params();
    let calldata = [&IssuanceLog::recordCall::SELECTOR[..], &arguments].concat();
    world.chain.send(Some(world.contracts.issuance_log), calldata.into()).await;
}

/// [SIM-13] [SIM-12]: an app is a clone of code that this checkout compiles to; another contract is none of it. Without npm
/// packages it says so.
#[test]
fn a_deployed_contract_is_held_against_its_sources() {
    let Some(world) = World::new(false) else { return };
    let checkout = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let app = world.app.to_string();
    let source = |arguments: &[&str], exit: i32| {
        let common = ["--checkout", checkout, "--block", "latest"];
        world.quorate().json(&[&["verify", "source"], arguments, &common[..]].concat(), exit)
    };
    let outsider = keys()[3].address().to_string();
    let nothing = source(&[&outsider], 3);
    assert!(nothing["error"]["message"].as_str().unwrap().ends_with("has no code"), "{nothing}");
    let foreign = world.runtime.block_on(create(
        &world.chain,
        &hex!("600d600c600039600d6000f3" "60015f52604060205260605ff3").into(),
        vec![],
    ));
    let unknown = source(&[&foreign.to_string()], 4);
    assert!(
        unknown["error"]["message"].as_str().unwrap().contains("is like no contract"),
        "{unknown}"
    );

    // What the policy is now, and before a revocation: the same tool for auditors.
    let before =
        world.runtime.block_on(async { world.chain.provider.get_block_number().await }).unwrap();
    let revoke = AllowlistPolicy::revokeComposeHashCall { composeHash: old_code(), reason: 2 };
    world.runtime.block_on(world.chain.send_as(keys()[2].address(), world.app, &revoke));
    let (from, to) = (before.to_string(), "latest");
    let arguments = ["diff", "--app", &app, "--from-block", &from, "--to-block", to, "--exit-code"];
    let diff = world.quorate().json(&arguments, 10);
    assert_eq!(diff["changes"].as_array().unwrap().len(), 1);
    assert_eq!(diff["changes"][0]["place"], format!("compose hash {}", old_code()));
    assert_eq!(diff["changes"][0]["after"], Value::Null);

    if !std::path::Path::new(checkout).join("contracts/node_modules/solc").exists() {
        assert!(std::env::var_os("REQUIRE_ANVIL").is_none(), "solc is missing: run script/setup");
        eprintln!("skipped: solc is missing; run script/setup");
        return;
    }
    let exact = source(&[&app], 0);
    assert_eq!(
        (exact["match"].as_str(), exact["contract"].as_str()),
        (Some("exact"), Some("AllowlistPolicy"))
    );
    assert_eq!(exact["clones"], serde_json::json!([world.app]));
    assert_eq!(exact["metadata"]["chain"], exact["metadata"]["sources"]);
    assert_eq!(exact["metadata"]["chain"]["solc"], "0.8.37");
    let registry = B256::left_padding_from(world.contracts.app_registry.as_slice()).to_string();
    assert!(exact["immutables"].as_array().unwrap().contains(&registry.into()), "{exact}");
    let another = source(&[&foreign.to_string(), "--contract", "AllowlistPolicy"], 4);
    assert_eq!(
        (another["match"].as_str(), &another["firstDifference"]),
        (Some("none"), &Value::from(1))
    );
}
