//! Verifies a quote with its collateral: the one place that calls dcap-qvl.
//!
//! Spec: docs/spec/evidence.md [EV-2]..[EV-9]. Trusts: the caller's root and rules. Driven by: [`RawEvidence::verify`].
//! Prevents: another root's quote, a closed or mislabelled root (A3, A22), a TD under debug, malleable bytes (A11),
//! stale collateral (A21). What the library lets pass and we do not: trailing bytes, old but valid collateral, any TCB
//! status. What the library refuses by itself: a revoked TCB, an unknown QE, a false signature anywhere.

mod error;

pub use error::{Fault, VerifyQuoteError, Weakness};

use crate::{
    collateral::Collateral,
    event_log::ReplayError,
    identity::VerifiedIdentity,
    raw::{ParsedQuote, RawEvidence, sha256},
    report_data::{self, BindError},
    root::{self, Platform, RootCertificate, RootRules},
    tcb::TcbStatus,
};
use alloy_primitives::B256;
use dcap_qvl::{
    QuoteClaims, QuotePolicy,
    configs::RingConfig,
    quote::{Report, TDAttributes},
    verify::QuoteVerifier,
};
use wire::{UnixSeconds, limits, report_data::ReportData};

/// What the library says of a revoked TCB, the one refusal of its own that has a variant here.
const LIBRARY_TCB_REVOKED: &str = "TCB status is invalid: Revoked";

/// A quote of a genuine TEE under an open root, with an accepted TCB. Made by [`RawEvidence::verify`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedQuote {
    pub(crate) root: B256,
    pub(crate) vendor: B256,
    pub(crate) tcb_status: TcbStatus,
    pub(crate) tcb_evaluation_data_number: u32,
    pub(crate) advisory_ids: Vec<String>,
    pub(crate) device_id: B256,
    pub(crate) report_data: ReportData,
    pub(crate) measurements: Option<Measurements>,
    pub(crate) event_log: String,
}

/// The measurement registers of a trust domain, as its quote signs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measurements {
    /// The firmware as loaded.
    pub mrtd: [u8; 48],
    /// RTMR0 to RTMR3: firmware configuration; kernel; command line and initrd; run time.
    pub rtmr: [[u8; 48]; 4],
    /// What the host set for the guest's configuration; may be zero.
    pub mr_config_id: [u8; 48],
    /// What the host set for the guest's owner; may be zero.
    pub mr_owner: [u8; 48],
    /// What the host set for the owner's configuration; may be zero.
    pub mr_owner_config: [u8; 48],
}

impl VerifiedQuote {
    /// Replays the event log that came with the quote. Spec: docs/spec/event-log.md.
    pub fn replay(&self) -> Result<VerifiedIdentity, ReplayError> {
        VerifiedIdentity::replay(self)
    }

    /// Checks that the quote binds `expected`, made by `wire::report_data` of the fields. [EV-5]
    pub fn binds(&self, expected: &ReportData) -> Result<(), BindError> {
        report_data::binds(&self.report_data, expected)
    }

    /// The 64 bytes that the enclave chose.
    pub fn report_data(&self) -> &ReportData {
        &self.report_data
    }

    /// The trust domain's registers; `None` for an SGX enclave, which has no identity here.
    pub fn measurements(&self) -> Option<&Measurements> {
        self.measurements.as_ref()
    }

    /// SHA-256 of the root certificate that vouches.
    pub fn root(&self) -> B256 {
        self.root
    }

    /// The root's vendor.
    pub fn vendor(&self) -> B256 {
        self.vendor
    }

    /// How current the platform is.
    pub fn tcb_status(&self) -> TcbStatus {
        self.tcb_status
    }

    /// By which criteria that was judged.
    pub fn tcb_evaluation_data_number(&self) -> u32 {
        self.tcb_evaluation_data_number
    }

    /// The advisories that are open on the platform.
    pub fn advisory_ids(&self) -> &[String] {
        &self.advisory_ids
    }

    /// SHA-256 of the machine's PPID; zero if the vendor masks it. [EV-9]
    pub fn device_id(&self) -> B256 {
        self.device_id
    }
}

