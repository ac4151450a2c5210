//! What is proven at one block: accounts, slots, code, and the hashes of the blocks before it.
//! Spec: docs/spec/chain.md [CHAIN-6], [CHAIN-14]. Trusts: the block, which [`HeaderChain::open`] found on the chain.
//! Driven by: `policy`, which reads; the service, which inserts what a read found missing.
//!
//! [`HeaderChain::open`]: crate::HeaderChain::open

use crate::{
    BlockRef, Code, ProofError, ProofRequest, ProvenAccount, RawAccountProof, SealedHeader,
    proof::{verify_account, verify_code, verify_slot},
};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Answers of views that one state keeps.
const MAX_ANSWERS: usize = 1_024;
/// Bytes of one such answer.
const MAX_ANSWER_BYTES: usize = 4_096;

/// How many blocks back a contract may see: BLOCKHASH.
const BLOCKHASH_BLOCKS: u64 = 256;

/// How many facts one state, or one run over it, may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactLimits {
    /// Accounts.
    pub accounts: usize,
    /// Storage slots, over all accounts.
    pub slots: usize,
    /// Bytes of code, each contract counted once.
    pub code_bytes: usize,
}

impl FactLimits {
    /// What a node keeps of one block.
    pub const STATE: Self = Self { accounts: 4_096, slots: 32_768, code_bytes: 16 * 1024 * 1024 };
}

/// A fact that is not proven yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Missing {
    /// An account's fields. `eth_getProof`.
    #[error("account {0} is not proven")]
    Account(Address),
    /// A storage slot. `eth_getProof`.
    #[error("slot {1:#x} of {0} is not proven")]
    Slot(Address, U256),
    /// Code. `eth_getCode`.
    #[error("code {hash} of {address} is not proven")]
    Code {
        /// Of an account that has it.
        address: Address,
        /// Its proven hash.
        hash: B256,
    },
    /// The hash of an ancestor outside the proven window. It can't be supplied: the node started later.
    #[error("hash of block {0} is not in the proven window")]
    BlockHash(u64),
}

/// A fact that is not proven yet, and at which block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{missing} at block {block}")]
pub struct MissingAt {
    /// The block to ask for, by hash.
    pub block: BlockRef,
    /// What.
    pub missing: Missing,
}

impl MissingAt {
    /// What to ask `eth_getProof` for; `None` if it is not a proof that is missing.
    pub fn proof_request(&self) -> Option<ProofRequest> {
        match self.missing {
            Missing::Account(address) => Some(ProofRequest::account(address)),
            Missing::Slot(address, slot) => {
                Some(ProofRequest { address, slots: BTreeSet::from([slot]) })
            }
            Missing::Code { .. } | Missing::BlockHash(_) => None,
        }
    }
}

/// What is proven at one block. Values come in only through their proofs.
#[derive(Clone, Debug)]
pub struct ProvenState {
    header: SealedHeader,
    ancestors: Arc<BTreeMap<u64, B256>>,
    limits: FactLimits,
    accounts: BTreeMap<Address, AccountFacts>,
    codes: BTreeMap<B256, Code>,
    cached_codes: Arc<BTreeMap<B256, Code>>,
    slot_count: usize,
    code_bytes: usize,
    answers: Answers,
}

/// Answers that views gave at this block, by what was asked. A view is a pure function of the state that its block's root
/// fixes, so an answer holds for every copy of this state, whatever facts come in later.
#[derive(Clone, Debug, Default)]
struct Answers(Arc<Mutex<BTreeMap<B256, Bytes>>>);

#[derive(Clone, Debug)]
struct AccountFacts {
    account: ProvenAccount,
    touched: Touched,
    slots: BTreeMap<U256, SlotFact>,
}

#[derive(Clone, Debug)]
struct SlotFact {
    value: U256,
    touched: Touched,
}

/// Whether a run has read the fact.
#[derive(Debug, Default)]
struct Touched(AtomicBool);

