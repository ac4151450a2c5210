//! The golden dump of every signed statement, and the vectors that Solidity and Python check too. [WIRE-5]
//!
//! `BLESS=1 cargo test -p wire --test statements` writes both anew; the diff is a change of format.
#![allow(clippy::disallowed_methods, reason = "BLESS is asked for by whoever runs the test")]

use alloy_primitives::{Address, B256, Bytes, hex};
use alloy_sol_types::{SolStruct, SolValue};
use serde::Serialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};
use wire::statements::{
    Anchor, AppBootInfo, Attested, Candidate, Confirmation, Dealing, Denied, Domain, Input,
    Issuance, Outcome, RecipientKey, RecipientRefused, Released, issuance_id, transcript_hash,
};

const CHAIN_ID: u64 = 31337;

fn log() -> Address {
    Address::repeat_byte(0x10)
}

fn log_domain() -> Domain {
    Domain::IssuanceLog { chain_id: CHAIN_ID, contract: log() }
}

fn committee_domain() -> Domain {
    Domain::KmsCommittee { chain_id: CHAIN_ID, contract: Address::repeat_byte(0x20) }
}

fn word(byte: u8) -> B256 {
    B256::repeat_byte(byte)
}

fn sample_issuance() -> Issuance {
    let boot = AppBootInfo {
        appId: Address::repeat_byte(0x31),
        composeHash: word(0x32),
        instanceId: Address::repeat_byte(0x33),
        deviceId: word(0x34),
        mrAggregated: word(0x35),
        mrSystem: word(0x36),
        osImageHash: word(0x37),
        tcbStatus: "UpToDate".into(),
        advisoryIds: vec!["INTEL-SA-00001".into(), "INTEL-SA-00002".into()],
    };
    let derive = Input {
        kind: 1,
        scopeKind: 2,
        scopeValue: word(0x32),
        keyVersion: 3,
        secretId: B256::ZERO,
        ciphertextHash: B256::ZERO,
    };
    let unseal = Input {
        kind: 2,
        scopeKind: 1,
        scopeValue: B256::ZERO,
        keyVersion: 3,
        secretId: word(0x41),
        ciphertextHash: word(0x42),
    };
    Issuance {
        keysetId: word(0x51),
        epoch: 7,
        reportData: [word(0x52), word(0x53)],
        releaseAt: 1,
        anchor: Anchor { number: 1234, hash: word(0x54) },
        sessionKey: Address::repeat_byte(0x55),
        evidenceHash: word(0x56),
        attested: Attested {
            boot,
            root: word(0x57),
            vendor: B256::right_padding_from(b"soft-a"),
            tcbEvaluationDataNumber: 17,
        },
        inputs: vec![derive, unseal],
    }
}

struct Row {
    name: &'static str,
    type_string: String,
    message: Value,
    domain: Value,
    struct_hash: B256,
    digest: B256,
}

fn row<S: SolStruct + Serialize>(name: &'static str, statement: &S, domain: Domain) -> Row {
    let eip712 = domain.eip712();
    Row {
        name,
        type_string: S::eip712_encode_type().into_owned(),
        message: sorted(serde_json::to_value(statement).unwrap()),
        domain: json!({
            "name": eip712.name, "version": eip712.version, "chainId": CHAIN_ID,
            "verifyingContract": eip712.verifying_contract,
        }),
        struct_hash: statement.eip712_hash_struct(),
        digest: domain.digest(statement),
    }
}

