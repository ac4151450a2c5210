//! Dealings that no honest code makes: they need the polynomials themselves.

use super::{polynomial::Polynomial, *};
use crate::{labels, scalar::SecretScalar};
use k256::Scalar;

#[path = "../../tests/support/rng.rs"]
mod rng;
use rng::SeededRng;

struct Setup {
    ceremony: Ceremony,
    secrets: Vec<RecipientSecret>,
}

fn setup() -> Setup {
    let rng = &mut SeededRng::new("internal");
    let secrets: Vec<_> = (0..3).map(|_| RecipientSecret::generate(&[1; 32], rng)).collect();
    let recipients = secrets
        .iter()
        .zip(1..)
        .map(|(secret, seat)| Recipient { seat, encryption_key: secret.public() })
        .collect();
    Setup { ceremony: Ceremony::genesis([1; 32], 1, 2, recipients).unwrap(), secrets }
}

fn polynomials(seed: &str) -> ForBoth<Polynomial> {
    let rng = &mut SeededRng::new(seed);
    ForBoth::make(|secret| {
        let purpose = Transcript::new(labels::DEALING_COEFFICIENT).u8(secret.to_wire());
        Polynomial::random(2, &purpose, rng)
    })
}

fn with_coefficients(coefficients: [Scalar; 2]) -> Polynomial {
    Polynomial(coefficients.map(|scalar| SecretScalar::new(scalar).unwrap()).into())
}

impl Setup {
    fn deal(&self, dealer: u16, polynomials: &ForBoth<Polynomial>) -> (u16, Vec<u8>) {
        let rng = &mut SeededRng::new("deal");
        (dealer, self.ceremony.deal_polynomials(dealer, polynomials, rng).to_bytes())
    }

    fn qualify(&self, dealings: &[(u16, Vec<u8>)]) -> Result<Qualified, QualifyError> {
        let posted: Vec<_> =
            dealings.iter().map(|(dealer, bytes)| (*dealer, bytes.as_slice())).collect();
        self.ceremony.qualify(&posted)
    }
}

#[test]
fn dealers_that_share_a_constant_term_are_both_void() {
    // A26 [CER-8] both know it, so both proofs of possession hold; whose copy it is can't be told.
    let setup = setup();
    let one = polynomials("one");
    let constant = *one.derive.constant_term().unwrap().expose();
    // The copy stands under the other secret, with another polynomial above it.
    let mut two = polynomials("two");
    two.unseal = with_coefficients([constant, Scalar::from(5u32)]);
    let dealings = [setup.deal(1, &one), setup.deal(2, &two), setup.deal(3, &polynomials("three"))];
    let refused = setup.qualify(&dealings).unwrap_err();
    let void =
        |dealer, other| VoidDealing { dealer, reason: VoidReason::CopiedConstantTerm { other } };
    let expected = QualifyError::TooFewDealers {
        threshold: 2,
        qualified: 1,
        void: vec![void(1, 2), void(2, 1)],
    };
    assert_eq!(refused, expected);
}

#[test]
fn cancelling_leading_coefficients_fail_the_attempt() {
    // A26 [CER-8]
    let setup = setup();
    let (a, b) = (Scalar::from(7u32), Scalar::from(9u32));
    let one = ForBoth { derive: with_coefficients([a, b]), unseal: polynomials("one").unseal };
    let two = ForBoth { derive: with_coefficients([b, -b]), unseal: polynomials("two").unseal };
    let refused = setup.qualify(&[setup.deal(1, &one), setup.deal(2, &two)]).unwrap_err();
    assert_eq!(refused, QualifyError::LeadingCoefficient(SecretKind::Derive));
}

#[test]
fn cancelling_constant_terms_fail_the_attempt() {
    // A26 [CER-8]
    let setup = setup();
    let (a, b) = (Scalar::from(7u32), Scalar::from(9u32));
    let one = ForBoth { derive: polynomials("one").derive, unseal: with_coefficients([a, b]) };
    let two = ForBoth { derive: polynomials("two").derive, unseal: with_coefficients([-a, a]) };
    let refused = setup.qualify(&[setup.deal(1, &one), setup.deal(2, &two)]).unwrap_err();
    assert_eq!(refused, QualifyError::PublicKey(SecretKind::Unseal));
}

#[test]
fn one_key_for_both_secrets_fails_the_attempt() {
    // [DERIVE-6] [CER-8] the dealers' terms differ, their sums do not.
    let setup = setup();
    let of = |derive: [u32; 2], unseal: [u32; 2]| ForBoth {
        derive: with_coefficients(derive.map(Scalar::from)),
        unseal: with_coefficients(unseal.map(Scalar::from)),
    };
    let (one, two) = (of([10, 3], [11, 4]), of([21, 5], [20, 6]));
    let refused = setup.qualify(&[setup.deal(1, &one), setup.deal(2, &two)]).unwrap_err();
    assert_eq!(refused, QualifyError::OneSecret);
}

#[test]
fn a_sub_share_beside_the_polynomial_is_found_by_its_recipient() {
    // [CER-7] parts of another polynomial, encrypted under the commitments of this one.
    let setup = setup();
    let (committed, dealt) = (polynomials("committed"), polynomials("dealt"));
    let rng = &mut SeededRng::new("junk");
    let mut dealing = setup.ceremony.deal_polynomials(1, &committed, rng);
    let mixed = ForBoth { derive: committed.derive, unseal: dealt.unseal };
    dealing.ciphertexts = setup.ceremony.encrypt_all(1, &dealing.committed, &mixed, rng);
    let verified = dealing.verify(&setup.ceremony, 1).unwrap();
    let refused = verified.open(2, &setup.secrets[1]).map(|_| ());
    assert_eq!(refused, Err(OpenDealingError::NotOnPolynomial(SecretKind::Unseal)));
}

#[test]
fn a_ciphertext_opens_only_beside_its_commitments() {
    // [CER-7] the parts of one dealing of a dealer in another of its own: the proofs hold, the ciphertext does not.
    let setup = setup();
    let rng = &mut SeededRng::new("swap");
    let one = setup.ceremony.deal_polynomials(1, &polynomials("one"), rng);
    let mut two = setup.ceremony.deal_polynomials(1, &polynomials("two"), rng);
    two.ciphertexts = one.ciphertexts;
    let verified = two.verify(&setup.ceremony, 1).unwrap();
    let refused = verified.open(2, &setup.secrets[1]).map(|_| ());
    assert_eq!(refused, Err(OpenDealingError::Decrypt));
}
