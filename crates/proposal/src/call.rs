//! A call, as a Governor, a batch or a transaction carries it.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;

/// A call of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who is called.
    pub to: Address,
    /// Wei that go along.
    pub value: U256,
    /// Selector and arguments.
    pub calldata: Bytes,
}

impl Call {
    /// A call of a function of ours, without ether.
    pub fn new<C: SolCall>(to: Address, call: &C) -> Self {
        Self { to, value: U256::ZERO, calldata: call.abi_encode().into() }
    }
}

/// Calls as a Governor takes them: a list per column.
pub fn columns(calls: &[Call]) -> (Vec<Address>, Vec<U256>, Vec<Bytes>) {
    let targets = calls.iter().map(|call| call.to).collect();
    let values = calls.iter().map(|call| call.value).collect();
    let calldatas = calls.iter().map(|call| call.calldata.clone()).collect();
    (targets, values, calldatas)
}

/// Columns as calls; `None` if they are not of one length, which no Governor takes.
pub fn rows(targets: Vec<Address>, values: Vec<U256>, calldatas: Vec<Bytes>) -> Option<Vec<Call>> {
    if targets.len() != values.len() || targets.len() != calldatas.len() {
        return None;
    }
    let rows = targets.into_iter().zip(values).zip(calldatas);
    Some(rows.map(|((to, value), calldata)| Call { to, value, calldata }).collect())
}
