//! The question of the whole system: may this attested enclave have this app's keys?
//! Spec: docs/spec/policy.md [POL-3]..[POL-8]. Trusts: the proven chain. Driven by: `kms-core`, authorize and release.
//! Prevents: A17 and A23 as far as a node can: the same gas, frame and reading of the answer as on the chain; A18: a
//! grant that a reorg may drop, by asking the finalized block too.

use crate::{CallError, ChainRules, TooManyFacts, ViewCall, answer::Answer, call};
use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_sol_types::{SolStruct, SolValue};
use light_client::{BlockRef, FactLimits, MissingAt, ProvenChain, ProvenState};
use wire::{limits::POLICY_GAS, statements::Attested};

/// Facts of one decision, at one block: as many cold slots as 250,000 gas can read, and more contracts than a policy has
/// use for. A policy that wants more is not judged, and its app gets nothing from this node.
pub const DECISION_LIMITS: FactLimits =
    FactLimits { accounts: 32, slots: 128, code_bytes: 512 * 1024 };

/// `IAppRegistry.isAllowed(Attested)`.
const IS_ALLOWED: &str = "isAllowed(((address,bytes32,address,bytes32,bytes32,bytes32,bytes32,string,string[]),bytes32,bytes32,uint32))";

/// Who asks, and who is asked: IssuanceLog in force, and the registry that speaks for the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// `KmsCommittee.issuanceLog()`.
    pub issuance_log: Address,
    /// `KmsCommittee.registryOf(app)`.
    pub app_registry: Address,
}

/// The gate at each of the two blocks: a contract that governance puts in force counts at a block like any other fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gates {
    /// As read at the head.
    pub head: Gate,
    /// As read at the finalized block.
    pub finalized: Gate,
}

impl Gates {
    /// The same contracts at both blocks.
    pub const fn same(gate: Gate) -> Self {
        Self { head: gate, finalized: gate }
    }
}

/// What the chain says.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Allowed at the finalized block and at the head.
    Permit(Permitted),
    /// Denied at the head: terminal at that block.
    Deny {
        /// Why, as the policy says it.
        reason: DenyReason,
        /// The head.
        block: BlockRef,
    },
    /// Allowed at the head and not yet at the finalized block: ask again when the head is final.
    NotFinal {
        /// Why the finalized block denies.
        reason: DenyReason,
        /// The head.
        head: BlockRef,
        /// The finalized block.
        finalized: BlockRef,
    },
}

/// Proof that [`decide`] permitted exactly this. No other way leads to one.
#[derive(Debug, PartialEq, Eq)]
pub struct Permitted {
    app_id: Address,
    attested_hash: B256,
    gate: Gate,
    head: BlockRef,
    finalized: BlockRef,
}

/// Why the policy denies. All of these are a refusal on the chain as well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DenyReason {
    /// It says so.
    #[error("{0}")]
    Refused(ReasonText),
    /// It reverts.
    #[error("isAllowed reverted with {data}")]
    Reverted {
        /// At most 128 bytes.
        data: Bytes,
    },
    /// It uses up its gas.
    #[error("isAllowed used up {gas} gas")]
    OutOfGas {
        /// What it had.
        gas: u64,
    },
    /// It halts.
    #[error("isAllowed halted")]
    Halted,
    /// It answers something else than (bool, string).
    #[error("isAllowed did not answer (bool, string)")]
    NoAnswer,
}

/// A contract's own words: at most 128 bytes, printable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonText(String);

/// Why there is no verdict. None of these says anything about the enclave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecideError {
    /// A fact is not proven yet: prove it and decide again.
    #[error(transparent)]
    Missing(MissingAt),
    /// The policy reads more than a decision may.
    #[error("policy at block {block} is too large to judge")]
    TooManyFacts {
        /// Where.
        block: BlockRef,
        /// Of what.
        source: TooManyFacts,
    },
    /// revm failed.
    #[error("no verdict at block {block}")]
    Engine {
        /// Where.
        block: BlockRef,
        /// Why.
        source: Box<CallError>,
    },
}

