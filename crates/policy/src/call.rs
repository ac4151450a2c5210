//! One view call over proven state.
//! Spec: docs/spec/policy.md [POL-1]..[POL-5]. Trusts: the state. Driven by: `decide`, `read`.

use crate::{
    ChainRules, TooManyFacts,
    database::{NoFact, ProvenDatabase},
    evm::{RunError, RunEvm, StaticEntry, warm},
    rules::spec_id,
};
use alloy_primitives::{Address, Bytes, U256};
use light_client::{BlockRef, FactLimits, MissingAt, ProvenState, SealedHeader};
use revm::{
    Database, MainBuilder, MainContext,
    context::{BlockEnv, CfgEnv, Context, TxEnv},
    context_interface::result::{EVMError, ExecutionResult, HaltReason, Output},
    handler::Handler,
    primitives::TxKind,
};
use wire::{UnixSeconds, limits::MAX_REASON_BYTES};

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
    let database = ProvenDatabase::new(state, call.limits);
    static_call(rules, database, block_env(state.header()), state.block(), call)
}

/// [`call`] over any database that answers with proven values, or with what a simulation makes of them.
pub(crate) fn static_call<DB: Database<Error = NoFact>>(
    rules: &ChainRules,
    database: DB,
    block: BlockEnv,
    proven_at: BlockRef,
    call: &ViewCall,
) -> Result<Bytes, CallError> {
    let tx = TxEnv {
        caller: call.caller,
        kind: TxKind::Call(call.to),
        data: call.data.clone(),
        gas_limit: call.gas,
        chain_id: Some(rules.chain_id),
        ..TxEnv::default()
    };
    let mut evm = build(rules, database, block, tx);
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
        Ok(ExecutionResult::Halt { reason, .. }) => Err(halted(reason, call.gas)),
        Err(error) => Err(no_outcome(error, proven_at)),
    }
}

pub(crate) fn halted(reason: HaltReason, gas: u64) -> CallError {
    match reason {
        HaltReason::OutOfGas(_) => CallError::OutOfGas { gas },
        reason => CallError::Halted { reason },
    }
}

pub(crate) fn build<DB: Database<Error = NoFact>>(
    rules: &ChainRules,
    database: DB,
    block: BlockEnv,
    tx: TxEnv,
) -> RunEvm<DB> {
    let time = UnixSeconds(block.timestamp.saturating_to());
    let mut cfg = CfgEnv::new_with_spec(spec_id(rules.forks.at(time)));
    cfg.chain_id = rules.chain_id;
    // The gas is that of a frame inside a transaction; the cap on a transaction's gas is not its limit.
    cfg.tx_gas_limit_cap = Some(u64::MAX);
    Context::mainnet().with_db(database).with_cfg(cfg).with_block(block).with_tx(tx).build_mainnet()
}

/// The block environment, from the proven header alone. [POL-2]
pub(crate) fn block_env(header: &SealedHeader) -> BlockEnv {
    let fields = header.fields();
    BlockEnv {
        number: U256::from(fields.number),
        beneficiary: fields.beneficiary,
        timestamp: U256::from(fields.timestamp),
        gas_limit: fields.gas_limit,
        basefee: header.base_fee(),
        prevrandao: Some(header.prev_randao()),
        ..BlockEnv::default()
    }
}

pub(crate) fn no_outcome(error: RunError, proven_at: BlockRef) -> CallError {
    match error {
        EVMError::Database(NoFact::Missing(missing)) => {
            CallError::Missing(MissingAt { block: proven_at, missing })
        }
        EVMError::Database(NoFact::TooMany(too_many)) => CallError::TooManyFacts(too_many),
        error => CallError::Engine { reason: error.to_string().into() },
    }
}

pub(crate) fn cut(data: &Bytes) -> Bytes {
    data.slice(..data.len().min(MAX_REASON_BYTES))
}
