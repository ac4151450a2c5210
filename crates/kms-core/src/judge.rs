//! From a request that anyone may have sent to what a genuine enclave asks for.
//!
//! Spec: docs/spec/authorize.md, top to bottom; the order is by cost, cheap refusals first (A17). Trusts: the proven chain.
//! Driven by: authorize, once per request; release, in a node that did not authorize.

use crate::{
    Fault, Network,
    inputs::{CheckedInput, InputContext, InputError, check_count},
};
use alloy_primitives::{Address, B256, keccak256};
use evidence::{
    AppIdError, BindError, ParseQuoteError, RawEvidence, ReplayError, VerifiedIdentity,
    VerifyQuoteError,
};
use light_client::{AnchorError, BlockRef, MissingAt, ProvenChain, ProvenState};
use policy::{AsksForFact, DecideError, Gates, Permitted, ReadError, Verdict, decide};
use threshold::{POINT_BYTES, Point};
use wire::{
    InputKind, SeatId,
    report_data::{ReportData, RequestBinding, words},
    request::{EvidenceTooLarge, KeyRequest},
    statements::{Attested, Input, Issuance, issuance_id},
};

/// Who judges: the node's seat and signing address, and its network.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// The network.
    pub network: &'a Network,
    /// This node's seat.
    pub seat: SeatId,
    /// This node's signing address.
    pub signer: Address,
}

/// The budget of an app on a device: asked once the quote has shown who it is, before anything further is spent. [AUTH-3]
pub trait Budget {
    /// Whether this app on this device may have `request`, the hash of what its quote binds, judged now. Copies of one
    /// request pay once: anyone can make them, by a space in the event log.
    fn take(&mut self, app: Address, device: B256, request: B256) -> bool;
}

/// What a genuine enclave asks for. Says nothing about whether it may have it.
#[derive(Debug)]
pub struct Judged {
    pub(crate) issuance: Issuance,
    pub(crate) issuance_id: B256,
    pub(crate) inputs: Vec<CheckedInput>,
}

