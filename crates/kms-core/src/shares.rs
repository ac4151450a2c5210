//! The shares of one epoch, checked against the chain before any use.
//!
//! Spec: docs/spec/ceremony.md [CER-12]. Prevents: an old share, or one of another ceremony, being used (A14).

use crate::at_rest::ShareRecord;
use abi::KmsCommittee::EpochInfo;
use alloy_primitives::{B256, keccak256};
use threshold::{NodeShares, POINT_BYTES, SecretKind};
use wire::SeatId;

/// This node's two shares of one activated epoch; each fits the Y_i that the chain committed to.
#[derive(Debug)]
pub struct EpochShares {
    epoch: u64,
    session: B256,
    threshold: u16,
    activated_at: u64,
    shares: NodeShares,
}

/// Why a kept share is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// Another ceremony's.
    #[error("the share is of ceremony {found}, the epoch of {expected}")]
    OtherCeremony {
        /// The epoch's.
        expected: B256,
        /// The share's.
        found: B256,
    },
    /// The list of Y_i beside it is not the chain's.
    #[error("the list of verification shares beside the share is not the chain's")]
    List,
    /// The seat was dealt nothing, or did not confirm.
    #[error("seat {seat} is no member of the epoch")]
    NotAMember {
        /// Which.
        seat: SeatId,
    },
    /// The share does not fit its Y_i.
    #[error("the share does not fit the verification share of seat {seat}")]
    Unfit {
        /// Which.
        seat: SeatId,
    },
}

impl EpochShares {
    /// Checks a kept share against the epoch as proven.
    pub fn check(record: &ShareRecord, info: &EpochInfo) -> Result<Self, ShareError> {
        let seat = record.seat;
        if record.session != info.session {
            return Err(ShareError::OtherCeremony {
                expected: info.session,
                found: record.session,
            });
        }
        if keccak256(&record.outcome.verificationShares) != info.sharesHash {
            return Err(ShareError::List);
        }
        if !info.members.contains(&seat) {
            return Err(ShareError::NotAMember { seat });
        }
        let shares = NodeShares::from_secret_bytes(seat, &record.derive.0, &record.unseal.0)
            .map_err(|_| ShareError::Unfit { seat })?;
        let position = info.recipients.iter().position(|recipient| *recipient == seat);
        let expected = position.and_then(|at| pair_at(&record.outcome.verificationShares, at));
        let actual = SecretKind::BOTH.map(|kind| shares.of(kind).public().to_bytes()).concat();
        if expected != Some(actual.as_slice()) {
            return Err(ShareError::Unfit { seat });
        }
        Ok(Self {
            epoch: info.epoch,
            session: info.session,
            threshold: info.t,
            activated_at: info.activatedAt,
            shares,
        })
    }

    /// The epoch.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The ceremony that made it.
    pub fn session(&self) -> B256 {
        self.session
    }

    /// t of the epoch.
    pub fn threshold(&self) -> u16 {
        self.threshold
    }

    /// The block that activated it.
    pub fn activated_at(&self) -> u64 {
        self.activated_at
    }

    pub(crate) fn shares(&self) -> &NodeShares {
        &self.shares
    }
}

/// Y_i of both secrets, of the recipient at this position.
fn pair_at(verification_shares: &[u8], position: usize) -> Option<&[u8]> {
    let pair = POINT_BYTES.checked_mul(2)?;
    verification_shares.chunks_exact(pair).nth(position)
}

#[cfg(test)]
mod tests;
