//! One view call over proven state.
//! Spec: docs/spec/policy.md [POL-1]..[POL-5]. Trusts: the state. Driven by: `decide`, `read`.

use crate::{
    ChainRules, TooManyFacts,
    database::{NoFact, ProvenDatabase},
    evm::{ProvenEvm, RunError, StaticEntry, warm},
    rules::spec_id,
};
use alloy_primitives::{Address, Bytes, U256};
use light_client::{FactLimits, MissingAt, ProvenState, SealedHeader};
use revm::{
    MainBuilder, MainContext,
    context::{BlockEnv, CfgEnv, Context, TxEnv},
    context_interface::result::{EVMError, ExecutionResult, HaltReason, Output},
    handler::Handler,
    primitives::TxKind,
};
use wire::limits::MAX_REASON_BYTES;

/// A STATICCALL: who asks whom, what, and with how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewCall {
    /// CALLER, and ORIGIN.
    pub caller: Address,
    /// The contract that is asked.
    pub to: Address,
    /// Selector and arguments.
    pub data: Bytes,
    /// Exactly this much gas, and none of it for the transaction itself.
    pub gas: u64,
    /// How many facts the run may read.
    pub limits: FactLimits,
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// A fact is not proven yet: prove it and run again.
    #[error(transparent)]
    Missing(MissingAt),
    /// The contract reads more than a run may.
    #[error(transparent)]
    TooManyFacts(TooManyFacts),
    /// The contract reverted.
    #[error("reverted with {data}")]
    Reverted {
        /// The first 128 bytes of what it returned.
        data: Bytes,
    },
    /// The gas did not reach.
    #[error("used up {gas} gas")]
    OutOfGas {
        /// What it had.
        gas: u64,
    },
    /// The EVM halted: invalid code, or a state change in a view.
    #[error("halted: {reason}")]
    Halted {
        /// Why.
        reason: HaltReason,
    },
    /// revm refused the run itself, whatever the contract.
    #[error("the engine failed: {reason}")]
    Engine {
        /// revm's words.
        reason: Box<str>,
    },
}

/// Runs `call` over `state` and returns what the contract returns.
///
/// The block is the proven one: number, time, base fee, randomness, beneficiary and gas limit are its header's.
/// ORIGIN is the caller and GASPRICE zero: a policy that looks at them may answer the chain otherwise (A17), which costs
/// a record, never a key, since a release needs both.
/// # Errors
/// [`CallError`]. [`CallError::Missing`] is no verdict on anything.
/// # Security
/// Not constant time: all inputs are public. Time is bounded by gas: about 50 ms per million in the worst case.
pub fn call(rules: &ChainRules, state: &ProvenState, call: &ViewCall) -> Result<Bytes, CallError> {
    let mut evm = build(rules, state, call);
    let mut entry = StaticEntry::default();
    let outcome = entry
        .load_accounts(&mut evm)
        .map(|()| warm(&mut evm, call.caller))
        .and_then(|()| entry.run_system_call(&mut evm));
    match outcome {
        Ok(ExecutionResult::Success { output, .. }) => Ok(match output {
            Output::Call(bytes) | Output::Create(bytes, _) => bytes,
        }),
        Ok(ExecutionResult::Revert { output, .. }) => {
            Err(CallError::Reverted { data: cut(&output) })
        }
        Ok(ExecutionResult::Halt { reason, .. }) => Err(match reason {
            HaltReason::OutOfGas(_) => CallError::OutOfGas { gas: call.gas },
            reason => CallError::Halted { reason },
        }),
        Err(error) => Err(no_outcome(error, state)),
    }
}

fn build<'a>(rules: &ChainRules, state: &'a ProvenState, call: &ViewCall) -> ProvenEvm<'a> {
    let header = state.header();
    let mut cfg = CfgEnv::new_with_spec(spec_id(rules.forks.at(header.timestamp())));
    cfg.chain_id = rules.chain_id;
    // The gas is that of a frame inside a transaction; the cap on a transaction's gas is not its limit.
    cfg.tx_gas_limit_cap = Some(u64::MAX);
    let tx = TxEnv {
        caller: call.caller,
        kind: TxKind::Call(call.to),
        data: call.data.clone(),
        gas_limit: call.gas,
        chain_id: Some(rules.chain_id),
        ..TxEnv::default()
    };
    Context::mainnet()
        .with_db(ProvenDatabase::new(state, call.limits))
        .with_cfg(cfg)
        .with_block(block_env(header))
        .with_tx(tx)
        .build_mainnet()
}

/// The block environment, from the proven header alone. [POL-2]
fn block_env(header: &SealedHeader) -> BlockEnv {
    let fields = header.fields();
    BlockEnv {
        number: U256::from(fields.number),
        beneficiary: fields.beneficiary,
        timestamp: U256::from(fields.timestamp),
        gas_limit: fields.gas_limit,
        basefee: header.base_fee(),
        difficulty: header.difficulty(),
        prevrandao: Some(header.prev_randao()),
        ..BlockEnv::default()
    }
}

fn no_outcome(error: RunError, state: &ProvenState) -> CallError {
    match error {
        EVMError::Database(NoFact::Missing(missing)) => {
            CallError::Missing(MissingAt { block: state.block(), missing })
        }
        EVMError::Database(NoFact::TooMany(too_many)) => CallError::TooManyFacts(too_many),
        error => CallError::Engine { reason: error.to_string().into() },
    }
}

fn cut(data: &Bytes) -> Bytes {
    data.slice(..data.len().min(MAX_REASON_BYTES))
}
