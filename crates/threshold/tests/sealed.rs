//! Sealed secrets: sealed offline, opened by the committee for the right app only; and what must fail on the way.

#[path = "support/committee.rs"]
mod committee;
#[path = "support/rng.rs"]
mod rng;

use committee::{Committee, KEYSET, REPORT_DATA};
use proptest::prelude::*;
use rng::{SeededRng, StuckRng};
use threshold::{
    DecodeError, SecretKind,
    blind::{Blinding, RequestContext, verify_request},
    combine::CombinedKey,
    input::hash_to_curve,
    tdh2::{
        CheckCiphertextError, CheckedCiphertext, CiphertextHeader, ExpectedLabel,
        MAX_SEALED_SECRET_BYTES, OpenError, SealError, SealLabel, SealedSecret, seal,
    },
};

const APP: [u8; 20] = [0xa0; 20];
const SECRET_ID: [u8; 32] = [0x5d; 32];
const POLICY: [u8; 20] = [0x90; 20];
const SECRET: &[u8] = b"a database password";
const EXPECTED: ExpectedLabel =
    ExpectedLabel { keyset_id: KEYSET, app_id: APP, secret_id: SECRET_ID, policy: POLICY };

fn label() -> SealLabel {
    SealLabel { keyset_id: KEYSET, app_id: APP, secret_id: SECRET_ID, policy: None }
}

fn seal_under(committee: &Committee, label: &SealLabel, secret: &[u8]) -> SealedSecret {
    let rng = &mut SeededRng::new(secret);
    seal(&committee.public_key(SecretKind::Unseal), label, secret, rng).unwrap()
}

fn key_of(committee: &Committee, checked: &CheckedCiphertext) -> CombinedKey {
    committee.key(&checked.base()).key
}

#[test]
fn the_committee_opens_what_was_sealed_to_its_public_key() {
    // [SEAL-1] [SEAL-2] [SEAL-3] [SEAL-6]
    let committee = Committee::three_of_five();
    for secret in [SECRET, b"", &[7; MAX_SEALED_SECRET_BYTES]] {
        let sealed = seal_under(&committee, &label(), secret);
        let sealed = SealedSecret::from_bytes(&sealed.to_bytes()).unwrap();
        let checked = sealed.header.check(&EXPECTED).unwrap();
        let key = key_of(&committee, &checked);
        assert_eq!(checked.open(&sealed.body, &key).unwrap().as_slice(), secret);
    }
    let too_large = vec![0; MAX_SEALED_SECRET_BYTES + 1];
    let public_key = committee.public_key(SecretKind::Unseal);
    let refused = seal(&public_key, &label(), &too_large, &mut SeededRng::new("large"));
    assert!(matches!(refused, Err(SealError::TooLarge { .. })));
}

#[test]
fn a_header_counts_only_for_the_label_that_the_node_knows() {
    // A20 [SEAL-5]
    let committee = Committee::three_of_five();
    let header = seal_under(&committee, &label(), SECRET).header;
    let refused = |expected| header.check(&expected).map(|_| ());
    assert_eq!(refused(EXPECTED), Ok(()));
    let twins = [
        (ExpectedLabel { keyset_id: [0; 32], ..EXPECTED }, CheckCiphertextError::KeysetMismatch),
        (ExpectedLabel { app_id: [0; 20], ..EXPECTED }, CheckCiphertextError::AppMismatch),
        (ExpectedLabel { secret_id: [0; 32], ..EXPECTED }, CheckCiphertextError::SecretIdMismatch),
    ];
    for (expected, error) in twins {
        assert_eq!(refused(expected), Err(error));
    }
}

