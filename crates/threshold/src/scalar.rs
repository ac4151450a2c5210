//! Secret scalars, and how a fresh one is chosen.

use crate::{labels, point::Point, transcript::Transcript};
use hkdf::HkdfExtract;
use k256::{
    ProjectivePoint, Scalar,
    elliptic_curve::{array::Array, consts::U48, ff::PrimeField, ops::Reduce},
};
use rand_core::CryptoRng;
use sha2::Sha256;
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A secret scalar, never zero. Erased on drop, printed as REDACTED, used in constant time.
pub(crate) struct SecretScalar(Scalar);

impl SecretScalar {
    /// The scalar, unless it is zero. The branch reveals only that it is not.
    pub(crate) fn new(scalar: Scalar) -> Option<Self> {
        if bool::from(scalar.is_zero()) { None } else { Some(Self(scalar)) }
    }

    /// Reads 32 bytes, big-endian: canonical and not zero.
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        Option::from(Scalar::from_repr((*bytes).into())).and_then(Self::new)
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    pub(crate) fn expose(&self) -> &Scalar {
        &self.0
    }

    /// k·G.
    #[expect(clippy::expect_used, reason = "the group has prime order")]
    pub(crate) fn times_generator(&self) -> Point {
        Point::new(ProjectivePoint::mul_by_generator(&self.0))
            .expect("k is not zero, and G generates a group of prime order")
    }

    /// k·P, as a public value.
    #[expect(clippy::expect_used, reason = "the group has prime order")]
    pub(crate) fn times(&self, point: &Point) -> Point {
        Point::new(self.times_secret(point))
            .expect("k is not zero, P is not the identity, and the group has prime order")
    }

    /// k·P, as a secret value.
    #[expect(clippy::arithmetic_side_effects, reason = "group operations can't overflow")]
    pub(crate) fn times_secret(&self, point: &Point) -> ProjectivePoint {
        point.group() * self.0
    }

    /// A fresh scalar for `purpose`: HKDF over fresh randomness and `secret`, with `purpose` in the info.
    ///
    /// Hedged: if the machine is a snapshot that ran before and the randomness repeats, another purpose still gives
    /// another scalar, and the same purpose only the same proof (A27). If the randomness is bad, `secret` hides it.
    pub(crate) fn hedged(purpose: &Transcript, secret: &[u8], rng: &mut impl CryptoRng) -> Self {
        let mut fresh = Zeroizing::new([0u8; 32]);
        rng.fill_bytes(fresh.as_mut_slice());
        let mut extract = HkdfExtract::<Sha256>::new(Some(labels::HEDGED.as_bytes()));
        extract.input_ikm(fresh.as_slice());
        extract.input_ikm(secret);
        let (mut key, hkdf) = extract.finalize();
        key.as_mut_slice().zeroize();
        let mut attempt = 0u8;
        loop {
            let mut wide = Zeroizing::new([0u8; 48]);
            let info = [purpose.as_bytes(), &[attempt]];
            #[expect(clippy::expect_used, reason = "48 is below HKDF's limit of 8160")]
            hkdf.expand_multi_info(&info, wide.as_mut_slice()).expect("48 bytes can be expanded");
            if let Some(scalar) = Self::new(reduce(&wide)) {
                return scalar;
            }
            attempt = attempt.wrapping_add(1); // a zero has probability 2⁻²⁵⁶
        }
    }
}

/// 48 bytes modulo the group order: uniform up to 2⁻¹²⁸.
fn reduce(wide: &[u8; 48]) -> Scalar {
    let mut array: Array<u8, U48> = (*wide).into();
    let scalar = Scalar::reduce(&array);
    array.as_mut_slice().zeroize();
    scalar
}

impl Drop for SecretScalar {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for SecretScalar {}

impl fmt::Debug for SecretScalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}
