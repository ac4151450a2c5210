//! The bodies that travel between enclave and node, as JSON.
//!
//! Spec: docs/spec/authorize.md and release.md. Everything here is a claim until `kms-core` or `kms-client` has judged it.
//! Byte strings are lower-case hex with 0x; unknown fields are refused.

use crate::{
    enc::Enc,
    ids::{ReleaseAt, SeatId},
    limits,
    statements::{Anchor, Denied, Input, Issuance, Released, SeatSignature, labels},
};
use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

/// Evidence as it travels: the quote, dstack's event log and the collateral, each as its producer wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EvidenceBytes {
    /// The attestation quote.
    pub quote: Bytes,
    /// The event log, JSON text.
    pub event_log: String,
    /// The collateral, JSON text.
    pub collateral: String,
}

/// Why evidence bytes are refused before they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} has {bytes} bytes, at most {limit} are taken")]
pub struct EvidenceTooLarge {
    /// Which part.
    pub part: &'static str,
    /// Its size.
    pub bytes: usize,
    /// The limit.
    pub limit: usize,
}

/// Why encoded evidence can't be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no enc(\"quorate/v1/evidence\", quote, event log, collateral)")]
pub struct NotEvidence;

impl EvidenceBytes {
    /// The canonical encoding: what candidates and recipients post on chain.
    pub fn encode(&self) -> Vec<u8> {
        self.enc().finish()
    }

    /// The hash that names this evidence, everywhere. [WIRE-3]
    pub fn hash(&self) -> B256 {
        self.enc().keccak()
    }

    /// Takes a canonical encoding apart.
    pub fn decode(encoded: &[u8]) -> Result<Self, NotEvidence> {
        let mut rest = encoded;
        let mut next = || -> Option<&[u8]> {
            let (length, tail) = rest.split_at_checked(4)?;
            let length = u32::from_be_bytes(length.try_into().ok()?);
            let (field, tail) = tail.split_at_checked(usize::try_from(length).ok()?)?;
            rest = tail;
            Some(field)
        };
        let fields = (next(), next(), next(), next());
        let (Some(label), Some(quote), Some(event_log), Some(collateral)) = fields else {
            return Err(NotEvidence);
        };
        if label != labels::EVIDENCE.as_bytes() || !rest.is_empty() {
            return Err(NotEvidence);
        }
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| NotEvidence);
        Ok(Self {
            quote: Bytes::copy_from_slice(quote),
            event_log: text(event_log)?,
            collateral: text(collateral)?,
        })
    }

    /// Checks each part against its limit. [WIRE-4]
    pub fn check_sizes(&self) -> Result<(), EvidenceTooLarge> {
        for (part, bytes, limit) in [
            ("quote", self.quote.len(), limits::MAX_QUOTE_BYTES),
            ("event log", self.event_log.len(), limits::MAX_EVENT_LOG_BYTES),
            ("collateral", self.collateral.len(), limits::MAX_COLLATERAL_BYTES),
        ] {
            if bytes > limit {
                return Err(EvidenceTooLarge { part, bytes, limit });
            }
        }
        Ok(())
    }

    fn enc(&self) -> Enc {
        Enc::new(labels::EVIDENCE)
            .bytes(&self.quote)
            .bytes(self.event_log.as_bytes())
            .bytes(self.collateral.as_bytes())
    }
}

/// One input of a request, with its blinded point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestedInput {
    /// What is asked for.
    pub input: Input,
    /// B ‖ proof: B = r·H(x), or r·u of the ciphertext, 33 bytes; then the proof of knowledge of r in that base, bound
    /// to report_data and the index, in threshold's canonical encoding.
    pub blinded: Bytes,
    /// The header of the sealed secret's ciphertext; for `unseal` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciphertext: Option<Bytes>,
}

/// What an enclave asks of a node: `POST /v1/authorize`, and again `POST /v1/release`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyRequest {
    /// The keyset that is asked.
    pub keyset_id: B256,
    /// The app that the enclave claims to be; counts only where its measured id is the compose-derived default (A28).
    pub app_id: Address,
    /// When a node may release.
    pub release_at: ReleaseAt,
    /// A recent block.
    pub anchor: Anchor,
    /// The address of the session key, fresh for this quote.
    pub session_key: Address,
    /// 1 to 8 inputs.
    pub inputs: Vec<RequestedInput>,
    /// Quote, event log and collateral.
    pub evidence: EvidenceBytes,
}

