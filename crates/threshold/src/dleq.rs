//! Proof that log_G(Y) = log_B(Z), and the evaluation Z = s·B that it vouches for (Chaum-Pedersen 1992).
//!
//! The challenge covers the caller's whole context, Y, B, Z and both commitments. [DERIVE-5]
#![expect(clippy::arithmetic_side_effects, reason = "group operations can't overflow")]

use crate::{
    decode::{DecodeError, Reader},
    point::{POINT_BYTES, Point, lincomb_vartime},
    scalar::SecretScalar,
    transcript::Transcript,
};
use k256::{ProjectivePoint, Scalar};
use rand_core::CryptoRng;

/// Length of an [`Evaluation`]: Z, two commitments, the response.
pub(crate) const EVALUATION_BYTES: usize = 3 * POINT_BYTES + 32;

/// Z = s·B with the proof that the s of Y = s·G made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Evaluation {
    pub(crate) output: Point,
    commitment_g: Point,
    commitment_b: Point,
    response: Scalar,
}

impl Evaluation {
    pub(crate) fn to_bytes(self) -> [u8; EVALUATION_BYTES] {
        let points = [self.output, self.commitment_g, self.commitment_b];
        let fields = points.into_iter().flat_map(|point| point.to_bytes());
        let mut bytes = [0; EVALUATION_BYTES];
        let all = fields.chain(self.response.to_bytes());
        bytes.iter_mut().zip(all).for_each(|(slot, byte)| *slot = byte);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let evaluation = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(evaluation)
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            output: reader.point()?,
            commitment_g: reader.point()?,
            commitment_b: reader.point()?,
            response: reader.scalar()?,
        })
    }

    /// Evaluates `secret` at `base` and proves it in `context`; `public` = secret·G.
    pub(crate) fn prove(
        context: Transcript,
        base: &Point,
        public: &Point,
        secret: &SecretScalar,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let output = secret.times(base);
        let statement = context.point(public).point(base).point(&output);
        let nonce = SecretScalar::hedged(&statement, secret.to_bytes().as_slice(), rng);
        let (commitment_g, commitment_b) = (nonce.times_generator(), nonce.times(base));
        let challenge = statement.point(&commitment_g).point(&commitment_b).challenge();
        let response = nonce.expose() + challenge * secret.expose();
        Self { output, commitment_g, commitment_b, response }
    }

    /// Whether z·G = A + c·Y and z·B = A′ + c·Z. Variable time: all of it is public.
    #[must_use]
    pub(crate) fn holds(&self, context: Transcript, base: &Point, public: &Point) -> bool {
        let statement = context.point(public).point(base).point(&self.output);
        let challenge = -statement.point(&self.commitment_g).point(&self.commitment_b).challenge();
        let at_g = [(ProjectivePoint::GENERATOR, self.response), (public.group(), challenge)];
        let at_b = [(base.group(), self.response), (self.output.group(), challenge)];
        lincomb_vartime(&at_g) == self.commitment_g.group()
            && lincomb_vartime(&at_b) == self.commitment_b.group()
    }
}
