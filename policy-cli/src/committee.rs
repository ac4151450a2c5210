//! The committee as one RPC endpoint tells it: keyset, seats, who asks for a seat, the running ceremony. Nothing is proven.

use crate::{
    chain::{Chain, ChainError},
    exit::Exit,
    failure::Failure,
};
use abi::{AttestationRegistry, KmsCommittee};
use alloy::primitives::{Address, B256, Bytes};
use alloy::sol_types::SolEvent;
use serde::Serialize;
use std::collections::BTreeSet;
use wire::SealingKind;
use wire::network::label_text;

const COMMITTEE: &str = "KmsCommittee";

/// Why there is nobody to admit, or no code to approve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommitteeError {
    #[error("{signer} asks for no seat")]
    NoCandidate { signer: Address },
    #[error("{signer} has seat {seat} already")]
    Seated { signer: Address, seat: u16 },
    #[error("the compose file's node is for network {actual}, here it is {expected}")]
    OtherNetwork { expected: B256, actual: B256 },
}

impl CommitteeError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::NoCandidate { .. } => Exit::NotFound,
            Self::Seated { .. } | Self::OtherNetwork { .. } => Exit::Denied,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::NoCandidate { .. } => vec![
                "a node posts its statement when it starts: quorate seat list shows who has".into(),
            ],
            Self::Seated { .. } => vec!["quorate seat list shows the seats".into()],
            Self::OtherNetwork { .. } => {
                vec!["its block `quorate` names chain and KmsCommittee: they are measured".into()]
            }
        }
    }
}

/// The keyset in force.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Keyset {
    pub(crate) keyset_id: B256,
    pub(crate) derive_public_key: Bytes,
    pub(crate) unseal_public_key: Bytes,
    pub(crate) epoch: u64,
    pub(crate) t: u16,
    pub(crate) recipients: Vec<u16>,
    pub(crate) members: Vec<u16>,
}

/// The running ceremony.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ceremony {
    pub(crate) session: B256,
    pub(crate) epoch: u64,
    pub(crate) step: &'static str,
    /// Last block in which a statement of this step is taken.
    pub(crate) deadline: u64,
    pub(crate) t: u16,
    pub(crate) seats: Vec<Progress>,
}

/// What a seat has said in the running ceremony.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Progress {
    pub(crate) seat: u16,
    pub(crate) vendor: String,
    pub(crate) operator: String,
    pub(crate) is_suspended: bool,
    pub(crate) has_key: bool,
    pub(crate) has_dealt: bool,
    pub(crate) has_confirmed: bool,
    /// The recipient that it refused; zero: none.
    pub(crate) refused_seat: u16,
}

/// A seat, suspended, removed or not.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seat {
    pub(crate) seat: u16,
    pub(crate) signer: Address,
    pub(crate) vendor: String,
    pub(crate) operator: String,
    pub(crate) sealing: &'static str,
    pub(crate) endpoint: String,
    pub(crate) is_suspended: bool,
    pub(crate) is_removed: bool,
    pub(crate) root: B256,
}

/// A node that asks for a seat, and what it lacks.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Candidate {
    pub(crate) signer: Address,
    pub(crate) vendor: String,
    /// As the candidate says.
    pub(crate) operator: String,
    pub(crate) sealing: &'static str,
    pub(crate) endpoint: String,
    pub(crate) root: B256,
    pub(crate) os_image_hash: B256,
    pub(crate) compose_hash: B256,
    pub(crate) evidence_hash: B256,
    pub(crate) expires_at: u64,
    /// As governance says; empty: none.
    pub(crate) assigned_operator: String,
    pub(crate) is_code_approved: bool,
    /// What stands between it and a seat, in words.
    pub(crate) missing: Vec<String>,
    #[serde(skip)]
    pub(crate) operator_label: B256,
}

pub(crate) async fn keyset(chain: &Chain) -> Result<Option<Keyset>, ChainError> {
    let committee = chain.contracts.kms_committee;
    let keyset = chain.view(COMMITTEE, committee, &KmsCommittee::keysetCall {}).await?;
    if keyset.keysetId.is_zero() {
        return Ok(None);
    }
    let call = KmsCommittee::epochInfoCall { epoch: keyset.epoch };
    let epoch = chain.view(COMMITTEE, committee, &call).await?;
    Ok(Some(Keyset {
        keyset_id: keyset.keysetId,
        derive_public_key: keyset.derivePublicKey,
        unseal_public_key: keyset.unsealPublicKey,
        epoch: keyset.epoch,
        t: keyset.t,
        recipients: epoch.recipients,
        members: epoch.members,
    }))
}

pub(crate) async fn ceremony(chain: &Chain) -> Result<Option<Ceremony>, ChainError> {
    let committee = chain.contracts.kms_committee;
    let ceremony = chain.view(COMMITTEE, committee, &KmsCommittee::ceremonyCall {}).await?;
    let step = match ceremony.step {
        0 => return Ok(None),
        1 => "keys",
        2 => "dealings",
        3 => "confirmations",
        4 => "activation",
        5 => "failed",
        _ => "unknown",
    };
    let seats = ceremony.seats.into_iter().map(|seat| Progress {
        seat: seat.seat,
        vendor: label_text(seat.vendor),
        operator: label_text(seat.operator),
        is_suspended: seat.isSuspended,
        has_key: !seat.encryptionKey.is_empty(),
        has_dealt: !seat.dealingHash.is_zero(),
        has_confirmed: !seat.transcript.is_zero(),
        refused_seat: seat.refusedSeat,
    });
    Ok(Some(Ceremony {
        session: ceremony.session,
        epoch: ceremony.epoch,
        step,
        deadline: ceremony.deadline,
        t: ceremony.t,
        seats: seats.collect(),
    }))
}

