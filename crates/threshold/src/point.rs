//! A public point: on the curve, not the identity, with one encoding.

use k256::{
    AffinePoint, ProjectivePoint, Scalar,
    elliptic_curve::{
        group::{Group, GroupEncoding},
        ops::LinearCombination,
    },
};
use std::fmt;
use thiserror::Error;

/// Length of a point's encoding: SEC1, compressed.
pub const POINT_BYTES: usize = 33;

/// A point of secp256k1 that is public: a key, a blinded point, a partial, a commitment.
///
/// Never the identity, so that no proof holds trivially. Compare and print freely. [DERIVE-4]
#[derive(Clone, Copy)]
pub struct Point {
    point: ProjectivePoint,
    bytes: [u8; POINT_BYTES],
}

/// Why bytes are no [`Point`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodePointError {
    /// Not 33 bytes.
    #[error("a point has {POINT_BYTES} bytes, not {0}")]
    Length(usize),
    /// The first byte is neither 2 nor 3: the identity, another SEC1 form, or none.
    #[error("not a compressed point")]
    NotCompressed,
    /// x is not below the field's order, or no point has this x.
    #[error("not on the curve")]
    NotOnCurve,
}

impl Point {
    /// Reads the 33-byte compressed form and nothing else.
    ///
    /// # Errors
    /// [`DecodePointError`]; the identity has no such form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodePointError> {
        let bytes: [u8; POINT_BYTES] =
            bytes.try_into().map_err(|_| DecodePointError::Length(bytes.len()))?;
        if !matches!(bytes.first(), Some(2 | 3)) {
            return Err(DecodePointError::NotCompressed);
        }
        let affine: AffinePoint = Option::from(AffinePoint::from_bytes(&bytes.into()))
            .ok_or(DecodePointError::NotOnCurve)?;
        Ok(Self { point: affine.into(), bytes })
    }

    /// The encoding.
    pub fn to_bytes(&self) -> [u8; POINT_BYTES] {
        self.bytes
    }

    /// The encoding, borrowed.
    pub fn as_bytes(&self) -> &[u8; POINT_BYTES] {
        &self.bytes
    }

    /// The point, unless it is the identity.
    pub(crate) fn new(point: ProjectivePoint) -> Option<Self> {
        if bool::from(point.is_identity()) {
            return None;
        }
        let affine = point.to_affine();
        Some(Self { point: affine.into(), bytes: affine.to_bytes().into() })
    }

    pub(crate) fn generator() -> Self {
        let affine = AffinePoint::GENERATOR;
        Self { point: affine.into(), bytes: affine.to_bytes().into() }
    }

    pub(crate) fn group(&self) -> ProjectivePoint {
        self.point
    }
}

/// Σ k·P. Variable time: for public values only.
pub(crate) fn lincomb_vartime(terms: &[(ProjectivePoint, Scalar)]) -> ProjectivePoint {
    ProjectivePoint::lincomb_vartime(terms)
}

impl PartialEq for Point {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Point {}

impl PartialOrd for Point {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Point {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl std::hash::Hash for Point {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Point(")?;
        self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_canonical_points_are_read() {
        // [DERIVE-4] negative twins of the generator's encoding.
        let good = Point::generator().to_bytes();
        assert_eq!(Point::from_bytes(&good).map(|point| point.to_bytes()), Ok(good));

        let with_tag = |tag: u8| {
            let mut bytes = good;
            bytes[0] = tag;
            Point::from_bytes(&bytes)
        };
        // 0 is the identity's tag, 4 and 6 the uncompressed and hybrid ones, 5 the compact one of 33 bytes.
        for tag in [0, 1, 4, 5, 6, 7, 255] {
            assert_eq!(with_tag(tag), Err(DecodePointError::NotCompressed), "{tag}");
        }
        assert_eq!(Point::from_bytes(&[0; 33]), Err(DecodePointError::NotCompressed));
        assert_eq!(Point::from_bytes(&[0]), Err(DecodePointError::Length(1)));
        assert_eq!(Point::from_bytes(&good[..32]), Err(DecodePointError::Length(32)));
        let mut above_order = [0xff; 33];
        above_order[0] = 2;
        assert_eq!(Point::from_bytes(&above_order), Err(DecodePointError::NotOnCurve));
        let mut no_such_x = [0; 33];
        no_such_x[0] = 2;
        no_such_x[32] = 5; // 5³ + 7 is no square
        assert_eq!(Point::from_bytes(&no_such_x), Err(DecodePointError::NotOnCurve));
        assert_eq!(Point::new(ProjectivePoint::IDENTITY), None);
    }

    proptest! {
        /// [DERIVE-4] Bytes that are read at all are written back the same.
        #[test]
        fn one_encoding_per_point(mut bytes in any::<[u8; 33]>(), odd in any::<bool>()) {
            prop_assert!(Point::from_bytes(&bytes).is_err() || matches!(bytes[0], 2 | 3));
            bytes[0] = 2 + u8::from(odd);
            if let Ok(point) = Point::from_bytes(&bytes) {
                prop_assert_eq!(Point::new(point.group()).map(|again| again.to_bytes()), Some(bytes));
            }
        }
    }
}
