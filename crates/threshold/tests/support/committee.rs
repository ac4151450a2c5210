//! A committee after a real genesis, and an enclave that asks it.
#![allow(dead_code, reason = "each test uses a part")]

use super::rng::SeededRng;
use threshold::{
    NodeShares, Point, SecretKind,
    blind::{Blinding, RequestContext, Unblinding, VerifiedRequest, verify_request},
    ceremony::{Ceremony, Outcome, Recipient, RecipientSecret},
    combine::{CombineContext, CombineError, Combined, Contribution, combine},
    input::BasePoint,
    partial::PartialContext,
};

pub(crate) const SESSION: [u8; 32] = [0x5e; 32];
pub(crate) const KEYSET: [u8; 32] = [0x1d; 32];
pub(crate) const REPORT_DATA: [u8; 64] = [0x4d; 64];
pub(crate) const CONTEXT: PartialContext = PartialContext {
    network_hash: [0x0e; 32],
    keyset_id: KEYSET,
    epoch: 1,
    issuance_id: [0x15; 32],
};

/// Seats and shares of one epoch.
pub(crate) struct Committee {
    pub(crate) threshold: u16,
    pub(crate) nodes: Vec<NodeShares>,
    pub(crate) outcome: Outcome,
}

/// Recipients at `seats`, with their secrets.
pub(crate) fn recipients(
    seats: &[u16],
    rng: &mut SeededRng,
) -> (Vec<Recipient>, Vec<RecipientSecret>) {
    let secrets: Vec<_> = seats.iter().map(|_| RecipientSecret::generate(&SESSION, rng)).collect();
    let recipients = seats
        .iter()
        .zip(&secrets)
        .map(|(seat, secret)| Recipient { seat: *seat, encryption_key: secret.public() })
        .collect();
    (recipients, secrets)
}

impl Committee {
    /// Runs a genesis in which everybody deals.
    pub(crate) fn genesis(threshold: u16, seats: &[u16], seed: &str) -> Self {
        let rng = &mut SeededRng::new(seed);
        let (recipients, secrets) = recipients(seats, rng);
        let ceremony = Ceremony::genesis(SESSION, 1, threshold, recipients).unwrap();
        let dealings: Vec<_> = seats
            .iter()
            .map(|seat| (*seat, ceremony.deal(*seat, rng).unwrap().to_bytes()))
            .collect();
        let posted: Vec<_> =
            dealings.iter().map(|(seat, bytes)| (*seat, bytes.as_slice())).collect();
        let qualified = ceremony.qualify(&posted).unwrap();
        assert!(qualified.void().is_empty());
        let nodes = seats
            .iter()
            .zip(&secrets)
            .map(|(seat, secret)| qualified.open(*seat, secret).unwrap())
            .collect();
        Self { threshold, nodes, outcome: qualified.outcome().clone() }
    }

    /// 3 of 5, at seats with gaps.
    pub(crate) fn three_of_five() -> Self {
        Self::genesis(3, &[1, 2, 4, 7, 300], "three of five")
    }

    /// The answer of the node at `index`.
    pub(crate) fn answer(
        &self,
        index: usize,
        request: &VerifiedRequest,
        context: &PartialContext,
    ) -> Contribution {
        let share = self.nodes[index].of(request.secret());
        let partial = share.evaluate(request, context, &mut SeededRng::new("answer")).unwrap();
        Contribution {
            seat: share.seat(),
            epoch: context.epoch,
            share_key: share.public(),
            partial,
        }
    }

    /// All answers to `asked`.
    pub(crate) fn answers(&self, asked: &Asked) -> Vec<Contribution> {
        (0..self.nodes.len()).map(|index| self.answer(index, &asked.verified, &CONTEXT)).collect()
    }

    /// Combines `contributions` for `asked` with this committee's t and public key.
    pub(crate) fn combine(
        &self,
        asked: &Asked,
        contributions: &[Contribution],
    ) -> Result<Combined, CombineError> {
        let public_key = self.public_key(asked.verified.secret());
        let context = CombineContext {
            partial: &CONTEXT,
            threshold: self.threshold,
            public_key: &public_key,
        };
        combine(&asked.unblinding, &context, contributions)
    }

    pub(crate) fn public_key(&self, secret: SecretKind) -> Point {
        self.outcome.public_key(secret)
    }

    /// The whole path for one base: K.
    pub(crate) fn key(&self, base: &BasePoint) -> Combined {
        let asked = ask(base, "key");
        self.combine(&asked, &self.answers(&asked)).unwrap()
    }
}

/// A request on both sides: r at the enclave, the verified request at a node.
pub(crate) struct Asked {
    pub(crate) unblinding: Unblinding,
    pub(crate) verified: VerifiedRequest,
}

/// Blinds `base`, binds it, and has a node verify it.
pub(crate) fn ask(base: &BasePoint, seed: &str) -> Asked {
    let rng = &mut SeededRng::new(seed);
    let context = RequestContext { report_data: &REPORT_DATA, input_index: 0 };
    let (request, unblinding) = Blinding::new(base, rng).bind(&context, rng);
    let verified = verify_request(&request, base, &context).unwrap();
    Asked { unblinding, verified }
}
