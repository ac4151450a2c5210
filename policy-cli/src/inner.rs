//! Calls that a call carries within it: what a Governor, an AccessManager or a batch will do in its turn.

use crate::send::Call;
use abi::{AccessManager, QuorateGovernor};
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolCall;

/// Calls within calls, so deep.
pub(crate) const MAX_DEPTH: usize = 4;

/// A call whose selector says what it is and whose bytes do not.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a call of {at} has the selector of {function} and does not decode, or is wrapped too deep"
)]
pub(crate) struct Unreadable {
    pub(crate) at: Address,
    pub(crate) function: &'static str,
}

/// Reads a call that has this selector.
pub(crate) fn read<C: SolCall>(call: &Call) -> Result<C, Unreadable> {
    C::abi_decode(&call.calldata).map_err(|_| Unreadable { at: call.to, function: C::SIGNATURE })
}

/// What `call` carries, in order; nothing if it is no wrapper that we know.
pub(crate) fn inner_calls(call: &Call) -> Result<Vec<Call>, Unreadable> {
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
    if targets.len() != values.len() || targets.len() != calldatas.len() {
        return Err(Unreadable { at, function: "lists of one length" });
    }
    let rows = targets.into_iter().zip(values).zip(calldatas);
    Ok(rows.map(|((to, value), calldata)| Call { to, value, calldata }).collect())
}
