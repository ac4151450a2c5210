//! A proposal of a Governor: its calls, its text, and whether the one says what the other does.
//!
//! Spec: docs/spec/governance.md, "The text of a proposal". Trusts: nothing. `text_against_calldata` is asked before a text is
//! sent, before a vote for it is signed, and by whoever shows a proposal to somebody.

mod approvals;
mod text;

pub(crate) use approvals::approvals;
pub(crate) use text::{Draft, TextError, describe, text_against_calldata};

use crate::send::Call;
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::sol_types::SolValue;

/// The id that every Governor of OpenZeppelin gives these calls with this text. [GOV-22]
pub(crate) fn proposal_id(calls: &[Call], description: &str) -> U256 {
    let (targets, values, calldatas) = columns(calls);
    let arguments = (targets, values, calldatas, description_hash(description));
    U256::from_be_bytes(keccak256(arguments.abi_encode_params()).0)
}

pub(crate) fn description_hash(description: &str) -> B256 {
    keccak256(description)
}

/// Calls as a Governor takes them: a list per column.
pub(crate) fn columns(calls: &[Call]) -> (Vec<Address>, Vec<U256>, Vec<Bytes>) {
    let targets = calls.iter().map(|call| call.to).collect();
    let values = calls.iter().map(|call| call.value).collect();
    let calldatas = calls.iter().map(|call| call.calldata.clone()).collect();
    (targets, values, calldatas)
}