/// Keys in alphabetical order: serde_json keeps another where some crate of the build asks for it.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<String, Value> = fields.into_iter().collect();
            Value::Object(fields.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn rows() -> Vec<Row> {
    let issuance = sample_issuance();
    let session = word(0x61);
    vec![
        row("Input", &issuance.inputs[0].clone(), log_domain()),
        row("Issuance", &issuance, log_domain()),
        row(
            "Released",
            &Released {
                issuanceId: word(0x71),
                epoch: 7,
                seat: 2,
                blockNumber: 1240,
                blockHash: word(0x72),
                partialsHash: word(0x73),
            },
            log_domain(),
        ),
        row(
            "Denied",
            &Denied {
                issuanceId: word(0x71),
                seat: 2,
                blockNumber: 1240,
                blockHash: word(0x72),
                reason: "Compose hash not allowed".into(),
            },
            log_domain(),
        ),
        row(
            "Candidate",
            &Candidate {
                signer: Address::repeat_byte(0x81),
                operator: B256::right_padding_from(b"operator-1"),
                endpoint: "http://127.0.0.1:8101".into(),
                sealing: 1,
                root: word(0x57),
                osImageHash: word(0x37),
                composeHash: word(0x82),
                checkpoint: Anchor { number: 0, hash: word(0x83) },
                headSource: "agreement 1 of 1".into(),
                evidenceHash: word(0x56),
            },
            committee_domain(),
        ),
        row(
            "RecipientKey",
            &RecipientKey {
                session,
                seat: 2,
                encryptionKey: Bytes::from(vec![2; 33]),
                evidenceHash: word(0x56),
            },
            committee_domain(),
        ),
        row(
            "RecipientRefused",
            &RecipientRefused { session, dealer: 1, seat: 2, reason: 3 },
            committee_domain(),
        ),
        row("Dealing", &Dealing { session, seat: 2, dealingHash: word(0x91) }, committee_domain()),
        row(
            "Confirmation",
            &Confirmation { session, seat: 2, transcript: word(0x92), canaryHash: word(0x93) },
            committee_domain(),
        ),
    ]
}

fn repo(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn check_or_bless(path: PathBuf, text: &str) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(committed, text, "{} changed: a change of format, see CONTRIBUTING", path.display());
}

#[test]
fn the_golden_dump_is_what_the_code_signs() {
    let mut dump = String::from(
        "# Every signed statement: type, sample, digest. Written by the test `statements`.\n",
    );
    for row in rows() {
        writeln!(dump, "\n{}\n  type    {}", row.name, row.type_string).unwrap();
        writeln!(dump, "  sample  {}", row.message).unwrap();
        writeln!(dump, "  struct  {}\n  digest  {}", row.struct_hash, row.digest).unwrap();
    }
    let issuance = sample_issuance();
    let id = issuance_id(CHAIN_ID, log(), issuance.reportData);
    writeln!(dump, "\nissuanceId of the sample\n  keccak  {id}").unwrap();
    let outcome = sample_outcome();
    writeln!(
        dump,
        "\ntranscript of the sample outcome\n  keccak  {}",
        transcript_hash(word(0x61), &outcome)
    )
    .unwrap();
    check_or_bless(repo("crates/wire/statements.txt"), &dump);
}

fn sample_outcome() -> Outcome {
    Outcome {
        recipients: vec![1, 2, 3],
        dealers: vec![1, 3],
        verificationShares: Bytes::from(vec![2; 198]),
        derivePublicKey: Bytes::from(vec![3; 33]),
        unsealPublicKey: Bytes::from(vec![2; 33]),
    }
}

#[test]
fn vectors_hold_each_statement_and_a_twin_with_one_thing_changed() {
    for row in rows() {
        let vector = json!({
            "name": row.name, "expect": "ok", "type": row.type_string, "domain": row.domain,
            "message": row.message, "structHash": row.struct_hash, "digest": row.digest,
        });
        write_vector(row.name, &vector);
        let mut twin = vector;
        twin["expect"] = json!("digest-mismatch");
        twin["domain"]["chainId"] = json!(CHAIN_ID + 1);
        write_vector(&format!("{}-other-chain", row.name), &twin);
    }
    let issuance = sample_issuance();
    write_vector(
        "issuance-id",
        &json!({
            "name": "issuanceId", "expect": "ok", "chainId": CHAIN_ID, "contract": log(),
            "reportData": issuance.reportData,
            "digest": issuance_id(CHAIN_ID, log(), issuance.reportData),
            "abi": hex::encode_prefixed(issuance.abi_encode()),
        }),
    );
    let outcome = sample_outcome();
    write_vector(
        "transcript",
        &json!({
            "name": "transcript", "expect": "ok", "session": word(0x61), "outcome": outcome,
            "digest": transcript_hash(word(0x61), &outcome),
        }),
    );
}

fn write_vector(name: &str, vector: &Value) {
    let text = serde_json::to_string_pretty(&sorted(vector.clone())).unwrap() + "\n";
    check_or_bless(repo(&format!("vectors/statements/{name}.json")), &text);
}

#[test]
fn a_signature_with_high_s_has_no_signer() {
    // A23: malleable signatures are refused.
    use alloy_primitives::{Signature, U256};
    let order = U256::from_str_radix(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        16,
    )
    .unwrap();
    // r is the x-coordinate of the generator, so that a key can be recovered at all.
    let r = U256::from_str_radix(
        "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        16,
    )
    .unwrap();
    let low = Signature::new(r, U256::from(7), false);
    let [r, vs] = wire::statements::compact(&low);
    assert!(wire::statements::recover_compact(word(1), r, vs).is_some());
    let just_high = order / U256::from(2) + U256::from(1);
    assert!(!just_high.bit(255));
    assert_eq!(wire::statements::recover_compact(word(1), r, B256::from(just_high)), None);
}
