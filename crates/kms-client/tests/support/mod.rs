//! A committee in memory: a real ceremony's shares, real signatures, and no judgement of evidence or policy.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use alloy_primitives::{Address, B256, Bytes};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolStruct;
use getrandom::{SysRng, rand_core::UnwrapErr};
use kms_client::{
    Committee, KeyRequestDraft, Member, NodeId, PendingRequest, Pinned, Wanted, liars::ProvenSeat,
};
use threshold::{
    NodeShares, Point, SecretKind,
    blind::{BlindedRequest, RequestContext, verify_request},
    ceremony::{Ceremony, Recipient, RecipientSecret, ShareKeys},
    input::{BasePoint, hash_to_curve},
    partial::PartialContext,
    tdh2::{CiphertextHeader, ExpectedLabel, SealLabel, SealedSecret, seal},
};
use wire::{
    Enc, ReleaseAt, Scope, SealingKind, SeatId,
    network::MeasuredAgent,
    report_data::{ReportData, RequestBinding, words},
    request::{
        Authorization, BlockInfo, EvidenceBytes, Info, KeyRequest, KeysetInfo, PartialBody,
        Release, RequestedInput, SignedDenial, partials_hash,
    },
    statements::{
        AppBootInfo, Attested, Denied, Domain, Issuance, Released, SeatSignature, issuance_id,
        labels,
    },
};

pub(crate) const APP: Address = Address::repeat_byte(0xa1);
pub(crate) const CODE: B256 = B256::repeat_byte(0xc0);
pub(crate) const INSTANCE: Address = Address::repeat_byte(0x11);
pub(crate) const CHAIN_ID: u64 = 31337;
pub(crate) const LOG: Address = Address::repeat_byte(0x10);
pub(crate) const NETWORK: B256 = B256::repeat_byte(0x4e);
pub(crate) const KEYSET: B256 = B256::repeat_byte(0x5e);
pub(crate) const EPOCH: u64 = 1;
pub(crate) const THRESHOLD: u16 = 3;
pub(crate) const DOMAIN: Domain = Domain::IssuanceLog { chain_id: CHAIN_ID, contract: LOG };

pub(crate) fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// A seat: its key, its shares, its Y_i.
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) seat: SeatId,
    pub(crate) key: PrivateKeySigner,
    pub(crate) shares: NodeShares,
    pub(crate) share_keys: ShareKeys,
}

pub(crate) struct Network {
    pub(crate) nodes: Vec<Node>,
    pub(crate) agent: MeasuredAgent,
}

impl Network {
    /// Five seats, three of which must cooperate.
    pub(crate) fn new() -> Self {
        Self::deal(&[1, 2, 3, 4, 5])
    }

    pub(crate) fn deal(seats: &[SeatId]) -> Self {
        let (mut rng, session) = (rng(), [7; 32]);
        let secrets: Vec<_> =
            seats.iter().map(|_| RecipientSecret::generate(&session, &mut rng)).collect();
        let recipients = seats.iter().zip(&secrets);
        let recipients = recipients
            .map(|(seat, secret)| Recipient { seat: *seat, encryption_key: secret.public() })
            .collect();
        let ceremony = Ceremony::genesis(session, EPOCH, THRESHOLD, recipients).unwrap();
        let dealings: Vec<_> = seats
            .iter()
            .map(|seat| (*seat, ceremony.deal(*seat, &mut rng).unwrap().to_bytes()))
            .collect();
        let posted: Vec<_> =
            dealings.iter().map(|(seat, bytes)| (*seat, bytes.as_slice())).collect();
        let qualified = ceremony.qualify(&posted).unwrap();
        let outcome = qualified.outcome();
        let agent = MeasuredAgent {
            app_id: None,
            network_hash: NETWORK,
            keyset_id: KEYSET,
            derive_public_key: bytes(outcome.public_key(SecretKind::Derive)),
            unseal_public_key: bytes(outcome.public_key(SecretKind::Unseal)),
            release_at: ReleaseAt::Head,
        };
        let nodes = (0..).zip(seats).zip(&secrets).zip(&outcome.share_keys);
        let nodes = nodes
            .map(|(((id, seat), secret), share_keys)| Node {
                id: NodeId(id),
                seat: *seat,
                key: PrivateKeySigner::from_slice(&[0x80 + u8::try_from(*seat).unwrap(); 32])
                    .unwrap(),
                shares: qualified.open(*seat, secret).unwrap(),
                share_keys: *share_keys,
            })
            .collect();
        Self { nodes, agent }
    }

