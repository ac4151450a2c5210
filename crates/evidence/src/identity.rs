//! Who asks: a genuine enclave whose whole boot is known, and the one `Attested` that follows from it.
//!
//! Spec: [EV-9]..[EV-11]. Formulas as dstack computes them, but for the OS image ([EV-10]).
//! Prevents: a node that signs for an app whose measured id is the compose-derived default of released dstack while the
//! host claims another app that approves the same code (A28).

use crate::{
    event_log::{self, BootEvents, ReplayError},
    quote::{Measurements, VerifiedQuote},
    raw::sha256,
    report_data::BindError,
};
use alloy_primitives::{Address, B256};
use sha2::{Digest, Sha256};
use wire::{
    report_data::ReportData,
    statements::{AppBootInfo, Attested},
};

/// A verified quote whose event log is the whole boot. Made by [`VerifiedQuote::replay`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedIdentity {
    quote: VerifiedQuote,
    measurements: Measurements,
    boot: BootEvents,
}

/// Why an enclave is not the app that a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request names app {claimed}, the enclave is measured as {measured}")]
pub struct AppIdError {
    /// The app in the request.
    pub claimed: Address,
    /// The app in the event log.
    pub measured: Address,
}

impl VerifiedIdentity {
    /// See [`VerifiedQuote::replay`].
    pub(crate) fn replay(quote: &VerifiedQuote) -> Result<Self, ReplayError> {
        let measurements = quote.measurements.ok_or(ReplayError::NotATrustDomain)?;
        let boot = event_log::replay(&quote.event_log, &measurements)?;
        Ok(Self { quote: quote.clone(), measurements, boot })
    }

    /// What contracts and policies judge. [EV-11]
    ///
    /// `claimed` is the app id that the request binds in report_data; call [`binds`](Self::binds) with it first.
    /// # Errors
    /// If the measured app id is not the compose-derived default and differs from `claimed`.
    pub fn attested(&self, claimed: Address) -> Result<Attested, AppIdError> {
        let measured = self.measured_app_id();
        if !self.has_default_app_id() && claimed != measured {
            return Err(AppIdError { claimed, measured });
        }
        Ok(Attested {
            boot: AppBootInfo {
                appId: claimed,
                composeHash: self.compose_hash(),
                instanceId: self.instance_id().unwrap_or_default(),
                deviceId: self.device_id(),
                mrAggregated: self.mr_aggregated(),
                mrSystem: self.mr_system(),
                osImageHash: self.os_image_hash(),
                tcbStatus: self.quote.tcb_status.as_str().to_owned(),
                advisoryIds: self.quote.advisory_ids.clone(),
            },
            root: self.quote.root,
            vendor: self.quote.vendor,
            tcbEvaluationDataNumber: self.quote.tcb_evaluation_data_number,
        })
    }

    /// Checks that the quote binds `expected`, made by `wire::report_data` of the fields. [EV-5]
    pub fn binds(&self, expected: &ReportData) -> Result<(), BindError> {
        self.quote.binds(expected)
    }

    /// The quote behind this identity.
    pub fn quote(&self) -> &VerifiedQuote {
        &self.quote
    }

    /// The `app-id` of the log.
    pub fn measured_app_id(&self) -> Address {
        Address::new(self.boot.app_id)
    }

    /// Whether the measured app id is `compose_hash[0..20]`, what released dstack sets where nothing was configured.
    pub fn has_default_app_id(&self) -> bool {
        self.boot.compose_hash.starts_with(&self.boot.app_id)
    }

    /// SHA-256 of the compose file's raw bytes.
    pub fn compose_hash(&self) -> B256 {
        B256::new(self.boot.compose_hash)
    }

    /// The instance id; `None` if the guest has none (an all-zero one is none).
    pub fn instance_id(&self) -> Option<Address> {
        let id = self.boot.instance_id.map(Address::new)?;
        (!id.is_zero()).then_some(id)
    }

    /// SHA-256 of the machine's PPID; zero if it is masked. [EV-9]
    pub fn device_id(&self) -> B256 {
        self.quote.device_id
    }

    /// The payload of the `key-provider` event.
    pub fn key_provider(&self) -> &[u8] {
        &self.boot.key_provider
    }

    /// `sha256(MRTD ‖ RTMR1 ‖ RTMR2)`: firmware, kernel, command line and initrd as measured. [EV-10]
    pub fn os_image_hash(&self) -> B256 {
        let Measurements { mrtd, rtmr, .. } = &self.measurements;
        let [_, rtmr1, rtmr2, _] = rtmr;
        sha256([mrtd, rtmr1, rtmr2])
    }

    /// dstack's `mr_system`: everything below the app, and the key provider. [EV-9]
    pub fn mr_system(&self) -> B256 {
        let Measurements { mrtd, rtmr, .. } = &self.measurements;
        let [rtmr0, rtmr1, rtmr2, _] = rtmr;
        let key_provider = match self.key_provider() {
            [] => B256::ZERO,
            payload => sha256([payload]),
        };
        sha256([mrtd, rtmr0, rtmr1, rtmr2, key_provider.as_slice()])
    }

    /// dstack's `mr_aggregated`: every register, and what the host configured, if it did. [EV-9]
    pub fn mr_aggregated(&self) -> B256 {
        let Measurements { mrtd, rtmr, mr_config_id, mr_owner, mr_owner_config } =
            &self.measurements;
        let mut hasher = Sha256::new();
        hasher.update(mrtd);
        rtmr.iter().for_each(|register| hasher.update(register));
        let configured = [mr_config_id, mr_owner, mr_owner_config];
        if configured.iter().any(|register| **register != [0; 48]) {
            configured.iter().for_each(|register| hasher.update(register));
        }
        B256::new(hasher.finalize().into())
    }
}