pub(crate) async fn seats(chain: &Chain) -> Result<Vec<Seat>, ChainError> {
    let committee = chain.contracts.kms_committee;
    let count = chain.view(COMMITTEE, committee, &KmsCommittee::seatCountCall {}).await?;
    let mut seats = Vec::new();
    for id in 1..=count {
        let seat = chain.view(COMMITTEE, committee, &KmsCommittee::seatCall { id }).await?;
        seats.push(Seat {
            seat: seat.seat,
            signer: seat.signer,
            vendor: label_text(seat.vendor),
            operator: label_text(seat.operator),
            sealing: sealing(seat.sealing),
            endpoint: seat.endpoint,
            is_suspended: seat.isSuspended,
            is_removed: seat.isRemoved,
            root: seat.root,
        });
    }
    Ok(seats)
}

/// Everybody who has posted a statement since `from_block` and has no seat.
pub(crate) async fn candidates(
    chain: &Chain,
    from_block: u64,
) -> Result<Vec<Candidate>, ChainError> {
    let topic = KmsCommittee::CandidatePosted::SIGNATURE_HASH;
    let logs = chain.logs(chain.contracts.kms_committee, vec![topic], from_block).await?;
    let signers = logs.iter().filter_map(|log| log.topics().get(1).copied());
    let signers: BTreeSet<Address> = signers.map(Address::from_word).collect();
    let mut found = Vec::new();
    for signer in signers {
        found.extend(candidate(chain, signer).await?);
    }
    Ok(found)
}

/// The statement of a node that is to have a seat.
pub(crate) async fn asking(chain: &Chain, signer: Address) -> Result<Candidate, Failure> {
    let committee = chain.contracts.kms_committee;
    let seat = chain.view(COMMITTEE, committee, &KmsCommittee::seatIdOfCall { signer }).await?;
    if seat != 0 {
        return Err(CommitteeError::Seated { signer, seat }.into());
    }
    let found = candidate(chain, signer).await?;
    Ok(found.ok_or(CommitteeError::NoCandidate { signer })?)
}

/// The newest statement of `signer`, if it has posted one and has no seat.
async fn candidate(chain: &Chain, signer: Address) -> Result<Option<Candidate>, ChainError> {
    const REGISTRY: &str = "AttestationRegistry";
    let committee = chain.contracts.kms_committee;
    let registry = chain.contracts.attestation_registry;
    let info = chain.view(COMMITTEE, committee, &KmsCommittee::candidateCall { signer }).await?;
    if info.candidateId.is_zero() || info.seat != 0 {
        return Ok(None);
    }
    let call = KmsCommittee::operatorOfCall { signer };
    let assigned = chain.view(COMMITTEE, committee, &call).await?;
    let (image, code) = (info.osImageHash, info.composeHash);
    let call = KmsCommittee::isNodeCodeApprovedCall { osImageHash: image, composeHash: code };
    let is_code_approved = chain.view(COMMITTEE, committee, &call).await?;
    let root = info.root;
    let is_open = AttestationRegistry::isRootOpenCall { root };
    let is_open = chain.view(REGISTRY, registry, &is_open).await?;
    let vendor = AttestationRegistry::vendorOfCall { root };
    let vendor = chain.view(REGISTRY, registry, &vendor).await?;
    let operator = label_text(info.operator);
    let mut missing = Vec::new();
    if assigned != info.operator {
        missing.push(format!("quorate operator assign {signer} {operator}"));
    }
    if !is_code_approved {
        missing.push(format!("quorate node-code approve --os-image {image} --compose-hash {code}"));
    }
    if !is_open {
        missing.push(format!("root {root} is not open"));
    }
    if info.expiresAt < chain.head.time {
        missing.push("its statement has expired: the node posts a new one".to_owned());
    }
    Ok(Some(Candidate {
        signer,
        vendor: label_text(vendor),
        operator,
        sealing: sealing(info.sealing),
        endpoint: info.endpoint,
        root,
        os_image_hash: image,
        compose_hash: code,
        evidence_hash: info.evidenceHash,
        expires_at: info.expiresAt,
        assigned_operator: label_text(assigned),
        is_code_approved,
        missing,
        operator_label: info.operator,
    }))
}

fn sealing(kind: u8) -> &'static str {
    match SealingKind::from_wire(kind) {
        Some(SealingKind::None) => "none",
        Some(SealingKind::SgxProvider) => "sgx-provider",
        Some(SealingKind::SnpDerived) => "snp-derived",
        Some(SealingKind::File) => "file",
        None => "unknown",
    }
}

impl Seat {
    /// `2 soft-b of operator-2, sealing file, "http://…", SUSPENDED`
    pub(crate) fn words(&self) -> String {
        let state = match (self.is_removed, self.is_suspended) {
            (true, _) => ", REMOVED",
            (false, true) => ", SUSPENDED",
            (false, false) => "",
        };
        format!(
            "{} {} of {}, sealing {}, {:?}{state}",
            self.seat, self.vendor, self.operator, self.sealing, self.endpoint
        )
    }
}

impl Candidate {
    /// Its statement, a line each.
    pub(crate) fn words(&self) -> String {
        format!(
            "{}\n{} of {}, sealing {}, {:?}\nOS image {}\ncompose hash {}\nevidence {}",
            self.signer.to_checksum(None),
            self.vendor,
            self.operator,
            self.sealing,
            self.endpoint,
            self.os_image_hash,
            self.compose_hash,
            self.evidence_hash
        )
    }
}
