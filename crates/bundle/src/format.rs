//! The file: canonical JSON, so that one bundle has one text. Spec: docs/spec/bundle.md [BUN-1]. Trusts: nothing.

use crate::Refusal;
use alloy_primitives::{Address, B256, Bytes, FixedBytes, U64, U256};
use light_client::{ProofRequest, RawAccountProof, RawSlotProof};
use serde::{Deserialize, Serialize};
use wire::{
    network::network_hash,
    statements::{Issuance, SeatSignature},
};

/// What every bundle begins with.
pub const FORMAT: &str = "quorate-evidence/v1";
/// Bytes of one bundle.
pub const MAX_BUNDLE_BYTES: usize = 4 << 20;
/// Headers from the event's block to the reader's.
pub const MAX_HEADERS: usize = 1_024;
/// Events of the trail after the one that is proven.
pub const MAX_LATER: usize = 16_384;

/// A bundle, as a claim. The order of the fields is that of the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bundle {
    /// [`FORMAT`].
    pub format: String,
    /// The network that it speaks of.
    pub network: NetworkName,
    /// RLP of the header of the event's block, of the next, and so on to the reader's block.
    pub headers: Vec<Bytes>,
    /// The receipt that holds the event.
    pub receipt: ReceiptProof,
    /// The event's place among the logs of its receipt.
    pub log: u64,
    /// How the event stands in the trail of its contract.
    pub trail: TrailProof,
    /// State of the event's block; accounts in ascending order.
    pub at_event: Vec<AccountFacts>,
    /// State of the reader's block.
    pub at_block: Vec<AccountFacts>,
    /// Code of the accounts above, each once, in ascending order of its hash.
    pub codes: Vec<Bytes>,
    /// For an issuance, and for nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuance: Option<IssuanceProof>,
}

/// What networkHash is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkName {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Hash of block 0.
    pub genesis_hash: B256,
    /// KmsCommittee, from which every other contract is read.
    pub kms_committee: Address,
}

/// A receipt under `receiptsRoot`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiptProof {
    /// The transaction's place in the block.
    pub index: u64,
    /// The receipt as the trie holds it (EIP-2718).
    pub bytes: Bytes,
    /// The nodes from the root to it.
    pub nodes: Vec<Bytes>,
}

/// The head of the trail before the event, and what came after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrailProof {
    /// 192 bits.
    pub before: FixedBytes<24>,
    /// Up to the reader's block, in order.
    pub later: Vec<Step>,
}

/// A later event of the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Step {
    /// By its leaf alone.
    Leaf(B256),
    /// By its name: its first topic, and the hash of its arguments.
    #[serde(rename_all = "camelCase")]
    Named {
        /// keccak256 of the event's signature.
        topic: B256,
        /// keccak256 of abi.encode of all its arguments in declared order.
        arguments_hash: B256,
    },
    /// In full: its first topic, and abi.encode of all its arguments in declared order.
    #[serde(rename_all = "camelCase")]
    Event {
        /// keccak256 of the event's signature.
        topic: B256,
        /// What the leaf commits to.
        arguments: Bytes,
    },
}

/// An account under a state root, and some of its slots in ascending order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountFacts {
    /// Whose.
    pub address: Address,
    /// Balance in wei.
    pub balance: U256,
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// keccak256 of the code.
    pub code_hash: B256,
    /// Root of the storage trie.
    pub storage_hash: B256,
    /// The nodes from the state root to the account.
    pub nodes: Vec<Bytes>,
    /// Its slots.
    pub slots: Vec<SlotFacts>,
}

/// A slot under a storage root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SlotFacts {
    /// The slot.
    pub slot: U256,
    /// Its value.
    pub value: U256,
    /// The nodes from the storage root to it.
    pub nodes: Vec<Bytes>,
}

/// What t seats signed, and what they judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IssuanceProof {
    /// The statement.
    pub statement: Issuance,
    /// Their signatures, seats in ascending order.
    pub signatures: Vec<SeatSignature>,
    /// enc("quorate/v1/evidence", quote, event log, collateral).
    pub evidence: Bytes,
}

impl Bundle {
    /// Reads a text; it must be the one text of what it says. [BUN-1]
    ///
    /// # Errors
    /// [`Refusal`] for what is too large, no bundle of this format, or written in another way.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let bytes = text.len();
        if bytes > MAX_BUNDLE_BYTES {
            return Err(Refusal::TooLarge { bytes, limit: MAX_BUNDLE_BYTES });
        }
        let bundle: Self = serde_json::from_str(text)
            .map_err(|cause| Refusal::NotABundle { cause: cause.to_string() })?;
        if bundle.format != FORMAT {
            return Err(Refusal::UnknownFormat);
        }
        if bundle.to_text() != text {
            return Err(Refusal::NotCanonical);
        }
        for (what, count, limit) in [
            ("headers", bundle.headers.len(), MAX_HEADERS),
            ("later events", bundle.trail.later.len(), MAX_LATER),
        ] {
            if count > limit {
                return Err(Refusal::TooMany { what, count, limit });
            }
        }
        Ok(bundle)
    }

    /// The text: one line of JSON, no white space, lower-case hex, and a line feed.
    pub fn to_text(&self) -> String {
        // Structs of strings, numbers and lists have no reason to fail; an empty text is no bundle.
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

impl NetworkName {
    /// The hash that names the network. [WIRE-2]
    pub fn hash(&self) -> B256 {
        network_hash(self.chain_id, self.genesis_hash, self.kms_committee)
    }
}

impl AccountFacts {
    /// What a proof of it tells, without its slots.
    pub(crate) fn account_of(address: Address, raw: &RawAccountProof) -> Self {
        Self {
            address,
            balance: raw.balance,
            nonce: raw.nonce.to(),
            code_hash: raw.code_hash,
            storage_hash: raw.storage_hash,
            nodes: raw.account_proof.clone(),
            slots: Vec::new(),
        }
    }

    /// As an endpoint would tell it, and what it would have been asked.
    pub(crate) fn to_proof(&self) -> (ProofRequest, RawAccountProof) {
        let slots = self.slots.iter().map(|found| found.slot).collect();
        let told = |found: &SlotFacts| RawSlotProof {
            key: found.slot,
            value: found.value,
            proof: found.nodes.clone(),
        };
        let raw = RawAccountProof {
            balance: self.balance,
            code_hash: self.code_hash,
            nonce: U64::from(self.nonce),
            storage_hash: self.storage_hash,
            account_proof: self.nodes.clone(),
            storage_proof: self.slots.iter().map(told).collect(),
        };
        (ProofRequest { address: self.address, slots }, raw)
    }
}
