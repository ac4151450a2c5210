//! Releases this node's partials once the issuance is recorded at the block that counts and the policy still allows it.
//!
//! Spec: docs/spec/release.md [REL-1]..[REL-6]. Driven by: `POST /v1/release`; repeatable, the requester never pays twice.
//! Prevents: a partial without a record (P2), a release after a revocation that the head has seen (P5).

use crate::{
    Fault, Judged, SigningFailed,
    authorize::{Refusal, Signer},
    judge::JudgeError,
    shares::EpochShares,
};
use alloy_primitives::B256;
use light_client::{BlockRef, MissingAt, ProvenChain};
use policy::{AsksForFact, Permitted, ReadError};
use rand_core::CryptoRng;
use threshold::partial::{EvaluateError, PartialContext};
use wire::{
    ReleaseAt, SeatId,
    request::{PartialBody, Release, partials_hash},
    statements::Released,
};

/// What came of it.
#[derive(Debug)]
pub enum Outcome {
    /// The partials, signed.
    Released(Box<Release>),
    /// Not allowed.
    Refused(Refusal),
    /// Not recorded at the block that counts: record it, or wait.
    NotRecorded {
        /// That block.
        block: BlockRef,
    },
}

/// Proof that an issuance is recorded at the block that counts, young enough, and still permitted. Only this is evaluated.
#[derive(Debug)]
struct Recorded<'a> {
    judged: &'a Judged,
    #[expect(dead_code, reason = "a token: shows that the policy was asked at this head")]
    permitted: Permitted,
    proven_at: BlockRef,
}

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The request does not hold, or the chain could not be read.
    #[error(transparent)]
    Judge(#[from] JudgeError),
    /// The release window is over: boot again.
    #[error("recorded in block {recorded}, the release window of {window} blocks is over")]
    WindowClosed {
        /// Where it was recorded.
        recorded: u64,
        /// How long it may be released.
        window: u64,
    },
    /// The epoch turned: this node's shares are of another one.
    #[error("epoch {active} is active, this node holds shares of {held}")]
    EpochMoved {
        /// At the head.
        active: u64,
        /// Held.
        held: u64,
    },
    /// The seat is no member of the active epoch, or is suspended.
    #[error("seat {seat} may not act in epoch {epoch}")]
    NotAMember {
        /// Which.
        seat: SeatId,
        /// The active epoch.
        epoch: u64,
    },
    /// The request is for the other secret than the share; no checked request is.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// The key did not sign.
    #[error(transparent)]
    Signing(#[from] SigningFailed),
}

/// Evaluates this node's shares for `judged`, if it is recorded and still permitted. [REL-1]..[REL-5]
///
/// # Errors
/// [`ReleaseError`].
pub fn release(
    signer: &Signer<'_>,
    judged: &Judged,
    chain: &ProvenChain,
    shares: &EpochShares,
    window_blocks: u64,
    rng: &mut impl CryptoRng,
) -> Result<Outcome, ReleaseError> {
    check_epoch(signer, chain, shares)?;
    let log = signer.network.issuance_log(chain.head())?;
    let proven = match judged.issuance.releaseAt {
        at if at == ReleaseAt::Finalized as u8 => chain.finalized(),
        _ => chain.head(),
    };
    let Some(recorded) = signer.network.recorded(proven, log, judged.issuance_id)? else {
        return Ok(Outcome::NotRecorded { block: proven.block() });
    };
    if chain.head().block().number.saturating_sub(recorded) > window_blocks {
        return Err(ReleaseError::WindowClosed { recorded, window: window_blocks });
    }
    let permitted = match judged.decide(signer.network, chain)? {
        Ok(permitted) => permitted,
        Err(against) => return Ok(Outcome::Refused(signer.refuse(judged, against, log)?)),
    };
    let recorded = Recorded { judged, permitted, proven_at: proven.block() };
    let context = PartialContext {
        network_hash: signer.network.network_hash.0,
        keyset_id: judged.issuance.keysetId.0,
        epoch: shares.epoch(),
        issuance_id: judged.issuance_id.0,
    };
    let partials = recorded.evaluate(shares, &context, rng)?;
    recorded.sign(signer, log, shares.epoch(), partials)
}

/// The shares are of the epoch that is active at the head, and the seat may act in it. [REL-3]
fn check_epoch(
    signer: &Signer<'_>,
    chain: &ProvenChain,
    shares: &EpochShares,
) -> Result<(), ReleaseError> {
    let address = signer.key.address();
    let authority = signer.network.authority(chain.head(), signer.seat, address)?;
    if authority.epoch != shares.epoch() {
        return Err(ReleaseError::EpochMoved { active: authority.epoch, held: shares.epoch() });
    }
    if !authority.may_act {
        return Err(ReleaseError::NotAMember { seat: signer.seat, epoch: authority.epoch });
    }
    Ok(())
}

impl Recorded<'_> {
    /// Z_i = s_i·B with its proof, for each input in order. [DERIVE-7]
    fn evaluate(
        &self,
        shares: &EpochShares,
        context: &PartialContext,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<PartialBody>, EvaluateError> {
        let evaluate = |input: &crate::inputs::CheckedInput| {
            let share = shares.shares().of(input.request.secret());
            let partial = share.evaluate(&input.request, context, &mut *rng)?;
            Ok(PartialBody {
                input: input.hash,
                verification_share: share.public().to_bytes().to_vec().into(),
                partial: partial.to_bytes().to_vec().into(),
            })
        };
        self.judged.inputs.iter().map(evaluate).collect()
    }

    /// One statement over all partials: what is unsigned is no answer. [REL-5]
    fn sign(
        &self,
        signer: &Signer<'_>,
        issuance_log: alloy_primitives::Address,
        epoch: u64,
        partials: Vec<PartialBody>,
    ) -> Result<Outcome, ReleaseError> {
        let released = Released {
            issuanceId: self.judged.issuance_id,
            epoch,
            seat: signer.seat,
            blockNumber: self.proven_at.number,
            blockHash: self.proven_at.hash,
            partialsHash: partials_hash(signer.seat, &partials),
        };
        let domain = signer.network.issuance_domain(issuance_log);
        let signature = signer.key.sign(signer.seat, domain, &released)?;
        Ok(Outcome::Released(Box::new(Release { released, signature, partials })))
    }
}

impl Judged {
    /// The digest of everything that a later release of the same request depends on: two requests with the same id may
    /// carry other proofs, so judgements are kept by this, not by the id alone.
    pub fn cache_key(request: &wire::request::KeyRequest) -> B256 {
        alloy_primitives::keccak256(serde_json::to_vec(request).unwrap_or_default())
    }
}

impl From<ReadError> for ReleaseError {
    fn from(error: ReadError) -> Self {
        Self::Judge(error.into())
    }
}

impl ReleaseError {
    /// Whose doing it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Judge(error) => error.fault(),
            Self::WindowClosed { .. } => Fault::Requester,
            Self::EpochMoved { .. }
            | Self::NotAMember { .. }
            | Self::Evaluate(_)
            | Self::Signing(_) => Fault::Local,
        }
    }
}

impl AsksForFact for ReleaseError {
    fn missing(&self) -> Option<MissingAt> {
        match self {
            Self::Judge(error) => error.missing(),
            _ => None,
        }
    }
}