    pub(crate) fn pinned(&self) -> Pinned {
        Pinned::new(&self.agent).unwrap()
    }

    pub(crate) fn infos(&self) -> Vec<(NodeId, Info)> {
        self.nodes.iter().map(|node| (node.id, self.info(node))).collect()
    }

    pub(crate) fn info(&self, node: &Node) -> Info {
        let head = BlockInfo { number: 100, hash: B256::repeat_byte(0xbb), timestamp: 1 };
        Info {
            version: "0".into(),
            network_hash: NETWORK,
            chain_id: CHAIN_ID,
            committee: Address::ZERO,
            issuance_log: LOG,
            head_source: String::new(),
            signer: node.key.address(),
            seat: Some(node.seat),
            sealing: SealingKind::None,
            keyset: Some(KeysetInfo {
                id: KEYSET,
                derive_public_key: self.agent.derive_public_key.clone(),
                unseal_public_key: self.agent.unseal_public_key.clone(),
                epoch: EPOCH,
                threshold: THRESHOLD,
                seats: self.nodes.iter().map(|node| node.seat).collect(),
            }),
            head: Some(head),
            finalized: None,
            share_epoch: Some(EPOCH),
            canary: None,
            ceremony: None,
        }
    }

    pub(crate) fn committee(&self) -> Committee {
        Committee::agree(&self.pinned(), &self.infos()).unwrap().committee
    }

    pub(crate) fn draft(&self, wanted: Vec<Wanted>) -> KeyRequestDraft {
        KeyRequestDraft::new(&self.pinned(), &self.committee(), APP, wanted, &mut rng()).unwrap()
    }

    pub(crate) fn request(&self, wanted: Vec<Wanted>) -> PendingRequest {
        self.draft(wanted).with_evidence(evidence(), &mut rng()).unwrap()
    }

    pub(crate) fn seal(&self, secret: &[u8]) -> SealedSecret {
        let public_key = Point::from_bytes(&self.agent.unseal_public_key).unwrap();
        let label = SealLabel {
            keyset_id: KEYSET.0,
            app_id: APP.into_array(),
            secret_id: [0x5c; 32],
            policy: None,
        };
        seal(&public_key, &label, secret, &mut rng()).unwrap()
    }

    /// Both Y_i and the signer of each seat, as chain state proves them.
    pub(crate) fn proven(&self) -> Vec<ProvenSeat> {
        let seats = self.nodes.iter();
        seats
            .map(|node| ProvenSeat { share_keys: node.share_keys, signer: node.key.address() })
            .collect()
    }
}

impl Node {
    pub(crate) fn member(&self) -> Member {
        Member { node: self.id, seat: self.seat, signer: self.key.address() }
    }

    pub(crate) fn authorize(&self, request: &KeyRequest) -> Authorization {
        self.authorize_as(issuance(request))
    }

    /// Signs whatever it is given.
    pub(crate) fn authorize_as(&self, issuance: Issuance) -> Authorization {
        Authorization {
            issuance_id: issuance_id(CHAIN_ID, LOG, issuance.reportData),
            signature: self.sign(&issuance),
            issuance,
        }
    }

    pub(crate) fn deny(&self, request: &KeyRequest, reason: &str) -> SignedDenial {
        self.deny_at(101, request, reason)
    }

    pub(crate) fn deny_at(&self, block: u64, request: &KeyRequest, reason: &str) -> SignedDenial {
        let statement = Denied {
            issuanceId: id_of(request),
            seat: self.seat,
            blockNumber: block,
            blockHash: B256::repeat_byte(0xbc),
            reason: reason.into(),
        };
        SignedDenial { signature: self.sign(&statement), statement }
    }

    pub(crate) fn release(&self, request: &KeyRequest) -> Release {
        self.release_with(request, &self.shares)
    }

