//! The header of a sealed secret: label, u, ū, proof and body hash, and the check that every node makes.
#![expect(clippy::arithmetic_side_effects, reason = "group operations can't overflow")]

use super::label::{ExpectedLabel, SealLabel};
use crate::{
    decode::{DecodeError, Reader},
    input::{self, BasePoint},
    labels,
    point::{Point, lincomb_vartime},
    scalar::SecretScalar,
    transcript::Transcript,
};
use k256::{ProjectivePoint, Scalar, elliptic_curve::ff::PrimeField};
use rand_core::CryptoRng;
use thiserror::Error;

/// The public head of a sealed secret: (L, u, ū, e, f) of TDH2 and the hash of the body. [SEAL-4]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CiphertextHeader {
    label: SealLabel,
    u: Point,
    u_bar: Point,
    challenge: Scalar,
    response: Scalar,
    body_hash: [u8; 32],
}

/// A header whose label was expected and whose proof held. Only this gives u to a blinded request. [SEAL-5]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedCiphertext(CiphertextHeader);

/// Why a header is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CheckCiphertextError {
    /// Sealed to another keyset.
    #[error("sealed to another keyset")]
    KeysetMismatch,
    /// Sealed to another app.
    #[error("sealed to another app")]
    AppMismatch,
    /// Another secret than the input names.
    #[error("sealed as another secret")]
    SecretIdMismatch,
    /// Sealed to a policy contract that is not the app's.
    #[error("sealed to another policy contract")]
    PolicyMismatch,
    /// Not made by somebody who knew r, for this label and body.
    #[error("the proof of the ciphertext does not hold")]
    InvalidProof,
}

impl CiphertextHeader {
    /// e = H(L, body hash, ḡ, u, ū, w, w̄), f = s + r·e for w = s·G, w̄ = s·ḡ (Shoup-Gennaro §4).
    pub(super) fn prove(
        label: SealLabel,
        u: Point,
        u_bar: Point,
        body_hash: [u8; 32],
        factor: &SecretScalar,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let g_bar = input::tdh2_generator(&label.keyset_id);
        let statement = statement(&label, &body_hash, &g_bar, &u, &u_bar);
        let nonce = SecretScalar::hedged(&statement, factor.to_bytes().as_slice(), rng);
        let challenge =
            statement.point(&nonce.times_generator()).point(&nonce.times(&g_bar)).challenge();
        let response = nonce.expose() + challenge * factor.expose();
        Self { label, u, u_bar, challenge, response, body_hash }
    }

    /// Compares the label with what the node knows, then checks the proof. [SEAL-5]
    ///
    /// # Errors
    /// [`CheckCiphertextError`]: the label's fields in order, then the proof.
    pub fn check(
        &self,
        expected: &ExpectedLabel,
    ) -> Result<CheckedCiphertext, CheckCiphertextError> {
        let label = &self.label;
        if label.keyset_id != expected.keyset_id {
            return Err(CheckCiphertextError::KeysetMismatch);
        }
        if label.app_id != expected.app_id {
            return Err(CheckCiphertextError::AppMismatch);
        }
        if label.secret_id != expected.secret_id {
            return Err(CheckCiphertextError::SecretIdMismatch);
        }
        if label.policy.is_some_and(|policy| policy != expected.policy) {
            return Err(CheckCiphertextError::PolicyMismatch);
        }
        if !self.proof_holds() {
            return Err(CheckCiphertextError::InvalidProof);
        }
        Ok(CheckedCiphertext(self.clone()))
    }

    /// e = H(L, body hash, ḡ, u, ū, f·G − e·u, f·ḡ − e·ū). Variable time: all of it is public.
    fn proof_holds(&self) -> bool {
        let g_bar = input::tdh2_generator(&self.label.keyset_id);
        let commitment = |base: ProjectivePoint, public: &Point| {
            Point::new(lincomb_vartime(&[(base, self.response), (public.group(), -self.challenge)]))
        };
        let w = commitment(ProjectivePoint::GENERATOR, &self.u);
        let w_bar = commitment(g_bar.group(), &self.u_bar);
        let (Some(w), Some(w_bar)) = (w, w_bar) else {
            return false;
        };
        let statement = statement(&self.label, &self.body_hash, &g_bar, &self.u, &self.u_bar);
        statement.point(&w).point(&w_bar).challenge() == self.challenge
    }

    /// keccak256 of the encoded header: label, u, ū, proof and body hash, each behind its length. [SEAL-4]
    pub fn ciphertext_hash(&self) -> [u8; 32] {
        self.transcript().keccak()
    }

    /// What it is sealed for, as claimed.
    pub fn label(&self) -> &SealLabel {
        &self.label
    }

    /// keccak256 of the body.
    pub fn body_hash(&self) -> [u8; 32] {
        self.body_hash
    }

    pub(super) fn points(&self) -> (Point, Point) {
        (self.u, self.u_bar)
    }

    /// enc("quorate/v1/sealed", label, u, ū, e ‖ f, body hash).
    pub fn to_bytes(&self) -> Vec<u8> {
        self.transcript().finish()
    }

    /// Reads what `to_bytes` writes.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::limited(bytes, super::MAX_SEALED_BYTES)?;
        reader.label(labels::SEALED)?;
        let label = SealLabel::from_bytes(reader.field()?)?;
        let (u, u_bar) = (Point::from_bytes(reader.field()?)?, Point::from_bytes(reader.field()?)?);
        let mut proof = Reader::new(reader.field()?);
        let (challenge, response) = (proof.scalar()?, proof.scalar()?);
        proof.finish()?;
        let body_hash = reader.field_array()?;
        reader.finish()?;
        Ok(Self { label, u, u_bar, challenge, response, body_hash })
    }

    fn transcript(&self) -> Transcript {
        let proof = [self.challenge.to_repr(), self.response.to_repr()].concat();
        Transcript::new(labels::SEALED)
            .bytes(&self.label.to_bytes())
            .point(&self.u)
            .point(&self.u_bar)
            .bytes(&proof)
            .bytes(&self.body_hash)
    }
}

impl CheckedCiphertext {
    /// u, as the base of a blinded request for the `unseal` secret. [SEAL-5]
    pub fn base(&self) -> BasePoint {
        BasePoint::of_ciphertext(self.0.u)
    }

    /// The header.
    pub fn header(&self) -> &CiphertextHeader {
        &self.0
    }

    /// As [`CiphertextHeader::ciphertext_hash`].
    pub fn ciphertext_hash(&self) -> [u8; 32] {
        self.0.ciphertext_hash()
    }
}

fn statement(
    label: &SealLabel,
    body_hash: &[u8; 32],
    g_bar: &Point,
    u: &Point,
    u_bar: &Point,
) -> Transcript {
    Transcript::new(labels::SEAL_PROOF)
        .bytes(&label.to_bytes())
        .bytes(body_hash)
        .point(g_bar)
        .point(u)
        .point(u_bar)
}
