//! What a proposal's calls do and whether its text says so, in words; and the compose files behind the hashes it approves.
//!
//! Spec: docs/spec/governance.md, "The text of a proposal". Trusts: the committed artefacts; nothing of what it is given. No
//! I/O: indexer and policy-cli judge a proposal by the same lines. Prevents: a text that hides what the calls do.
//!
//! ```text
//! call.rs    columns ─▶ Call        inner.rs  calls within calls      decode.rs  calldata, logs, errors ─▶ words.rs
//! approvals  Call ─▶ Approval       text.rs   description against approvals     compose.rs  what stands behind a hash
//! ```
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod approvals;
mod call;
pub mod compose;
pub mod decode;
pub mod inner;
mod measure;
mod sorted;
pub mod state;
mod text;
pub mod words;

pub use approvals::{Approval, approvals};
pub use call::{Call, columns, rows};
pub use inner::{Unreadable, Why};
pub use sorted::Sorted;
pub use text::{Draft, TextError, describe, simulation_of, text_against_calldata};

use alloy_primitives::{B256, U256, keccak256};
use alloy_sol_types::SolValue;

/// The id that every Governor of OpenZeppelin gives these calls with this text. [GOV-22]
pub fn proposal_id(calls: &[Call], description: &str) -> U256 {
    let (targets, values, calldatas) = columns(calls);
    let arguments = (targets, values, calldatas, description_hash(description));
    U256::from_be_bytes(keccak256(arguments.abi_encode_params()).0)
}

/// How a Governor knows a text.
pub fn description_hash(description: &str) -> B256 {
    keccak256(description)
}