    /// An answer made with `shares`, which may be others than the seat's.
    pub(crate) fn release_with(&self, request: &KeyRequest, shares: &NodeShares) -> Release {
        let report_data = report_data(request);
        let context = PartialContext {
            network_hash: NETWORK.0,
            keyset_id: KEYSET.0,
            epoch: EPOCH,
            issuance_id: id_of(request).0,
        };
        let partials = (0u8..).zip(&request.inputs).map(|(input_index, asked)| {
            let blinded = BlindedRequest::from_bytes(&asked.blinded).unwrap();
            let place = RequestContext { report_data: &report_data, input_index };
            let verified = verify_request(&blinded, &base(asked), &place).unwrap();
            let share = shares.of(verified.secret());
            let partial = share.evaluate(&verified, &context, &mut rng()).unwrap();
            PartialBody {
                input: asked.input.eip712_hash_struct(),
                verification_share: bytes(share.public()),
                partial: partial.to_bytes().to_vec().into(),
            }
        });
        self.release_as(request, partials.collect())
    }

    /// Signs whatever partials it is given.
    pub(crate) fn release_as(&self, request: &KeyRequest, partials: Vec<PartialBody>) -> Release {
        let released = Released {
            issuanceId: id_of(request),
            epoch: EPOCH,
            seat: self.seat,
            blockNumber: 102,
            blockHash: B256::repeat_byte(0xbd),
            partialsHash: partials_hash(self.seat, &partials),
        };
        Release { signature: self.sign(&released), released, partials }
    }

    pub(crate) fn sign(&self, statement: &impl SolStruct) -> SeatSignature {
        let signature = self.key.sign_hash_sync(&DOMAIN.digest(statement)).unwrap();
        SeatSignature::new(self.seat, &signature)
    }
}

pub(crate) fn derive(scope: Scope) -> Wanted {
    Wanted::Derive { scope, key_version: 1 }
}

pub(crate) fn unseal(sealed: SealedSecret) -> Wanted {
    Wanted::Unseal { sealed: Box::new(sealed), key_version: 1 }
}

pub(crate) fn evidence() -> EvidenceBytes {
    EvidenceBytes { quote: vec![4; 8].into(), event_log: "[]".into(), collateral: "{}".into() }
}

/// What an honest node finds.
pub(crate) fn issuance(request: &KeyRequest) -> Issuance {
    Issuance {
        keysetId: request.keyset_id,
        epoch: EPOCH,
        reportData: words(&report_data(request)),
        releaseAt: request.release_at as u8,
        anchor: request.anchor,
        sessionKey: request.session_key,
        evidenceHash: request.evidence.hash(),
        attested: Attested {
            boot: AppBootInfo {
                appId: APP,
                composeHash: CODE,
                instanceId: INSTANCE,
                deviceId: B256::repeat_byte(0xde),
                mrAggregated: B256::ZERO,
                mrSystem: B256::ZERO,
                osImageHash: B256::ZERO,
                tcbStatus: "UpToDate".into(),
                advisoryIds: Vec::new(),
            },
            root: B256::ZERO,
            vendor: B256::ZERO,
            tcbEvaluationDataNumber: 1,
        },
        inputs: request.inputs.iter().map(|asked| asked.input.clone()).collect(),
    }
}

/// What a node computes from the request alone.
pub(crate) fn report_data(request: &KeyRequest) -> ReportData {
    let inputs: Vec<_> = request
        .inputs
        .iter()
        .map(|asked| {
            let point = BlindedRequest::from_bytes(&asked.blinded).unwrap().point();
            (asked.input.clone(), point.to_bytes())
        })
        .collect();
    RequestBinding {
        network_hash: NETWORK,
        keyset_id: request.keyset_id,
        app_id: request.app_id,
        release_at: request.release_at,
        inputs: &inputs,
        session_key: request.session_key,
        anchor: request.anchor,
    }
    .report_data()
}

pub(crate) fn id_of(request: &KeyRequest) -> B256 {
    issuance_id(CHAIN_ID, LOG, words(&report_data(request)))
}

/// The base that a node makes itself.
fn base(asked: &RequestedInput) -> BasePoint {
    let input = &asked.input;
    let Some(header) = &asked.ciphertext else {
        let x = Enc::new(labels::DERIVE)
            .hash(KEYSET)
            .address(APP)
            .u8(input.scopeKind)
            .hash(input.scopeValue)
            .u32(input.keyVersion);
        return hash_to_curve(&x.finish());
    };
    let expected = ExpectedLabel {
        keyset_id: KEYSET.0,
        app_id: APP.into_array(),
        secret_id: input.secretId.0,
        policy: [0; 20],
    };
    CiphertextHeader::from_bytes(header).unwrap().check(&expected).unwrap().base()
}

pub(crate) fn bytes(point: Point) -> Bytes {
    point.to_bytes().to_vec().into()
}
