//! Who vouches: root certificates, the vendors that the code knows, and the rules that the registry has for a root.
//!
//! Spec: [EV-2], [EV-3]. Prevents: a software root that the registry labels with a hardware vendor's name (A22).

use crate::{TcbStatuses, raw::sha256};
use alloy_primitives::{B256, b256};
use der::{Decode, Encode};
use wire::UnixSeconds;
use x509_cert::Certificate;

/// The vendor label of Intel.
pub const VENDOR_INTEL: B256 =
    b256!("696e74656c000000000000000000000000000000000000000000000000000000");

/// The vendor label of AMD.
pub const VENDOR_AMD: B256 =
    b256!("616d640000000000000000000000000000000000000000000000000000000000");

/// The vendor label of AWS.
pub const VENDOR_AWS: B256 =
    b256!("6177730000000000000000000000000000000000000000000000000000000000");

/// SHA-256 of Intel's SGX Root CA certificate (DER), the root of SGX and TDX.
pub const INTEL_ROOT_SHA256: B256 =
    b256!("44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3");

/// The roots that the code knows, each with its vendor. Any other root is software, whatever its label.
const KNOWN_ROOTS: [(B256, B256); 1] = [(INTEL_ROOT_SHA256, VENDOR_INTEL)];

/// The vendor of a root that the code knows; `None`: software, whatever its label. [EV-3]
pub fn known_vendor(root: B256) -> Option<B256> {
    KNOWN_ROOTS.iter().find(|(known, _)| *known == root).map(|(_, vendor)| *vendor)
}

/// Which verification a root belongs to. The values are AttestationRegistry's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Platform {
    /// Intel's DCAP format: TDX and SGX.
    Dcap = 1,
    /// AMD SEV-SNP. No verifier yet.
    SevSnp = 2,
    /// AWS Nitro. No verifier yet.
    Nitro = 3,
}

/// A root certificate, named by the SHA-256 of its DER encoding. Says nothing about whether it is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootCertificate {
    der: Vec<u8>,
    hash: B256,
}

impl RootCertificate {
    /// The root certificate with these bytes.
    pub fn from_der(der: Vec<u8>) -> Self {
        let hash = sha256([der.as_slice()]);
        Self { der, hash }
    }

    /// SHA-256 of the certificate: the root's name on chain.
    pub fn hash(&self) -> B256 {
        self.hash
    }

    /// The certificate.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whether the certificate is issued by its own subject. The library takes that for granted of a root, and panics if it
    /// is not so. [EV-2]
    pub(crate) fn is_self_issued(&self) -> bool {
        let Ok(certificate) = Certificate::from_der(&self.der) else {
            return false;
        };
        let certificate = certificate.tbs_certificate();
        match (certificate.issuer().to_der(), certificate.subject().to_der()) {
            (Ok(issuer), Ok(subject)) => issuer == subject,
            _ => false,
        }
    }

    /// The hardware vendor whose root this is, if the code knows it; otherwise it is software. [EV-3]
    pub fn known_vendor(&self) -> Option<B256> {
        known_vendor(self.hash)
    }
}

/// Whether `vendor` is a hardware vendor's label, known roots or not: software never has it.
pub(crate) fn is_hardware_vendor(vendor: B256) -> bool {
    [VENDOR_INTEL, VENDOR_AMD, VENDOR_AWS].contains(&vendor)
}

/// What AttestationRegistry says of one root, at a proven block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootRules {
    /// Whether evidence under this root counts at all.
    pub open: bool,
    /// Which verification applies.
    pub platform: Platform,
    /// The registry's vendor label; for a root that the code knows, the code's is used.
    pub vendor: B256,
    /// The registry's immutable `allowsSoftware`.
    pub allows_software: bool,
    /// TCB info and QE identity below this `tcbEvaluationDataNumber` are refused.
    pub least_tcb_evaluation_data_number: u32,
    /// A revocation list of PCK certificates issued before this is refused (A21).
    pub least_crl_issue: UnixSeconds,
    /// The same for the root's own revocation list, which vendors renew about once a year.
    pub least_root_crl_issue: UnixSeconds,
    /// TCB info, QE identity and PCK revocation list may be at most this old.
    pub max_collateral_age_seconds: u64,
    /// TCB statuses that are accepted.
    pub accepted_statuses: TcbStatuses,
    /// Advisory ids that are not, whatever the status.
    pub denied_advisories: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendor_labels_are_ascii_left_aligned() {
        assert_eq!(VENDOR_INTEL, B256::right_padding_from(b"intel"));
        assert_eq!(VENDOR_AMD, B256::right_padding_from(b"amd"));
        assert_eq!(VENDOR_AWS, B256::right_padding_from(b"aws"));
    }
}
