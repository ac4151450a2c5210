//! Every statement that is signed, and every label that is hashed, in one table.
//!
//! Spec: docs/spec/wire.md. The golden dump of this file is `crates/wire/statements.txt`; the same digests are
//! checked by Solidity against `vectors/statements/`. Field names and order are part of the format.
//!
//! | statement | domain | signed by | says |
//! |---|---|---|---|
//! | [`Issuance`] | IssuanceLog | seat | I verified this enclave and the policy; this may be recorded |
//! | [`Released`] | IssuanceLog | seat | I released these partials, having proven the record at this block |
//! | [`Denied`] | IssuanceLog | seat | the policy denies this request at this block |
//! | [`Candidate`] | KmsCommittee | candidate | I am this node, in this enclave |
//! | [`RecipientKey`] | KmsCommittee | seat | deal to me under this key in this session |
//! | [`RecipientRefused`] | KmsCommittee | seat | I deal nothing: this recipient's evidence does not hold |
//! | [`Dealing`] | KmsCommittee | seat | this is my dealing |
//! | [`Confirmation`] | KmsCommittee | seat | I hold a share that fits this outcome |
#![allow(missing_docs, reason = "fields are documented on the Solidity interfaces")]

use crate::Enc;
use alloy_primitives::{Address, B256, Signature, U256, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct, SolValue, eip712_domain, sol};

/// Labels of hashes and encodings. Nothing else in the code base spells one out, but for the transcripts of `threshold`.
pub mod labels {
    /// networkHash.
    pub const NETWORK: &str = "quorate/v1/network";
    /// The input x of a derived key.
    pub const DERIVE: &str = "quorate/v1/derive";
    /// Evidence bytes: quote, event log, collateral.
    pub const EVIDENCE: &str = "quorate/v1/evidence";
    /// One partial inside `Released.partialsHash`.
    pub const RELEASED_PARTIAL: &str = "quorate/v1/released-partial";
    /// report_data of a key request.
    pub const TAG_ISSUE: &str = "quorate/v1/issue";
    /// report_data of a recipient key of a ceremony.
    pub const TAG_RECIPIENT: &str = "quorate/v1/recip";
    /// report_data of a candidate.
    pub const TAG_CANDIDATE: &str = "quorate/v1/candi";
    /// Authenticated label of a node's sealed state.
    pub const SEALED_STATE: &str = "quorate/v1/sealed-state";
    /// The path under which a node asks its socket for the sealing key.
    pub const SEALING_PATH: &str = "quorate/v1/sealing";
}

sol! {
    /// dstack's description of a booted app, field for field.
    #[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    struct AppBootInfo {
        address appId;
        bytes32 composeHash;
        address instanceId;
        bytes32 deviceId;
        bytes32 mrAggregated;
        bytes32 mrSystem;
        bytes32 osImageHash;
        string tcbStatus;
        string[] advisoryIds;
    }

    /// What evidence proves about an enclave: dstack's fields, and who vouched for them.
    #[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    struct Attested {
        AppBootInfo boot;
        bytes32 root;
        bytes32 vendor;
        uint32 tcbEvaluationDataNumber;
    }

    /// One key or sealed secret that is asked for.
    #[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    struct Input {
        uint8 kind;
        uint8 scopeKind;
        bytes32 scopeValue;
        uint32 keyVersion;
        bytes32 secretId;
        bytes32 ciphertextHash;
    }

    /// A recent block that the enclave names in its quote.
    #[derive(Debug, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    struct Anchor {
        uint64 number;
        bytes32 hash;
    }

    /// One boot's request, judged: what nodes sign and IssuanceLog records.
    #[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    struct Issuance {
        bytes32 keysetId;
        uint64 epoch;
        bytes32[2] reportData;
        uint8 releaseAt;
        Anchor anchor;
        address sessionKey;
        bytes32 evidenceHash;
        Attested attested;
        Input[] inputs;
    }

    /// A node's release of its partials, at the block at which it proved the record.
    #[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    struct Released {
        bytes32 issuanceId;
        uint64 epoch;
        uint16 seat;
        uint64 blockNumber;
        bytes32 blockHash;
        bytes32 partialsHash;
    }

    /// A node's refusal: the policy's reason at a proven block.
    #[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    struct Denied {
        bytes32 issuanceId;
        uint16 seat;
        uint64 blockNumber;
        bytes32 blockHash;
        string reason;
    }

    /// A node that wants a seat.
    #[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    struct Candidate {
        address signer;
        bytes32 operator;
        string endpoint;
        uint8 sealing;
        bytes32 root;
        bytes32 osImageHash;
        bytes32 composeHash;
        Anchor checkpoint;
        string headSource;
        bytes32 evidenceHash;
    }

    /// A recipient's fresh encryption key for one ceremony.
    #[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    struct RecipientKey {
        bytes32 session;
        uint16 seat;
        bytes encryptionKey;
        bytes32 evidenceHash;
    }

    /// A dealer's refusal of a recipient.
    #[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    struct RecipientRefused {
        bytes32 session;
        uint16 dealer;
        uint16 seat;
        uint8 reason;
    }

    /// A dealer's dealing, by hash.
    #[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    struct Dealing {
        bytes32 session;
        uint16 seat;
        bytes32 dealingHash;
    }

    /// A member's verdict on a ceremony.
    #[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    struct Confirmation {
        bytes32 session;
        uint16 seat;
        bytes32 transcript;
        bytes32 canaryHash;
    }

    /// What a ceremony decided; its hash with the session is the transcript.
    #[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    struct Outcome {
        uint16[] recipients;
        uint16[] dealers;
        bytes verificationShares;
        bytes derivePublicKey;
        bytes unsealPublicKey;
    }

    /// A signature of a seat in EIP-2098's compact form.
    #[derive(Debug, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    struct SeatSignature {
        uint16 seat;
        bytes32 r;
        bytes32 vs;
    }
}

