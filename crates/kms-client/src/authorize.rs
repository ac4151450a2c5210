//! From authorizations to the record that IssuanceLog takes.
//!
//! Spec: docs/spec/request.md [REQ-7], [REQ-8], [REQ-9]. Trusts: the member's seat and signer as told; the chain judges.
//! Prevents: a record of something else than was asked, under this quote's only issuance id (A11).

use crate::{Fault, Member, NotSigned, PendingRequest, signed, subsets::subsets};
use alloy_primitives::B256;
use wire::{
    InputKind, Scope, SeatId,
    request::{Authorization, RecordRequest},
    statements::{Attested, Input, Issuance, SeatSignature},
};

/// Sets of t signatures that are offered for one request at most.
pub const MAX_RECORD_REQUESTS: usize = 32;

/// One node's authorization that held. A later one of the same node takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authorized {
    issuance: Issuance,
    signature: SeatSignature,
}

/// How far the record is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The epoch of the largest group that signed the same.
    pub epoch: u64,
    /// Its seats, ascending.
    pub seats: Vec<SeatId>,
}

/// Why an authorization does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectedAuthorization {
    /// It is for another request, chain or log.
    #[error("it is for issuance {actual}, asked was {expected}")]
    OtherIssuance {
        /// Ours.
        expected: B256,
        /// The node's.
        actual: B256,
    },
    /// A field differs from what was asked.
    #[error("its {field} is not what was asked")]
    Differs {
        /// Which.
        field: &'static str,
    },
    /// The node did not sign it.
    #[error(transparent)]
    NotSigned(#[from] NotSigned),
}

impl PendingRequest {
    /// Takes a member's authorization, if it says exactly what was asked and is signed. [REQ-7], [REQ-8]
    ///
    /// # Errors
    /// [`RejectedAuthorization`]; the answer then counts for nothing.
    pub fn authorize(
        &mut self,
        member: &Member,
        authorization: Authorization,
    ) -> Result<Progress, RejectedAuthorization> {
        let Authorization { issuance_id, issuance, signature } = authorization;
        if issuance_id != self.issuance_id {
            let (expected, actual) = (self.issuance_id, issuance_id);
            return Err(RejectedAuthorization::OtherIssuance { expected, actual });
        }
        self.check_issuance(&issuance)?;
        signed::check(member, self.domain, &issuance, &signature)?;
        // Known so far: 1. it is what was asked, 2. whoever told us its seat and signer signed it.
        self.authorized.insert(member.node, Authorized { issuance, signature });
        Ok(self.progress())
    }

    /// The largest group of members that signed the same.
    pub fn progress(&self) -> Progress {
        let groups = self.groups();
        let largest = groups.into_iter().next();
        largest.map_or(Progress { epoch: 0, seats: Vec::new() }, |(issuance, signatures)| {
            let mut seats: Vec<SeatId> = signatures.iter().map(|one| one.seat).collect();
            seats.dedup();
            Progress { epoch: issuance.epoch, seats }
        })
    }

    /// What a relay may be asked to send, best first: each has `threshold` signatures of distinct seats over one issuance,
    /// by ascending seat. IssuanceLog refuses a list with one false signature, so none is longer. [REQ-9]
    ///
    /// Empty while too few agree; at most [`MAX_RECORD_REQUESTS`]. More than one only if more than t nodes authorized.
    pub fn record_requests(&self, threshold: u16) -> Vec<RecordRequest> {
        let size = usize::from(threshold.max(2));
        let other_seat = |chosen: &[SeatSignature], next: &SeatSignature| {
            chosen.iter().all(|signature| signature.seat != next.seat)
        };
        let sets = self.groups().into_iter().flat_map(|(issuance, signatures)| {
            let sets = subsets(&signatures, size, MAX_RECORD_REQUESTS, &other_seat);
            sets.into_iter()
                .map(|signatures| RecordRequest { issuance: issuance.clone(), signatures })
                .collect::<Vec<_>>()
        });
        sets.take(MAX_RECORD_REQUESTS).collect()
    }

    /// Signatures by what they sign, the largest group first, each by ascending seat.
    fn groups(&self) -> Vec<(&Issuance, Vec<SeatSignature>)> {
        let mut groups: Vec<(&Issuance, Vec<SeatSignature>)> = Vec::new();
        for authorized in self.authorized.values() {
            let same = groups.iter_mut().find(|(issuance, _)| **issuance == authorized.issuance);
            match same {
                Some((_, signatures)) => signatures.push(authorized.signature),
                None => groups.push((&authorized.issuance, vec![authorized.signature])),
            }
        }
        for (_, signatures) in &mut groups {
            signatures.sort_by_key(|signature| signature.seat);
            signatures.dedup();
        }
        groups.sort_by_key(|(_, signatures)| std::cmp::Reverse(signatures.len()));
        groups
    }

    /// Every field that this side knows is as asked. Epoch and the rest of `attested` are the nodes' own findings. [REQ-8]
    fn check_issuance(&self, issuance: &Issuance) -> Result<(), RejectedAuthorization> {
        let request = &self.request;
        let asked: Vec<&Input> = request.inputs.iter().map(|asked| &asked.input).collect();
        let attested = &issuance.attested;
        for (field, same) in [
            ("keyset", issuance.keysetId == request.keyset_id),
            ("report_data", issuance.reportData == self.report_data),
            ("releaseAt", issuance.releaseAt == request.release_at as u8),
            ("anchor", issuance.anchor == request.anchor),
            ("session key", issuance.sessionKey == request.session_key),
            ("evidence hash", issuance.evidenceHash == self.evidence_hash),
            ("app id", attested.boot.appId == request.app_id),
            ("inputs", issuance.inputs.iter().eq(asked)),
            ("attested scope", issuance.inputs.iter().all(|input| is_in_scope(input, attested))),
        ] {
            if !same {
                return Err(RejectedAuthorization::Differs { field });
            }
        }
        Ok(())
    }
}

/// The attested code and instance are those that the input's scope names.
fn is_in_scope(input: &Input, attested: &Attested) -> bool {
    let boot = &attested.boot;
    let own = [Scope::App, Scope::Code(boot.composeHash), Scope::Instance(boot.instanceId)];
    input.kind == InputKind::Unseal as u8
        || own
            .iter()
            .any(|scope| (scope.kind(), scope.value()) == (input.scopeKind, input.scopeValue))
}

impl RejectedAuthorization {
    /// Whose doing it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::OtherIssuance { .. } | Self::Differs { .. } | Self::NotSigned(_) => Fault::Node,
        }
    }
}
