//! Contracts and a first epoch: three seats under three software vendors, t = 2. The contract judges the form of a ceremony;
//! keys and shares here are bytes of the right length and nobody computes with them.

use crate::devchain::{Devchain, keys};
use abi::{AttestationRegistry, KmsCommittee, PolicyFactory, attestation_registry};
use abi::{access_manager::AccessManager, app_registry::AppRegistry, issuance_log::IssuanceLog};
use alloy::primitives::{Address, B256, Bytes, b256, keccak256};
use alloy::signers::{SignerSync, local::PrivateKeySigner};
use alloy::sol_types::{SolCall, SolEvent, SolValue};
use wire::network::{Contracts, Network, label};
use wire::statements::{
    Anchor, Candidate, Confirmation, Dealing, Domain, Outcome, RecipientKey, compact,
    transcript_hash,
};

const VENDORS: [&str; 3] = ["soft-a", "soft-b", "soft-c"];
const SEATS: [u16; 3] = [1, 2, 3];

/// The network.toml of this chain.
pub(crate) fn network_toml(chain: &Devchain, contracts: &Contracts) -> String {
    let endpoints = format!("endpoints = [{:?}]", chain.url);
    let text = include_str!("../../../network.toml").replace("endpoints = []", &endpoints);
    let mut network = Network::parse(&text).unwrap();
    network.contracts = Some(*contracts);
    network.to_toml()
}

pub(crate) async fn deploy(chain: &Devchain) -> Contracts {
    deploy_with(chain, true, 0).await
}

/// SHA-256 of Intel's root certificate, the one root that is no software.
const INTEL_ROOT: B256 = b256!("44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3");

/// Three software roots, or Intel's, and a floor for every grant of an app.
pub(crate) async fn deploy_with(chain: &Devchain, software: bool, floor: u32) -> Contracts {
    let admin = keys()[0].address();
    let access_manager = create(chain, &AccessManager::BYTECODE, admin.abi_encode()).await;
    let arguments = (access_manager, software).abi_encode_params();
    let attestation_registry = create(chain, &AttestationRegistry::BYTECODE, arguments).await;
    let arguments = (access_manager, attestation_registry, 60u64, 2u64, 0u64).abi_encode_params();
    let kms_committee = create(chain, &KmsCommittee::BYTECODE, arguments).await;
    let policy_factory = create(chain, &PolicyFactory::BYTECODE, Vec::new()).await;
    let arguments = (kms_committee, floor, policy_factory).abi_encode_params();
    let app_registry = create(chain, &AppRegistry::BYTECODE, arguments).await;
    let issuance_log = create(chain, &IssuanceLog::BYTECODE, kms_committee.abi_encode()).await;
    let set_contracts =
        KmsCommittee::setContractsCall { appRegistry_: app_registry, issuanceLog_: issuance_log };
    call(chain, kms_committee, &set_contracts).await;
    let soft = VENDORS.into_iter().enumerate().map(|(index, vendor)| (root(index), vendor));
    let roots = if software { soft.collect() } else { vec![(INTEL_ROOT, "intel")] };
    for (root, vendor) in roots {
        let open_root = AttestationRegistry::openRootCall {
            root,
            vendor: label("vendor", vendor).unwrap(),
            platform: 1,
            rules: attestation_registry::AttestationRegistry::RootRules {
                leastTcbEvaluationDataNumber: 0,
                leastCrlIssuedAt: 0,
                leastRootCrlIssuedAt: 0,
                maxCollateralAgeSeconds: 3600,
                acceptedTcbStatuses: 1,
            },
        };
        call(chain, attestation_registry, &open_root).await;
    }
    Contracts { access_manager, attestation_registry, kms_committee, app_registry, issuance_log }
}

pub(crate) fn root(index: usize) -> B256 {
    keccak256(VENDORS[index])
}

pub(crate) async fn create(chain: &Devchain, code: &Bytes, arguments: Vec<u8>) -> Address {
    let input = [code.to_vec(), arguments].concat();
    let receipt = chain.send(None, input.into()).await;
    receipt.contract_address.unwrap()
}

pub(crate) async fn call(chain: &Devchain, to: Address, call: &impl SolCall) {
    chain.send(Some(to), call.abi_encode().into()).await;
}

/// The committee, and how its members sign.
struct Committee<'a> {
    chain: &'a Devchain,
    address: Address,
    domain: Domain,
}

/// Posts a statement, its signature and the bytes behind its hash: every `post…` with bytes takes these three.
macro_rules! post {
    ($committee:expr, $call:ty, $signer:expr, $statement:expr, $bytes:expr) => {{
        let committee: &Committee<'_> = $committee;
        let signature = sign($signer, committee.domain.digest(&$statement));
        let arguments = ($statement, signature, Bytes::from_static($bytes)).abi_encode_params();
        let calldata = [&<$call>::SELECTOR[..], &arguments].concat();
        let to = Some(committee.address);
        committee.chain.send(to, calldata.into()).await;
    }};
}

