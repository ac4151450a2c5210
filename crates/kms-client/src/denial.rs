//! A node's refusal, as far as it is one: signed, and of this request.
//!
//! Spec: docs/spec/request.md [REQ-7]. Prevents: a relay's invention being reported as the policy's word.

use crate::{Fault, Member, NotSigned, PendingRequest, signed};
use alloy_primitives::B256;
use wire::{SeatId, request::SignedDenial};

/// Why a refusal is not the node's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectedDenial {
    /// It is for another request, chain or log.
    #[error("it refuses issuance {actual}, asked was {expected}")]
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
    /// The node did not sign it.
    #[error(transparent)]
    NotSigned(#[from] NotSigned),
}

impl PendingRequest {
    /// Checks that `denial` is the member's own refusal of this request. [REQ-7]
    ///
    /// # Errors
    /// [`RejectedDenial`].
    pub fn check_denial(
        &self,
        member: &Member,
        denial: &SignedDenial,
    ) -> Result<(), RejectedDenial> {
        let SignedDenial { statement, signature } = denial;
        if statement.issuanceId != self.issuance_id {
            let (expected, actual) = (self.issuance_id, statement.issuanceId);
            return Err(RejectedDenial::OtherIssuance { expected, actual });
        }
        if statement.seat != member.seat {
            let (expected, actual) = (member.seat, statement.seat);
            return Err(RejectedDenial::OtherSeat { expected, actual });
        }
        signed::check(member, self.domain, statement, signature)?;
        Ok(())
    }
}

impl RejectedDenial {
    /// Whose doing it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::OtherIssuance { .. } | Self::OtherSeat { .. } | Self::NotSigned(_) => Fault::Node,
        }
    }
}
