//! Typed views of our own contracts over proven state: committee, seats, root policies, `recorded[id]`, registries.
//! Spec: docs/spec/policy.md [POL-9]. Driven by: `kms-core`, with the calls of `abi`. No Rust code computes a slot.

use crate::{CallError, ChainRules, ViewCall, call};
use alloy_primitives::{Address, Bytes, keccak256};
use alloy_sol_types::SolCall;
use light_client::{FactLimits, ProvenState};

/// Gas of one view: what a transaction may have from Osaka on.
pub const READ_GAS: u64 = 16_777_216;
/// Facts of one view: a whole ceremony of 128 seats.
pub const READ_LIMITS: FactLimits =
    FactLimits { accounts: 64, slots: 8_192, code_bytes: 1024 * 1024 };

/// Why a view has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The call has none.
    #[error("{function} of {to} has no answer")]
    Call {
        /// The contract.
        to: Address,
        /// The view's signature.
        function: &'static str,
        /// Why.
        source: Box<CallError>,
    },
    /// There is no contract at the address, at this block.
    #[error("{function} was asked of {to}, which has no code")]
    NoContract {
        /// The address.
        to: Address,
        /// The view's signature.
        function: &'static str,
    },
    /// The contract answers something else: another contract, or another version of it.
    #[error("{function} of {to} answers what does not decode")]
    Decode {
        /// The contract.
        to: Address,
        /// The view's signature.
        function: &'static str,
        /// What does not fit.
        source: Box<alloy_sol_types::Error>,
    },
}

/// Asks the view `call` of the contract `to`, as of the state's block; asked again at the same block, it is not run again.
///
/// # Errors
/// [`ReadError`]; see [`crate::AsksForFact`] for the one that only asks for a proof.
pub fn read<C: SolCall>(
    rules: &ChainRules,
    state: &ProvenState,
    to: Address,
    view: &C,
) -> Result<C::Return, ReadError> {
    let function = C::SIGNATURE;
    let data = Bytes::from(view.abi_encode());
    let asked = keccak256([to.as_slice(), data.as_ref()].concat());
    if let Some(answer) = state.answer(asked) {
        return decode::<C>(to, &answer);
    }
    let answer = call(
        rules,
        state,
        &ViewCall { caller: Address::ZERO, to, data, gas: READ_GAS, limits: READ_LIMITS },
    )
    .map_err(|source| ReadError::Call { to, function, source: Box::new(source) })?;
    // A call to an address without code succeeds and returns nothing.
    if answer.is_empty() && state.account(to).is_ok_and(|account| !account.has_code()) {
        return Err(ReadError::NoContract { to, function });
    }
    state.keep_answer(asked, &answer);
    decode::<C>(to, &answer)
}

pub(crate) fn decode<C: SolCall>(to: Address, answer: &[u8]) -> Result<C::Return, ReadError> {
    let function = C::SIGNATURE;
    C::abi_decode_returns_validate(answer).map_err(|source| ReadError::Decode {
        to,
        function,
        source: Box::new(source),
    })
}
