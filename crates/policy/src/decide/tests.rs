use super::*;
use proptest::prelude::*;
use wire::limits::MAX_REASON_BYTES;

#[test]
fn a_reason_is_shown_as_text() {
    // [POL-4] A contract's words go into logs and onto pages: no control characters, no broken text.
    let shown = |bytes: &[u8]| ReasonText::from_bytes(bytes).as_str().to_owned();
    assert_eq!(shown(b"compose hash not allowed"), "compose hash not allowed");
    assert_eq!(shown(b"a\x1b[31mb\nc"), "a\u{fffd}[31mb\u{fffd}c");
    assert_eq!(shown(&[0xff, b'x']), "\u{fffd}x");
}

proptest! {
    /// [POL-4] Whatever the bytes, the text fits the limit.
    #[test]
    fn a_reason_never_exceeds_its_limit(bytes: Vec<u8>) {
        let text = ReasonText::from_bytes(&bytes);
        prop_assert!(text.as_str().len() <= MAX_REASON_BYTES);
        prop_assert!(!text.as_str().chars().any(char::is_control));
    }
}
