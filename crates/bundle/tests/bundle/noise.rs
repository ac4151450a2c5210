//! Bytes that nobody meant: none makes the verifier panic, and none passes.

use super::world::{good, text};
use alloy_primitives::{B256, Bytes};
use bundle::{Bundle, MAX_BUNDLE_BYTES, MAX_HEADERS, MAX_LATER, Step, verify};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 0, ..ProptestConfig::default() })]

    /// [BUN-2] One hex digit is another.
    #[test]
    fn one_changed_digit_is_never_ok(issuance: bool, place: prop::sample::Index, digit in 0u32..16) {
        let kind = if issuance { "issuance" } else { "revocation" };
        let (_, trusted) = good(kind);
        let mut told = text(&format!("{kind}.bundle")).into_bytes();
        let digits: Vec<usize> =
            (0..told.len()).filter(|at| told[*at].is_ascii_hexdigit()).collect();
        let at = digits[place.index(digits.len())];
        let new = char::from_digit(digit, 16).unwrap() as u8;
        prop_assume!(told[at] != new);
        told[at] = new;
        let told = String::from_utf8(told).unwrap();
        let verdict = verify(&told, &trusted);
        prop_assert_ne!(verdict.word(), "ok", "at {}", at);
    }

    #[test]
    fn a_cut_text_is_no_bundle(place: prop::sample::Index) {
        let (_, trusted) = good("revocation");
        let told = text("revocation.bundle");
        let cut = &told[..place.index(told.len())];
        prop_assert_ne!(verify(cut, &trusted).word(), "ok");
    }

    #[test]
    fn random_text_is_no_bundle(told in ".{0,200}") {
        let (_, trusted) = good("revocation");
        prop_assert_eq!(verify(&told, &trusted).word(), "not-a-bundle");
    }

    /// Lists of random bytes in the place of what is proven.
    #[test]
    fn random_bytes_in_every_place_prove_nothing(bytes: Vec<u8>, place in 0usize..6) {
        let (mut bundle, trusted) = good("issuance");
        let bytes = Bytes::from(bytes);
        match place {
            0 => bundle.headers = vec![bytes],
            1 => bundle.receipt.bytes = bytes,
            2 => bundle.receipt.nodes = vec![bytes],
            3 => bundle.codes = vec![bytes],
            4 => bundle.at_event.iter_mut().for_each(|account| account.nodes = vec![bytes.clone()]),
            _ => bundle.issuance.iter_mut().for_each(|issuance| issuance.evidence = bytes.clone()),
        }
        prop_assert_ne!(verify(&bundle.to_text(), &trusted).word(), "ok");
    }
}

#[test]
fn what_is_too_large_is_not_read() {
    // [BUN-1] Ten megabytes of nodes; too many headers, too many later events.
    let (bundle, trusted) = good("issuance");
    let word = |change: &dyn Fn(&mut Bundle)| {
        let mut bundle = bundle.clone();
        change(&mut bundle);
        verify(&bundle.to_text(), &trusted).word()
    };
    let megabytes = |bundle: &mut Bundle| bundle.receipt.nodes = vec![vec![0; 1 << 20].into(); 10];
    assert_eq!(word(&megabytes), "too-large");
    let empty = |bundle: &mut Bundle| bundle.headers = vec![Bytes::new(); MAX_HEADERS + 1];
    assert_eq!(word(&empty), "too-many");
    let later = |bundle: &mut Bundle| {
        bundle.trail.later = vec![Step::Leaf(B256::ZERO); MAX_LATER + 1];
    };
    assert_eq!(word(&later), "too-many");
    let spaces = " ".repeat(MAX_BUNDLE_BYTES + 1);
    assert_eq!(verify(&spaces, &trusted).word(), "too-large");
}
