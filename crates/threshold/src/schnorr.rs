//! Proof of knowledge of k with Q = k·P, in any base P (Schnorr 1991, strong Fiat-Shamir).
//!
//! The challenge covers the caller's whole context, the base, Q and the commitment (Bernhard et al. 2012). [DERIVE-5]
#![expect(clippy::arithmetic_side_effects, reason = "group operations can't overflow")]

use crate::{
    decode::{DecodeError, Reader},
    point::{POINT_BYTES, Point, lincomb_vartime},
    scalar::SecretScalar,
    transcript::Transcript,
};
use k256::Scalar;
use rand_core::CryptoRng;

/// Length of a [`KnowledgeProof`]: commitment and response.
pub const KNOWLEDGE_PROOF_BYTES: usize = POINT_BYTES + 32;

/// A Schnorr proof: commitment A = k·P and response z = k + c·secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnowledgeProof {
    commitment: Point,
    response: Scalar,
}

impl KnowledgeProof {
    /// A ‖ z.
    pub fn to_bytes(&self) -> [u8; KNOWLEDGE_PROOF_BYTES] {
        let mut bytes = [0; KNOWLEDGE_PROOF_BYTES];
        let fields = self.commitment.to_bytes().into_iter().chain(self.response.to_bytes());
        bytes.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
        bytes
    }

    /// Reads A ‖ z.
    ///
    /// # Errors
    /// [`DecodeError`] if the length differs or a part is not canonical.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let proof = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(proof)
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { commitment: reader.point()?, response: reader.scalar()? })
    }

    /// Proves knowledge of `secret` with `public` = secret·`base`, in `context`.
    pub(crate) fn prove(
        context: Transcript,
        base: &Point,
        public: &Point,
        secret: &SecretScalar,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let statement = context.point(base).point(public);
        let nonce = SecretScalar::hedged(&statement, secret.to_bytes().as_slice(), rng);
        let commitment = nonce.times(base);
        let challenge = statement.point(&commitment).challenge();
        Self { commitment, response: nonce.expose() + challenge * secret.expose() }
    }

    /// Whether z·P = A + c·Q. Variable time: all of it is public.
    #[must_use]
    pub(crate) fn holds(&self, context: Transcript, base: &Point, public: &Point) -> bool {
        let statement = context.point(base).point(public);
        let challenge = statement.point(&self.commitment).challenge();
        lincomb_vartime(&[(base.group(), self.response), (public.group(), -challenge)])
            == self.commitment.group()
    }
}