#[test]
fn a_label_with_a_policy_opens_only_under_that_policy() {
    // A13 [SEAL-5] [SEAL-1]
    let committee = Committee::three_of_five();
    let bound = SealLabel { policy: Some(POLICY), ..label() };
    let header = seal_under(&committee, &bound, SECRET).header;
    assert!(header.check(&EXPECTED).is_ok());
    let moved = header.check(&ExpectedLabel { policy: [0; 20], ..EXPECTED });
    assert_eq!(moved, Err(CheckCiphertextError::PolicyMismatch));
}

#[test]
fn a_relabelled_ciphertext_is_refused() {
    // A20 [SEAL-5] every field of the label, rewritten in the header itself.
    let committee = Committee::three_of_five();
    let thief = [0x77; 20];
    let bytes = seal_under(&committee, &label(), SECRET).header.to_bytes();
    let position = bytes.windows(20).position(|window| window == APP).unwrap();
    let mut relabelled = bytes.clone();
    relabelled[position..position + 20].copy_from_slice(&thief);
    let header = CiphertextHeader::from_bytes(&relabelled).unwrap();
    let refused = header.check(&ExpectedLabel { app_id: thief, ..EXPECTED });
    assert_eq!(refused, Err(CheckCiphertextError::InvalidProof));
    assert_ne!(
        header.ciphertext_hash(),
        CiphertextHeader::from_bytes(&bytes).unwrap().ciphertext_hash()
    );
}

#[test]
fn the_point_of_another_ciphertext_is_refused() {
    // A20 [SEAL-5] u and ū of the victim's header, in a header of the thief's own app.
    let committee = Committee::three_of_five();
    let victim = seal_under(&committee, &label(), SECRET).header.to_bytes();
    let own_label = SealLabel { app_id: [0x77; 20], ..label() };
    let mut own = seal_under(&committee, &own_label, b"junk").header.to_bytes();
    // From the end: body hash 4 + 32, proof 4 + 64, ū 4 + 33, u 4 + 33.
    let (from, to) = (own.len() - 36 - 68 - 74, own.len() - 36 - 68);
    own[from..to].copy_from_slice(&victim[from..to]);
    let header = CiphertextHeader::from_bytes(&own).unwrap();
    let refused = header.check(&ExpectedLabel { app_id: [0x77; 20], ..EXPECTED });
    assert_eq!(refused, Err(CheckCiphertextError::InvalidProof));
}

#[test]
fn a_request_at_u_needs_the_blinding_of_that_u() {
    // A20 [DERIVE-3] [SEAL-5] the evaluation is no decryption oracle: u itself, or r of another base, is refused.
    let committee = Committee::three_of_five();
    let checked = seal_under(&committee, &label(), SECRET).header.check(&EXPECTED).unwrap();
    let context = RequestContext { report_data: &REPORT_DATA, input_index: 0 };
    let rng = &mut SeededRng::new("thief");
    let (of_input, _) = Blinding::new(&hash_to_curve(b"x"), rng).bind(&context, rng);
    assert!(verify_request(&of_input, &checked.base(), &context).is_err());
    let (of_sealed, _) = Blinding::new(&checked.base(), rng).bind(&context, rng);
    assert!(verify_request(&of_sealed, &hash_to_curve(b"x"), &context).is_err());
    assert!(verify_request(&of_sealed, &checked.base(), &context).is_ok());
}

#[test]
fn a_swapped_body_does_not_open() {
    // A20 [SEAL-4] [SEAL-6]
    let committee = Committee::three_of_five();
    let sealed = seal_under(&committee, &label(), SECRET);
    let other = seal_under(&committee, &label(), b"another secret");
    let checked = sealed.header.check(&EXPECTED).unwrap();
    let key = key_of(&committee, &checked);
    let opened = |body: &[u8]| checked.open(body, &key).map(|_| ());
    assert_eq!(opened(&sealed.body), Ok(()));
    assert_eq!(opened(&other.body), Err(OpenError::BodyMismatch));
    assert_eq!(opened(&[]), Err(OpenError::BodyMismatch));
}

