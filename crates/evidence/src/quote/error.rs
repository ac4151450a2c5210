//! Why a quote is refused: one variant per check, and whose doing it is.

use crate::{
    collateral::CollateralError,
    raw::{LibraryError, ParseQuoteError},
    root::Platform,
    tcb::TcbStatus,
};
use alloy_primitives::B256;
use wire::UnixSeconds;

/// Why a quote is refused.
#[derive(Debug, thiserror::Error)]
pub enum VerifyQuoteError {
    /// The bytes are no quote that we judge. [EV-6]
    #[error(transparent)]
    Parse(#[from] ParseQuoteError),
    /// The quote's chain ends in another root than the one to judge by. [EV-2]
    #[error("the quote stands under root {claimed}, not under {expected}")]
    OtherRoot {
        /// The root to judge by.
        expected: B256,
        /// The last certificate of the quote's chain.
        claimed: B256,
    },
    /// The last certificate of the quote's chain is no root certificate. [EV-2]
    #[error("certificate {root} is not issued by its own subject")]
    NotARoot {
        /// Which.
        root: B256,
    },
    /// The registry has closed the root. [EV-3]
    #[error("root {root} is not open")]
    RootClosed {
        /// Which.
        root: B256,
    },
    /// The root is registered for another kind of evidence. [EV-3]
    #[error("root {root} is registered for {platform:?}")]
    OtherPlatform {
        /// Which.
        root: B256,
        /// For what.
        platform: Platform,
    },
    /// A root that the code does not know, where software is not allowed. [EV-3]
    #[error("root {root} is software, and this network allows none")]
    SoftwareRoot {
        /// Which.
        root: B256,
    },
    /// A software root with a hardware vendor's label. [EV-3]
    #[error("root {root} is software and can't have vendor {vendor}")]
    MislabelledRoot {
        /// Which.
        root: B256,
        /// The registry's label.
        vendor: B256,
    },
    /// The host can read the enclave's memory. [EV-4]
    #[error("the enclave runs in debug mode")]
    Debug,
    /// Other attributes under which the host or another enclave has a hand in this one. [EV-4]
    #[error("the enclave's attributes allow {0}")]
    Attributes(Weakness),
    /// Unreadable or stale collateral. [EV-7]
    #[error(transparent)]
    Collateral(#[from] CollateralError),
    /// The vendor has revoked the machine's certificate. [EV-7]
    #[error("the machine's certificate is revoked")]
    Revoked,
    /// A signature, a chain or a document does not hold. [EV-2]
    #[error("the quote is not genuine")]
    NotGenuine(#[source] LibraryError),
    /// A certificate is past its validity. [EV-7]
    #[error("a certificate was valid until {until:?}")]
    CertificateExpired {
        /// Until when.
        until: UnixSeconds,
    },
    /// The root's rules do not accept this TCB status. [EV-8]
    #[error("TCB status {status} is not accepted under this root")]
    TcbStatus {
        /// Which.
        status: TcbStatus,
    },
    /// The TCB status is one that nobody can accept. [EV-8]
    #[error("the TCB is revoked")]
    TcbRevoked,
    /// The TCB was evaluated by criteria that are too old. [EV-8]
    #[error("tcbEvaluationDataNumber is {actual}, at least {least} is asked for")]
    TcbEvaluation {
        /// The lower one of TCB info and QE identity.
        actual: u32,
        /// The least one.
        least: u32,
    },
    /// An advisory that the root's rules deny is open on this platform. [EV-8]
    #[error("advisory {id} is denied under this root")]
    DeniedAdvisory {
        /// Which.
        id: String,
    },
    /// More or longer advisory ids than an `Attested` may carry. [EV-8]
    #[error("the advisory ids are above their limits")]
    TooManyAdvisories,
}

/// An attribute that lets somebody else into the trust domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// Profiling by the host.
    Profiling,
    /// Migration to another machine.
    Migration,
    /// Service TDs bound to it.
    ServiceTd,
    /// Memory faults that the guest does not see (SEPT_VE_DISABLE is off).
    SilentFaults,
    /// Bits without a meaning.
    Reserved,
}

impl std::fmt::Display for Weakness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Profiling => "profiling",
            Self::Migration => "migration",
            Self::ServiceTd => "a service TD",
            Self::SilentFaults => "silent memory faults",
            Self::Reserved => "what reserved bits mean",
        })
    }
}

/// Who has to act on a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Whoever brought the evidence: nothing but another quote helps.
    Requester,
    /// The collateral: the same quote with newer collateral may pass.
    Collateral,
    /// The registry's rules: the evidence may pass under others.
    Chain,
}

impl VerifyQuoteError {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Parse(_)
            | Self::OtherRoot { .. }
            | Self::NotARoot { .. }
            | Self::Debug
            | Self::Attributes(_)
            | Self::Revoked
            | Self::NotGenuine(_)
            | Self::CertificateExpired { .. }
            | Self::TcbRevoked => Fault::Requester,
            Self::Collateral(_) | Self::TcbEvaluation { .. } => Fault::Collateral,
            Self::RootClosed { .. }
            | Self::OtherPlatform { .. }
            | Self::SoftwareRoot { .. }
            | Self::MislabelledRoot { .. }
            | Self::TcbStatus { .. }
            | Self::DeniedAdvisory { .. }
            | Self::TooManyAdvisories => Fault::Chain,
        }
    }
}
