//! The path of a derived key: blinded request, partials, combination, root; and what must fail on the way.

#[path = "support/committee.rs"]
mod committee;
#[path = "support/rng.rs"]
mod rng;

use committee::{CONTEXT, Committee, KEYSET, REPORT_DATA, ask};
use k256::{
    ProjectivePoint, Scalar,
    elliptic_curve::{ff::PrimeField, group::GroupEncoding},
};
use proptest::prelude::*;
use rng::{SeededRng, StuckRng};
use threshold::{
    KeyShare, SecretKind,
    blind::{BlindedRequest, Blinding, RequestContext, VerifyRequestError, verify_request},
    combine::{
        CombineContext, CombineError, Contribution, DiscardReason, Discarded, MAX_CONTRIBUTIONS,
        combine,
    },
    derive::{DeriveError, RootKey},
    input::hash_to_curve,
    partial::{EvaluateError, Partial, PartialContext, PartialStatement, VerifyPartialError},
};

const X: &[u8] = b"the input of some app";
const OTHER_X: &[u8] = b"the input of another app";

fn at(input_index: u8) -> RequestContext<'static> {
    RequestContext { report_data: &REPORT_DATA, input_index }
}

/// A scalar of an encoding, where the encoding ends with one.
fn response(bytes: &[u8]) -> Scalar {
    let tail: [u8; 32] = bytes[bytes.len() - 32..].try_into().unwrap();
    Scalar::from_repr(tail.into()).unwrap()
}

#[test]
fn every_t_subset_gives_the_same_key() {
    // [DERIVE-8]
    let committee = Committee::three_of_five();
    let asked = ask(&hash_to_curve(X), "enclave");
    let answers = committee.answers(&asked);
    let expected = *committee.combine(&asked, &answers).unwrap().key.expose_secret();
    for first in 0..5 {
        for second in first + 1..5 {
            for third in second + 1..5 {
                let set = [answers[third], answers[first], answers[second]];
                let combined = committee.combine(&asked, &set).unwrap();
                assert_eq!(*combined.key.expose_secret(), expected);
                assert_eq!(combined.discarded, []);
            }
        }
    }
}

#[test]
fn no_smaller_subset_gives_a_key() {
    // [DERIVE-8] twin: t − 1 answers, also when the caller is told that t is smaller.
    let committee = Committee::three_of_five();
    let asked = ask(&hash_to_curve(X), "enclave");
    let answers = committee.answers(&asked);
    let public_key = committee.public_key(SecretKind::Derive);
    let fewer = CombineContext { partial: &CONTEXT, threshold: 2, public_key: &public_key };
    for first in 0..5 {
        for second in first + 1..5 {
            let set = [answers[first], answers[second]];
            let below = committee.combine(&asked, &set).unwrap_err();
            assert_eq!(
                below,
                CombineError::BelowThreshold { threshold: 3, valid: 2, discarded: vec![] }
            );
            let lied_to = combine(&asked.unblinding, &fewer, &set).unwrap_err();
            assert_eq!(lied_to, CombineError::NoSubset { tried: 1, discarded: vec![] });
        }
    }
    let one = CombineContext { partial: &CONTEXT, threshold: 1, public_key: &public_key };
    let alone = combine(&asked.unblinding, &one, &answers).unwrap_err();
    assert_eq!(alone, CombineError::Threshold(1));
}

#[test]
fn the_key_does_not_depend_on_the_blinding() {
    // [DERIVE-2] another r, another B, the same K; another x, another K.
    let committee = Committee::three_of_five();
    let keys: Vec<_> = [(X, "one boot"), (X, "another boot"), (OTHER_X, "one boot")]
        .into_iter()
        .map(|(x, seed)| {
            let asked = ask(&hash_to_curve(x), seed);
            let combined = committee.combine(&asked, &committee.answers(&asked)).unwrap();
            (asked.verified.point(), *combined.key.expose_secret())
        })
        .collect();
    assert_ne!(keys[0].0, keys[1].0);
    assert_eq!(keys[0].1, keys[1].1);
    assert_ne!(keys[0].1, keys[2].1);
}

