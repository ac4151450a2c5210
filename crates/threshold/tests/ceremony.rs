//! Genesis from the outside: what members see on the chain, and what must be void.

#[path = "support/committee.rs"]
mod committee;
#[path = "support/rng.rs"]
mod rng;

use committee::{Committee, KEYSET, SESSION, recipients};
use proptest::prelude::*;
use rng::{SeededRng, StuckRng};
use threshold::{
    DecodeError, NodeShares, SecretKind,
    ceremony::{
        CANARY_BYTES, CanaryContext, CanaryPartials, Ceremony, CeremonyError, CombineCanaryError,
        DealError, MAX_DEALING_BYTES, MAX_RECIPIENTS, OpenDealingError, OpenSharesError,
        QualifyError, Recipient, RecipientSecret, ShareKeys, UncheckedDealing, VerifyDealingError,
        VoidDealing, VoidReason, combine_canary, dealing_hash,
    },
};

const CANARY: CanaryContext =
    CanaryContext { network_hash: [0x0e; 32], session: SESSION, keyset_id: KEYSET, epoch: 1 };

/// Bytes of one recipient's part: seat, ephemeral point, proof, ciphertext.
const PART: usize = 180;

struct Setup {
    ceremony: Ceremony,
    secrets: Vec<RecipientSecret>,
    dealings: Vec<(u16, Vec<u8>)>,
}

fn setup() -> Setup {
    let rng = &mut SeededRng::new("ceremony");
    let seats = [1, 2, 5];
    let (recipients, secrets) = recipients(&seats, rng);
    let ceremony = Ceremony::genesis(SESSION, 1, 2, recipients).unwrap();
    let dealings =
        seats.iter().map(|seat| (*seat, ceremony.deal(*seat, rng).unwrap().to_bytes())).collect();
    Setup { ceremony, secrets, dealings }
}

impl Setup {
    fn verify(&self, dealer: u16, bytes: &[u8]) -> Result<(), VerifyDealingError> {
        UncheckedDealing::decode(bytes).unwrap().verify(&self.ceremony, dealer).map(|_| ())
    }

    fn qualify(&self) -> Result<threshold::ceremony::Qualified, QualifyError> {
        let posted: Vec<_> =
            self.dealings.iter().map(|(seat, bytes)| (*seat, bytes.as_slice())).collect();
        self.ceremony.qualify(&posted)
    }

    fn void(&self) -> Vec<VoidDealing> {
        match self.qualify() {
            Ok(qualified) => qualified.void().to_vec(),
            Err(QualifyError::TooFewDealers { void, .. }) => void,
            Err(other) => panic!("{other}"),
        }
    }
}

/// Where the ciphertexts begin in a dealing for `recipients` recipients.
fn parts(bytes: &[u8], recipients: usize) -> usize {
    bytes.len() - recipients * PART
}

#[test]
fn every_member_computes_the_same_outcome_and_its_own_shares() {
    // [CER-7] [CER-8] [CER-9]
    let setup = setup();
    let qualified = setup.qualify().unwrap();
    let outcome = qualified.outcome();
    assert_eq!((&outcome.recipients[..], &outcome.dealers[..]), (&[1, 2, 5][..], &[1, 2, 5][..]));
    for (seat, secret) in outcome.recipients.iter().zip(&setup.secrets) {
        let shares = qualified.open(*seat, secret).unwrap();
        for kind in SecretKind::BOTH {
            assert_eq!(outcome.share_key(kind, *seat), Some(shares.of(kind).public()));
            assert_eq!((shares.of(kind).seat(), shares.seat()), (*seat, *seat));
        }
    }
    assert_ne!(outcome.derive_public_key, outcome.unseal_public_key);
    // The order in which the chain serves dealings does not matter.
    let mut shuffled = setup;
    shuffled.dealings.rotate_left(1);
    assert_eq!(shuffled.qualify().unwrap().outcome(), outcome);
}

