//! Calls that a call carries within it: what a Governor, an AccessManager or a batch will do in its turn.

use crate::Call;
use abi::{AccessManager, QuorateGovernor};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, abi::AbiDecoderConfig};

/// Calls within calls, so deep.
pub const MAX_DEPTH: usize = 4;
/// Calls of one proposal, those within calls included. A block's gas runs none with more.
pub const MAX_CALLS: usize = 4096;
/// Bytes of their calldata together: each counts once more in every call that carries it.
pub const MAX_BYTES: usize = 4 << 20;

/// A call whose selector says what it is and that can't be read, or not all of it. Nobody can say what it does.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a call of {at} {why}")]
pub struct Unreadable {
    /// Who is called.
    pub at: Address,
    /// What is wrong with it.
    pub why: Why,
}

/// Why a call can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Or its encoding is not the one that Solidity makes: parts of it overlap.
    #[error("has the selector of {0} and does not decode")]
    Malformed(&'static str),
    /// Lists of one call that are not of one length.
    #[error("has lists of different length")]
    Unequal,
    /// Deeper than [`MAX_DEPTH`].
    #[error("is wrapped deeper than {MAX_DEPTH} calls")]
    TooDeep,
    /// More than [`MAX_CALLS`] or [`MAX_BYTES`].
    #[error("is one of more than {MAX_CALLS} calls, or of {MAX_BYTES} bytes: too large to be read")]
    TooLarge,
}

/// What may still be read of one proposal.
#[derive(Debug)]
pub(crate) struct Budget {
    calls: usize,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { calls: MAX_CALLS, bytes: MAX_BYTES }
    }

    /// Before `call`, which lies `depth` calls deep, is read.
    pub(crate) fn take(&mut self, call: &Call, depth: usize) -> Result<(), Unreadable> {
        if depth > MAX_DEPTH {
            return Err(Unreadable { at: call.to, why: Why::TooDeep });
        }
        let calls = self.calls.checked_sub(1);
        let bytes = self.bytes.checked_sub(call.calldata.len());
        let (Some(calls), Some(bytes)) = (calls, bytes) else {
            return Err(Unreadable { at: call.to, why: Why::TooLarge });
        };
        *self = Self { calls, bytes };
        Ok(())
    }
}

/// Reads a call that has this selector. Its parts may not overlap: what it says is never longer than it is.
pub(crate) fn read<C: SolCall>(call: &Call) -> Result<C, Unreadable> {
    let config = AbiDecoderConfig::new()
        .strict(true)
        .validate_allow_trailing_bytes(true)
        .memory_limit(MAX_BYTES);
    C::abi_decode_with_config(&call.calldata, config)
        .map_err(|_| Unreadable { at: call.to, why: Why::Malformed(C::SIGNATURE) })
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
    let unequal = Unreadable { at, why: Why::Unequal };
    crate::rows(targets, values, calldatas).ok_or(unequal)
}
