//! A software authority with one machine and one booted app; every test changes one thing of it.

use alloy_primitives::{Address, B256};
use evidence::{
    Platform, RawEvidence, RootRules, TcbStatuses, VerifiedIdentity, VerifiedQuote,
    VerifyQuoteError,
};
use soft_tee::{App, Authority, CollateralTerms, Machine, OsImage, QuoteCollateralV3, TrustDomain};
use std::sync::Arc;
use wire::{UnixSeconds, request::EvidenceBytes};

/// 2026-11-20, noon.
pub(crate) const NOW: UnixSeconds = UnixSeconds(1_795_176_000);
pub(crate) const DAY: u64 = 86_400;
pub(crate) const HOUR: u64 = 3_600;
pub(crate) const REPORT_DATA: [u8; 64] = [0x5a; 64];

pub(crate) struct World {
    pub(crate) authority: Authority,
    pub(crate) machine: Arc<Machine>,
    pub(crate) domain: TrustDomain,
    /// Collateral's terms; issued an hour ago.
    pub(crate) terms: CollateralTerms,
    pub(crate) rules: RootRules,
}

impl World {
    pub(crate) fn new() -> Self {
        let authority = Authority::from_seed([1; 32], "soft-a");
        let machine = Arc::new(Machine::new(&authority, "m1", OsImage::from_seed([2; 32])));
        let domain = machine.boot(app());
        Self {
            authority,
            machine,
            domain,
            terms: CollateralTerms::at(NOW.0 - HOUR),
            rules: rules(),
        }
    }

    /// The parts, each as the machine and the authority make them.
    pub(crate) fn bytes(&self) -> EvidenceBytes {
        EvidenceBytes {
            quote: self.domain.quote(REPORT_DATA).into(),
            event_log: self.domain.event_log(),
            collateral: json(&self.authority.collateral(&self.terms)),
        }
    }

    pub(crate) fn verify(&self) -> Result<VerifiedQuote, VerifyQuoteError> {
        self.verify_bytes(self.bytes())
    }

    pub(crate) fn verify_bytes(
        &self,
        bytes: EvidenceBytes,
    ) -> Result<VerifiedQuote, VerifyQuoteError> {
        let raw = RawEvidence::new(bytes).expect("within limits");
        let root = raw.claimed_root()?;
        raw.verify(&root, &self.rules, NOW)
    }

    pub(crate) fn identity(&self) -> VerifiedIdentity {
        self.verify().expect("genuine").replay().expect("whole")
    }
}

pub(crate) fn app() -> App {
    App {
        compose: br#"{"manifest_version":2,"name":"demo","runner":"docker-compose"}"#.to_vec(),
        app_id: [0xa1; 20],
    }
}

pub(crate) fn app_id() -> Address {
    Address::new(app().app_id)
}

pub(crate) fn json(collateral: &QuoteCollateralV3) -> String {
    serde_json::to_string(collateral).expect("strings and bytes")
}

pub(crate) fn rules() -> RootRules {
    RootRules {
        open: true,
        platform: Platform::Dcap,
        vendor: B256::right_padding_from(b"soft-a"),
        allows_software: true,
        least_tcb_evaluation_data_number: 17,
        least_crl_issue: UnixSeconds(0),
        least_root_crl_issue: UnixSeconds(0),
        max_collateral_age_seconds: 7 * DAY,
        accepted_statuses: TcbStatuses::UP_TO_DATE,
        denied_advisories: Vec::new(),
    }
}