#[test]
fn another_key_opens_nothing() {
    // [SEAL-3] [SEAL-6] the body commits to its key; and a derived key is no unsealing key ([DERIVE-6]).
    let committee = Committee::three_of_five();
    let sealed = seal_under(&committee, &label(), SECRET);
    let other = seal_under(&committee, &label(), b"another secret");
    let checked = sealed.header.check(&EXPECTED).unwrap();
    let others_key = key_of(&committee, &other.header.check(&EXPECTED).unwrap());
    let refused = checked.open(&sealed.body, &others_key).map(|_| ());
    assert_eq!(refused, Err(OpenError::KeyCommitment));
    let derived = committee.key(&hash_to_curve(b"x")).key;
    let refused = checked.open(&sealed.body, &derived).map(|_| ());
    assert_eq!(refused, Err(OpenError::WrongSecret(SecretKind::Derive)));
}

#[test]
fn the_ciphertext_hash_covers_label_points_proof_and_body() {
    // [SEAL-4] any byte of the header changes the hash, or is refused.
    let committee = Committee::three_of_five();
    let header = seal_under(&committee, &label(), SECRET).header;
    let bytes = header.to_bytes();
    for position in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[position] ^= 1;
        if let Ok(other) = CiphertextHeader::from_bytes(&altered) {
            assert_ne!(other.ciphertext_hash(), header.ciphertext_hash(), "byte {position}");
        }
    }
}

#[test]
fn any_altered_byte_is_refused() {
    // [SEAL-5] [SEAL-6] [DERIVE-4]
    let committee = Committee::three_of_five();
    let sealed = seal_under(&committee, &label(), SECRET);
    let key = key_of(&committee, &sealed.header.check(&EXPECTED).unwrap());
    let bytes = sealed.to_bytes();
    let opens = |bytes: &[u8]| {
        let sealed = SealedSecret::from_bytes(bytes).ok()?;
        let checked = sealed.header.check(&EXPECTED).ok()?;
        checked.open(&sealed.body, &key).ok()
    };
    assert!(opens(&bytes).is_some());
    for position in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[position] ^= 1;
        assert!(opens(&altered).is_none(), "byte {position}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(SealedSecret::from_bytes(&longer), Err(DecodeError::TrailingBytes(1)));
    // A secret of 64 KiB, its commitment and tag, and 1 KiB for the header: not a byte more.
    let huge = vec![0; 64 * 1024 + 32 + 16 + 1024 + 1];
    assert!(matches!(SealedSecret::from_bytes(&huge), Err(DecodeError::TooLarge { .. })));
}

#[test]
fn a_snapshot_that_seals_twice_uses_two_keys() {
    // A27 [SEAL-7] the randomness is stuck: another secret or label still gets another u.
    let committee = Committee::three_of_five();
    let public_key = committee.public_key(SecretKind::Unseal);
    let sealed = |label: &SealLabel, secret: &[u8]| {
        seal(&public_key, label, secret, &mut StuckRng(1)).unwrap()
    };
    let first = sealed(&label(), b"one");
    let bases = [
        first.clone(),
        sealed(&label(), b"two"),
        sealed(&SealLabel { app_id: [1; 20], ..label() }, b"one"),
    ]
    .map(|sealed| {
        let own = sealed.header.label().clone();
        let expected = ExpectedLabel { app_id: own.app_id, ..EXPECTED };
        sealed.header.check(&expected).unwrap().base().point()
    });
    assert_ne!(bases[0], bases[1]);
    assert_ne!(bases[0], bases[2]);
    assert_eq!(sealed(&label(), b"one"), first);
}

proptest! {
    /// [SEAL-5] Random bytes are refused, and nothing panics.
    #[test]
    fn random_bytes_are_no_ciphertext(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(SealedSecret::from_bytes(&bytes).is_err());
        prop_assert!(CiphertextHeader::from_bytes(&bytes).is_err());
        prop_assert!(SealLabel::from_bytes(&bytes).is_err());
    }
}
