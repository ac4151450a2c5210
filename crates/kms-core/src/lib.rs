//! The node's side of the protocol, without I/O: judge a request, authorize, release; take part in a ceremony.
//!
//! Spec: docs/spec/authorize.md, release.md, ceremony.md. Trusts: proven state ([`light_client::ProvenChain`]) and the node's
//! own secrets; no endpoint, no requester, no host. How it is driven, by a service that owns clock, sockets and disk:
//!
//! ```text
//! judge(request)      -> Judged          evidence, binding, inputs: one pure function of request and proven state
//! authorize(judged)   -> Authorized | Refused | NotFinal
//!                        … t authorizations are recorded by IssuanceLog …
//! release(judged)     -> Released | Refused | NotFinal | NotRecorded
//! ```
//!
//! A node that did not authorize judges first and then releases: the path is the same. A refusal is a value, a fault an
//! error; an error may only say that a fact is not proven yet ([`policy::AsksForFact`]), then the service proves it and runs
//! again. `ceremony` is driven by finalized facts alone.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod at_rest;
pub mod authorize;
pub mod ceremony;
pub mod facts;
mod inputs;
pub mod judge;
pub mod release;
mod shares;
mod statement_key;

pub use facts::Network;
pub use inputs::InputError;
pub use judge::{Budget, JudgeError, Judged, judge};
pub use shares::{EpochShares, ShareError};
pub use statement_key::{NotAKey, SigningFailed, StatementKey};

/// Whose doing a failure is: it decides status, metrics and blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request can't pass as it is.
    Requester,
    /// The collateral is too old: the same quote with newer collateral may pass.
    Collateral,
    /// The chain is not where it has to be yet.
    Chain,
    /// This node.
    Local,
}
