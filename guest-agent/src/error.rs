//! Why a boot failed, with each node's reason.

use crate::{identity::IdentityError, nodes::AskError};
use alloy_primitives::B256;
use kms_client::{
    DraftError, KeyError, NoCommittee, NotYet, PinnedError, RejectedAuthorization, RejectedDenial,
    RejectedRelease,
};
use tee_client::{EvidenceError, SocketError};
use wire::{
    network::ComposeError,
    request::{Code, EvidenceTooLarge, SignedDenial},
};

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// No HTTP client could be made.
    #[error("no HTTP client")]
    Http(#[source] reqwest::Error),
    /// The socket did not say what runs here.
    #[error("the dstack socket did not say what runs here")]
    Socket(#[from] SocketError),
    /// The measured compose file has no block of ours.
    #[error("the measured compose file names no network to ask")]
    Compose(#[from] ComposeError),
    /// It has one that pins nothing.
    #[error("the measured compose file pins no keyset")]
    Pinned(#[from] PinnedError),
    /// This boot can't ask for what it should.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The request can't be made.
    #[error("the request can't be made")]
    Draft(#[from] DraftError),
    /// The quote or its collateral could not be had.
    #[error("no evidence could be taken")]
    Evidence(#[from] EvidenceError),
    /// The evidence is above what nodes read.
    #[error(transparent)]
    EvidenceTooLarge(#[from] EvidenceTooLarge),
    /// The request can't be written as JSON; nothing in it can cause that.
    #[error("the request can't be encoded")]
    Encode(#[source] serde_json::Error),
    /// Too few nodes agree on whom to ask.
    #[error("too few nodes can be asked")]
    NoCommittee {
        /// Why.
        source: NoCommittee,
        /// What each of the others said.
        reasons: Vec<NodeReason>,
    },
    /// The policy denies: more nodes refused, each by its signature, than authorized.
    #[error("denied")]
    Denied {
        /// The request that was denied.
        issuance_id: B256,
        /// What each node said.
        reasons: Vec<NodeReason>,
    },
    /// Too few nodes authorized.
    #[error("{authorized} nodes authorized, {threshold} are needed")]
    NotAuthorized {
        /// How many signed the same.
        authorized: usize,
        /// t.
        threshold: u16,
        /// What each of the others said.
        reasons: Vec<NodeReason>,
    },
    /// Enough nodes authorized, and no relay could record it.
    #[error("no relay could record it")]
    NotRecorded {
        /// What each relay said.
        reasons: Vec<NodeReason>,
    },
    /// It may be recorded, and too few partials came that add up.
    #[error("too few partials came")]
    NotReleased {
        /// What is missing.
        source: NotYet,
        /// What each node said last.
        reasons: Vec<NodeReason>,
    },
    /// The keys are not what was asked for.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// What one node said.
#[derive(Debug, thiserror::Error)]
#[error("{node}: {reason}")]
pub struct NodeReason {
    /// Its URL.
    pub node: String,
    /// What it said.
    pub reason: Reason,
}

/// Why a node's answer did not help.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// It denies, signed; `Released` or recorded meanwhile or not.
    #[error(
        "denied at block {} by seat {}: {}",
        .0.statement.blockNumber, .0.statement.seat, .0.statement.reason
    )]
    Denied(Box<SignedDenial>),
    /// It says that it denies, and what it shows is not its signed refusal.
    #[error("it sent a refusal that does not count: {0}")]
    FalseDenial(RejectedDenial),
    /// Its authorization does not count.
    #[error("it sent an authorization that does not count: {0}")]
    Authorization(RejectedAuthorization),
    /// Its release does not count.
    #[error("it sent partials that do not count: {0}")]
    Release(RejectedRelease),
    /// It gave no answer, or a problem.
    #[error(transparent)]
    NoAnswer(AskError),
}

impl BootError {
    /// What each node said, where nodes were asked.
    pub fn reasons(&self) -> &[NodeReason] {
        match self {
            Self::NoCommittee { reasons, .. }
            | Self::Denied { reasons, .. }
            | Self::NotAuthorized { reasons, .. }
            | Self::NotRecorded { reasons }
            | Self::NotReleased { reasons, .. } => reasons,
            _ => &[],
        }
    }

    /// Whether a fresh quote may do better: the anchor aged, the epoch turned, or the release window closed.
    /// A node knows no such block as the anchor, though it had time to hear of it.
    pub(crate) fn refuses_anchor(&self) -> bool {
        self.reasons().iter().any(|reason| reason.code() == Some(Code::AnchorInvalid))
    }

    pub(crate) fn wants_another_quote(&self) -> bool {
        let codes = match self {
            Self::NotAuthorized { .. } => [Code::AnchorInvalid, Code::EpochMoved].as_slice(),
            Self::NotReleased { .. } => [Code::AnchorInvalid, Code::WindowClosed].as_slice(),
            _ => &[],
        };
        self.reasons().iter().filter_map(NodeReason::code).any(|code| codes.contains(&code))
    }
}

impl NodeReason {
    /// The stable code, if the node gave one.
    pub fn code(&self) -> Option<Code> {
        match &self.reason {
            Reason::Denied(_) => Some(Code::Denied),
            Reason::NoAnswer(error) => error.code(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::request::Problem;

    fn reasons(code: Code) -> Vec<NodeReason> {
        let problem = Problem {
            kind: String::new(),
            title: String::new(),
            status: 409,
            detail: "detail".into(),
            code,
            denied: None,
        };
        let reason = Reason::NoAnswer(AskError::Problem(Box::new(problem)));
        vec![NodeReason { node: "http://a".into(), reason }]
    }

    #[test]
    fn only_an_aged_request_is_quoted_again() {
        // [REQ-14]
        let authorized =
            |code| BootError::NotAuthorized { authorized: 0, threshold: 3, reasons: reasons(code) };
        assert!(authorized(Code::AnchorInvalid).wants_another_quote());
        assert!(authorized(Code::EpochMoved).wants_another_quote());
        assert!(!authorized(Code::QuoteInvalid).wants_another_quote());
        let issuance_id = B256::ZERO;
        let denied = BootError::Denied { issuance_id, reasons: reasons(Code::EpochMoved) };
        assert!(!denied.wants_another_quote());
    }

    #[test]
    fn a_reason_is_said_in_words() {
        let reason = reasons(Code::HeadStale).remove(0);
        assert_eq!(reason.to_string(), "http://a: head_stale: detail");
    }
}