/// Where a statement counts: chain and contract. EIP-712's domain separator comes from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Domain {
    /// Statements about issuances.
    IssuanceLog { chain_id: u64, contract: Address },
    /// Statements about seats and ceremonies.
    KmsCommittee { chain_id: u64, contract: Address },
}

impl Domain {
    /// The EIP-712 domain.
    pub fn eip712(self) -> Eip712Domain {
        let (name, chain_id, contract) = match self {
            Self::IssuanceLog { chain_id, contract } => ("Quorate IssuanceLog", chain_id, contract),
            Self::KmsCommittee { chain_id, contract } => {
                ("Quorate KmsCommittee", chain_id, contract)
            }
        };
        eip712_domain! { name: name, version: "1", chain_id: chain_id, verifying_contract: contract, }
    }

    /// The digest that is signed for `statement` in this domain (EIP-712).
    pub fn digest(self, statement: &impl SolStruct) -> B256 {
        statement.eip712_signing_hash(&self.eip712())
    }
}

/// x of a derived key: enc("quorate/v1/derive", keyset id, app id, scope, key version), where `input` has scope and key
/// version. What the key belongs to, and nothing else. [DERIVE-1]
pub fn derive_input(keyset_id: B256, app_id: Address, input: &Input) -> Vec<u8> {
    Enc::new(labels::DERIVE)
        .hash(keyset_id)
        .address(app_id)
        .u8(input.scopeKind)
        .hash(input.scopeValue)
        .u32(input.keyVersion)
        .finish()
}

/// issuanceId = keccak256(abi.encode(chain id, IssuanceLog, report_data)): one quote, one record. [REC-1]
pub fn issuance_id(chain_id: u64, issuance_log: Address, report_data: [B256; 2]) -> B256 {
    keccak256((U256::from(chain_id), issuance_log, report_data).abi_encode())
}

/// The transcript that members confirm: keccak256(abi.encode(session, outcome's fields)). [CER-9]
pub fn transcript_hash(session: B256, outcome: &Outcome) -> B256 {
    keccak256(
        (
            session,
            outcome.recipients.clone(),
            outcome.dealers.clone(),
            outcome.verificationShares.clone(),
            outcome.derivePublicKey.clone(),
            outcome.unsealPublicKey.clone(),
        )
            .abi_encode_params(),
    )
}

impl SeatSignature {
    /// The compact form of `signature`, made by `seat`.
    pub fn new(seat: u16, signature: &Signature) -> Self {
        let normalized = signature.normalized_s();
        let [r, vs] = compact(&normalized);
        Self { seat, r, vs }
    }

    /// The address that made this signature over `digest`, if it is well formed with a low s.
    pub fn signer(&self, digest: B256) -> Option<Address> {
        recover_compact(digest, self.r, self.vs)
    }
}

/// `[r, vs]` of EIP-2098: the top bit of `vs` is the parity of y.
pub fn compact(signature: &Signature) -> [B256; 2] {
    let mut vs = signature.s();
    vs.set_bit(255, signature.v());
    [B256::from(signature.r()), B256::from(vs)]
}

/// The signer of `digest` under a compact signature; `None` if it is malformed or s is high (EIP-2).
pub fn recover_compact(digest: B256, r: B256, vs: B256) -> Option<Address> {
    let mut s = U256::from_be_bytes(vs.0);
    let parity = s.bit(255);
    s.set_bit(255, false);
    let signature = Signature::new(U256::from_be_bytes(r.0), s, parity);
    if signature.normalize_s().is_some() {
        return None;
    }
    signature.recover_address_from_prehash(&digest).ok()
}