impl ProvenState {
    pub(crate) fn new(
        header: SealedHeader,
        ancestors: Arc<BTreeMap<u64, B256>>,
        limits: FactLimits,
        cached_codes: Arc<BTreeMap<B256, Code>>,
    ) -> Self {
        Self {
            header,
            ancestors,
            limits,
            accounts: BTreeMap::new(),
            codes: BTreeMap::new(),
            cached_codes,
            slot_count: 0,
            code_bytes: 0,
            answers: Answers::default(),
        }
    }

    /// The block's header.
    pub fn header(&self) -> &SealedHeader {
        &self.header
    }

    /// Height and hash.
    pub fn block(&self) -> BlockRef {
        self.header.block()
    }

    /// Verifies the answer to `request` and keeps what it proves, all or nothing. [CHAIN-10]..[CHAIN-12]
    ///
    /// # Errors
    /// [`ProofError`]: forged, incomplete or too large.
    pub fn insert_proof(
        &mut self,
        request: &ProofRequest,
        raw: &RawAccountProof,
    ) -> Result<(), ProofError> {
        let (block, address) = (self.block(), request.address);
        let account = verify_account(block, self.header.state_root(), address, raw)?;
        let mut slots = Vec::with_capacity(request.slots.len());
        for slot in &request.slots {
            let told = raw.storage_proof.iter().find(|told| told.key == *slot);
            let told = told.ok_or(ProofError::NotAnswered { address, slot: *slot })?;
            slots.push((*slot, verify_slot(block, address, &account, told)?));
        }
        // Known so far: 1. the account's fields are under the state root, 2. each slot asked for is under the account's
        // storage root.
        self.keep(address, account, &slots)
    }

    /// Verifies code against the proven code hash of `address` and keeps it. [CHAIN-13]
    ///
    /// # Errors
    /// [`ProofError::ForgedCode`]; [`ProofError::AccountNotProven`]; [`ProofError::Full`].
    pub fn insert_code(&mut self, address: Address, code: Bytes) -> Result<(), ProofError> {
        let facts = self.accounts.get(&address).ok_or(ProofError::AccountNotProven { address })?;
        verify_code(address, &facts.account, &code)?;
        let hash = facts.account.code_hash();
        if self.codes.contains_key(&hash) {
            return Ok(());
        }
        let code_bytes = self.code_bytes.saturating_add(code.len());
        within("code bytes", code_bytes, self.limits.code_bytes)?;
        self.code_bytes = code_bytes;
        self.codes.insert(hash, Code::new(code));
        Ok(())
    }

    /// An account's fields.
    ///
    /// # Errors
    /// [`Missing::Account`] until it is proven.
    pub fn account(&self, address: Address) -> Result<ProvenAccount, Missing> {
        let facts = self.facts(address)?;
        facts.touched.set();
        Ok(facts.account)
    }

    /// A storage slot's value.
    ///
    /// # Errors
    /// [`Missing`] until it is proven. No proof is needed where the storage is proven empty.
    pub fn slot(&self, address: Address, slot: U256) -> Result<U256, Missing> {
        let facts = self.facts(address)?;
        if facts.account.storage_root() == alloy_trie::EMPTY_ROOT_HASH {
            return Ok(U256::ZERO);
        }
        let fact = facts.slots.get(&slot).ok_or(Missing::Slot(address, slot))?;
        fact.touched.set();
        Ok(fact.value)
    }

    /// An account's code; empty if it has none.
    ///
    /// # Errors
    /// [`Missing`] until account and code are proven.
    pub fn code(&self, address: Address) -> Result<Code, Missing> {
        let hash = self.account(address)?.code_hash();
        if hash == KECCAK256_EMPTY {
            return Ok(Code::default());
        }
        let known = self.codes.get(&hash).or_else(|| self.cached_codes.get(&hash));
        known.cloned().ok_or(Missing::Code { address, hash })
    }