/// See [`RawEvidence::verify`].
pub(crate) fn verify(
    raw: &RawEvidence,
    root: &RootCertificate,
    rules: &RootRules,
    now: UnixSeconds,
) -> Result<VerifiedQuote, VerifyQuoteError> {
    let bytes = &raw.bytes().quote;
    let ParsedQuote { quote, chain } = raw.parsed()?;
    let vendor = judge_root(root, rules, chain)?;
    judge_attributes(&quote.report)?;
    let collateral = Collateral::parse(&raw.bytes().collateral)?;
    collateral.check_dates(rules, now)?;
    if chain.first().is_some_and(|leaf| collateral.revokes(leaf)) {
        return Err(VerifyQuoteError::Revoked);
    }
    // Known so far, unless a signature is false: 1. the root is open, 2. nobody else is let in, 3. the collateral is fresh.
    let claims = QuoteVerifier::<RingConfig>::new_with_config(root.der().to_vec())
        .verify_with_policy(bytes, collateral.library, now.0, &QuotePolicy::claims_only(now.0))
        .map_err(|cause| match cause.to_string().as_str() {
            LIBRARY_TCB_REVOKED => VerifyQuoteError::TcbRevoked,
            _ => VerifyQuoteError::NotGenuine(cause.into()),
        })?;
    // Known so far: also, every signature holds up to the root.
    let tcb_status = judge_tcb(&claims, rules, now)?;
    Ok(VerifiedQuote {
        root: root.hash(),
        vendor,
        tcb_status,
        tcb_evaluation_data_number: claims.tcb.eval_data_number,
        advisory_ids: advisory_ids(&claims),
        device_id: device_id(&claims.platform.pck.ppid),
        report_data: report_data(&claims.report),
        measurements: measurements(&claims.report),
        event_log: raw.bytes().event_log.clone(),
    })
}

/// [EV-2], [EV-3]: the chain ends in `root`, the root is open, and its vendor is what it says.
fn judge_root(
    root: &RootCertificate,
    rules: &RootRules,
    chain: &[Vec<u8>],
) -> Result<B256, VerifyQuoteError> {
    let (is_root, known_vendor) = (root.is_self_issued(), root.known_vendor());
    let root = root.hash();
    let claimed = chain.last().map(|der| sha256([der.as_slice()]));
    if claimed != Some(root) {
        return Err(VerifyQuoteError::OtherRoot {
            expected: root,
            claimed: claimed.unwrap_or_default(),
        });
    }
    if !is_root {
        return Err(VerifyQuoteError::NotARoot { root });
    }
    if !rules.open {
        return Err(VerifyQuoteError::RootClosed { root });
    }
    if rules.platform != Platform::Dcap {
        return Err(VerifyQuoteError::OtherPlatform { root, platform: rules.platform });
    }
    match known_vendor {
        Some(vendor) => Ok(vendor),
        None if !rules.allows_software => Err(VerifyQuoteError::SoftwareRoot { root }),
        None if root::is_hardware_vendor(rules.vendor) => {
            Err(VerifyQuoteError::MislabelledRoot { root, vendor: rules.vendor })
        }
        None => Ok(rules.vendor),
    }
}

/// [EV-4]: neither the host nor another TD has a hand in the enclave.
fn judge_attributes(report: &Report) -> Result<(), VerifyQuoteError> {
    if let Some(enclave) = report.as_sgx() {
        let [flags, ..] = enclave.attributes;
        return if flags & 0x02 == 0 { Ok(()) } else { Err(VerifyQuoteError::Debug) };
    }
    let td = report.as_td10().ok_or(VerifyQuoteError::Attributes(Weakness::Reserved))?;
    let attributes = TDAttributes::parse(td.td_attributes)
        .map_err(|cause| VerifyQuoteError::NotGenuine(cause.into()))?;
    let service_td =
        report.as_td15().is_some_and(|td| td.mr_service_td.iter().any(|byte| *byte != 0));
    let weakness = if attributes.tud & 0x0f != 0 {
        return Err(VerifyQuoteError::Debug);
    } else if attributes.tud != 0 {
        Weakness::Profiling
    } else if attributes.sec.migratable {
        Weakness::Migration
    } else if attributes.sec.servtd_ext || service_td {
        Weakness::ServiceTd
    } else if !attributes.sec.sept_ve_disable {
        Weakness::SilentFaults
    } else if attributes.reserved != 0 {
        Weakness::Reserved
    } else {
        return Ok(());
    };
    Err(VerifyQuoteError::Attributes(weakness))
}

