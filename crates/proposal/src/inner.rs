//! Calls that a call carries within it: what a Governor, an AccessManager or a batch will do in its turn.

use crate::Call;
use abi::{AccessManager, QuorateGovernor};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;

/// Calls within calls, so deep.
pub const MAX_DEPTH: usize = 4;

/// A call whose selector says what it is and whose bytes do not.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a call of {at} has the selector of {function} and does not decode, or is wrapped too deep"
)]
pub struct Unreadable {
    /// Who is called.
    pub at: Address,
    /// What its selector says.
    pub function: &'static str,
}

/// Reads a call that has this selector.
pub(crate) fn read<C: SolCall>(call: &Call) -> Result<C, Unreadable> {
    C::abi_decode(&call.calldata).map_err(|_| Unreadable { at: call.to, function: C::SIGNATURE })
}

/// What `call` carries, in order; nothing if it is no wrapper that we know.
///
/// # Errors
/// [`Unreadable`] if it has a wrapper's selector and does not decode.
pub fn inner_calls(call: &Call) -> Result<Vec<Call>, Unreadable> {
    let Some((selector, _)) = call.calldata.split_first_chunk::<4>() else {
        return Ok(Vec::new());
    };
    let one = |to, value, calldata| Ok(vec![Call { to, value, calldata }]);
    match *selector {
        AccessManager::scheduleCall::SELECTOR => {
            let outer: AccessManager::scheduleCall = read(call)?;
            one(outer.target, U256::ZERO, outer.data)
        }
        AccessManager::executeCall::SELECTOR => {
            let outer: AccessManager::executeCall = read(call)?;
            one(outer.target, call.value, outer.data)
        }
        AccessManager::cancelCall::SELECTOR => {
            let outer: AccessManager::cancelCall = read(call)?;
            one(outer.target, U256::ZERO, outer.data)
        }
        AccessManager::multicallCall::SELECTOR => {
            let outer: AccessManager::multicallCall = read(call)?;
            let of_itself = |calldata| Call { to: call.to, value: U256::ZERO, calldata };
            Ok(outer.data.into_iter().map(of_itself).collect())
        }
        QuorateGovernor::relayCall::SELECTOR => {
            let outer: QuorateGovernor::relayCall = read(call)?;
            one(outer.target, outer.value, outer.data)
        }
        QuorateGovernor::proposeCall::SELECTOR => {
            let outer: QuorateGovernor::proposeCall = read(call)?;
            rows(call.to, outer.targets, outer.values, outer.calldatas)
        }
        QuorateGovernor::queue_0Call::SELECTOR => {
            let outer: QuorateGovernor::queue_0Call = read(call)?;
            rows(call.to, outer.targets, outer.values, outer.calldatas)
        }
        QuorateGovernor::execute_0Call::SELECTOR => {
            let outer: QuorateGovernor::execute_0Call = read(call)?;
            rows(call.to, outer.targets, outer.values, outer.calldatas)
        }
        QuorateGovernor::cancel_1Call::SELECTOR => {
            let outer: QuorateGovernor::cancel_1Call = read(call)?;
            rows(call.to, outer.targets, outer.values, outer.calldatas)
        }
        _ => Ok(Vec::new()),
    }
}

/// Lists of unequal length are no calls: the Governor refuses them.
fn rows(
    at: Address,
    targets: Vec<Address>,
    values: Vec<U256>,
    calldatas: Vec<Bytes>,
) -> Result<Vec<Call>, Unreadable> {
    let unequal = Unreadable { at, function: "lists of one length" };
    crate::rows(targets, values, calldatas).ok_or(unequal)
}