/// A node's authorization: the issuance as it judged it, signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authorization {
    /// keccak(chain id, log, report_data).
    pub issuance_id: B256,
    /// The statement.
    pub issuance: Issuance,
    /// The seat's signature over it.
    pub signature: SeatSignature,
}

/// One partial as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PartialBody {
    /// EIP-712 struct hash of the input.
    pub input: B256,
    /// Y_i of the secret that the input's kind selects: 33 bytes.
    pub verification_share: Bytes,
    /// Z_i and its proof, in threshold's canonical encoding.
    pub partial: Bytes,
}

/// A node's release: its partials in the order of the inputs, signed as one statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Release {
    /// The statement.
    pub released: Released,
    /// The seat's signature over it.
    pub signature: SeatSignature,
    /// The partials that the statement's hash covers.
    pub partials: Vec<PartialBody>,
}

/// The hash in `Released` that covers every partial: keccak256 over, for each input in order,
/// enc("quorate/v1/released-partial", input, seat, Y_i, partial). [REL-5]
pub fn partials_hash(seat: SeatId, partials: &[PartialBody]) -> B256 {
    let encoded: Vec<u8> = partials
        .iter()
        .flat_map(|body| {
            Enc::new(labels::RELEASED_PARTIAL)
                .hash(body.input)
                .u16(seat)
                .bytes(&body.verification_share)
                .bytes(&body.partial)
                .finish()
        })
        .collect();
    alloy_primitives::keccak256(encoded)
}

/// `POST /v1/record`: what a relay is asked to send to IssuanceLog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordRequest {
    /// The issuance that at least t seats signed.
    pub issuance: Issuance,
    /// Their signatures, by ascending seat.
    pub signatures: Vec<SeatSignature>,
}

/// A relay's answer: the transaction that it sent, or, where it does not pay, the call to send oneself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "outcome", deny_unknown_fields)]
pub enum RecordReply {
    /// Sent: in a block already, or on its way; then it may be replaced under the same nonce.
    #[serde(rename_all = "camelCase")]
    Sent {
        /// Its hash.
        transaction: B256,
    },
    /// This relay does not pay for this app.
    #[serde(rename_all = "camelCase")]
    Calldata {
        /// IssuanceLog.
        to: Address,
        /// The call.
        data: Bytes,
    },
}

/// A block as a node reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockInfo {
    /// Height.
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// Seconds since 1970.
    pub timestamp: u64,
}

/// The keyset in force, as a node reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeysetInfo {
    /// keccak(chain id, KmsCommittee, session of the genesis that activated).
    pub id: B256,
    /// Public key of the `derive` secret: 33 bytes.
    pub derive_public_key: Bytes,
    /// Public key of the `unseal` secret: 33 bytes.
    pub unseal_public_key: Bytes,
    /// The active epoch.
    pub epoch: u64,
    /// How many seats must cooperate.
    pub threshold: u16,
    /// The seats of the epoch.
    pub seats: Vec<SeatId>,
}

/// `GET /v1/info`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Info {
    /// The node's release.
    pub version: String,
    /// keccak of the network's identity; what the node's quote binds.
    pub network_hash: B256,
    /// Chain id.
    pub chain_id: u64,
    /// KmsCommittee.
    pub committee: Address,
    /// IssuanceLog in force.
    pub issuance_log: Address,
    /// How this node finds the head, for instance `agreement 1 of 1 (not proven by consensus)`.
    pub head_source: String,
    /// The node's signing address.
    pub signer: Address,
    /// The node's seat, once admitted.
    pub seat: Option<SeatId>,
    /// How the node keeps its share at rest.
    pub sealing: crate::ids::SealingKind,
    /// The keyset, once a ceremony has activated.
    pub keyset: Option<KeysetInfo>,
    /// Proven head.
    pub head: Option<BlockInfo>,
    /// Proven finalized block.
    pub finalized: Option<BlockInfo>,
    /// The epoch whose share this node holds and has checked against the chain.
    pub share_epoch: Option<u64>,
    /// keccak256 of the keyset's canary points, as this node has combined them from the members' proofs.
    pub canary: Option<B256>,
    /// What the node's ceremony does now, in words; `null` without one.
    pub ceremony: Option<String>,
}

