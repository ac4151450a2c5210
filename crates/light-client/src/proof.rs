//! Account, storage and code proofs (EIP-1186) against a block's state root.
//! Spec: docs/spec/chain.md [CHAIN-10]..[CHAIN-13]. Trusts: the state root. Driven by: `ProvenState`, on insertion.
//! Prevents: A4, an endpoint that tells a false value; every kind of lie has its name in [`ProofError`].

use crate::BlockRef;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, U256, keccak256};
use alloy_trie::{
    EMPTY_ROOT_HASH, Nibbles, TrieAccount,
    proof::{ProofVerificationError, verify_proof},
};
use serde::{Deserialize, Serialize};

/// Nodes of one proof: the key has 64 nibbles, and each node takes at least one.
const MAX_PROOF_NODES: usize = 65;
/// Bytes of one node: a branch with 16 hashes has 532.
const MAX_NODE_BYTES: usize = 1024;
/// A leaf that anvil 1.7.1 keeps for a slot that was set back to zero: RLP of the empty string.
const ZERO_LEAF: [u8; 1] = [0x80];

/// The answer of `eth_getProof`, as an endpoint tells it. Its `address` is passed over: what counts is what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RawAccountProof {
    /// Balance in wei.
    pub balance: U256,
    /// keccak256 of the code.
    pub code_hash: B256,
    /// Transactions sent, or contracts created.
    pub nonce: U64,
    /// Root of the storage trie.
    pub storage_hash: B256,
    /// Nodes from the state root to the account.
    pub account_proof: Vec<Bytes>,
    /// The slots that were asked for.
    pub storage_proof: Vec<RawSlotProof>,
}

/// One slot of an `eth_getProof` answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawSlotProof {
    /// The slot.
    pub key: U256,
    /// Its value.
    pub value: U256,
    /// Nodes from the storage root to the slot.
    pub proof: Vec<Bytes>,
}

/// An account, or its absence, as proven at one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProvenAccount {
    balance: U256,
    nonce: u64,
    code_hash: B256,
    storage_root: B256,
}

/// Why an answer is refused. Each names what was told falsely and at which block.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The account's fields are not those under the state root.
    #[error("forged account {address} at block {block}")]
    ForgedAccount {
        /// Whose.
        address: Address,
        /// Where.
        block: BlockRef,
        /// What does not fit.
        source: Box<ProofVerificationError>,
    },
    /// The slot's value is not that under the account's storage root.
    #[error("forged slot {slot:#x} of {address} at block {block}")]
    ForgedSlot {
        /// Whose.
        address: Address,
        /// Which.
        slot: U256,
        /// Where.
        block: BlockRef,
        /// What does not fit.
        source: Box<ProofVerificationError>,
    },
    /// The code does not hash to the account's code hash.
    #[error("forged code of {address}: its hash is {actual}, proven is {proven}")]
    ForgedCode {
        /// Whose.
        address: Address,
        /// The proven code hash.
        proven: B256,
        /// The hash of what was told.
        actual: B256,
    },
    /// The answer leaves out a slot that was asked for.
    #[error("slot {slot:#x} of {address} was asked for and not answered")]
    NotAnswered {
        /// Whose.
        address: Address,
        /// Which.
        slot: U256,
    },
    /// The proof is larger than any true one.
    #[error("proof for {address} is larger than any true one")]
    TooLarge {
        /// Whose.
        address: Address,
    },
    /// Code of an account that is not proven: its hash is not known yet.
    #[error("account {address} is not proven: prove it before its code")]
    AccountNotProven {
        /// Whose.
        address: Address,
    },
    /// The state holds as much as it may.
    #[error("no more than {limit} proven {what} fit one state")]
    Full {
        /// `accounts`, `slots` or `code bytes`.
        what: &'static str,
        /// How many fit.
        limit: usize,
    },
}

impl ProvenAccount {
    /// What every account that does not exist is. [CHAIN-11]
    const ABSENT: Self = Self {
        balance: U256::ZERO,
        nonce: 0,
        code_hash: KECCAK256_EMPTY,
        storage_root: EMPTY_ROOT_HASH,
    };

