//! Entries one by one; whole boots are in `tests/evidence/event_logs.rs`.

use super::{entry, *};

fn parse_one(json: &str) -> Result<Register, ReplayError> {
    entry::parse(&format!("[{json}]")).map(|events| events[0].digest)
}

/// A run-time event with these fields after the usual ones.
fn runtime(name: &str, payload: &str, more: &str) -> String {
    format!(
        r#"{{"imr":3,"event_type":134217729,"event":"{name}","event_payload":"{payload}"{more}}}"#
    )
}

#[test]
fn digests_are_dstacks() {
    // [EVLOG-3] Version 1: le32(type) ":" name ":" payload. Version 2: the canonical JSON.
    let v1: Register = Sha384::digest(b"\x01\x00\x00\x08:app-id:\xde\xad").into();
    let canonical = br#"{"name":"app-id","payload":"dead","type":134217729}"#;
    let v2: Register = Sha384::digest(canonical).into();
    let preimage = hex::encode(canonical);
    assert_eq!(parse_one(&runtime("app-id", "dead", "")).unwrap(), v1);
    assert_eq!(parse_one(&runtime("app-id", "dead", r#","version":1"#)).unwrap(), v1);
    let shown = format!(r#","version":2,"preimage":"{preimage}""#);
    assert_eq!(parse_one(&runtime("app-id", "dead", &shown)).unwrap(), v2);
}

#[test]
fn a_false_preimage_is_refused() {
    // [EVLOG-3]
    let entry = runtime("app-id", "dead", r#","version":2,"preimage":"00""#);
    assert!(matches!(parse_one(&entry), Err(ReplayError::FalseDigest { index: 0 })));
}

#[test]
fn an_undefined_version_is_refused() {
    // [EVLOG-3]
    let entry = runtime("app-id", "dead", r#","version":3"#);
    assert!(matches!(parse_one(&entry), Err(ReplayError::UnknownVersion { version: 3, .. })));
}

#[test]
fn what_is_no_log_is_refused() {
    // [EVLOG-1] Not JSON, an object, a field missing, a field twice, a register or a digest that can't be, no hex.
    for json in ["", "{}", "[{}]", "[1]", r#"[{"imr":3,"imr":3}]"#] {
        assert!(matches!(entry::parse(json), Err(ReplayError::Json(_))), "{json}");
    }
    let boot = |imr: &str, digest: &str| {
        format!(
            r#"{{"imr":{imr},"event_type":4,"digest":"{digest}","event":"","event_payload":""}}"#
        )
    };
    let digest = "00".repeat(48);
    assert!(parse_one(&boot("2", &digest)).is_ok());
    assert!(matches!(
        parse_one(&boot("4", &digest)),
        Err(ReplayError::UnknownRegister { register: 4, .. })
    ));
    assert!(matches!(parse_one(&boot("2", "00")), Err(ReplayError::DigestLength { bytes: 1, .. })));
    assert!(matches!(parse_one(&boot("2", "")), Err(ReplayError::DigestLength { bytes: 0, .. })));
    assert!(matches!(
        parse_one(&boot("2", "zz")),
        Err(ReplayError::NotHex { field: "digest", .. })
    ));
}

#[test]
fn an_event_belongs_into_one_register() {
    // [EVLOG-4] A run-time event in RTMR2.
    let entry = runtime("app-id", "dead", "").replace(r#""imr":3"#, r#""imr":2"#);
    assert!(matches!(parse_one(&entry), Err(ReplayError::Misplaced { register: 2, .. })));
}

#[test]
fn a_name_is_neither_empty_nor_has_a_colon() {
    // [EVLOG-4]
    for name in ["", ":", "a:b"] {
        assert!(matches!(
            parse_one(&runtime(name, "", "")),
            Err(ReplayError::AmbiguousName { index: 0 })
        ));
    }
}
