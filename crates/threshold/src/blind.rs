//! The blinded request: B = r·P with a proof of r in base P, where P is H(x), or u of a sealed secret.
//!
//! Spec: docs/spec/derive.md [DERIVE-2], [DERIVE-3].  Trusts: nothing.
//! The enclave's side, in the only order there is:
//! 1. [`Blinding::new`] picks r and makes B; 2. the caller computes report_data over every B and gets its quote;
//! 3. [`Blinding::bind`] proves r for that report_data and input index, and leaves an [`Unblinding`] for [`crate::combine`].
//!
//! report_data commits to B and not to the proof, the proof to report_data: no circle.
//! The node's side: [`verify_request`]; only its [`VerifiedRequest`] can be evaluated.
//! Prevents: B made from another app's x (A20), and the use of nodes as a decryption oracle (A20).

use crate::{
    decode::{DecodeError, Reader},
    input::BasePoint,
    labels,
    point::{POINT_BYTES, Point},
    scalar::SecretScalar,
    schnorr::{KNOWLEDGE_PROOF_BYTES, KnowledgeProof},
    share::SecretKind,
    transcript::Transcript,
};
use rand_core::CryptoRng;
use thiserror::Error;

/// Length of an encoded [`BlindedRequest`].
pub const BLINDED_REQUEST_BYTES: usize = POINT_BYTES + KNOWLEDGE_PROOF_BYTES;

/// What the proof of r is bound to, beside P and B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestContext<'a> {
    /// The 64 bytes of the quote; they commit to every B of the request.
    pub report_data: &'a [u8; 64],
    /// The position of this input in the request, from 0.
    pub input_index: u8,
}

/// r, before the quote is made. Has no `Clone`: one r serves one quote.
#[derive(Debug)]
pub struct Blinding {
    base: BasePoint,
    factor: SecretScalar,
    blinded: Point,
}

/// r, after the quote is made: what turns the committee's answer into the key. Erased on drop.
#[derive(Debug)]
pub struct Unblinding {
    pub(crate) secret: SecretKind,
    pub(crate) input_index: u8,
    pub(crate) factor: SecretScalar,
    pub(crate) blinded: Point,
}

/// What an enclave sends to the nodes for one input. Public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlindedRequest {
    blinded: Point,
    proof: KnowledgeProof,
}

/// A request whose proof of r held: what a share may be evaluated at.
#[derive(Debug)]
pub struct VerifiedRequest {
    secret: SecretKind,
    input_index: u8,
    blinded: Point,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum VerifyRequestError {
    /// The sender did not show that B = r·P for the P that this node computed, for this quote and input.
    #[error("the proof of the blinding factor does not hold")]
    InvalidProof,
}

impl Blinding {
    /// Picks a fresh r and makes B = r·P. [DERIVE-2]
    pub fn new(base: &BasePoint, rng: &mut impl CryptoRng) -> Self {
        let purpose =
            Transcript::new(labels::BLIND_FACTOR).u8(base.secret().to_wire()).point(&base.point());
        let factor = SecretScalar::hedged(&purpose, &[], rng);
        let blinded = factor.times(&base.point());
        Self { base: *base, factor, blinded }
    }

    /// B, for report_data.
    pub fn point(&self) -> Point {
        self.blinded
    }

    /// Proves r for this quote and input. [DERIVE-3]
    pub fn bind(
        self,
        context: &RequestContext<'_>,
        rng: &mut impl CryptoRng,
    ) -> (BlindedRequest, Unblinding) {
        let Self { base, factor, blinded } = self;
        let transcript = transcript(&base, context);
        let proof = KnowledgeProof::prove(transcript, &base.point(), &blinded, &factor, rng);
        let secret = base.secret();
        let input_index = context.input_index;
        (BlindedRequest { blinded, proof }, Unblinding { secret, input_index, factor, blinded })
    }
}

impl Unblinding {
    /// B, as it stands in the quote.
    pub fn point(&self) -> Point {
        self.blinded
    }
}

impl BlindedRequest {
    /// B.
    pub fn point(&self) -> Point {
        self.blinded
    }

    /// B ‖ A ‖ z.
    pub fn to_bytes(&self) -> [u8; BLINDED_REQUEST_BYTES] {
        let mut bytes = [0; BLINDED_REQUEST_BYTES];
        let fields = self.blinded.to_bytes().into_iter().chain(self.proof.to_bytes());
        bytes.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
        bytes
    }

    /// Reads B ‖ A ‖ z.
    ///
    /// # Errors
    /// [`DecodeError`] if the length differs or a part is not canonical.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let request = Self { blinded: reader.point()?, proof: KnowledgeProof::read(&mut reader)? };
        reader.finish()?;
        Ok(request)
    }
}

impl VerifiedRequest {
    /// B.
    pub fn point(&self) -> Point {
        self.blinded
    }

    /// The position of this input in the request, from 0.
    pub fn input_index(&self) -> u8 {
        self.input_index
    }

    /// The secret whose share answers.
    pub fn secret(&self) -> SecretKind {
        self.secret
    }
}

/// Checks that `request` was blinded from `base`, for this quote and input. [DERIVE-3]
///
/// `base` is the node's own: [`crate::input::hash_to_curve`] of the x that it made from the verified identity, or
/// [`crate::tdh2::CheckedCiphertext::base`].
/// # Errors
/// [`VerifyRequestError::InvalidProof`].
pub fn verify_request(
    request: &BlindedRequest,
    base: &BasePoint,
    context: &RequestContext<'_>,
) -> Result<VerifiedRequest, VerifyRequestError> {
    if !request.proof.holds(transcript(base, context), &base.point(), &request.blinded) {
        return Err(VerifyRequestError::InvalidProof);
    }
    Ok(VerifiedRequest {
        secret: base.secret(),
        input_index: context.input_index,
        blinded: request.blinded,
    })
}

fn transcript(base: &BasePoint, context: &RequestContext<'_>) -> Transcript {
    Transcript::new(labels::BLIND)
        .bytes(context.report_data)
        .u8(context.input_index)
        .u8(base.secret().to_wire())
}
