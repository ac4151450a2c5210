//! Boots inside the enclave: quotes its request, has it authorized and recorded, and combines its keys.
//!
//! Spec: docs/spec/request.md; the path: DESIGN.md §2. Trusts: the enclave's own socket, and what its compose file pins
//! ([`wire::network::MeasuredAgent`]); no node, no relay, no PCCS. [`boot`] is the whole path, one phase per file:
//! `identity` (who this is) → `committee` (whom to ask) → evidence → `authorize` with `record` → `release`.
//! What is judged is judged by [`kms_client`]; here are sockets, clocks and patience.

mod authorize;
mod boot;
mod committee;
mod config;
mod error;
mod identity;
mod nodes;
mod record;
mod release;
mod report;

pub use boot::{BootOutcome, Event, boot, boot_with};
pub use config::{BootConfig, ScopeChoice};
pub use error::{BootError, NodeReason, Reason};
pub use identity::IdentityError;
pub use nodes::AskError;
pub use report::{BootReport, NodeWords, SubkeyReport, SuspectReport, Timings};

#[cfg(test)]
mod tests;
