//! Collateral: what the vendor signed about its platforms, with the dates that decide whether it is fresh enough.
//!
//! Spec: [EV-7]. Prevents: an old revocation list, still within its own validity, hiding a revoked machine (A21).
//! Signatures are not judged here: `quote::verify` reads the dates first, so that *stale* (bring newer collateral) is told
//! apart from *false*, and then has the library verify the same documents.

use crate::{raw::LibraryError, root::RootRules};
use dcap_qvl::QuoteCollateralV3;
use der::Decode;
use serde::Deserialize;
use std::fmt;
use wire::UnixSeconds;
use x509_cert::{Certificate, certificate::Rfc5280, crl::CertificateList};

/// A dated part of the collateral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// The revocation list of the root.
    RootCrl,
    /// The revocation list of the PCK CA.
    PckCrl,
    /// TCB info.
    TcbInfo,
    /// QE identity.
    QeIdentity,
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RootCrl => "the root's revocation list",
            Self::PckCrl => "the PCK revocation list",
            Self::TcbInfo => "TCB info",
            Self::QeIdentity => "QE identity",
        })
    }
}

/// Why collateral is not fresh enough, or no collateral.
#[derive(Debug, thiserror::Error)]
pub enum CollateralError {
    /// Not the JSON of a collateral.
    #[error("the collateral can't be read")]
    Json(#[from] serde_json::Error),
    /// The JSON is not in its one canonical form: compact, in the order of the fields.
    #[error("the collateral is not in its canonical encoding")]
    NotCanonical,
    /// A document of it can't be read.
    #[error("{document} can't be read")]
    Document {
        /// Which.
        document: Document,
        /// Why.
        source: LibraryError,
    },
    /// Issued after the time of the judgement.
    #[error("{document} is issued at {issued:?}, after {now:?}")]
    FromTheFuture {
        /// Which.
        document: Document,
        /// When.
        issued: UnixSeconds,
        /// The time of the judgement.
        now: UnixSeconds,
    },
    /// Past its own validity.
    #[error("{document} was valid until {until:?}")]
    Expired {
        /// Which.
        document: Document,
        /// Until when.
        until: UnixSeconds,
    },
    /// Older than the root's rules allow.
    #[error("{document} is issued at {issued:?}, the root's rules ask for {least:?} or later")]
    Stale {
        /// Which.
        document: Document,
        /// When.
        issued: UnixSeconds,
        /// The least date.
        least: UnixSeconds,
    },
}

/// `json` in its canonical form, for whoever has collateral from elsewhere and brings it as evidence.
pub fn canonical(json: &str) -> Result<String, CollateralError> {
    let collateral: QuoteCollateralV3 = serde_json::from_str(json)?;
    Ok(serde_json::to_string(&collateral)?)
}

/// Parsed collateral; its signatures are not verified.
pub(crate) struct Collateral {
    pub(crate) library: QuoteCollateralV3,
    dates: [(Document, Dates); 4],
    pck_crl: CertificateList<Rfc5280>,
}

#[derive(Clone, Copy)]
struct Dates {
    issued: UnixSeconds,
    until: UnixSeconds,
}

impl Collateral {
    /// Reads canonical collateral. [EV-7]
    pub(crate) fn parse(json: &str) -> Result<Self, CollateralError> {
        let mut library: QuoteCollateralV3 = serde_json::from_str(json)?;
        if serde_json::to_string(&library)? != json {
            return Err(CollateralError::NotCanonical);
        }
        // The quote's own chain is judged, so that the claimed root and the verified one are of one chain.
        library.pck_certificate_chain = None;
        let root_crl = crl(Document::RootCrl, &library.root_ca_crl)?;
        let pck_crl = crl(Document::PckCrl, &library.pck_crl)?;
        let dates = [
            (Document::RootCrl, crl_dates(Document::RootCrl, &root_crl)?),
            (Document::PckCrl, crl_dates(Document::PckCrl, &pck_crl)?),
            (Document::TcbInfo, json_dates(Document::TcbInfo, &library.tcb_info)?),
            (Document::QeIdentity, json_dates(Document::QeIdentity, &library.qe_identity)?),
        ];
        Ok(Self { library, dates, pck_crl })
    }

    /// Checks every date against `now`, its own validity and the root's rules. [EV-7]
    pub(crate) fn check_dates(
        &self,
        rules: &RootRules,
        now: UnixSeconds,
    ) -> Result<(), CollateralError> {
        let youngest_allowed = UnixSeconds(now.0.saturating_sub(rules.max_collateral_age_seconds));
        for (document, Dates { issued, until }) in self.dates {
            let least = match document {
                Document::RootCrl => rules.least_root_crl_issue,
                Document::PckCrl => youngest_allowed.max(rules.least_crl_issue),
                Document::TcbInfo | Document::QeIdentity => youngest_allowed,
            };
            if issued > now {
                return Err(CollateralError::FromTheFuture { document, issued, now });
            }
            if until < now {
                return Err(CollateralError::Expired { document, until });
            }
            if issued < least {
                return Err(CollateralError::Stale { document, issued, least });
            }
        }
        Ok(())
    }

    /// Whether the PCK revocation list names the certificate.
    pub(crate) fn revokes(&self, pck_certificate: &[u8]) -> bool {
        let Ok(certificate) = Certificate::from_der(pck_certificate) else {
            return false;
        };
        let serial = certificate.tbs_certificate().serial_number();
        let revoked = &self.pck_crl.tbs_cert_list.revoked_certificates;
        revoked.iter().flatten().any(|entry| entry.serial_number == *serial)
    }
}

fn crl(document: Document, der: &[u8]) -> Result<CertificateList<Rfc5280>, CollateralError> {
    CertificateList::from_der(der).map_err(|cause| unreadable(document, cause))
}

fn crl_dates(document: Document, crl: &CertificateList<Rfc5280>) -> Result<Dates, CollateralError> {
    let list = &crl.tbs_cert_list;
    let seconds = |time: x509_cert::time::Time| UnixSeconds(time.to_unix_duration().as_secs());
    let until = list
        .next_update
        .ok_or_else(|| unreadable(document, "it has no date of the next update"))?;
    Ok(Dates { issued: seconds(list.this_update), until: seconds(until) })
}

fn json_dates(document: Document, json: &str) -> Result<Dates, CollateralError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Dated {
        issue_date: String,
        next_update: String,
    }
    let dated: Dated = serde_json::from_str(json).map_err(|cause| unreadable(document, cause))?;
    let seconds = |text: &str| {
        text.parse::<der::DateTime>()
            .map(|date| UnixSeconds(date.unix_duration().as_secs()))
            .map_err(|cause| unreadable(document, cause))
    };
    Ok(Dates { issued: seconds(&dated.issue_date)?, until: seconds(&dated.next_update)? })
}

fn unreadable(document: Document, source: impl Into<LibraryError>) -> CollateralError {
    CollateralError::Document { document, source: source.into() }
}