#[test]
fn what_everybody_sees_is_not_the_key() {
    // [DERIVE-2] P3: the public partials add up to s·B; only r⁻¹ makes K of it.
    let committee = Committee::three_of_five();
    let asked = ask(&hash_to_curve(X), "enclave");
    let answers = committee.answers(&asked);
    let key = *committee.combine(&asked, &answers).unwrap().key.expose_secret();
    let seats = [1u32, 2, 4].map(Scalar::from);
    let sum = (0..3).fold(ProjectivePoint::IDENTITY, |sum, own| {
        let others = (0..3).filter(|other| *other != own);
        let lambda = others.fold(Scalar::ONE, |product, other| {
            product * seats[other] * (seats[other] - seats[own]).invert().unwrap()
        });
        let output = answers[own].partial.output().to_bytes();
        sum + ProjectivePoint::from_bytes(&output.into()).unwrap() * lambda
    });
    assert_ne!(sum.to_bytes()[..], key[..]);

    // A relay that holds all answers can't combine them under an r of its own: they are proven for the enclave's B.
    let relay = ask(&hash_to_curve(X), "relay");
    let refused = committee.combine(&relay, &answers).unwrap_err();
    assert!(matches!(refused, CombineError::BelowThreshold { valid: 0, .. }));
}

#[test]
fn a_request_for_another_apps_input_is_refused() {
    // A20 [DERIVE-3] B = r·H(x′), proven in base H(x′), sent as a request for x.
    let rng = &mut SeededRng::new("thief");
    let (request, _) = Blinding::new(&hash_to_curve(OTHER_X), rng).bind(&at(0), rng);
    let refused = verify_request(&request, &hash_to_curve(X), &at(0)).map(|_| ());
    assert_eq!(refused, Err(VerifyRequestError::InvalidProof));
}

#[test]
fn a_request_is_bound_to_its_quote_and_index() {
    // A20 [DERIVE-3]
    let rng = &mut SeededRng::new("enclave");
    let base = hash_to_curve(X);
    let (request, unblinding) = Blinding::new(&base, rng).bind(&at(1), rng);
    assert_eq!(unblinding.point(), request.point());
    let verified = verify_request(&request, &base, &at(1)).unwrap();
    assert_eq!((verified.input_index(), verified.secret()), (1, SecretKind::Derive));
    assert_eq!(verified.point(), request.point());
    assert!(verify_request(&request, &base, &at(0)).is_err());
    let other = RequestContext { report_data: &[0; 64], input_index: 1 };
    assert!(verify_request(&request, &base, &other).is_err());
}

#[test]
fn a_share_answers_only_for_its_own_secret() {
    // [DERIVE-6]
    let committee = Committee::three_of_five();
    let asked = ask(&hash_to_curve(X), "enclave");
    let share = committee.nodes[0].of(SecretKind::Unseal);
    let refused = share.evaluate(&asked.verified, &CONTEXT, &mut SeededRng::new("node"));
    let (request, share) = (SecretKind::Derive, SecretKind::Unseal);
    assert_eq!(refused, Err(EvaluateError::WrongSecret { request, share }));
}

#[test]
fn a_partial_is_bound_to_its_whole_context() {
    // [DERIVE-5] [DERIVE-7] every field of the statement changed, one at a time.
    let committee = Committee::three_of_five();
    let asked = ask(&hash_to_curve(X), "enclave");
    let answer = committee.answer(0, &asked.verified, &CONTEXT);
    let good = PartialStatement {
        context: &CONTEXT,
        secret: SecretKind::Derive,
        input_index: 0,
        seat: answer.seat,
        share_key: answer.share_key,
        blinded: asked.verified.point(),
    };
    assert!(answer.partial.verify(&good).is_ok());

    let contexts = [
        PartialContext { network_hash: [0; 32], ..CONTEXT },
        PartialContext { keyset_id: [0; 32], ..CONTEXT },
        PartialContext { epoch: 2, ..CONTEXT },
        PartialContext { issuance_id: [0; 32], ..CONTEXT },
    ];
    let other = committee.nodes[1].of(SecretKind::Derive).public();
    let fields = [
        PartialStatement { secret: SecretKind::Unseal, ..good },
        PartialStatement { input_index: 1, ..good },
        PartialStatement { seat: 2, ..good },
        PartialStatement { share_key: other, ..good },
        PartialStatement { blinded: other, ..good },
    ];
    let changed = contexts.iter().map(|context| PartialStatement { context, ..good }).chain(fields);
    for statement in changed {
        assert_eq!(answer.partial.verify(&statement), Err(VerifyPartialError::InvalidProof));
    }
    let nobody = PartialStatement { seat: 0, ..good };
    assert_eq!(answer.partial.verify(&nobody), Err(VerifyPartialError::SeatZero));
}

