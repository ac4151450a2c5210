//! A request before its quote: everything that the quote binds is chosen here, once.
//!
//! Spec: docs/spec/request.md [REQ-4], [REQ-5], [REQ-6]. Prevents: r, session key or anchor of one quote used for another.

use crate::{
    Committee, Fault, PendingRequest, Pinned, SessionKey, Wanted, WantedError,
    pending::Asked,
    wanted::{Located, Purpose},
};
use alloy_primitives::Address;
use alloy_sol_types::SolStruct;
use rand_core::CryptoRng;
use threshold::blind::{Blinding, RequestContext};
use wire::{
    limits::MAX_INPUTS,
    report_data::{ReportData, RequestBinding},
    request::{EvidenceBytes, EvidenceTooLarge, KeyRequest, RequestedInput},
    statements::{Anchor, Domain, Input},
};

/// A request that waits for its quote. Has no `Clone`: one draft, one quote.
#[derive(Debug)]
pub struct KeyRequestDraft {
    pinned: Pinned,
    domain: Domain,
    app_id: Address,
    anchor: Anchor,
    session_key: SessionKey,
    inputs: Vec<DraftInput>,
}

#[derive(Debug)]
struct DraftInput {
    input: Input,
    blinding: Blinding,
    purpose: Purpose,
}

/// Why there is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// None, or more than 8.
    #[error("{count} inputs: a request has 1 to {MAX_INPUTS}")]
    Count {
        /// How many.
        count: usize,
    },
    /// One of them can't be asked for.
    #[error("input {index} can't be asked for")]
    Wanted {
        /// Which.
        index: usize,
        /// Why.
        source: WantedError,
    },
}

impl KeyRequestDraft {
    /// Chooses r for each input, B = r·H(x) or r·u, and a session key. [REQ-4]
    ///
    /// # Errors
    /// [`DraftError`].
    /// # Security
    /// `rng` must be the machine's own: whoever knows r and the partials knows the keys.
    pub fn new(
        pinned: &Pinned,
        committee: &Committee,
        app_id: Address,
        wanted: Vec<Wanted>,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, DraftError> {
        let count = wanted.len();
        if count == 0 || count > MAX_INPUTS {
            return Err(DraftError::Count { count });
        }
        let mut inputs = Vec::with_capacity(count);
        for (index, wanted) in wanted.into_iter().enumerate() {
            let located = wanted.locate(pinned, app_id);
            let Located { input, base, purpose } =
                located.map_err(|source| DraftError::Wanted { index, source })?;
            inputs.push(DraftInput { input, blinding: Blinding::new(&base, rng), purpose });
        }
        Ok(Self {
            pinned: pinned.clone(),
            domain: committee.domain(),
            app_id,
            anchor: committee.anchor,
            session_key: SessionKey::generate(rng),
            inputs,
        })
    }

    /// The 64 bytes to quote. [REQ-5]
    pub fn report_data(&self) -> ReportData {
        let inputs: Vec<_> = self
            .inputs
            .iter()
            .map(|asked| (asked.input.clone(), asked.blinding.point().to_bytes()))
            .collect();
        RequestBinding {
            network_hash: self.pinned.network_hash,
            keyset_id: self.pinned.keyset_id,
            app_id: self.app_id,
            release_at: self.pinned.release_at,
            inputs: &inputs,
            session_key: self.session_key.address(),
            anchor: self.anchor,
        }
        .report_data()
    }

    /// Proves each r for the quoted report_data; the request is complete. [REQ-6]
    ///
    /// # Errors
    /// [`EvidenceTooLarge`]: no node would read it.
    pub fn with_evidence(
        self,
        evidence: EvidenceBytes,
        rng: &mut impl CryptoRng,
    ) -> Result<PendingRequest, EvidenceTooLarge> {
        evidence.check_sizes()?;
        let report_data = self.report_data();
        let mut requested = Vec::with_capacity(self.inputs.len());
        let mut asked = Vec::with_capacity(self.inputs.len());
        for (input_index, draft) in (0u8..).zip(self.inputs) {
            let context = RequestContext { report_data: &report_data, input_index };
            let (blinded, unblinding) = draft.blinding.bind(&context, rng);
            let hash = draft.input.eip712_hash_struct();
            requested.push(RequestedInput {
                input: draft.input,
                blinded: blinded.to_bytes().to_vec().into(),
                ciphertext: draft.purpose.header(),
            });
            asked.push(Asked { hash, input_index, unblinding, purpose: draft.purpose });
        }
        let request = KeyRequest {
            keyset_id: self.pinned.keyset_id,
            app_id: self.app_id,
            release_at: self.pinned.release_at,
            anchor: self.anchor,
            session_key: self.session_key.address(),
            inputs: requested,
            evidence,
        };
        let Self { pinned, domain, session_key, .. } = self;
        Ok(PendingRequest::new(pinned, domain, session_key, report_data, request, asked))
    }
}

impl DraftError {
    /// Whose doing it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Count { .. } | Self::Wanted { .. } => Fault::Local,
        }
    }
}