    /// Balance in wei.
    pub fn balance(&self) -> U256 {
        self.balance
    }

    /// Transactions sent, or contracts created.
    pub fn nonce(&self) -> u64 {
        self.nonce
    }

    /// keccak256 of the code.
    pub fn code_hash(&self) -> B256 {
        self.code_hash
    }

    /// Root of the storage trie.
    pub fn storage_root(&self) -> B256 {
        self.storage_root
    }

    /// Whether the account has code.
    pub fn has_code(&self) -> bool {
        self.code_hash != KECCAK256_EMPTY
    }

    fn claimed(raw: &RawAccountProof) -> Self {
        let told = Self {
            balance: raw.balance,
            nonce: raw.nonce.to(),
            code_hash: raw.code_hash,
            storage_root: raw.storage_hash,
        };
        // Clients differ in what they tell of an account that does not exist: empty hashes, or zero ones.
        let zero = Self { code_hash: B256::ZERO, storage_root: B256::ZERO, ..Self::ABSENT };
        if told == zero { Self::ABSENT } else { told }
    }
}

/// Proves the account's fields, or its absence, against the state root. [CHAIN-10] [CHAIN-11]
pub(crate) fn verify_account(
    block: BlockRef,
    state_root: B256,
    address: Address,
    raw: &RawAccountProof,
) -> Result<ProvenAccount, ProofError> {
    check_size(address, &raw.account_proof)?;
    let account = ProvenAccount::claimed(raw);
    let leaf = alloy_rlp::encode(TrieAccount {
        nonce: account.nonce,
        balance: account.balance,
        storage_root: account.storage_root,
        code_hash: account.code_hash,
    });
    let verify = |expected| verify(state_root, address.as_slice(), expected, &raw.account_proof);
    // An absent account and one that is there and empty have the same fields: either proof will do.
    let outcome = match verify(Some(leaf)) {
        Err(_) if account == ProvenAccount::ABSENT => verify(None),
        outcome => outcome,
    };
    outcome.map(|()| account).map_err(|source| ProofError::ForgedAccount {
        address,
        block,
        source: Box::new(source),
    })
}

/// Proves the slot's value, or that it was never set, against the account's storage root. [CHAIN-12]
pub(crate) fn verify_slot(
    block: BlockRef,
    address: Address,
    account: &ProvenAccount,
    raw: &RawSlotProof,
) -> Result<U256, ProofError> {
    check_size(address, &raw.proof)?;
    let key = raw.key.to_be_bytes::<32>();
    let verify = |expected| verify(account.storage_root, &key, expected, &raw.proof);
    let outcome = if raw.value.is_zero() {
        // A leaf that holds zero is as much a proof of zero as no leaf: the root binds it.
        verify(None).or_else(|error| verify(Some(ZERO_LEAF.to_vec())).map_err(|_| error))
    } else {
        verify(Some(alloy_rlp::encode(raw.value)))
    };
    outcome.map(|()| raw.value).map_err(|source| ProofError::ForgedSlot {
        address,
        slot: raw.key,
        block,
        source: Box::new(source),
    })
}

/// Proves code by the account's code hash. [CHAIN-13]
pub(crate) fn verify_code(
    address: Address,
    account: &ProvenAccount,
    code: &[u8],
) -> Result<(), ProofError> {
    let (proven, actual) = (account.code_hash, keccak256(code));
    if proven == actual {
        return Ok(());
    }
    Err(ProofError::ForgedCode { address, proven, actual })
}

fn verify(
    root: B256,
    key: &[u8],
    expected: Option<Vec<u8>>,
    proof: &[Bytes],
) -> Result<(), ProofVerificationError> {
    verify_proof(root, Nibbles::unpack(keccak256(key)), expected, proof)
}

fn check_size(address: Address, proof: &[Bytes]) -> Result<(), ProofError> {
    if proof.len() > MAX_PROOF_NODES || proof.iter().any(|node| node.len() > MAX_NODE_BYTES) {
        return Err(ProofError::TooLarge { address });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