#[test]
fn a_false_answer_under_its_own_secret_is_left_out() {
    // A16 [DERIVE-9] the single proof holds, only the sum fails; the honest ones are found and nobody honest is blamed.
    let committee = Committee::three_of_five();
    let asked = ask(&hash_to_curve(X), "enclave");
    let mut answers = committee.answers(&asked);
    let expected = *committee.combine(&asked, &answers).unwrap().key.expose_secret();
    let own = KeyShare::from_secret_bytes(SecretKind::Derive, answers[0].seat, &[9; 32]).unwrap();
    let rng = &mut SeededRng::new("relay");
    let partial = own.evaluate(&asked.verified, &CONTEXT, rng).unwrap();
    answers[0] = Contribution { share_key: own.public(), partial, ..answers[0] };

    let combined = committee.combine(&asked, &answers).unwrap();
    assert_eq!(*combined.key.expose_secret(), expected);
    assert_eq!(combined.seats, [2, 4, 7]);
    let reason = DiscardReason::ShareKeyDisagrees;
    assert_eq!(combined.discarded, [Discarded { seat: 1, reason }]);

    let alone = committee.combine(&asked, &answers[..3]).unwrap_err();
    assert_eq!(alone, CombineError::NoSubset { tried: 1, discarded: vec![] });
}

#[test]
fn a_false_answer_beside_the_true_one_of_the_same_seat_is_left_out() {
    // A16 [DERIVE-9] no set holds a seat twice, and the false one does not displace the true one.
    let committee = Committee::three_of_five();
    let asked = ask(&hash_to_curve(X), "enclave");
    let honest = committee.answers(&asked);
    let own = KeyShare::from_secret_bytes(SecretKind::Derive, honest[0].seat, &[9; 32]).unwrap();
    let partial = own.evaluate(&asked.verified, &CONTEXT, &mut SeededRng::new("relay")).unwrap();
    let forged = Contribution { share_key: own.public(), partial, ..honest[0] };
    let combined = committee.combine(&asked, &[forged, honest[0], honest[1], honest[2]]).unwrap();
    assert_eq!(combined.seats, [1, 2, 4]);
    let twice = committee.combine(&asked, &[forged, honest[0], honest[1]]).unwrap_err();
    assert!(matches!(twice, CombineError::BelowThreshold { valid: 2, .. }));
}

#[test]
fn answers_that_do_not_count_are_named_with_the_reason() {
    // [DERIVE-8] [DERIVE-9]
    let committee = Committee::three_of_five();
    let asked = ask(&hash_to_curve(X), "enclave");
    let good = committee.answers(&asked);
    let later = PartialContext { epoch: 2, ..CONTEXT };
    let of_epoch_two = committee.answer(3, &asked.verified, &later);
    let wrong_epoch = of_epoch_two;
    let relabelled = Contribution { epoch: 1, ..of_epoch_two };
    let moved = Contribution { seat: 9, ..good[4] };
    let nobody = Contribution { seat: 0, ..good[4] };
    let given = [wrong_epoch, relabelled, good[0], good[0], moved, nobody, good[1], good[2]];
    let combined = committee.combine(&asked, &given).unwrap();
    assert_eq!(combined.seats, [1, 2, 4]);
    let discarded = |seat, reason| Discarded { seat, reason };
    assert_eq!(
        combined.discarded,
        [
            discarded(7, DiscardReason::WrongEpoch),
            discarded(7, DiscardReason::InvalidProof),
            discarded(1, DiscardReason::Duplicate),
            discarded(9, DiscardReason::InvalidProof),
            discarded(0, DiscardReason::SeatZero),
        ]
    );
    let many = vec![good[0]; MAX_CONTRIBUTIONS + 1];
    let too_many = committee.combine(&asked, &many).unwrap_err();
    assert!(matches!(too_many, CombineError::TooMany { limit: MAX_CONTRIBUTIONS, .. }));
}

