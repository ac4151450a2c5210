//! An enclave of a story: an app on a machine, by its socket as an agent sees it, and from inside, for evidence that no agent
//! would send.

use crate::{
    governance::App,
    plan::{MachineSpec, Plan},
};
use soft_tee::{Authority, CollateralTerms, Machine, TrustDomain};
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use wire::{report_data::ReportData, request::EvidenceBytes};

/// Collateral is dated back as the PCCS does it.
const BACKDATED: u64 = 3_600;

/// An enclave.
#[derive(Clone, Debug)]
pub struct Enclave {
    /// What it runs.
    pub app: App,
    /// Where its socket and PCCS are.
    pub ready: soft_tee::Ready,
    spec: MachineSpec,
}

impl Enclave {
    pub(super) fn new(app: App, spec: MachineSpec, ready: soft_tee::Ready) -> Self {
        Self { app, ready, spec }
    }

    /// The authority of its machine.
    pub fn authority(&self) -> Authority {
        Plan::authority(&self.spec.vendor)
    }

    /// Its machine.
    pub fn machine(&self) -> Arc<Machine> {
        Arc::new(Machine::new(&self.authority(), &self.spec.machine, Plan::os_image()))
    }

    /// The very boot that its socket serves.
    pub fn domain(&self) -> TrustDomain {
        self.domain_under(&self.authority())
    }

    /// The same machine and boot under another authority.
    pub fn domain_under(&self, authority: &Authority) -> TrustDomain {
        let machine = Machine::new(authority, &self.spec.machine, Plan::os_image());
        Arc::new(machine).boot(soft_tee::App::with_default_id(self.app.compose.clone()))
    }

    /// Evidence over `report_data` as its socket and PCCS give it.
    pub fn evidence(&self, report_data: &ReportData) -> EvidenceBytes {
        Self::evidence_of(&self.domain(), &self.authority(), report_data)
    }

    /// Evidence of any boot, with collateral of `authority`.
    pub fn evidence_of(
        domain: &TrustDomain,
        authority: &Authority,
        report_data: &ReportData,
    ) -> EvidenceBytes {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let collateral = authority.collateral(&CollateralTerms::at(now.saturating_sub(BACKDATED)));
        EvidenceBytes {
            quote: domain.quote(*report_data).into(),
            event_log: domain.event_log(),
            collateral: serde_json::to_string(&collateral).unwrap_or_default(),
        }
    }
}
