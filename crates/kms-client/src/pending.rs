//! A complete request, and everything that was answered to it so far.
//!
//! The verbs are in files of their own: [`authorize`](PendingRequest::authorize), [`check_denial`](PendingRequest::check_denial),
//! [`accept`](PendingRequest::accept), [`try_combine`](PendingRequest::try_combine), [`name_liars`](PendingRequest::name_liars).

use crate::{NodeId, Pinned, SessionKey, authorize::Authorized, release::Answer, wanted::Purpose};
use alloy_primitives::B256;
use std::{collections::BTreeMap, fmt};
use threshold::blind::Unblinding;
use wire::{
    report_data::{ReportData, words},
    request::KeyRequest,
    statements::{Domain, issuance_id},
};

/// A request with its quote. Holds every r; has no `Clone`, and nothing of it can be kept at rest.
pub struct PendingRequest {
    pub(crate) pinned: Pinned,
    pub(crate) domain: Domain,
    pub(crate) report_data: [B256; 2],
    pub(crate) issuance_id: B256,
    pub(crate) request: KeyRequest,
    pub(crate) evidence_hash: B256,
    pub(crate) asked: Vec<Asked>,
    pub(crate) authorized: BTreeMap<NodeId, Authorized>,
    pub(crate) answers: Vec<Answer>,
    session_key: SessionKey,
}

/// One input, as it is answered.
#[derive(Debug)]
pub(crate) struct Asked {
    /// EIP-712 struct hash of the input: what a partial names.
    pub(crate) hash: B256,
    pub(crate) input_index: u8,
    pub(crate) unblinding: Unblinding,
    pub(crate) purpose: Purpose,
}

impl PendingRequest {
    pub(crate) fn new(
        pinned: Pinned,
        domain: Domain,
        session_key: SessionKey,
        report_data: ReportData,
        request: KeyRequest,
        asked: Vec<Asked>,
    ) -> Self {
        let (Domain::IssuanceLog { chain_id, contract }
        | Domain::KmsCommittee { chain_id, contract }) = domain;
        let report_data = words(&report_data);
        Self {
            issuance_id: issuance_id(chain_id, contract, report_data),
            evidence_hash: request.evidence.hash(),
            pinned,
            domain,
            report_data,
            request,
            asked,
            authorized: BTreeMap::new(),
            answers: Vec::new(),
            session_key,
        }
    }

    /// The body of `POST /v1/authorize`, and again of `POST /v1/release`.
    pub fn request(&self) -> &KeyRequest {
        &self.request
    }

    /// The name of this request on chain.
    pub fn issuance_id(&self) -> B256 {
        self.issuance_id
    }

    /// The key that the quote binds.
    pub fn session_key(&self) -> &SessionKey {
        &self.session_key
    }

    /// Gives the session key away, and every r up.
    pub fn into_session_key(self) -> SessionKey {
        self.session_key
    }
}

impl fmt::Debug for PendingRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingRequest")
            .field("issuance_id", &self.issuance_id)
            .field("app_id", &self.request.app_id)
            .field("session_key", &self.session_key)
            .finish_non_exhaustive()
    }
}