/// The stable codes of refusals and errors. DESIGN.md §8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The policy denies: terminal at this block; signed.
    Denied,
    /// Allowed at the head, not yet at the finalized block: try again.
    NotFinal,
    /// The node has no fresh proven head: it answers nothing else.
    HeadStale,
    /// The issuance is not recorded at the block that counts: record it, or wait.
    NotRecorded,
    /// The anchor is unknown, too old or too new: ask with a fresh one.
    AnchorInvalid,
    /// The request was made for another keyset, or the epoch has turned: ask again.
    EpochMoved,
    /// The record is older than the release window: boot again.
    WindowClosed,
    /// Fewer than t valid signatures.
    BelowThreshold,
    /// The evidence does not hold.
    QuoteInvalid,
    /// An input, a point, a proof or a ciphertext does not hold.
    InputInvalid,
    /// The body can't be read.
    Malformed,
    /// Something is above its limit.
    TooLarge,
    /// Too many requests from this source, app or device.
    RateLimited,
    /// The node holds no share of the active epoch.
    NoShare,
    /// The chain refused the transaction.
    Reverted,
    /// There is no such thing.
    NotFound,
    /// The node failed; the cause is in its log.
    Internal,
}

/// Problem details (RFC 9457) with our code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// `https://quorate.invalid/problems/<code>`: an identifier, not a place.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for every occurrence of the code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong here and what to do.
    pub detail: String,
    /// The stable code.
    pub code: Code,
    /// For `denied`: the statement and the node's signature over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied: Option<SignedDenial>,
}

/// A signed refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedDenial {
    /// The statement.
    pub statement: Denied,
    /// The seat's signature.
    pub signature: SeatSignature,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// [WIRE-3] Evidence survives its encoding, and only the canonical bytes decode.
        #[test]
        fn evidence_round_trips(quote: Vec<u8>, event_log: String, collateral: String, extra: u8) {
            let evidence = EvidenceBytes { quote: quote.into(), event_log, collateral };
            let mut encoded = evidence.encode();
            prop_assert_eq!(EvidenceBytes::decode(&encoded), Ok(evidence));
            encoded.push(extra);
            prop_assert_eq!(EvidenceBytes::decode(&encoded), Err(NotEvidence));
        }

        /// Bytes from outside never panic.
        #[test]
        fn random_bytes_are_refused_or_decode(bytes: Vec<u8>) {
            let _ = EvidenceBytes::decode(&bytes);
            let _ = serde_json::from_slice::<KeyRequest>(&bytes);
        }
    }

    #[test]
    fn each_part_of_evidence_has_its_limit() {
        // [WIRE-4] One part too large, the others at their limit.
        assert_eq!(
            [limits::MAX_QUOTE_BYTES, limits::MAX_EVENT_LOG_BYTES, limits::MAX_COLLATERAL_BYTES],
            [16_384, 65_536, 131_072]
        );
        let fits = EvidenceBytes {
            quote: vec![0; limits::MAX_QUOTE_BYTES].into(),
            event_log: " ".repeat(limits::MAX_EVENT_LOG_BYTES),
            collateral: " ".repeat(limits::MAX_COLLATERAL_BYTES),
        };
        assert_eq!(fits.check_sizes(), Ok(()));
        let mut quote = fits.clone();
        quote.quote = vec![0; limits::MAX_QUOTE_BYTES + 1].into();
        assert_eq!(quote.check_sizes().unwrap_err().part, "quote");
        let mut log = fits.clone();
        log.event_log.push(' ');
        assert_eq!(log.check_sizes().unwrap_err().part, "event log");
        let mut collateral = fits;
        collateral.collateral.push(' ');
        assert_eq!(collateral.check_sizes().unwrap_err().part, "collateral");
    }
}