/// [EV-8]: status, evaluation number and advisories are accepted under the root's rules.
fn judge_tcb(
    claims: &QuoteClaims,
    rules: &RootRules,
    now: UnixSeconds,
) -> Result<TcbStatus, VerifyQuoteError> {
    let until = UnixSeconds(claims.earliest_expiration_date);
    if until < now {
        return Err(VerifyQuoteError::CertificateExpired { until });
    }
    let status = own_status(claims.tcb.status)?;
    if !rules.accepted_statuses.contains(status) {
        return Err(VerifyQuoteError::TcbStatus { status });
    }
    let (actual, least) = (claims.tcb.eval_data_number, rules.least_tcb_evaluation_data_number);
    if actual < least {
        return Err(VerifyQuoteError::TcbEvaluation { actual, least });
    }
    let open = advisory_ids(claims);
    let denied = |id: &&String| {
        let mut list = rules.denied_advisories.iter();
        list.any(|denied| denied.eq_ignore_ascii_case(id))
    };
    if let Some(id) = open.iter().find(denied) {
        return Err(VerifyQuoteError::DeniedAdvisory { id: id.clone() });
    }
    let too_long = |id: &String| id.len() > limits::MAX_ADVISORY_ID_BYTES;
    if open.len() > limits::MAX_ADVISORY_IDS || open.iter().any(too_long) {
        return Err(VerifyQuoteError::TooManyAdvisories);
    }
    Ok(status)
}

/// The advisories of the TCB at launch, of the quoting enclave and, for a TD 1.5, of the TCB now: each once.
fn advisory_ids(claims: &QuoteClaims) -> Vec<String> {
    let current = claims.platform.current_tcb_level.iter();
    let ids = claims.tcb.advisory_ids.iter().chain(current.flat_map(|level| &level.advisory_ids));
    let mut unique: Vec<String> = Vec::new();
    for id in ids {
        if !unique.contains(id) {
            unique.push(id.clone());
        }
    }
    unique
}

/// The library's status as ours.
fn own_status(status: dcap_qvl::TcbStatus) -> Result<TcbStatus, VerifyQuoteError> {
    use dcap_qvl::TcbStatus as Library;
    Ok(match status {
        Library::UpToDate => TcbStatus::UpToDate,
        Library::SWHardeningNeeded => TcbStatus::SwHardeningNeeded,
        Library::ConfigurationNeeded => TcbStatus::ConfigurationNeeded,
        Library::ConfigurationAndSWHardeningNeeded => TcbStatus::ConfigurationAndSwHardeningNeeded,
        Library::OutOfDate => TcbStatus::OutOfDate,
        Library::OutOfDateConfigurationNeeded => TcbStatus::OutOfDateConfigurationNeeded,
        Library::TDRelaunchAdvised => TcbStatus::TdRelaunchAdvised,
        Library::TDRelaunchAdvisedConfigurationNeeded => {
            TcbStatus::TdRelaunchAdvisedConfigurationNeeded
        }
        Library::Revoked => return Err(VerifyQuoteError::TcbRevoked),
    })
}

/// [EV-9]: dstack's device id. An empty or masked PPID names no device.
fn device_id(ppid: &[u8]) -> B256 {
    if ppid.iter().all(|byte| *byte == 0) {
        return B256::ZERO;
    }
    sha256([ppid])
}

pub(crate) fn report_data(report: &Report) -> ReportData {
    match report {
        Report::SgxEnclave(enclave) => enclave.report_data,
        Report::TD10(td) => td.report_data,
        Report::TD15(td) => td.base.report_data,
        Report::TD15Ex(td) => td.base.base.report_data,
    }
}

pub(crate) fn measurements(report: &Report) -> Option<Measurements> {
    let td = report.as_td10()?;
    Some(Measurements {
        mrtd: td.mr_td,
        rtmr: [td.rt_mr0, td.rt_mr1, td.rt_mr2, td.rt_mr3],
        mr_config_id: td.mr_config_id,
        mr_owner: td.mr_owner,
        mr_owner_config: td.mr_owner_config,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_ppid_names_no_device() {
        // [EV-9]
        assert_eq!(device_id(&[]), B256::ZERO);
        assert_eq!(device_id(&[0; 16]), B256::ZERO);
        assert_ne!(device_id(&[1; 16]), B256::ZERO);
    }
}