    /// The hash of an ancestor, as BLOCKHASH answers it: zero for what is not one of the 256 blocks before this one.
    ///
    /// # Errors
    /// [`Missing::BlockHash`] for an ancestor that is older than what this node has proven.
    pub fn block_hash(&self, number: u64) -> Result<B256, Missing> {
        let depth = self.header.number().checked_sub(number);
        if depth.is_none_or(|depth| depth == 0 || depth > BLOCKHASH_BLOCKS) {
            return Ok(B256::ZERO);
        }
        let known = self.ancestors.get(&number).copied();
        known.ok_or(Missing::BlockHash(number))
    }

    /// What a view answered at this block before, by the digest of what was asked.
    pub fn answer(&self, asked: B256) -> Option<Bytes> {
        self.answers.lock().get(&asked).cloned()
    }

    /// Keeps what a view answered. Above the limits nothing is kept: an answer can always be had again.
    pub fn keep_answer(&self, asked: B256, answer: &Bytes) {
        let mut answers = self.answers.lock();
        if answers.len() < MAX_ANSWERS && answer.len() <= MAX_ANSWER_BYTES {
            answers.insert(asked, answer.clone());
        }
    }

    /// What runs over this state have read: the proofs to fetch first for the next block.
    pub fn wanted(&self) -> Vec<ProofRequest> {
        let touched = |facts: &AccountFacts| -> BTreeSet<U256> {
            let slots = facts.slots.iter();
            slots.filter(|(_, fact)| fact.touched.get()).map(|(slot, _)| *slot).collect()
        };
        self.accounts
            .iter()
            .filter(|(_, facts)| facts.touched.get())
            .map(|(address, facts)| ProofRequest { address: *address, slots: touched(facts) })
            .collect()
    }

    /// Code of accounts that runs over this state have read.
    pub(crate) fn touched_codes(&self) -> impl Iterator<Item = (B256, Code)> + '_ {
        self.accounts.values().filter(|facts| facts.touched.get()).filter_map(|facts| {
            let hash = facts.account.code_hash();
            let known = self.codes.get(&hash).or_else(|| self.cached_codes.get(&hash));
            known.map(|code| (hash, code.clone()))
        })
    }

    fn facts(&self, address: Address) -> Result<&AccountFacts, Missing> {
        self.accounts.get(&address).ok_or(Missing::Account(address))
    }

    /// Keeps what is proven, within the limits. [CHAIN-14]
    fn keep(
        &mut self,
        address: Address,
        account: ProvenAccount,
        slots: &[(U256, U256)],
    ) -> Result<(), ProofError> {
        let known = self.accounts.get(&address);
        let new_accounts = usize::from(known.is_none());
        let new_slots = slots
            .iter()
            .filter(|(slot, _)| known.is_none_or(|facts| !facts.slots.contains_key(slot)))
            .count();
        let slot_count = self.slot_count.saturating_add(new_slots);
        let account_count = self.accounts.len().saturating_add(new_accounts);
        within("accounts", account_count, self.limits.accounts)?;
        within("slots", slot_count, self.limits.slots)?;
        self.slot_count = slot_count;
        let facts = self.accounts.entry(address).or_insert(AccountFacts {
            account,
            touched: Touched::default(),
            slots: BTreeMap::new(),
        });
        for (slot, value) in slots {
            facts
                .slots
                .entry(*slot)
                .or_insert(SlotFact { value: *value, touched: Touched::default() });
        }
        Ok(())
    }
}

impl Answers {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<B256, Bytes>> {
        // An answer is inserted whole or not at all.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Touched {
    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Clone for Touched {
    fn clone(&self) -> Self {
        Self(AtomicBool::new(self.get()))
    }
}

fn within(what: &'static str, count: usize, limit: usize) -> Result<(), ProofError> {
    if count > limit {
        return Err(ProofError::Full { what, limit });
    }
    Ok(())
}
