//! Asks the policy for a judged request and, if it allows, signs the statement that lets it be recorded.
//!
//! Spec: docs/spec/authorize.md [AUTH-6]..[AUTH-8]. Driven by: `POST /v1/authorize`.

use crate::{
    Fault, Judged, Network, SigningFailed, StatementKey,
    judge::{JudgeError, NotPermitted},
};
use alloy_primitives::Address;
use light_client::{BlockRef, MissingAt, ProvenChain};
use policy::{AsksForFact, ReadError};
use wire::{
    SeatId,
    request::{Authorization, SignedDenial},
    statements::Denied,
};

/// What came of it. A refusal is not a fault.
#[derive(Debug)]
pub enum Outcome {
    /// Allowed: the node's signature over the issuance.
    Authorized(Box<Authorization>),
    /// Not allowed.
    Refused(Refusal),
}

/// A refusal by policy.
#[derive(Debug)]
pub enum Refusal {
    /// Denied at the head: terminal there, and signed.
    Denied(Box<SignedDenial>),
    /// Allowed at the head and not yet at the finalized block: ask again.
    NotFinal {
        /// What the finalized block says.
        reason: String,
        /// The finalized block.
        finalized: BlockRef,
    },
}

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizeError {
    /// The request does not hold.
    #[error(transparent)]
    Judge(#[from] JudgeError),
    /// The key did not sign.
    #[error(transparent)]
    Signing(#[from] SigningFailed),
}

/// The node's hand: its seat and the key that signs for it.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// The network.
    pub network: &'a Network,
    /// The seat.
    pub seat: SeatId,
    /// Its key.
    pub key: &'a StatementKey,
}

/// Signs `judged` if the policy allows it at the head and at the finalized block. [AUTH-7]
///
/// # Errors
/// [`AuthorizeError`].
pub fn authorize(
    signer: &Signer<'_>,
    judged: &Judged,
    chain: &ProvenChain,
) -> Result<Outcome, AuthorizeError> {
    let log = signer.network.issuance_log(chain.head()).map_err(JudgeError::from)?;
    match judged.decide(signer.network, chain)? {
        Ok(permitted) => {
            debug_assert!(permitted.covers(&judged.issuance.attested));
            let domain = signer.network.issuance_domain(log);
            let signature = signer.key.sign(signer.seat, domain, &judged.issuance)?;
            Ok(Outcome::Authorized(Box::new(Authorization {
                issuance_id: judged.issuance_id,
                issuance: judged.issuance.clone(),
                signature,
            })))
        }
        Err(against) => Ok(Outcome::Refused(signer.refuse(judged, against, log)?)),
    }
}

impl Signer<'_> {
    /// The signed denial, or the transient refusal, that a decision against means. [AUTH-8]
    pub(crate) fn refuse(
        &self,
        judged: &Judged,
        against: NotPermitted,
        issuance_log: Address,
    ) -> Result<Refusal, SigningFailed> {
        let (reason, block) = match against {
            NotPermitted::Denied { reason, block } => (reason, block),
            NotPermitted::NotFinal { reason, finalized } => {
                return Ok(Refusal::NotFinal { reason, finalized });
            }
        };
        let statement = Denied {
            issuanceId: judged.issuance_id,
            seat: self.seat,
            blockNumber: block.number,
            blockHash: block.hash,
            reason,
        };
        let domain = self.network.issuance_domain(issuance_log);
        let signature = self.key.sign(self.seat, domain, &statement)?;
        Ok(Refusal::Denied(Box::new(SignedDenial { statement, signature })))
    }
}

impl AuthorizeError {
    /// Whose doing it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Judge(error) => error.fault(),
            Self::Signing(_) => Fault::Local,
        }
    }
}

impl AsksForFact for AuthorizeError {
    fn missing(&self) -> Option<MissingAt> {
        match self {
            Self::Judge(error) => error.missing(),
            Self::Signing(_) => None,
        }
    }
}

impl From<ReadError> for AuthorizeError {
    fn from(error: ReadError) -> Self {
        Self::Judge(error.into())
    }
}