/// Asks `isAllowed(attested)` at the head and at the finalized block. [POL-6]..[POL-8]
///
/// The head is asked first: only its denial is terminal, whatever the finalized block says.
/// # Errors
/// [`DecideError`]; [`DecideError::Missing`] until both runs have every fact.
pub fn decide(
    rules: &ChainRules,
    gates: &Gates,
    attested: &Attested,
    chain: &ProvenChain,
) -> Result<Verdict, DecideError> {
    let (head, finalized) = (chain.head(), chain.finalized());
    if let Some(reason) = denial(rules, gates.head, attested, head)? {
        return Ok(Verdict::Deny { reason, block: head.block() });
    }
    if let Some(reason) = denial(rules, gates.finalized, attested, finalized)? {
        return Ok(Verdict::NotFinal { reason, head: head.block(), finalized: finalized.block() });
    }
    // Known so far: 1. the registry in force allows this enclave at the head, 2. and at the finalized block.
    Ok(Verdict::Permit(Permitted {
        app_id: attested.boot.appId,
        attested_hash: attested.eip712_hash_struct(),
        gate: gates.head,
        head: head.block(),
        finalized: finalized.block(),
    }))
}

/// Why the gate denies at this block; `None` if it allows. [POL-3] [POL-4]
fn denial(
    rules: &ChainRules,
    gate: Gate,
    attested: &Attested,
    state: &ProvenState,
) -> Result<Option<DenyReason>, DecideError> {
    denial_of(call(rules, state, &question_call(gate, attested)), state.block())
}

/// The call that asks: from IssuanceLog, with exactly the gas that it gives. [POL-3]
pub(crate) fn question_call(gate: Gate, attested: &Attested) -> ViewCall {
    ViewCall {
        caller: gate.issuance_log,
        to: gate.app_registry,
        data: question(attested),
        gas: POLICY_GAS,
        limits: DECISION_LIMITS,
    }
}

/// What an answer to [`question_call`] says. [POL-4]
pub(crate) fn denial_of(
    answer: Result<Bytes, CallError>,
    block: BlockRef,
) -> Result<Option<DenyReason>, DecideError> {
    match answer {
        Ok(bytes) => Ok(match Answer::parse(&bytes) {
            Some(answer) if answer.allowed => None,
            Some(answer) => Some(DenyReason::Refused(ReasonText::from_bytes(&answer.reason))),
            None => Some(DenyReason::NoAnswer),
        }),
        Err(CallError::Reverted { data }) => Ok(Some(DenyReason::Reverted { data })),
        Err(CallError::OutOfGas { gas }) => Ok(Some(DenyReason::OutOfGas { gas })),
        Err(CallError::Halted { .. }) => Ok(Some(DenyReason::Halted)),
        Err(CallError::Missing(missing)) => Err(DecideError::Missing(missing)),
        Err(CallError::TooManyFacts(source)) => Err(DecideError::TooManyFacts { block, source }),
        Err(source @ CallError::Engine { .. }) => {
            Err(DecideError::Engine { block, source: Box::new(source) })
        }
    }
}

/// The calldata of `isAllowed(attested)`, the same bytes that IssuanceLog sends.
fn question(attested: &Attested) -> Bytes {
    let mut data: Vec<u8> = keccak256(IS_ALLOWED).iter().copied().take(4).collect();
    data.extend(SolValue::abi_encode_params(&(attested.clone(),)));
    data.into()
}

impl Permitted {
    /// The app.
    pub fn app_id(&self) -> Address {
        self.app_id
    }

    /// EIP-712 struct hash of what was permitted.
    pub fn attested_hash(&self) -> B256 {
        self.attested_hash
    }

    /// Whether it was this that was permitted.
    pub fn covers(&self, attested: &Attested) -> bool {
        self.attested_hash == attested.eip712_hash_struct()
    }

    /// Who was asked at the head.
    pub fn gate(&self) -> Gate {
        self.gate
    }

    /// The head at which it was allowed.
    pub fn head(&self) -> BlockRef {
        self.head
    }

    /// The finalized block at which it was allowed.
    pub fn finalized(&self) -> BlockRef {
        self.finalized
    }
}

impl ReasonText {
    /// Bytes that are no text, and control characters, become `\u{fffd}`: the words go into logs and on pages. Cut again
    /// to 128 bytes, because the replacement is longer.
    fn from_bytes(bytes: &[u8]) -> Self {
        let mut text = String::new();
        for character in String::from_utf8_lossy(bytes).chars() {
            let shown =
                if character.is_control() { char::REPLACEMENT_CHARACTER } else { character };
            if text.len().saturating_add(shown.len_utf8()) > wire::limits::MAX_REASON_BYTES {
                break;
            }
            text.push(shown);
        }
        Self(text)
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ReasonText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