#[test]
fn another_keysets_public_key_is_not_reached() {
    // [DERIVE-8] P1: the enclave pins the public key, and nodes of another keyset can't answer for it.
    let (pinned, other) =
        (Committee::three_of_five(), Committee::genesis(3, &[1, 2, 4, 7, 300], "another"));
    let asked = ask(&hash_to_curve(X), "enclave");
    let refused = pinned.combine(&asked, &other.answers(&asked)).unwrap_err();
    assert!(matches!(refused, CombineError::NoSubset { tried: 10, .. }));
}

#[test]
fn a_snapshot_that_runs_twice_reuses_no_nonce() {
    // A27 [DERIVE-7] the randomness is stuck: two statements get two nonces, one statement one and the same proof.
    let committee = Committee::three_of_five();
    let share = committee.nodes[0].of(SecretKind::Derive);
    let asked = ask(&hash_to_curve(X), "enclave");
    let other = PartialContext { issuance_id: [1; 32], ..CONTEXT };
    let prove = |context| {
        let partial = share.evaluate(&asked.verified, context, &mut StuckRng(7)).unwrap();
        partial.to_bytes()
    };
    let (first, second) = (prove(&CONTEXT), prove(&other));
    assert_eq!(prove(&CONTEXT), first);
    // Commitments follow Z: equal ones would mean an equal nonce, and then the share from (z − z′)/(c − c′).
    assert_ne!(first[33..99], second[33..99]);
    assert_ne!(response(&first), response(&second));

    // Nor is the nonce a function of the randomness alone: another share under the same stuck source.
    let neighbour = committee.nodes[1].of(SecretKind::Derive);
    let theirs = neighbour.evaluate(&asked.verified, &CONTEXT, &mut StuckRng(7)).unwrap();
    assert_ne!(theirs.to_bytes()[33..66], first[33..66]);
}

#[test]
fn a_snapshot_of_an_enclave_reuses_no_nonce() {
    // A27 [DERIVE-3] r repeats with the same base, its proof does not with another quote.
    let base = hash_to_curve(X);
    let prove = |report_data: &[u8; 64]| {
        let context = RequestContext { report_data, input_index: 0 };
        let (request, _) = Blinding::new(&base, &mut StuckRng(7)).bind(&context, &mut StuckRng(7));
        request.to_bytes()
    };
    let (first, second) = (prove(&[1; 64]), prove(&[2; 64]));
    assert_eq!(first[..33], second[..33]);
    assert_ne!(first[33..66], second[33..66]);
    // And r of one base is not r of another.
    let other = Blinding::new(&hash_to_curve(OTHER_X), &mut StuckRng(7));
    assert_ne!(other.point().as_bytes()[..], first[..33]);
}

#[test]
fn root_and_subkeys_follow_from_key_keyset_and_input() {
    // [DERIVE-10]
    let committee = Committee::three_of_five();
    let key = committee.key(&hash_to_curve(X)).key;
    let root = RootKey::derive(&key, &KEYSET, X).unwrap();
    let again = RootKey::derive(&committee.key(&hash_to_curve(X)).key, &KEYSET, X).unwrap();
    assert_eq!(root.expose_secret(), again.expose_secret());
    let other_keyset = RootKey::derive(&key, &[0; 32], X).unwrap();
    let other_input = RootKey::derive(&key, &KEYSET, OTHER_X).unwrap();
    assert_ne!(root.expose_secret(), other_keyset.expose_secret());
    assert_ne!(root.expose_secret(), other_input.expose_secret());
    let pair = root.subkey("m/1", "sign", "secp256k1").secp256k1();
    let again = again.subkey("m/1", "sign", "secp256k1").secp256k1();
    assert_eq!(pair.public(), again.public());
}

#[test]
fn a_key_of_the_unseal_secret_derives_nothing() {
    // [DERIVE-6] [DERIVE-10]
    let committee = Committee::three_of_five();
    let key = committee.key(&sealed_base(&committee)).key;
    let refused = RootKey::derive(&key, &KEYSET, X).map(|_| ());
    assert_eq!(refused, Err(DeriveError::WrongSecret(SecretKind::Unseal)));
}

