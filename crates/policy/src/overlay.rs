//! What transactions would change: calls that write, run over proven state, their changes kept in memory.
//! Spec: docs/spec/simulate.md [SIM-1]..[SIM-3]. Trusts: the proven state. Driven by: `quorate simulate`. No node uses it:
//! a decision takes a `ProvenState`, and nothing leads from here to one.

use crate::{
    CallError, ChainRules, DecideError, DenyReason, Gate, READ_GAS, READ_LIMITS, ReadError,
    ViewCall,
    call::{block_env, build, cut, halted, no_outcome, static_call},
    database::{NoFact, ProvenDatabase},
    decide::{denial_of, question_call},
    evm::CallEntry,
    read,
};
use alloy_primitives::{Address, B256, Bytes, Log, U256, keccak256};
use alloy_sol_types::SolCall;
use light_client::{FactLimits, ProvenState};
use revm::{
    Database,
    bytecode::Bytecode,
    context::{BlockEnv, ContextTr, JournalTr, TxEnv},
    context_interface::result::ExecutionResult,
    handler::Handler,
    primitives::TxKind,
    state::{Account, AccountInfo, EvmState},
};
use std::collections::BTreeMap;
use wire::{UnixSeconds, statements::Attested};

/// Gas of one simulated call: what a transaction may have from Osaka on.
pub const SIMULATION_GAS: u64 = 16_777_216;
/// Facts of one simulated call.
const SIMULATION_LIMITS: FactLimits =
    FactLimits { accounts: 256, slots: 8_192, code_bytes: 4 * 1024 * 1024 };

/// A call that may write. No fee is taken and no nonce is counted; the caller may be a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// CALLER, and ORIGIN.
    pub from: Address,
    /// The contract that is called.
    pub to: Address,
    /// Selector and arguments.
    pub data: Bytes,
    /// Wei; `from` must have it.
    pub value: U256,
}

/// A call that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// What the contract returns.
    pub output: Bytes,
    /// Gas of the call itself, without the transaction's own 21,000 and calldata.
    pub gas_used: u64,
    /// Its events, in order.
    pub logs: Vec<Log>,
    /// The slots that it changed.
    pub changes: Vec<SlotChange>,
}

/// One storage slot before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SlotChange {
    /// Whose.
    pub address: Address,
    /// Which.
    pub slot: U256,
    /// The value before the call.
    pub before: U256,
    /// The value after it.
    pub after: U256,
}

/// Changes over one proven block, and the moment in which calls run.
#[derive(Clone, Debug)]
pub struct Overlay {
    number: u64,
    time: UnixSeconds,
    accounts: BTreeMap<Address, Changed>,
    supposed: BTreeMap<Address, Bytes>,
}

#[derive(Clone, Debug, Default)]
struct Changed {
    balance: U256,
    nonce: u64,
    code_hash: B256,
    /// Code that did not exist at the proven block.
    new_code: Option<Bytes>,
    /// Nothing of the proven storage is left, or there was none.
    is_fresh: bool,
    storage: BTreeMap<U256, U256>,
}

impl Overlay {
    /// No changes, in the block of `state`.
    pub fn new(state: &ProvenState) -> Self {
        Self {
            number: state.block().number,
            time: state.header().timestamp(),
            accounts: BTreeMap::new(),
            supposed: BTreeMap::new(),
        }
    }

    /// NUMBER of the calls that follow.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// TIMESTAMP of the calls that follow.
    pub fn time(&self) -> UnixSeconds {
        self.time
    }

    /// Goes on to a later block; never back.
    pub fn advance(&mut self, number: u64, time: UnixSeconds) {
        self.number = self.number.max(number);
        self.time = self.time.max(time);
    }

    /// Supposes that `address` has this code, until [`Overlay::stop_supposing`]. What calls do to the account itself
    /// meanwhile is dropped.
    pub fn suppose_code(&mut self, address: Address, code: Bytes) {
        self.supposed.insert(address, code);
    }

    /// The account is again what it was.
    pub fn stop_supposing(&mut self, address: Address) {
        self.supposed.remove(&address);
    }

    /// Runs a call and keeps what it changes. A call that fails changes nothing. [SIM-2]
    ///
    /// # Errors
    /// [`CallError`]; after [`CallError::Missing`] prove the fact and run the same call again.
    pub fn execute(
        &mut self,
        rules: &ChainRules,
        state: &ProvenState,
        transaction: &Transaction,
    ) -> Result<Executed, CallError> {
        let tx = TxEnv {
            caller: transaction.from,
            kind: TxKind::Call(transaction.to),
            data: transaction.data.clone(),
            value: transaction.value,
            gas_limit: SIMULATION_GAS,
            chain_id: Some(rules.chain_id),
            ..TxEnv::default()
        };
        let database = OverlayDatabase::new(self, state, SIMULATION_LIMITS);
        let mut evm = build(rules, database, self.block_env(state), tx);
        let mut entry = CallEntry::default();
        let outcome = entry.load_accounts(&mut evm).and_then(|()| entry.run_system_call(&mut evm));
        let changed = evm.ctx.journal_mut().finalize();
        drop(evm);
        match outcome {
            Ok(ExecutionResult::Success { output, gas, logs, .. }) => {
                let changes = changes(&changed, &self.supposed);
                self.keep(changed);
                let gas_used = gas.tx_gas_used();
                Ok(Executed { output: output.into_data(), gas_used, logs, changes })
            }
            Ok(ExecutionResult::Revert { output, .. }) => {
                Err(CallError::Reverted { data: cut(&output) })
            }
            Ok(ExecutionResult::Halt { reason, .. }) => Err(halted(reason, SIMULATION_GAS)),
            Err(error) => Err(no_outcome(error, state.block())),
        }
    }

