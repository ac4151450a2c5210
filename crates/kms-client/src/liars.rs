//! Names whoever signed a false answer, against what the chain proves.
//!
//! Spec: docs/spec/request.md [REQ-13]. Trusts: the caller, for having proven each seat's signer and Y_i of the epoch from
//! chain state (KmsCommittee keeps keccak256 of the list). Promise P9. Prevents: an honest node blamed for an answer that a
//! relay made up under a secret of its own, which holds for the Y_i that it brought along (A16).

use crate::{PendingRequest, pending::Asked, release::Answer};
use alloy_primitives::Address;
use threshold::{
    Point, SecretKind,
    ceremony::ShareKeys,
    partial::{Partial, PartialStatement},
};
use wire::request::{PartialBody, Release};

/// One seat of an epoch, as the chain proves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProvenSeat {
    /// Both Y_i, and the seat.
    pub share_keys: ShareKeys,
    /// The address that signs for the seat.
    pub signer: Address,
}

/// A seat that signed a false answer, with its own signature as the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Liar {
    /// Who.
    pub seat: wire::SeatId,
    /// What is false.
    pub lie: Lie,
    /// The signed statement and what it covers.
    pub release: Release,
}

/// What is false in a signed answer; inputs count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// It is not one partial per input, in their order.
    Inputs,
    /// It states another Y_i than the chain.
    VerificationShare {
        /// For which input.
        index: usize,
    },
    /// The share of the proven Y_i did not make this partial.
    Partial {
        /// For which input.
        index: usize,
    },
}

impl PendingRequest {
    /// Judges every signed answer of `epoch` by the proven seats, the first lie of each. [REQ-13]
    ///
    /// An answer whose signature is not the proven signer's names nobody: it came from elsewhere.
    pub fn name_liars(&self, epoch: u64, proven: &[ProvenSeat]) -> Vec<Liar> {
        let of_epoch = self.answers.iter().filter(|one| one.release.released.epoch == epoch);
        of_epoch.filter_map(|answer| self.judge(answer, proven)).collect()
    }

    fn judge(&self, answer: &Answer, proven: &[ProvenSeat]) -> Option<Liar> {
        let release = &answer.release;
        let seat = release.released.seat;
        let proven = proven.iter().find(|one| one.share_keys.seat == seat)?;
        let signer = release.signature.signer(self.domain.digest(&release.released))?;
        if signer != proven.signer {
            return None;
        }
        // Known so far: 1. the seat signed this, 2. what its shares are.
        let lie = self.first_lie(release, &proven.share_keys)?;
        Some(Liar { seat, lie, release: release.clone() })
    }

    fn first_lie(&self, release: &Release, proven: &ShareKeys) -> Option<Lie> {
        let partials = &release.partials;
        let in_order = self.asked.iter().map(|asked| asked.hash);
        if !partials.iter().map(|body| body.input).eq(in_order) {
            return Some(Lie::Inputs);
        }
        let pairs = self.asked.iter().zip(partials).enumerate();
        pairs.into_iter().find_map(|(index, (asked, body))| {
            let expected = share_key(proven, asked.purpose.secret());
            if *body.verification_share != expected.to_bytes().as_slice() {
                return Some(Lie::VerificationShare { index });
            }
            let holds = self.holds(release, asked, body, expected);
            (!holds).then_some(Lie::Partial { index })
        })
    }

    fn holds(&self, release: &Release, asked: &Asked, body: &PartialBody, proven: Point) -> bool {
        let statement = PartialStatement {
            context: &self.partial_context(release.released.epoch),
            secret: asked.purpose.secret(),
            input_index: asked.input_index,
            seat: release.released.seat,
            share_key: proven,
            blinded: asked.unblinding.point(),
        };
        Partial::from_bytes(&body.partial).is_ok_and(|partial| partial.verify(&statement).is_ok())
    }
}

fn share_key(keys: &ShareKeys, secret: SecretKind) -> Point {
    match secret {
        SecretKind::Derive => keys.derive,
        SecretKind::Unseal => keys.unseal,
    }
}