#[test]
fn verification_shares_are_sixty_six_bytes_per_seat_in_order() {
    // [CER-9]
    let outcome = setup().qualify().unwrap().outcome().clone();
    let bytes = outcome.verification_shares();
    assert_eq!(bytes.len(), 3 * 66);
    assert_eq!(bytes[..33], outcome.share_keys[0].derive.to_bytes());
    assert_eq!(bytes[33..66], outcome.share_keys[0].unseal.to_bytes());
    let read = ShareKeys::decode_all(&outcome.recipients, &bytes).unwrap();
    assert_eq!(read, outcome.share_keys);
    // Negative twins: one seat more, one fewer, one byte more.
    assert!(ShareKeys::decode_all(&[1, 2, 5, 6], &bytes).is_err());
    assert!(ShareKeys::decode_all(&[1, 2], &bytes).is_err());
    assert!(ShareKeys::decode_all(&outcome.recipients, &[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn a_ceremony_without_a_silent_dealer_still_has_an_outcome() {
    // A10 [CER-8] t dealings are enough; fewer are not.
    let mut setup = setup();
    setup.dealings.pop();
    let qualified = setup.qualify().unwrap();
    assert_eq!(qualified.outcome().dealers, [1, 2]);
    assert_eq!(qualified.outcome().recipients, [1, 2, 5]);
    assert!(qualified.open(5, &setup.secrets[2]).is_ok());
    setup.dealings.pop();
    let too_few = setup.qualify().unwrap_err();
    assert_eq!(too_few, QualifyError::TooFewDealers { threshold: 2, qualified: 1, void: vec![] });
}

#[test]
fn a_ceremony_has_a_sound_shape() {
    // [CER-3]
    let (members, _) = recipients(&[1, 2, 5], &mut SeededRng::new("shape"));
    let make = |threshold, epoch, members: &[Recipient]| {
        Ceremony::genesis(SESSION, epoch, threshold, members.to_vec()).map(|_| ())
    };
    assert_eq!(make(2, 1, &members), Ok(()));
    assert_eq!(make(1, 1, &members), Err(CeremonyError::Threshold(1)));
    assert_eq!(make(2, 0, &members), Err(CeremonyError::EpochZero));
    let too_few = CeremonyError::Recipients { recipients: 2, threshold: 2 };
    assert_eq!(make(2, 1, &members[..2]), Err(too_few));
    let unordered = [members[1], members[0], members[2]];
    assert_eq!(make(2, 1, &unordered), Err(CeremonyError::SeatOrder(1)));
    let twice = [members[0], members[0], members[2]];
    assert_eq!(make(2, 1, &twice), Err(CeremonyError::SeatOrder(1)));
    let zero = [Recipient { seat: 0, ..members[0] }, members[1], members[2]];
    assert_eq!(make(2, 1, &zero), Err(CeremonyError::SeatOrder(0)));
    let shared = [
        members[0],
        Recipient { encryption_key: members[0].encryption_key, ..members[1] },
        members[2],
    ];
    assert_eq!(make(2, 1, &shared), Err(CeremonyError::SharedEncryptionKey(2)));
    let many: Vec<u16> = (1..=u16::try_from(MAX_RECIPIENTS).unwrap() + 1).collect();
    let (many, _) = recipients(&many, &mut SeededRng::new("many"));
    assert!(matches!(make(2, 1, &many), Err(CeremonyError::Recipients { .. })));
    assert!(matches!(make(65, 1, &many[..128]), Err(CeremonyError::Recipients { .. })));
}

#[test]
fn only_dealers_deal() {
    // [CER-8]
    let mut setup = setup();
    let refused = setup.ceremony.deal(3, &mut SeededRng::new("stranger"));
    assert_eq!(refused, Err(DealError::NotADealer(3)));
    let repeated = setup.dealings[0].clone();
    setup.dealings.push((3, repeated.1.clone()));
    setup.dealings.push(repeated);
    let void = |dealer, reason| VoidDealing { dealer, reason };
    assert_eq!(setup.void(), [void(3, VoidReason::NotADealer), void(1, VoidReason::Repeated)]);
}

#[test]
fn a_dealing_counts_only_in_its_session_epoch_and_of_its_dealer() {
    // A1 A26 [CER-4]
    let setup = setup();
    let members = setup.ceremony.recipients().to_vec();
    let deal = |session, epoch, dealer| {
        let ceremony = Ceremony::genesis(session, epoch, 2, members.clone()).unwrap();
        ceremony.deal(dealer, &mut SeededRng::new("elsewhere")).unwrap().to_bytes()
    };
    assert_eq!(setup.verify(1, &deal(SESSION, 1, 1)), Ok(()));
    assert_eq!(setup.verify(1, &deal([0; 32], 1, 1)), Err(VerifyDealingError::WrongSession));
    assert_eq!(setup.verify(1, &deal(SESSION, 2, 1)), Err(VerifyDealingError::WrongEpoch(2)));
    let wrong = VerifyDealingError::WrongDealer { expected: 1, actual: 2 };
    assert_eq!(setup.verify(1, &deal(SESSION, 1, 2)), Err(wrong));

    // Relabelled heads: the proofs inside are of the other session, epoch or dealer.
    let offsets = [(4 + 18 + 4, 32), (4 + 18 + 4 + 32 + 4, 8), (4 + 18 + 4 + 32 + 4 + 8 + 4, 2)];
    let own = deal(SESSION, 1, 1);
    for (bytes, (offset, length)) in
        [deal([0; 32], 1, 1), deal(SESSION, 2, 1), deal(SESSION, 1, 2)].iter().zip(offsets)
    {
        let mut relabelled = bytes.clone();
        relabelled[offset..offset + length].copy_from_slice(&own[offset..offset + length]);
        let refused = setup.verify(1, &relabelled);
        assert_eq!(refused, Err(VerifyDealingError::Possession(SecretKind::Derive)));
    }
}

#[test]
fn a_raised_or_lowered_degree_is_void() {
    // A26 [CER-4] well-formed in every other way: dealt for another t.
    let seats = [1, 2, 3, 4, 5];
    let rng = &mut SeededRng::new("degree");
    let (members, _) = recipients(&seats, rng);
    let of = |threshold| Ceremony::genesis(SESSION, 1, threshold, members.clone()).unwrap();
    for (dealt, expected) in [(3, 2), (2, 3)] {
        let bytes = of(dealt).deal(1, rng).unwrap().to_bytes();
        let dealing = UncheckedDealing::decode(&bytes).unwrap();
        let refused = dealing.verify(&of(expected), 1).map(|_| ());
        let secret = SecretKind::Derive;
        let (expected, actual) = (usize::from(expected), usize::from(dealt));
        assert_eq!(refused, Err(VerifyDealingError::Degree { secret, expected, actual }));
    }
}

#[test]
fn a_dealing_that_lacks_a_recipient_is_void() {
    // A26 [CER-6]
    let seats = [1, 2, 3, 4, 5];
    let rng = &mut SeededRng::new("lacking");
    let (members, _) = recipients(&seats, rng);
    let of = |members: &[Recipient]| Ceremony::genesis(SESSION, 1, 2, members.to_vec()).unwrap();
    let judge = |dealt: &[Recipient], expected: &[Recipient], rng: &mut SeededRng| {
        let bytes = of(dealt).deal(1, rng).unwrap().to_bytes();
        UncheckedDealing::decode(&bytes).unwrap().verify(&of(expected), 1).map(|_| ())
    };
    assert_eq!(judge(&members, &members, rng), Ok(()));
    let last = judge(&members[..4], &members, rng);
    assert_eq!(last, Err(VerifyDealingError::Recipients(5)));
    let surplus = judge(&members, &members[..4], rng);
    assert_eq!(surplus, Err(VerifyDealingError::Recipients(5)));
    let middle = [members[0], members[1], members[3]];
    assert_eq!(judge(&middle, &members, rng), Err(VerifyDealingError::Recipients(3)));
}

#[test]
fn a_copied_ephemeral_point_is_void_and_never_opened() {
    // A1 [CER-5] the corrupt dealer puts honest parts, point and proof and all, into a dealing of its own.
    let setup = setup();
    let (_, victim) = &setup.dealings[0];
    let (_, own) = &setup.dealings[1];
    let (from_victim, from_own) = (parts(victim, 3), parts(own, 3));
    // Of another dealer of this session:
    let mut junk = own.clone();
    let part = 2 * PART..3 * PART;
    junk[from_own..][part.clone()].copy_from_slice(&victim[from_victim..][part.clone()]);
    assert_eq!(setup.verify(2, &junk), Err(VerifyDealingError::EphemeralProof(5)));

    // Of an older session of the same dealer, to the same recipient under the same key:
    let members = setup.ceremony.recipients().to_vec();
    let older = Ceremony::genesis([1; 32], 1, 2, members).unwrap();
    let old = older.deal(2, &mut SeededRng::new("old")).unwrap().to_bytes();
    let mut junk = own.clone();
    junk[from_own..][part.clone()].copy_from_slice(&old[parts(&old, 3)..][part.clone()]);
    assert_eq!(setup.verify(2, &junk), Err(VerifyDealingError::EphemeralProof(5)));

    // The point with the dealer's own proof for another point:
    let mut junk = own.clone();
    let point = 2 * PART + 2..2 * PART + 35;
    junk[from_own..][point.clone()].copy_from_slice(&victim[from_victim..][point]);
    assert_eq!(setup.verify(2, &junk), Err(VerifyDealingError::EphemeralProof(5)));

    // One point for two recipients:
    let mut junk = own.clone();
    let first = own[from_own + 2..from_own + 35].to_vec();
    junk[from_own..][PART + 2..PART + 35].copy_from_slice(&first);
    assert_eq!(setup.verify(2, &junk), Err(VerifyDealingError::RepeatedEphemeral(2)));
}

#[test]
fn copied_commitments_are_void() {
    // A26 [CER-4] all commitments and the proof of possession of dealer 1, in dealer 2's dealing.
    let setup = setup();
    let (_, victim) = &setup.dealings[0];
    let mut copy = setup.dealings[1].1.clone();
    let commitments = 4 + 18 + 4 + 32 + 4 + 8 + 4 + 2 + 4;
    let length = 2 * 33 + 4 + 65;
    copy[commitments..][..length].copy_from_slice(&victim[commitments..][..length]);
    assert_eq!(setup.verify(2, &copy), Err(VerifyDealingError::Possession(SecretKind::Derive)));

    // One polynomial for both secrets: refused inside one dealing.
    let mut one = setup.dealings[0].1.clone();
    let derive = one[commitments..][..66].to_vec();
    one[commitments + 66 + 4 + 65 + 4..][..66].copy_from_slice(&derive);
    assert_eq!(setup.verify(1, &one), Err(VerifyDealingError::RepeatedCommitment));
}

#[test]
fn an_old_key_opens_no_new_dealing() {
    // A14 [CER-2] the key of another session, sealed away and found again.
    let setup = setup();
    let qualified = setup.qualify().unwrap();
    let old = RecipientSecret::generate(&[1; 32], &mut SeededRng::new("old"));
    let refused = qualified.open(1, &old).map(|_| ());
    let source = OpenDealingError::NotRecipient(1);
    assert_eq!(refused, Err(OpenSharesError::Dealer { dealer: 1, source }));
    let others = qualified.open(1, &setup.secrets[1]).map(|_| ());
    assert_eq!(others, Err(OpenSharesError::Dealer { dealer: 1, source }));
    let nobody = qualified.open(9, &setup.secrets[0]).map(|_| ());
    let source = OpenDealingError::NotRecipient(9);
    assert_eq!(nobody, Err(OpenSharesError::Dealer { dealer: 1, source }));
}

#[test]
fn a_recipients_key_is_kept_and_never_printed() {
    // [CER-2]
    let rng = &mut SeededRng::new("kept");
    let secret = RecipientSecret::generate(&SESSION, rng);
    let again = RecipientSecret::from_secret_bytes(&secret.to_secret_bytes()).unwrap();
    assert_eq!(again.public(), secret.public());
    assert!(RecipientSecret::from_secret_bytes(&[0; 32]).is_err());
    assert!(format!("{secret:?}").contains("REDACTED"));
    // A27: a snapshot that is run in two sessions makes two keys.
    let of = |session| RecipientSecret::generate(&session, &mut StuckRng(1)).public();
    assert_ne!(of([1; 32]), of([2; 32]));
}

#[test]
fn a_snapshot_that_deals_twice_deals_two_secrets() {
    // A27 [CER-4] the randomness is stuck; session, dealer and secret still tell the coefficients apart.
    let setup = setup();
    let members = setup.ceremony.recipients().to_vec();
    let deal = |session, dealer| {
        let ceremony = Ceremony::genesis(session, 1, 2, members.clone()).unwrap();
        ceremony.deal(dealer, &mut StuckRng(1)).unwrap().to_bytes()
    };
    let commitments = 76 + 4..76 + 4 + 66;
    let dealings = [deal(SESSION, 1), deal(SESSION, 2), deal([1; 32], 1)];
    assert_ne!(dealings[0][commitments.clone()], dealings[1][commitments.clone()]);
    assert_ne!(dealings[0][commitments.clone()], dealings[2][commitments]);
    assert_eq!(setup.verify(1, &dealings[0]), Ok(()));
    assert_eq!(deal(SESSION, 1), dealings[0]);
}

#[test]
fn any_altered_byte_of_a_dealing_is_refused() {
    // [CER-4] to [CER-7]: by the decoder, by the checks, or by the recipient of that part.
    let setup = setup();
    let (dealer, bytes) = &setup.dealings[0];
    let usable = |bytes: &[u8]| {
        let dealing = UncheckedDealing::decode(bytes).ok()?;
        let verified = dealing.verify(&setup.ceremony, *dealer).ok()?;
        let seats = setup.ceremony.recipients().iter().map(|recipient| recipient.seat);
        let opened =
            seats.zip(&setup.secrets).all(|(seat, secret)| verified.open(seat, secret).is_ok());
        opened.then_some(())
    };
    assert!(usable(bytes).is_some());
    for position in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[position] ^= 1;
        assert!(usable(&altered).is_none(), "byte {position}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(UncheckedDealing::decode(&longer), Err(DecodeError::TrailingBytes(1)));
    let huge = vec![0; MAX_DEALING_BYTES + 1];
    assert!(matches!(UncheckedDealing::decode(&huge), Err(DecodeError::TooLarge { .. })));
    assert_ne!(dealing_hash(bytes), dealing_hash(&longer));
}

#[test]
fn the_largest_dealing_fits() {
    // [CER-4]
    let seats: Vec<u16> = (1..=127).collect();
    let rng = &mut SeededRng::new("largest");
    let (members, _) = recipients(&seats, rng);
    let ceremony = Ceremony::genesis(SESSION, 1, 64, members).unwrap();
    let bytes = ceremony.deal(1, rng).unwrap().to_bytes();
    assert!(bytes.len() + PART <= MAX_DEALING_BYTES, "{}", bytes.len());
    assert!(UncheckedDealing::decode(&bytes).unwrap().verify(&ceremony, 1).is_ok());
}

fn canaries(committee: &Committee, context: &CanaryContext) -> Vec<(u16, CanaryPartials)> {
    let rng = &mut SeededRng::new("canary");
    committee.nodes.iter().map(|node| (node.seat(), node.canary(context, rng))).collect()
}

#[test]
fn the_canary_is_the_same_whoever_gives_it() {
    // [CER-10] [CER-11]
    let committee = Committee::three_of_five();
    let given = canaries(&committee, &CANARY);
    let keys = &committee.outcome.share_keys;
    let first = combine_canary(&CANARY, 3, keys, &given).unwrap();
    assert_eq!(first.seats, [1, 2, 4]);
    let last = combine_canary(&CANARY, 3, keys, &given[2..]).unwrap();
    assert_eq!(last.seats, [4, 7, 300]);
    assert_eq!((first.derive, first.unseal), (last.derive, last.unseal));
    assert_ne!(first.derive, first.unseal);
    let below = combine_canary(&CANARY, 3, keys, &given[3..]).unwrap_err();
    let expected = CombineCanaryError::BelowThreshold { threshold: 3, valid: 2, refused: vec![] };
    assert_eq!(below, expected);
}

#[test]
fn a_canary_of_another_context_or_share_is_refused() {
    // [CER-10] [CER-11]
    let committee = Committee::three_of_five();
    let keys = &committee.outcome.share_keys;
    let given = canaries(&committee, &CANARY);
    assert!(given[0].1.hold(&CANARY, &keys[0]));
    assert!(!given[0].1.hold(&CANARY, &keys[1]));
    for context in [
        CanaryContext { network_hash: [0; 32], ..CANARY },
        CanaryContext { session: [0; 32], ..CANARY },
        CanaryContext { keyset_id: [0; 32], ..CANARY },
        CanaryContext { epoch: 2, ..CANARY },
    ] {
        assert!(!given[0].1.hold(&context, &keys[0]));
    }
    // A member with shares of its own making, one that is no member, and one that speaks twice.
    let own = NodeShares::from_secret_bytes(1, &[1; 32], &[2; 32]).unwrap();
    let false_one = (1, own.canary(&CANARY, &mut SeededRng::new("liar")));
    let stranger = (9, given[0].1);
    let mixed = [false_one, stranger, given[1], given[1], given[2], given[3]];
    let canary = combine_canary(&CANARY, 3, keys, &mixed).unwrap();
    assert_eq!((&canary.seats[..], &canary.refused[..]), (&[2, 4, 7][..], &[1, 9][..]));
}

#[test]
fn another_keyset_has_another_canary() {
    // [CER-11] what a reshare would be compared with.
    let (one, other) =
        (Committee::three_of_five(), Committee::genesis(3, &[1, 2, 4, 7, 300], "another"));
    let canary = |committee: &Committee| {
        let given = canaries(committee, &CANARY);
        combine_canary(&CANARY, 3, &committee.outcome.share_keys, &given).unwrap()
    };
    assert_ne!(canary(&one).derive, canary(&other).derive);
    assert_ne!(canary(&one).unseal, canary(&other).unseal);
}

#[test]
fn any_altered_byte_of_a_canary_is_refused() {
    // [CER-10]
    let committee = Committee::three_of_five();
    let keys = &committee.outcome.share_keys[0];
    let partials = canaries(&committee, &CANARY)[0].1;
    let bytes = partials.to_bytes();
    assert_eq!((bytes.len(), CanaryPartials::from_bytes(&bytes)), (CANARY_BYTES, Ok(partials)));
    for position in 0..bytes.len() {
        let mut altered = bytes;
        altered[position] ^= 1;
        let read = CanaryPartials::from_bytes(&altered);
        assert!(read.map_or(true, |partials| !partials.hold(&CANARY, keys)), "byte {position}");
        assert!(read.map_or(true, |other| other.hash() != partials.hash()));
    }
}

#[test]
fn old_shares_do_not_fit_new_share_keys() {
    // A14 [CER-12] a share file of another epoch is found out by its Y_i.
    let (old, new) =
        (Committee::three_of_five(), Committee::genesis(3, &[1, 2, 4, 7, 300], "another"));
    let share = old.nodes[0].of(SecretKind::Derive);
    let bytes = share.to_secret_bytes();
    let read = threshold::KeyShare::from_secret_bytes(SecretKind::Derive, 1, &bytes).unwrap();
    assert_eq!(old.outcome.share_key(SecretKind::Derive, 1), Some(read.public()));
    assert_ne!(new.outcome.share_key(SecretKind::Derive, 1), Some(read.public()));
}

proptest! {
    /// [CER-4] Random bytes are refused, and nothing panics, also behind a right head.
    #[test]
    fn random_bytes_are_no_dealing(bytes in proptest::collection::vec(any::<u8>(), 0..600), kept in 0usize..800) {
        prop_assert!(UncheckedDealing::decode(&bytes).is_err());
        prop_assert!(CanaryPartials::from_bytes(&bytes).is_err());
        let head = &setup_bytes()[..kept.min(setup_bytes().len() - 1)];
        let spliced = [head, &bytes].concat();
        if let Ok(dealing) = UncheckedDealing::decode(&spliced) {
            prop_assert_eq!(dealing.to_bytes(), spliced);
        }
    }
}

fn setup_bytes() -> &'static [u8] {
    static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    BYTES.get_or_init(|| setup().dealings[0].1.clone())
}
