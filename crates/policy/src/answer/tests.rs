use super::*;
use alloy_sol_types::SolValue;
use proptest::prelude::*;

fn encoded(allowed: bool, reason: &str) -> Vec<u8> {
    (allowed, reason.to_owned()).abi_encode_params()
}

#[test]
fn the_canonical_answer_is_read() {
    // [POL-4]
    assert_eq!(
        Answer::parse(&encoded(true, "")),
        Some(Answer { allowed: true, reason: Vec::new() })
    );
    assert_eq!(
        Answer::parse(&encoded(false, "no")),
        Some(Answer { allowed: false, reason: b"no".to_vec() })
    );
    let long = Answer::parse(&encoded(false, &"x".repeat(300))).expect("an answer");
    assert_eq!(long.reason, b"x".repeat(128));
}

#[test]
fn anything_else_is_no_answer() {
    // [POL-4] A23: a bool of 2, one in the high byte, another offset, a length beyond the answer, a short head.
    let change = |index: usize, value: u8| {
        let mut bytes = encoded(true, "");
        bytes[index] = value;
        bytes
    };
    for bytes in [
        change(31, 2),
        change(0, 1),
        change(63, 0x60),
        change(95, 1),
        change(64, 1),
        encoded(true, "")[..95].to_vec(),
        Vec::new(),
        true.abi_encode(),
    ] {
        assert_eq!(Answer::parse(&bytes), None, "{bytes:?}");
    }
}

proptest! {
    /// Bytes from a contract never panic, and nothing but a canonical head is allowed.
    #[test]
    fn random_bytes_allow_nothing(bytes: Vec<u8>) {
        prop_assert!(Answer::parse(&bytes).is_none_or(|answer| !answer.allowed));
    }

    /// [POL-4] Every (bool, string) is read as it was written, up to 128 bytes.
    #[test]
    fn every_answer_is_read(allowed: bool, reason: String) {
        let answer = Answer::parse(&encoded(allowed, &reason)).expect("canonical");
        prop_assert_eq!(answer.allowed, allowed);
        let end = reason.len().min(MAX_REASON_BYTES);
        prop_assert_eq!(&answer.reason, &reason.as_bytes()[..end]);
    }
}

#[test]
fn every_vector_gives_what_it_expects() {
    // [POL-4] vectors/policy: the same answers are read by contracts/src/libraries/VerdictCall.sol.
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/policy");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("vectors/policy") {
        let path = entry.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("text");
        let vector: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let word = |name: &str| vector[name].as_str().expect("text");
        let bytes = hex::decode(&word("answer")[2..]).expect("hex");
        let answer = Answer::parse(&bytes);
        let expected = (word("expect") == "ok").then(|| Answer {
            allowed: vector["allowed"].as_bool().expect("a bool"),
            reason: word("reason").as_bytes().to_vec(),
        });
        assert_eq!(answer, expected, "{path:?}");
        count += 1;
    }
    assert!(count >= 12, "vectors are missing: {count}");
}
