//! Takes a node's partials: only what it signed for this request is an answer.
//!
//! Spec: docs/spec/request.md [REQ-7], [REQ-10]. Trusts: the member's seat and signer as told. Driven by: each
//! `200 OK` of `POST /v1/release`. Prevents: an answer that a relay replaced counted as the node's (A16).

use crate::{Fault, Member, NodeId, NotSigned, PendingRequest, signed};
use alloy_primitives::B256;
use threshold::{DecodeError, DecodePointError, Point, combine::Contribution, partial::Partial};
use wire::{
    SeatId,
    request::{PartialBody, Release, partials_hash},
};

/// Signed answers of one node that are kept: it may answer again after its epoch turned.
pub const MAX_ANSWERS_PER_NODE: usize = 2;

/// A signed answer: the bytes, which are proof, and what could be read of them.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) node: NodeId,
    pub(crate) release: Release,
    /// One per input; `None` if the signed bytes are no partials for these inputs.
    pub(crate) contributions: Option<Vec<Contribution>>,
}

/// Why a release is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectedRelease {
    /// It is for another request, chain or log.
    #[error("it is for issuance {actual}, asked was {expected}")]
    OtherIssuance {
        /// Ours.
        expected: B256,
        /// The node's.
        actual: B256,
    },
    /// The statement names another seat than the node's.
    #[error("it is of seat {actual}, the node has seat {expected}")]
    OtherSeat {
        /// The node's.
        expected: SeatId,
        /// The statement's.
        actual: SeatId,
    },
    /// The signed hash does not cover these partials: they were changed, or never signed.
    #[error("the statement covers {signed}, the partials hash to {actual}")]
    OtherPartials {
        /// What is signed.
        signed: B256,
        /// What came.
        actual: B256,
    },
    /// The node did not sign it.
    #[error(transparent)]
    NotSigned(#[from] NotSigned),
    /// This node has answered often enough.
    #[error("the node has answered {MAX_ANSWERS_PER_NODE} times already")]
    TooMany,
    /// Signed, and not one partial for each input. Kept as proof.
    #[error("it has {actual} partials for {expected} inputs")]
    Count {
        /// Inputs.
        expected: usize,
        /// Partials.
        actual: usize,
    },
    /// Signed, and a partial is for another input. Kept as proof.
    #[error("partial {index} is for another input")]
    OtherInput {
        /// Which.
        index: usize,
    },
    /// Signed, and Y_i is no point. Kept as proof.
    #[error("the verification share of partial {index} is malformed")]
    VerificationShare {
        /// Which.
        index: usize,
        /// Why.
        source: DecodePointError,
    },
    /// Signed, and Z_i or its proof can't be read. Kept as proof.
    #[error("partial {index} is malformed")]
    Partial {
        /// Which.
        index: usize,
        /// Why.
        source: DecodeError,
    },
}

impl PendingRequest {
    /// Takes a member's release, if it is of this request, signed, and has one readable partial per input. [REQ-10]
    ///
    /// Whether the partials are true is for [`try_combine`](Self::try_combine).
    /// # Errors
    /// [`RejectedRelease`]; what is signed and can't be read is kept for [`name_liars`](Self::name_liars).
    pub fn accept(&mut self, member: &Member, release: Release) -> Result<(), RejectedRelease> {
        self.check_statement(member, &release)?;
        if self.answers.iter().any(|known| known.node == member.node && known.release == release) {
            return Ok(());
        }
        let known = self.answers.iter().filter(|answer| answer.node == member.node).count();
        if known >= MAX_ANSWERS_PER_NODE {
            return Err(RejectedRelease::TooMany);
        }
        // Known so far: 1. of this request, 2. the hash covers the partials, 3. signed by whom the member says it is.
        let (contributions, rejected) = match self.read(&release) {
            Ok(contributions) => (Some(contributions), Ok(())),
            Err(error) => (None, Err(error)),
        };
        self.answers.push(Answer { node: member.node, release, contributions });
        rejected
    }

    /// The signed answers so far, as proof for others.
    pub fn releases(&self) -> impl Iterator<Item = &Release> {
        self.answers.iter().map(|answer| &answer.release)
    }

    fn check_statement(&self, member: &Member, release: &Release) -> Result<(), RejectedRelease> {
        let Release { released, signature, partials } = release;
        if released.issuanceId != self.issuance_id {
            let (expected, actual) = (self.issuance_id, released.issuanceId);
            return Err(RejectedRelease::OtherIssuance { expected, actual });
        }
        if released.seat != member.seat {
            let (expected, actual) = (member.seat, released.seat);
            return Err(RejectedRelease::OtherSeat { expected, actual });
        }
        let actual = partials_hash(released.seat, partials);
        if released.partialsHash != actual {
            let signed = released.partialsHash;
            return Err(RejectedRelease::OtherPartials { signed, actual });
        }
        signed::check(member, self.domain, released, signature)?;
        Ok(())
    }

    fn read(&self, release: &Release) -> Result<Vec<Contribution>, RejectedRelease> {
        let (expected, actual) = (self.asked.len(), release.partials.len());
        if expected != actual {
            return Err(RejectedRelease::Count { expected, actual });
        }
        let pairs = self.asked.iter().zip(&release.partials).enumerate();
        pairs
            .map(|(index, (asked, body))| {
                if body.input != asked.hash {
                    return Err(RejectedRelease::OtherInput { index });
                }
                read_one(index, release, body)
            })
            .collect()
    }
}

fn read_one(
    index: usize,
    release: &Release,
    body: &PartialBody,
) -> Result<Contribution, RejectedRelease> {
    let share_key = Point::from_bytes(&body.verification_share)
        .map_err(|source| RejectedRelease::VerificationShare { index, source })?;
    let partial = Partial::from_bytes(&body.partial)
        .map_err(|source| RejectedRelease::Partial { index, source })?;
    let (seat, epoch) = (release.released.seat, release.released.epoch);
    Ok(Contribution { seat, epoch, share_key, partial })
}

impl RejectedRelease {
    /// Whose doing it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::OtherIssuance { .. }
            | Self::OtherSeat { .. }
            | Self::OtherPartials { .. }
            | Self::NotSigned(_)
            | Self::TooMany
            | Self::Count { .. }
            | Self::OtherInput { .. }
            | Self::VerificationShare { .. }
            | Self::Partial { .. } => Fault::Node,
        }
    }
}
