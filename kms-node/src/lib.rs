//! A KMS node: HTTP, storage and chain access around `kms-core`.
//!
//! Trusts: its dstack socket (it is inside the guest), its sealed state, its measured compose file. Not the host's
//! `node.toml`, which configures ports and folders; not any RPC endpoint; not any requester.
//! [`run`] starts a node and returns once it serves; `main` is a thin wrapper, tests start nodes in-process.

mod adapters;
mod budget;
mod chain;
pub mod config;
mod http;
mod member;
mod metrics;
mod node;
mod run;
mod state_file;

pub use config::Config;
pub use run::{Running, run};
