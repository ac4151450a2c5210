//! A software attestation authority and the machines under it: true-format TDX quotes with everything that vouches for them.
//!
//! **Software.** Whoever has the seed can make any quote. Nothing here is trusted anywhere unless an AttestationRegistry that
//! was deployed with `allowsSoftware` opens this authority's root; verifiers have no mode for it and can't tell it from
//! hardware but by its root. Certificates carry the word `software` in their names.
//!
//! - [`Authority`]: root, PCK CA, TCB signer, revocation lists, TCB info and QE identity, all from a 32-byte seed and a label.
//! - [`OsImage`], [`Machine`], [`TrustDomain`]: a machine of an authority boots an app and quotes.
//! - [`run`]: the process. It serves the unix socket of a dstack guest and the HTTP interface of a PCCS, nothing of our own.
//!
//! Everything but the process is deterministic: the same seed, label, ids and times give the same bytes.

mod authority;
mod event_log;
mod keys;
mod machine;
mod serve;

pub use authority::{Authority, CollateralTerms};
pub use dcap_qvl::QuoteCollateralV3;
pub use event_log::{Event, RUNTIME_EVENT_TYPE};
pub use machine::{App, Attributes, Machine, OsImage, TrustDomain};
pub use serve::{Config, Ready, SoftTee, run};
