//! revm's database over a [`ProvenState`]: answers with proven values, or not at all.
//! Spec: docs/spec/policy.md [POL-1], [POL-5]. Trusts: the state. One per run: it counts what the run reads.
//! Prevents: A4, a policy that runs over told state; a hostile policy that makes the node fetch without end.

use alloy_primitives::{Address, B256, Bytes, U256};
use light_client::{FactLimits, Missing, ProvenState};
use revm::{Database, bytecode::Bytecode, database_interface::DBErrorMarker, state::AccountInfo};
use std::collections::{BTreeMap, BTreeSet};

/// What a run may read a limited number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactKind {
    /// Accounts.
    Accounts,
    /// Storage slots.
    Slots,
    /// Bytes of code.
    CodeBytes,
}

/// A run reads more than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("run reads more than {limit} {kind}")]
pub struct TooManyFacts {
    /// What.
    pub kind: FactKind,
    /// How many it may.
    pub limit: usize,
}

impl std::fmt::Display for FactKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Accounts => "accounts",
            Self::Slots => "slots",
            Self::CodeBytes => "bytes of code",
        })
    }
}

/// Why the database did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoFact {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error(transparent)]
    TooMany(#[from] TooManyFacts),
}

impl DBErrorMarker for NoFact {}

/// The facts of one run.
#[derive(Debug)]
pub(crate) struct ProvenDatabase<'a> {
    state: &'a ProvenState,
    limits: FactLimits,
    accounts: BTreeSet<Address>,
    slots: BTreeSet<(Address, U256)>,
    codes: BTreeMap<B256, Address>,
    code_bytes: usize,
}

impl<'a> ProvenDatabase<'a> {
    pub(crate) fn new(state: &'a ProvenState, limits: FactLimits) -> Self {
        Self {
            state,
            limits,
            accounts: BTreeSet::new(),
            slots: BTreeSet::new(),
            codes: BTreeMap::new(),
            code_bytes: 0,
        }
    }
}

impl Database for ProvenDatabase<'_> {
    type Error = NoFact;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, NoFact> {
        self.accounts.insert(address);
        within(FactKind::Accounts, self.accounts.len(), self.limits.accounts)?;
        let account = self.state.account(address)?;
        self.codes.entry(account.code_hash()).or_insert(address);
        Ok(Some(AccountInfo {
            balance: account.balance(),
            nonce: account.nonce(),
            code_hash: account.code_hash(),
            code: None,
            account_id: None,
        }))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, NoFact> {
        // revm asks for code only by a hash that `basic` has told.
        let Some(address) = self.codes.get(&code_hash) else {
            return Ok(Bytecode::new());
        };
        let code = self.state.code(*address)?;
        self.code_bytes = self.code_bytes.saturating_add(code.bytes().len());
        within(FactKind::CodeBytes, self.code_bytes, self.limits.code_bytes)?;
        Ok(code.derived(analyzed))
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, NoFact> {
        self.slots.insert((address, slot));
        within(FactKind::Slots, self.slots.len(), self.limits.slots)?;
        Ok(self.state.slot(address, slot)?)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, NoFact> {
        Ok(self.state.block_hash(number)?)
    }
}

/// Code that begins like a delegation and is none can exist from before EIP-3541; it runs as what it is.
fn analyzed(code: &Bytes) -> Bytecode {
    Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code.clone()))
}

fn within(kind: FactKind, count: usize, limit: usize) -> Result<(), TooManyFacts> {
    if count > limit {
        return Err(TooManyFacts { kind, limit });
    }
    Ok(())
}
