//! A node's partial: Z_i = s_i·B, with a proof that the s_i of Y_i = s_i·G made it.
//!
//! Spec: docs/spec/derive.md [DERIVE-5] to [DERIVE-7].  Trusts: the caller, for having checked policy and record.
//! Driven by: [`KeyShare::evaluate`] in a node, [`Partial::verify`] in whoever receives or audits.
//! Prevents: a wrong answer that can't be named (P9), a proof that is moved to another context, a nonce used twice (A27).

use crate::{
    blind::VerifiedRequest,
    decode::DecodeError,
    dleq::{EVALUATION_BYTES, Evaluation},
    labels,
    point::Point,
    share::{KeyShare, SecretKind},
    transcript::Transcript,
};
use rand_core::CryptoRng;
use thiserror::Error;

/// Length of an encoded [`Partial`].
pub const PARTIAL_BYTES: usize = EVALUATION_BYTES;

/// What a partial answers: the network, keyset, epoch and issuance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialContext {
    /// keccak256 of chain and committee.
    pub network_hash: [u8; 32],
    /// The keyset.
    pub keyset_id: [u8; 32],
    /// The epoch whose shares answer.
    pub epoch: u64,
    /// The issuance; it fixes the request by its report_data.
    pub issuance_id: [u8; 32],
}

/// What a proof says: this seat's share, at this point, for this input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialStatement<'a> {
    /// Network, keyset, epoch, issuance.
    pub context: &'a PartialContext,
    /// Which secret.
    pub secret: SecretKind,
    /// The position of the input in the request, from 0.
    pub input_index: u8,
    /// The seat i.
    pub seat: u16,
    /// Y_i: proven from chain state by whoever wants to blame, else as claimed.
    pub share_key: Point,
    /// B.
    pub blinded: Point,
}

/// Z_i and its proof. Public: without r it gives nobody the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partial(Evaluation);

/// A partial whose proof held, for the Y_i of its statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedPartial {
    pub(crate) seat: u16,
    pub(crate) share_key: Point,
    pub(crate) output: Point,
}

/// Why a share is not evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EvaluateError {
    /// The request is for the other of the keyset's two secrets.
    #[error("the request is for {request:?}, the share is of {share:?}")]
    WrongSecret {
        /// What the request is for.
        request: SecretKind,
        /// What the share is of.
        share: SecretKind,
    },
}

/// Why a partial does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum VerifyPartialError {
    /// Seats count from 1.
    #[error("seat 0 can't hold a share")]
    SeatZero,
    /// The share of Y_i did not make Z_i from B in this context.
    #[error("the proof of the partial does not hold")]
    InvalidProof,
}

impl KeyShare {
    /// Z_i = s_i·B with its proof. [DERIVE-7]
    ///
    /// The caller has proven the record and asked the policy; this function can't know.
    /// # Errors
    /// [`EvaluateError::WrongSecret`] if the request is for the other secret.
    /// # Security
    /// Constant time in the share. The nonce is hedged by share, randomness and the whole statement (A27).
    pub fn evaluate(
        &self,
        request: &VerifiedRequest,
        context: &PartialContext,
        rng: &mut impl CryptoRng,
    ) -> Result<Partial, EvaluateError> {
        if request.secret() != self.secret() {
            return Err(EvaluateError::WrongSecret {
                request: request.secret(),
                share: self.secret(),
            });
        }
        let statement = PartialStatement {
            context,
            secret: self.secret(),
            input_index: request.input_index(),
            seat: self.seat(),
            share_key: self.public(),
            blinded: request.point(),
        };
        Ok(Partial(Evaluation::prove(
            statement.transcript(),
            &statement.blinded,
            &statement.share_key,
            self.scalar(),
            rng,
        )))
    }
}

impl Partial {
    /// Z_i.
    pub fn output(&self) -> Point {
        self.0.output
    }

    /// Z_i ‖ A ‖ A′ ‖ z.
    pub fn to_bytes(&self) -> [u8; PARTIAL_BYTES] {
        self.0.to_bytes()
    }

    /// Reads Z_i ‖ A ‖ A′ ‖ z.
    ///
    /// # Errors
    /// [`DecodeError`] if the length differs or a part is not canonical.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        Evaluation::from_bytes(bytes).map(Self)
    }

    /// Checks the proof against `statement`. [DERIVE-5]
    ///
    /// # Errors
    /// [`VerifyPartialError`]. A partial that fails against a Y_i from proven state, and is in a signed `Released`, names
    /// a liar; against a claimed Y_i it names nobody (A16).
    pub fn verify(
        &self,
        statement: &PartialStatement<'_>,
    ) -> Result<VerifiedPartial, VerifyPartialError> {
        if statement.seat == 0 {
            return Err(VerifyPartialError::SeatZero);
        }
        if !self.0.holds(statement.transcript(), &statement.blinded, &statement.share_key) {
            return Err(VerifyPartialError::InvalidProof);
        }
        Ok(VerifiedPartial {
            seat: statement.seat,
            share_key: statement.share_key,
            output: self.output(),
        })
    }
}

impl PartialStatement<'_> {
    /// Everything but Y_i, B, Z_i and the commitments, which the proof itself appends.
    fn transcript(&self) -> Transcript {
        Transcript::new(labels::PARTIAL)
            .bytes(&self.context.network_hash)
            .bytes(&self.context.keyset_id)
            .u64(self.context.epoch)
            .bytes(&self.context.issuance_id)
            .u8(self.input_index)
            .u8(self.secret.to_wire())
            .u16(self.seat)
    }
}
