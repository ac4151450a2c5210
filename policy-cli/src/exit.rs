//! Exit codes: part of the interface, so scripts may depend on them. 2 is clap's own, so nothing else uses it.

use std::process::ExitCode;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It did what it was asked.
    Ok = 0,
    /// A defect of this program, or an output that could not be written.
    Internal = 1,
    /// Wrong arguments or a wrong file.
    Usage = 2,
    /// A file, app or contract is not there.
    NotFound = 3,
    /// A policy denies it, or a check failed.
    Denied = 4,
    /// No answer, or a wrong one, from the network or the RPC endpoint.
    Network = 5,
    /// The chain refuses the transaction, in simulation or for good.
    Reverted = 6,
    /// Nothing was signed: no key, a wrong one, or nobody said yes.
    Signer = 7,
    /// Differences were found, and `--exit-code` asks to say so.
    Differences = 10,
}

impl Exit {
    /// The stable word for it in `--json` errors.
    pub fn code(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Internal => "internal",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::Denied => "denied",
            Self::Network => "network",
            Self::Reverted => "reverted",
            Self::Signer => "signer",
            Self::Differences => "differences",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
