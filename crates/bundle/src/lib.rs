//! Proves one issuance or one revocation, of whatever can be revoked, from one file, without a network: `quorate-evidence/v1`.
//!
//! Spec: docs/spec/bundle.md. Trusts: the block and the network that the reader names, the rules of the EVM, the cryptography;
//! nothing in the file. No I/O, no clock: the time at which evidence is judged is that of the event's block. Prevents: a bundle
//! whose parts are true and speak of different things. The order of the checks, each on what the one before has proven:
//!
//! ```text
//! text ─▶ Bundle ─▶ headers, linked to the reader's block ─▶ receipt ─▶ log ─▶ event
//! state at the event's block, at the reader's block ─▶ trail slot, committee, policy ─▶ issuance, or revocation
//! ```
//!
//! [`verify`] is the whole of it; [`Draft`] makes a bundle by asking the same questions and saying which fact is missing.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod draft;
mod event;
mod format;
mod issuance;
mod line;
mod logged;
mod refusal;
mod revocation;
mod rules;
mod state;
mod trail;
mod verdict;
mod views;

pub use draft::Draft;
pub use format::{
    AccountFacts, Bundle, FORMAT, IssuanceProof, MAX_BUNDLE_BYTES, MAX_HEADERS, MAX_LATER,
    NetworkName, ReceiptProof, SlotFacts, Step, TrailProof,
};
pub use issuance::says_the_same;
pub use refusal::Refusal;
pub use rules::{may_undo, provable};
pub use trail::Trail;
pub use verdict::{Check, Claim, Trusted, Verdict, verify};