/// 64 bytes, EIP-2098.
fn sign(signer: &PrivateKeySigner, digest: B256) -> Bytes {
    let signature = signer.sign_hash_sync(&digest).unwrap();
    let [r, vs] = compact(&signature);
    [r.0, vs.0].concat().into()
}

/// Opens and activates epoch 1.
pub(crate) async fn ceremony(chain: &Devchain, contracts: &Contracts) {
    let committee = committee(chain, contracts);
    let signers: Vec<PrivateKeySigner> = keys().into_iter().take(3).collect();
    let approve = KmsCommittee::approveNodeCodeCall {
        osImageHash: keccak256("image"),
        composeHash: keccak256("node"),
        uri: String::new(),
    };
    call(chain, committee.address, &approve).await;
    for (index, signer) in signers.iter().enumerate() {
        take_a_seat(chain, contracts, index, signer).await;
    }
    let open = KmsCommittee::openEpochCall { seats: SEATS.to_vec(), t: 2 };
    let opened = chain.send(Some(committee.address), open.abi_encode().into()).await;
    let events = opened.logs().iter();
    let session = events
        .filter_map(|log| KmsCommittee::EpochOpened::decode_log(&log.inner).ok())
        .map(|event| event.session)
        .next();
    speak(&committee, session.unwrap(), &signers).await;
}

/// The statement of a node under the root of vendor `vendor`, by operator `operator-<index + 1>`.
pub(crate) async fn post_candidate(
    chain: &Devchain,
    contracts: &Contracts,
    (index, vendor): (usize, usize),
    signer: &PrivateKeySigner,
) {
    let operator = operator(index);
    let committee = committee(chain, contracts);
    let candidate = Candidate {
        signer: signer.address(),
        operator,
        endpoint: format!("http://127.0.0.1:{}", 7000 + index),
        sealing: 1,
        root: root(vendor),
        osImageHash: keccak256("image"),
        composeHash: keccak256("node"),
        checkpoint: Anchor { number: 1, hash: B256::ZERO },
        headSource: "agreement 1 of 1".into(),
        evidenceHash: keccak256(b"evidence"),
    };
    post!(&committee, KmsCommittee::postCandidateCall, signer, candidate, b"evidence");
}

fn operator(index: usize) -> B256 {
    label("operator", &format!("operator-{}", index + 1)).unwrap()
}

fn committee<'a>(chain: &'a Devchain, contracts: &Contracts) -> Committee<'a> {
    let contract = contracts.kms_committee;
    let domain = Domain::KmsCommittee { chain_id: 31337, contract };
    Committee { chain, address: contract, domain }
}

async fn take_a_seat(
    chain: &Devchain,
    contracts: &Contracts,
    index: usize,
    signer: &PrivateKeySigner,
) {
    post_candidate(chain, contracts, (index, index), signer).await;
    let (signer, operator) = (signer.address(), operator(index));
    let assign = KmsCommittee::assignOperatorCall { signer, operator };
    call(chain, contracts.kms_committee, &assign).await;
    let admit = KmsCommittee::admitSeatCall { signer };
    call(chain, contracts.kms_committee, &admit).await;
}

/// Every statement of the ceremony, step by step, and the activation.
async fn speak(committee: &Committee<'_>, session: B256, signers: &[PrivateKeySigner]) {
    for (seat, signer) in SEATS.into_iter().zip(signers) {
        let key = RecipientKey {
            session,
            seat,
            encryptionKey: vec![2; 33].into(),
            evidenceHash: keccak256(b"evidence"),
        };
        post!(committee, KmsCommittee::postRecipientKeyCall, signer, key, b"evidence");
    }
    for (seat, signer) in SEATS.into_iter().zip(signers) {
        let dealing = Dealing { session, seat, dealingHash: keccak256(b"dealing") };
        post!(committee, KmsCommittee::postDealingCall, signer, dealing, b"dealing");
    }
    let outcome = Outcome {
        recipients: SEATS.to_vec(),
        dealers: SEATS.to_vec(),
        verificationShares: vec![2; 6 * 33].into(),
        derivePublicKey: vec![2; 33].into(),
        unsealPublicKey: vec![3; 33].into(),
    };
    for (seat, signer) in SEATS.into_iter().zip(signers) {
        let confirmation = Confirmation {
            session,
            seat,
            transcript: transcript_hash(session, &outcome),
            canaryHash: keccak256(b"canary"),
        };
        post!(committee, KmsCommittee::postConfirmationCall, signer, confirmation, b"canary");
    }
    let arguments = (outcome,).abi_encode_params();
    let calldata = [&KmsCommittee::activateEpochCall::SELECTOR[..], &arguments].concat();
    committee.chain.send(Some(committee.address), calldata.into()).await;
}
