//! The asking side of the protocol, without I/O: what an enclave sends, and what it believes of the answers.
//!
//! Spec: docs/spec/request.md [REQ-1]..[REQ-14]. Trusts: the pinned public keys of the keyset, which the enclave measured,
//! and the randomness that it is given; no node, no relay. How it is driven, by a program that owns sockets and clock:
//!
//! ```text
//! 1  Committee::agree(pinned, infos)       who answers, which block is the anchor, what t is said to be
//! 2  KeyRequestDraft::new(…)               r, B = r·H(x), a session key
//!    draft.report_data()                   → the quote is taken over it
//! 3  draft.with_evidence(evidence)         → PendingRequest; .request() goes to POST /v1/authorize of every node
//! 4  pending.authorize(member, answer)     each answer is checked; pending.record_requests(t) go to a relay
//! 5  pending.accept(member, release)       after the record: .request() goes to POST /v1/release of every node
//! 6  pending.try_combine(t)                → Keys, as soon as any t partials add up to the pinned public key
//! ```
//!
//! What nodes say about seats, signers and t is a claim. The chain judges the record, the pinned public key judges the
//! key: a false claim costs time, never a wrong key. A liar is named only against proven facts ([`liars`], A16).
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod authorize;
mod combine;
mod committee;
mod denial;
mod draft;
mod keys;
pub mod liars;
mod pending;
mod pinned;
mod release;
mod session_key;
mod signed;
mod subsets;
mod wanted;

pub use authorize::{MAX_RECORD_REQUESTS, Progress, RejectedAuthorization};
pub use combine::{NotYet, NotYetCause, Suspect, Suspicion};
pub use committee::{Agreed, Committee, Member, NoCommittee, NodeId, Stranger, WhyStranger};
pub use denial::RejectedDenial;
pub use draft::{DraftError, KeyRequestDraft};
pub use keys::{Key, KeyError, Keys, SECP256K1};
pub use pending::PendingRequest;
pub use pinned::{Pinned, PinnedError};
pub use release::{MAX_ANSWERS_PER_NODE, RejectedRelease};
pub use session_key::{SessionKey, SigningFailed};
pub use signed::NotSigned;
pub use wanted::{Wanted, WantedError};

/// Whose doing a failure is: it decides whether to ask again, whom, and what a person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The node that answered: ask another.
    Node,
    /// Too few nodes answered alike: ask again, or more of them.
    Committee,
    /// This enclave's configuration or what it asked for.
    Local,
}
