//! The index: proven events in SQL, exactly once, with a proof that none was left out. Spec: docs/spec/index.md, trail.md.
//!
//! Trusts: genesis or the configured checkpoint, and agreement of endpoints on the head (A0). No single endpoint: headers are
//! taken by hash, receipts are checked against `receiptsRoot`, trails against proven slots. Prevents: an event that is hidden,
//! invented, doubled or stale. [`run`] starts it and returns once it serves; `main` is a thin wrapper.
//!
//! ```text
//! chain.rs     agreed head ─▶ linked headers      receipts.rs  header + told receipts ─▶ ProvenReceipts
//! follow.rs    ProvenReceipts ─▶ rows             decode.rs    log ─▶ name, arguments, seq
//! store.rs     rows, block and cursor, at once    audit.rs     rows ─▶ trail ─▶ compared with the proven slot
//! in_force.rs  whether KmsCommittee names what is followed
//! builds.rs    which contract runs where, and its sources
//! views.rs     rows ─▶ apps, issuances, …       pages.rs     the same for people
//! keep.rs      final issuances and revocations ─▶ evidence and bundles, kept
//! ```

mod audit;
mod builds;
mod chain;
pub mod config;
mod decode;
mod endpoint;
mod endpoints;
mod follow;
mod http;
mod in_force;
mod keep;
mod pages;
mod receipts;
mod run;
mod store;
mod task;
mod trail;
mod views;

pub use config::{Config, TextLimits};
pub use run::{Running, run};
pub use store::dump;
