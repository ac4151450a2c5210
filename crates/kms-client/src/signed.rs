//! Whether a statement is signed by whom it is expected from.

use crate::Member;
use alloy_primitives::Address;
use alloy_sol_types::SolStruct;
use wire::{
    SeatId,
    statements::{Domain, SeatSignature},
};

/// Why a statement does not count as a node's. [REQ-7]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// It names another seat than the node's.
    #[error("signed as seat {actual}, the node has seat {expected}")]
    OtherSeat {
        /// The node's.
        expected: SeatId,
        /// The signature's.
        actual: SeatId,
    },
    /// The signature is malformed, or its s is high.
    #[error("the signature is malformed")]
    Malformed,
    /// Somebody else signed, or the statement was changed.
    #[error("signed by {actual}, the node signs as {expected}")]
    OtherSigner {
        /// The node's address.
        expected: Address,
        /// What the signature recovers to.
        actual: Address,
    },
}

pub(crate) fn check(
    member: &Member,
    domain: Domain,
    statement: &impl SolStruct,
    signature: &SeatSignature,
) -> Result<(), NotSigned> {
    if signature.seat != member.seat {
        return Err(NotSigned::OtherSeat { expected: member.seat, actual: signature.seat });
    }
    match signature.signer(domain.digest(statement)) {
        None => Err(NotSigned::Malformed),
        Some(actual) if actual != member.signer => {
            Err(NotSigned::OtherSigner { expected: member.signer, actual })
        }
        Some(_) => Ok(()),
    }
}