    /// Why the gate would deny `attested` now; `None` if it would allow. The very question, gas and reading of the answer
    /// with which a node decides. [SIM-1]
    ///
    /// # Errors
    /// [`DecideError`].
    pub fn ask(
        &self,
        rules: &ChainRules,
        state: &ProvenState,
        gate: Gate,
        attested: &Attested,
    ) -> Result<Option<DenyReason>, DecideError> {
        denial_of(self.view(rules, state, &question_call(gate, attested)), state.block())
    }

    /// Runs a view over the changes.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn view(
        &self,
        rules: &ChainRules,
        state: &ProvenState,
        call: &ViewCall,
    ) -> Result<Bytes, CallError> {
        let database = OverlayDatabase::new(self, state, call.limits);
        static_call(rules, database, self.block_env(state), state.block(), call)
    }

    /// A typed view over the changes.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read<C: SolCall>(
        &self,
        rules: &ChainRules,
        state: &ProvenState,
        to: Address,
        view: &C,
    ) -> Result<C::Return, ReadError> {
        let data = view.abi_encode().into();
        let call = ViewCall { caller: Address::ZERO, to, data, gas: READ_GAS, limits: READ_LIMITS };
        let answer = self.view(rules, state, &call).map_err(|source| ReadError::Call {
            to,
            function: C::SIGNATURE,
            source: Box::new(source),
        })?;
        read::decode::<C>(to, &answer)
    }

    /// The code at `address` now.
    ///
    /// # Errors
    /// [`CallError::Missing`].
    pub fn code(&self, state: &ProvenState, address: Address) -> Result<Bytes, CallError> {
        let known = self.accounts.get(&address).and_then(|changed| changed.new_code.clone());
        if let Some(code) = known {
            return Ok(code);
        }
        state.code(address).map(|code| code.bytes().clone()).map_err(|missing| {
            CallError::Missing(light_client::MissingAt { block: state.block(), missing })
        })
    }

    fn block_env(&self, state: &ProvenState) -> BlockEnv {
        let number = U256::from(self.number);
        BlockEnv { number, timestamp: U256::from(self.time.0), ..block_env(state.header()) }
    }

    fn keep(&mut self, changed: EvmState) {
        for (address, account) in changed {
            if account.is_touched() && !self.supposed.contains_key(&address) {
                self.keep_account(address, account);
            }
        }
    }

    fn keep_account(&mut self, address: Address, account: Account) {
        let kept = self.accounts.entry(address).or_default();
        if account.is_selfdestructed() {
            *kept = Changed { is_fresh: true, code_hash: keccak256([]), ..Changed::default() };
            return;
        }
        if account.is_created() {
            kept.is_fresh = true;
            kept.storage.clear();
            kept.new_code = account.info.code.as_ref().map(Bytecode::original_bytes);
        }
        kept.balance = account.info.balance;
        kept.nonce = account.info.nonce;
        kept.code_hash = account.info.code_hash;
        let written = account.storage.into_iter().filter(|(_, slot)| slot.is_changed());
        kept.storage.extend(written.map(|(slot, value)| (slot, value.present_value)));
    }
}

fn changes(state: &EvmState, supposed: &BTreeMap<Address, Bytes>) -> Vec<SlotChange> {
    let mut changes: Vec<SlotChange> = state
        .iter()
        .filter(|(address, account)| account.is_touched() && !supposed.contains_key(*address))
        .flat_map(|(address, account)| {
            let written = account.storage.iter().filter(|(_, slot)| slot.is_changed());
            written.map(|(slot, value)| SlotChange {
                address: *address,
                slot: *slot,
                before: value.original_value,
                after: value.present_value,
            })
        })
        .collect();
    changes.sort();
    changes
}

/// Changes first, then what is proven.
struct OverlayDatabase<'a> {
    overlay: &'a Overlay,
    proven: ProvenDatabase<'a>,
    codes: BTreeMap<B256, Bytes>,
}

impl<'a> OverlayDatabase<'a> {
    fn new(overlay: &'a Overlay, state: &'a ProvenState, limits: FactLimits) -> Self {
        Self { overlay, proven: ProvenDatabase::new(state, limits), codes: BTreeMap::new() }
    }
}

impl Database for OverlayDatabase<'_> {
    type Error = NoFact;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, NoFact> {
        let proven = self.proven.basic(address)?.unwrap_or_default();
        let mut info = match self.overlay.accounts.get(&address) {
            Some(changed) => AccountInfo {
                balance: changed.balance,
                nonce: changed.nonce,
                code_hash: changed.code_hash,
                ..proven
            },
            None => proven,
        };
        let changed = self.overlay.accounts.get(&address);
        let code = changed.and_then(|changed| changed.new_code.as_ref());
        if let Some(code) = self.overlay.supposed.get(&address).or(code) {
            info.code_hash = keccak256(code);
            self.codes.insert(info.code_hash, code.clone());
        }
        Ok(Some(info))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, NoFact> {
        match self.codes.get(&code_hash) {
            Some(code) => Ok(Bytecode::new_legacy(code.clone())),
            None => self.proven.code_by_hash(code_hash),
        }
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, NoFact> {
        match self.overlay.accounts.get(&address) {
            Some(changed) => match changed.storage.get(&slot) {
                Some(value) => Ok(*value),
                None if changed.is_fresh => Ok(U256::ZERO),
                None => self.proven.storage(address, slot),
            },
            None => self.proven.storage(address, slot),
        }
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, NoFact> {
        self.proven.block_hash(number)
    }
}