fn sealed_base(committee: &Committee) -> threshold::input::BasePoint {
    use threshold::tdh2::{ExpectedLabel, SealLabel, seal};
    let (app_id, secret_id) = ([1; 20], [2; 32]);
    let label = SealLabel { keyset_id: KEYSET, app_id, secret_id, policy: None };
    let public_key = committee.public_key(SecretKind::Unseal);
    let sealed = seal(&public_key, &label, b"secret", &mut SeededRng::new("sealer")).unwrap();
    let expected = ExpectedLabel { keyset_id: KEYSET, app_id, secret_id, policy: [3; 20] };
    sealed.header.check(&expected).unwrap().base()
}

#[test]
fn any_altered_byte_of_a_request_or_partial_is_refused() {
    // [DERIVE-4]
    let committee = Committee::three_of_five();
    let base = hash_to_curve(X);
    let rng = &mut SeededRng::new("enclave");
    let (request, _) = Blinding::new(&base, rng).bind(&at(0), rng);
    let bytes = request.to_bytes();
    assert_eq!(BlindedRequest::from_bytes(&bytes), Ok(request));
    for position in 0..bytes.len() {
        let mut altered = bytes;
        altered[position] ^= 1;
        let refused = BlindedRequest::from_bytes(&altered)
            .map_or(true, |request| verify_request(&request, &base, &at(0)).is_err());
        assert!(refused, "byte {position} of a request");
    }
    let asked = ask(&base, "enclave");
    let answer = committee.answer(0, &asked.verified, &CONTEXT);
    let statement = PartialStatement {
        context: &CONTEXT,
        secret: SecretKind::Derive,
        input_index: 0,
        seat: answer.seat,
        share_key: answer.share_key,
        blinded: asked.verified.point(),
    };
    let bytes = answer.partial.to_bytes();
    assert_eq!(Partial::from_bytes(&bytes), Ok(answer.partial));
    for position in 0..bytes.len() {
        let mut altered = bytes;
        altered[position] ^= 1;
        let refused = Partial::from_bytes(&altered)
            .map_or(true, |partial| partial.verify(&statement).is_err());
        assert!(refused, "byte {position} of a partial");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// [DERIVE-8] [DERIVE-9] Whatever t and n, whoever lies: t honest answers among n give the key of t others.
    #[test]
    fn the_key_comes_out_of_any_honest_majority(
        threshold in 2u16..5,
        gap in 1u16..50,
        liars in proptest::collection::btree_set(0usize..9, 0..4),
        seed in any::<u64>(),
    ) {
        let count = 2 * threshold - 1;
        let seats: Vec<u16> = (1..=count).map(|index| index * gap).collect();
        let committee = Committee::genesis(threshold, &seats, &seed.to_string());
        let asked = ask(&hash_to_curve(&seed.to_be_bytes()), "enclave");
        let mut answers = committee.answers(&asked);
        let expected = *committee.combine(&asked, &answers).unwrap().key.expose_secret();
        let lying = liars.iter().filter(|index| **index < answers.len());
        let lying: Vec<_> = lying.take(usize::from(threshold) - 1).copied().collect();
        for index in &lying {
            let own = KeyShare::from_secret_bytes(SecretKind::Derive, seats[*index], &[9; 32]);
            let own = own.unwrap();
            let rng = &mut SeededRng::new("liar");
            answers[*index].share_key = own.public();
            answers[*index].partial = own.evaluate(&asked.verified, &CONTEXT, rng).unwrap();
        }
        let combined = committee.combine(&asked, &answers).unwrap();
        prop_assert_eq!(*combined.key.expose_secret(), expected);
        prop_assert_eq!(combined.discarded.len(), lying.len());
    }

    /// [DERIVE-4] Random bytes are refused, and nothing panics.
    #[test]
    fn random_bytes_are_no_request_and_no_partial(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(BlindedRequest::from_bytes(&bytes).is_err());
        prop_assert!(Partial::from_bytes(&bytes).is_err());
    }
}
