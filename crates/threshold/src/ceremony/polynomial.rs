//! A secret polynomial of degree t − 1 and its Feldman commitments.
#![expect(clippy::arithmetic_side_effects, reason = "field and group operations can't overflow")]

use crate::{
    point::{Point, lincomb_vartime},
    scalar::SecretScalar,
    transcript::Transcript,
};
use k256::{ProjectivePoint, Scalar};
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

/// f(x) = Σ a_k·x^k with exactly t coefficients, none of them zero.
pub(super) struct Polynomial(pub(super) Vec<SecretScalar>);

impl Polynomial {
    pub(super) fn random(threshold: u16, purpose: &Transcript, rng: &mut impl CryptoRng) -> Self {
        let coefficient =
            |index: u16| SecretScalar::hedged(&purpose.clone().u16(index), &[], &mut *rng);
        Self((0..threshold).map(coefficient).collect())
    }

    /// a_0, the dealer's contribution.
    pub(super) fn constant_term(&self) -> Option<&SecretScalar> {
        self.0.first()
    }

    /// C_k = a_k·G.
    pub(super) fn commitments(&self) -> Vec<Point> {
        self.0.iter().map(SecretScalar::times_generator).collect()
    }

    /// f(seat), by Horner's rule, in constant time.
    pub(super) fn at(&self, seat: u16) -> Zeroizing<[u8; 32]> {
        let x = Scalar::from(u32::from(seat));
        let mut value = Scalar::ZERO;
        for coefficient in self.0.iter().rev() {
            value = value * x + coefficient.expose();
        }
        let bytes = Zeroizing::new(value.to_bytes().into());
        value.zeroize();
        bytes
    }
}

/// Σ x^k·C_k at x = seat: what f(seat)·G must be. Public, so variable time.
pub(super) fn evaluate_vartime(commitments: &[ProjectivePoint], seat: u16) -> ProjectivePoint {
    let x = Scalar::from(u32::from(seat));
    let mut power = Scalar::ONE;
    let terms: Vec<_> = commitments
        .iter()
        .map(|commitment| {
            let term = (*commitment, power);
            power *= x;
            term
        })
        .collect();
    lincomb_vartime(&terms)
}

/// The commitments of the sum of all polynomials: C_k = Σ_j C_jk, each dealer with weight 1.
pub(super) fn sum<'a>(
    threshold: u16,
    dealings: impl Iterator<Item = &'a [Point]>,
) -> Vec<ProjectivePoint> {
    let mut total = vec![ProjectivePoint::IDENTITY; usize::from(threshold)];
    for commitments in dealings {
        for (slot, commitment) in total.iter_mut().zip(commitments) {
            *slot += commitment.group();
        }
    }
    total
}