/// Why a request is not judged, or does not hold.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// Too large.
    #[error(transparent)]
    TooLarge(#[from] EvidenceTooLarge),
    /// An input does not hold.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The anchor is unknown, too old or too new.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// Made for another keyset, or there is none yet.
    #[error("the request is for keyset {asked}, in force is {active}")]
    Keyset {
        /// Asked for.
        asked: B256,
        /// In force.
        active: B256,
    },
    /// This node is no member of the active epoch, or is suspended.
    #[error("seat {seat} may not act in epoch {epoch}")]
    NotAMember {
        /// The seat.
        seat: SeatId,
        /// The active epoch.
        epoch: u64,
    },
    /// The quote can't be read.
    #[error(transparent)]
    Parse(#[from] ParseQuoteError),
    /// The quote does not hold.
    #[error(transparent)]
    Quote(#[from] VerifyQuoteError),
    /// The event log is not the quoted boot.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The quote binds another request, or none (A2).
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Not the measured app.
    #[error(transparent)]
    AppId(#[from] AppIdError),
    /// The app on this device has had its share of judgements.
    #[error("app {app} on device {device} has used up its budget")]
    Budget {
        /// The app.
        app: Address,
        /// The device.
        device: B256,
    },
    /// The chain could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The policy could not be run.
    #[error(transparent)]
    Decide(#[from] DecideError),
}

/// For what a request is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It is to be recorded: its anchor must still be in the window.
    Authorize,
    /// It is recorded already, and the chain has checked its anchor.
    Release,
}

/// Judges form, evidence and inputs of `request`.
///
/// Spec: [AUTH-1]..[AUTH-5]. The policy is asked by [`Judged::decide`].
/// # Errors
/// [`JudgeError`], each check by its own variant; see [`AsksForFact`] for the one that only asks for a proof.
pub fn judge(
    judge: &Judge<'_>,
    purpose: Purpose,
    request: &KeyRequest,
    chain: &ProvenChain,
    budget: &mut impl Budget,
) -> Result<Judged, JudgeError> {
    let Judge { network, seat, signer } = *judge;
    let head = chain.head();
    request.evidence.check_sizes()?;
    check_count(&request.inputs)?;
    if purpose == Purpose::Authorize {
        chain.anchor_age(request.anchor.into())?;
    }
    let authority = network.authority(head, seat, signer)?;
    if authority.keyset_id != request.keyset_id || authority.epoch == 0 {
        let (asked, active) = (request.keyset_id, authority.keyset_id);
        return Err(JudgeError::Keyset { asked, active });
    }
    if !authority.may_act {
        return Err(JudgeError::NotAMember { seat, epoch: authority.epoch });
    }
    // Known so far: 1. the request is for this keyset and in time, 2. this node may act for it.
    let (identity, report_data) = verify_evidence(network, request, chain)?;
    let attested = identity.attested(request.app_id)?;
    let (app, device) = (attested.boot.appId, attested.boot.deviceId);
    if !budget.take(app, device, keccak256(report_data)) {
        return Err(JudgeError::Budget { app, device });
    }
    // Known so far: 3. a genuine TEE under an open root, 4. the log is the whole boot, 5. the quote binds this request.
    let policy = match needs_policy(request) {
        true => network.policy_of(head, network.gate(head, app)?.app_registry, app)?,
        false => Address::ZERO,
    };
    let context = InputContext {
        keyset_id: request.keyset_id,
        attested: &attested,
        policy,
        report_data: &report_data,
    };
    let inputs = context.check(&request.inputs)?;
    // Known so far: 6. each B comes from this app's own input.
    let issuance_log = network.issuance_log(head)?;
    let issuance = issuance(request, authority.epoch, attested, &report_data);
    let issuance_id = issuance_id(network.rules.chain_id, issuance_log, issuance.reportData);
    Ok(Judged { issuance, issuance_id, inputs })
}

/// The identity that the evidence proves, once it binds the request. [AUTH-2]
fn verify_evidence(
    network: &Network,
    request: &KeyRequest,
    chain: &ProvenChain,
) -> Result<(VerifiedIdentity, ReportData), JudgeError> {
    let report_data = report_data(network, request)?;
    let raw = RawEvidence::new(request.evidence.clone())?;
    let root = raw.claimed_root()?;
    let rules = network.root_rules(chain.head(), root.hash())?;
    let quote = raw.verify(&root, &rules, chain.time())?;
    quote.binds(&report_data)?;
    Ok((quote.replay()?, report_data))
}

/// report_data that an enclave which asks for exactly this has in its quote. [EV-5]
fn report_data(network: &Network, request: &KeyRequest) -> Result<ReportData, InputError> {
    let blinded = |index: usize, bytes: &[u8]| -> Result<[u8; POINT_BYTES], InputError> {
        let point = bytes.get(..POINT_BYTES).and_then(|bytes| Point::from_bytes(bytes).ok());
        point.map(|point| point.to_bytes()).ok_or(InputError::Malformed { index })
    };
    let inputs: Vec<(Input, [u8; POINT_BYTES])> = request
        .inputs
        .iter()
        .enumerate()
        .map(|(index, asked)| Ok((asked.input.clone(), blinded(index, &asked.blinded)?)))
        .collect::<Result<_, InputError>>()?;
    let binding = RequestBinding {
        network_hash: network.network_hash,
        keyset_id: request.keyset_id,
        app_id: request.app_id,
        release_at: request.release_at,
        inputs: &inputs,
        session_key: request.session_key,
        anchor: request.anchor,
    };
    Ok(binding.report_data())
}

/// The id under which a request would be recorded, before anything about it is believed: for finding what is known.
pub fn claimed_issuance_id(
    network: &Network,
    issuance_log: Address,
    request: &KeyRequest,
) -> Result<B256, JudgeError> {
    check_count(&request.inputs)?;
    let report_data = report_data(network, request)?;
    Ok(issuance_id(network.rules.chain_id, issuance_log, words(&report_data)))
}

fn needs_policy(request: &KeyRequest) -> bool {
    request.inputs.iter().any(|asked| asked.input.kind == InputKind::Unseal as u8)
}

fn issuance(
    request: &KeyRequest,
    epoch: u64,
    attested: Attested,
    report_data: &ReportData,
) -> Issuance {
    Issuance {
        keysetId: request.keyset_id,
        epoch,
        reportData: words(report_data),
        releaseAt: request.release_at as u8,
        anchor: request.anchor,
        sessionKey: request.session_key,
        evidenceHash: request.evidence.hash(),
        attested,
        inputs: request.inputs.iter().map(|asked| asked.input.clone()).collect(),
    }
}

impl Judged {
    /// What would be recorded.
    pub fn issuance(&self) -> &Issuance {
        &self.issuance
    }

    /// keccak(chain id, log, report_data).
    pub fn issuance_id(&self) -> B256 {
        self.issuance_id
    }

    /// Asks the app's policy, and whether the key versions count, at the head and at the finalized block. [AUTH-6]
    pub(crate) fn decide(
        &self,
        network: &Network,
        chain: &ProvenChain,
    ) -> Result<Result<Permitted, NotPermitted>, JudgeError> {
        let app = self.issuance.attested.boot.appId;
        let gates = Gates {
            head: network.gate(chain.head(), app)?,
            finalized: network.gate(chain.finalized(), app)?,
        };
        let permitted = match decide(&network.rules, &gates, &self.issuance.attested, chain)? {
            Verdict::Permit(permitted) => permitted,
            Verdict::Deny { reason, block } => {
                let reason = reason.to_string();
                return Ok(Err(NotPermitted::Denied { reason, block }));
            }
            Verdict::NotFinal { reason, finalized, .. } => {
                let reason = reason.to_string();
                return Ok(Err(NotPermitted::NotFinal { reason, finalized }));
            }
        };
        let registry = gates.head.app_registry;
        if let Some(version) = self.unreadable(network, chain.head(), registry)? {
            let reason = format!("key version {version} is not readable");
            let block = chain.head().block();
            return Ok(Err(NotPermitted::Denied { reason, block }));
        }
        let registry = gates.finalized.app_registry;
        if let Some(version) = self.unreadable(network, chain.finalized(), registry)? {
            let reason = format!("key version {version} is not readable yet");
            let finalized = chain.finalized().block();
            return Ok(Err(NotPermitted::NotFinal { reason, finalized }));
        }
        Ok(Ok(permitted))
    }

    /// The first key version of an input that does not count at this block. Sealed secrets take the current version.
    fn unreadable(
        &self,
        network: &Network,
        state: &ProvenState,
        registry: Address,
    ) -> Result<Option<u32>, ReadError> {
        let app = self.issuance.attested.boot.appId;
        for input in &self.issuance.inputs {
            let version = input.keyVersion;
            let readable = if input.kind == InputKind::Unseal as u8 {
                network.key_version(state, registry, app)? == version
            } else {
                network.is_key_readable(state, registry, app, version)?
            };
            if !readable {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }
}

/// What policy and registry say against a judged request.
#[derive(Debug)]
pub(crate) enum NotPermitted {
    /// Denied at the head.
    Denied { reason: String, block: BlockRef },
    /// Allowed at the head and not yet at the finalized block.
    NotFinal { reason: String, finalized: BlockRef },
}

impl JudgeError {
    /// Whose doing it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::TooLarge(_)
            | Self::Input(_)
            | Self::Parse(_)
            | Self::Replay(_)
            | Self::Bind(_)
            | Self::AppId(_)
            | Self::Keyset { .. }
            | Self::Budget { .. } => Fault::Requester,
            Self::Quote(error) => match error.fault() {
                evidence::Fault::Requester => Fault::Requester,
                _ => Fault::Collateral,
            },
            Self::Anchor(AnchorError::AboveHead { .. }) => Fault::Chain,
            Self::Anchor(_) => Fault::Requester,
            Self::NotAMember { .. } | Self::Read(_) | Self::Decide(_) => Fault::Local,
        }
    }
}

impl AsksForFact for JudgeError {
    fn missing(&self) -> Option<MissingAt> {
        match self {
            Self::Read(error) => error.missing(),
            Self::Decide(error) => error.missing(),
            _ => None,
        }
    }
}
