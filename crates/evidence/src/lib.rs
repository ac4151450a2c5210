//! Judges attestation evidence: bytes and a time in, an identity out.
//!
//! Spec: docs/spec/evidence.md ([EV-n]) and docs/spec/event-log.md ([EVLOG-n]). Trusts: the root certificate and the
//! [`RootRules`] that the caller took from proven chain state, and nothing in the evidence itself. No I/O, no clock.
//!
//! The types are the order of the checks, each made only by the one before it:
//! [`RawEvidence`] → [`VerifiedQuote`] (genuine TEE, open root, accepted TCB) → [`VerifiedIdentity`] (the log is the whole
//! boot) → [`wire::statements::Attested`] (which app).
//!
//! ```text
//! let raw      = RawEvidence::new(request.evidence)?;
//! let root     = raw.claimed_root()?;                      // who would have vouched; still a claim
//! let rules    = registry.rules(root.hash())?;             // proven chain state, by the caller
//! let quote    = raw.verify(&root, &rules, now)?;
//! let identity = quote.replay()?;
//! identity.binds(&binding.report_data())?;
//! let attested = identity.attested(request.app_id)?;
//! ```
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod collateral;
pub mod event_log;
mod identity;
mod quote;
mod raw;
mod report_data;
mod root;
mod tcb;

pub use event_log::ReplayError;
pub use identity::{AppIdError, VerifiedIdentity};
pub use quote::{Fault, Measurements, VerifiedQuote, VerifyQuoteError, Weakness};
pub use raw::{LibraryError, ParseQuoteError, RawEvidence, without_padding};
pub use report_data::{BindError, Purpose};
pub use root::{
    INTEL_ROOT_SHA256, Platform, RootCertificate, RootRules, VENDOR_AMD, VENDOR_AWS, VENDOR_INTEL,
    known_vendor,
};
pub use tcb::{TcbStatus, TcbStatuses};
