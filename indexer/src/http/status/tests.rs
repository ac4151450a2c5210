use super::*;
use crate::{decode::Kind, store::TrailProof};
use alloy_primitives::{Address, B256, U256};
use light_client::BlockRef;
use std::time::Instant;

fn well() -> run::Status {
    let now = Some(Instant::now());
    run::Status { looked: now, audited: now, ..run::Status::default() }
}

#[test]
fn each_thing_that_is_wrong_is_red_by_itself() {
    // [IDX-8] [IDX-16]
    assert_eq!(not_ready(&well(), &[]), None);
    let foreign = Address::repeat_byte(7);
    let wrong = [
        (run::Status { failure: Some("no head".to_owned()), ..well() }, "no head"),
        (run::Status { looked: None, ..well() }, "no look"),
        (run::Status { not_followed: vec![foreign], ..well() }, "0x0707"),
        (run::Status { audited: None, ..well() }, "not compared"),
        (run::Status { audit_failure: Some("no slot".to_owned()), ..well() }, "no slot"),
    ];
    for (status, words) in wrong {
        let why = not_ready(&status, &[]).unwrap();
        assert!(why.contains(words), "{why}");
    }
    let verdict = VerdictRow {
        contract: foreign,
        kind: Kind::Policy,
        finalized: BlockRef::new(1, B256::ZERO),
        proven_seq: 9,
        proven_head: U256::ZERO,
        verdict: "missing".to_owned(),
        wrong_seq: Some(8),
        proof: TrailProof::default(),
    };
    let why = not_ready(&well(), &[verdict]).unwrap();
    assert!(why.contains("0x0707") && why.contains("missing seq 8"), "{why}");
}
