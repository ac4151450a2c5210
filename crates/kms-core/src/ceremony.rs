//! A member's part in a ceremony: what to do now, and each statement that it makes.
//!
//! Spec: docs/spec/ceremony.md. Trusts: finalized proven state and the member's own secrets. Driven by: the service, at every
//! newly finalized block: [`next_task`] says what is due; the service brings the quote, evidence or dealings that it
//! takes, and sends the call. *The contract judges form, members judge cryptography*: every member leaves the same void
//! dealings out; one that finds anything else wrong withholds its statement, and genesis may abort at the deadline.
//!
//! Later: a reshare (old members deal, D_{j,0} = Y_j), complaints, and genesis' commit-then-reveal.

mod recipients;

pub use recipients::{JudgedRecipients, RecipientError, judge_recipients};

use crate::{
    Network, SigningFailed, StatementKey,
    at_rest::{RecipientRecord, Secret32, ShareRecord},
};
use abi::KmsCommittee::{self, CeremonyInfo, SeatProgress};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use rand_core::CryptoRng;
use std::collections::BTreeMap;
pub use threshold::ceremony::VoidDealing;
use threshold::{
    KeyShareError, SecretKind,
    ceremony::{
        CanaryContext, CanaryPartials, Ceremony, CeremonyError, CombineCanaryError, DealError,
        OpenSharesError, QualifyError, Recipient, RecipientSecret, ShareKeys, combine_canary,
        dealing_hash,
    },
};
use wire::{
    SeatId,
    report_data::{ReportData, recipient_report_data},
    request::EvidenceBytes,
    statements::{
        Candidate, Confirmation, Dealing, Outcome, RecipientKey, RecipientRefused, compact,
        transcript_hash,
    },
};

/// The steps as KmsCommittee numbers them.
mod step {
    pub(super) const KEYS: u8 = 1;
    pub(super) const DEALINGS: u8 = 2;
    pub(super) const CONFIRMATIONS: u8 = 3;
    pub(super) const ACTIVATION: u8 = 4;
    pub(super) const FAILED: u8 = 5;
}

/// What is due for this member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Nothing: no ceremony, not in it, or its statement of this step is in.
    Nothing,
    /// Make an encryption key, quote it, post it.
    PostKey,
    /// Judge every recipient's evidence, then deal, or say whom it refuses.
    Deal,
    /// Judge every recipient's evidence and every dealing, open, and confirm.
    Confirm,
    /// Anyone may activate.
    Activate,
    /// Anyone may end it.
    Abort,
}

/// A call for KmsCommittee that anyone may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// KmsCommittee.
    pub to: Address,
    /// The calldata.
    pub data: Bytes,
}

/// A member's shares of all dealings that count.
#[derive(Debug)]
pub struct Opened {
    /// To be sealed before [`Member::confirm`].
    pub record: ShareRecord,
    /// The dealings that were left out, by everybody alike.
    pub void: Vec<VoidDealing>,
}

/// A member: its seat, network and key.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// The network.
    pub network: &'a Network,
    /// The seat.
    pub seat: SeatId,
    /// The key that signs for it.
    pub key: &'a StatementKey,
}

/// Why a member withholds its statement.
#[derive(Debug, thiserror::Error)]
pub enum CeremonyFault {
    /// The ceremony's form is wrong.
    #[error(transparent)]
    Form(#[from] CeremonyError),
    /// This seat is no dealer.
    #[error(transparent)]
    Deal(#[from] DealError),
    /// The bytes of a dealing are not the ones whose hash is on chain, or are missing.
    #[error("the dealing of seat {0} can't be had")]
    DealingMissing(SeatId),
    /// Too few dealings count.
    #[error(transparent)]
    Qualify(#[from] QualifyError),
    /// The member's own share does not fit.
    #[error(transparent)]
    Open(#[from] OpenSharesError),
    /// The kept recipient secret is of another ceremony, or unreadable.
    #[error("this node has no recipient secret of this ceremony")]
    NoRecipientSecret,
    /// The key did not sign.
    #[error(transparent)]
    Signing(#[from] SigningFailed),
    /// A kept secret is unreadable.
    #[error(transparent)]
    Share(#[from] KeyShareError),
    /// The canary partials that members gave do not add up.
    #[error(transparent)]
    Canary(#[from] CombineCanaryError),
}

/// What is due for the member that signs as `signer`, at the finalized block.
pub fn next_task(info: &CeremonyInfo, signer: Address) -> Task {
    let mine = info.seats.iter().find(|seat| seat.signer == signer);
    let due = |missing: fn(&SeatProgress) -> bool, task| match mine {
        Some(seat) if missing(seat) => task,
        _ => Task::Nothing,
    };
    let received = |seat: &SeatProgress| !seat.encryptionKey.is_empty();
    match info.step {
        step::KEYS => due(|seat| seat.encryptionKey.is_empty() && !seat.isSuspended, Task::PostKey),
        step::DEALINGS if mine.is_some_and(received) => {
            due(|seat| seat.dealingHash.is_zero() && seat.refusedSeat == 0, Task::Deal)
        }
        // Whoever refused a recipient confirms no epoch with it. [CER-13]
        step::CONFIRMATIONS if mine.is_some_and(received) => {
            due(|seat| seat.transcript.is_zero() && seat.refusedSeat == 0, Task::Confirm)
        }
        step::ACTIVATION => Task::Activate,
        step::FAILED => Task::Abort,
        _ => Task::Nothing,
    }
}

/// `postCandidate`: a node asks for a seat. [CER-1]
pub fn post_candidate(
    network: &Network,
    key: &StatementKey,
    candidate: &Candidate,
    evidence: &EvidenceBytes,
) -> Result<Call, SigningFailed> {
    let signature = signature(network, key, candidate)?;
    let arguments = (recode(candidate), signature, evidence.encode().into());
    Ok(call(network, &KmsCommittee::postCandidateCall::from(arguments)))
}

/// `abortEpoch`.
pub fn abort(network: &Network) -> Call {
    call(network, &KmsCommittee::abortEpochCall {})
}

impl Member<'_> {
    /// The fresh recipient secret of a ceremony, to be sealed before its key goes out. [CER-2]
    pub fn recipient_secret(session: B256, rng: &mut impl CryptoRng) -> RecipientRecord {
        let secret = RecipientSecret::generate(&session.0, rng);
        RecipientRecord { session, secret: Secret32(*secret.to_secret_bytes()) }
    }

    /// What the quote of the recipient key binds. [CER-2]
    pub fn key_report_data(
        &self,
        record: &RecipientRecord,
        operator: B256,
    ) -> Result<ReportData, CeremonyFault> {
        let key = RecipientSecret::from_secret_bytes(&record.secret.0)?.public();
        Ok(recipient_report_data(
            self.network.network_hash,
            record.session,
            self.seat,
            self.key.address(),
            operator,
            key.as_bytes(),
        ))
    }

    /// `postRecipientKey`. [CER-2]
    pub fn post_key(
        &self,
        record: &RecipientRecord,
        evidence: &EvidenceBytes,
    ) -> Result<Call, CeremonyFault> {
        let public = RecipientSecret::from_secret_bytes(&record.secret.0)?.public();
        let statement = RecipientKey {
            session: record.session,
            seat: self.seat,
            encryptionKey: public.as_bytes().to_vec().into(),
            evidenceHash: evidence.hash(),
        };
        let signature = signature(self.network, self.key, &statement)?;
        let arguments = (recode(&statement), signature, evidence.encode().into());
        Ok(call(self.network, &KmsCommittee::postRecipientKeyCall::from(arguments)))
    }

    /// `postRefusal`: this dealer deals nothing, because of a recipient. [CER-3]
    pub fn refuse(&self, session: B256, refusal: &RecipientError) -> Result<Call, CeremonyFault> {
        let statement = RecipientRefused {
            session,
            dealer: self.seat,
            seat: refusal.seat,
            reason: refusal.code(),
        };
        let signature = signature(self.network, self.key, &statement)?;
        let arguments = (recode(&statement), signature);
        Ok(call(self.network, &KmsCommittee::postRefusalCall::from(arguments)))
    }

    /// `postDealing`, to recipients that [`judge_recipients`] has passed. [CER-4]
    pub fn deal(
        &self,
        info: &CeremonyInfo,
        recipients: JudgedRecipients,
        rng: &mut impl CryptoRng,
    ) -> Result<Call, CeremonyFault> {
        let ceremony = ceremony(info, recipients.into_recipients())?;
        let dealing = ceremony.deal(self.seat, rng)?.to_bytes();
        let statement = Dealing {
            session: info.session,
            seat: self.seat,
            dealingHash: B256::new(dealing_hash(&dealing)),
        };
        let signature = signature(self.network, self.key, &statement)?;
        let arguments = (recode(&statement), signature, dealing.into());
        Ok(call(self.network, &KmsCommittee::postDealingCall::from(arguments)))
    }

    /// Opens this member's shares of all dealings that count, to recipients that [`judge_recipients`] has passed.
    /// [CER-7] [CER-8] [CER-13]
    pub fn open(
        &self,
        info: &CeremonyInfo,
        recipients: JudgedRecipients,
        recipient: &RecipientRecord,
        dealings: &BTreeMap<SeatId, Bytes>,
    ) -> Result<Opened, CeremonyFault> {
        if recipient.session != info.session {
            return Err(CeremonyFault::NoRecipientSecret);
        }
        let ceremony = ceremony(info, recipients.into_recipients())?;
        let posted = posted_dealings(info, dealings)?;
        let posted: Vec<(SeatId, &[u8])> =
            posted.iter().map(|(seat, bytes)| (*seat, bytes.as_ref())).collect();
        let qualified = ceremony.qualify(&posted)?;
        let secret = RecipientSecret::from_secret_bytes(&recipient.secret.0)?;
        let shares = qualified.open(self.seat, &secret)?;
        let kept = |kind| Secret32(*shares.of(kind).to_secret_bytes());
        let outcome = qualified.outcome();
        let record = ShareRecord {
            session: info.session,
            seat: self.seat,
            derive: kept(SecretKind::Derive),
            unseal: kept(SecretKind::Unseal),
            opened_at: info.openedAt,
            outcome: Outcome {
                recipients: outcome.recipients.clone(),
                dealers: outcome.dealers.clone(),
                verificationShares: outcome.verification_shares().into(),
                derivePublicKey: outcome.derive_public_key.as_bytes().to_vec().into(),
                unsealPublicKey: outcome.unseal_public_key.as_bytes().to_vec().into(),
            },
        };
        Ok(Opened { record, void: qualified.void().to_vec() })
    }

    /// `postConfirmation`, with the member's canary partials. [CER-9] [CER-10]
    pub fn confirm(
        &self,
        info: &CeremonyInfo,
        record: &ShareRecord,
        rng: &mut impl CryptoRng,
    ) -> Result<Call, CeremonyFault> {
        let shares = threshold::NodeShares::from_secret_bytes(
            record.seat,
            &record.derive.0,
            &record.unseal.0,
        )?;
        let canary = shares.canary(&canary_context(self.network, info.session, info.epoch), rng);
        let statement = Confirmation {
            session: info.session,
            seat: self.seat,
            transcript: transcript_hash(info.session, &record.outcome),
            canaryHash: B256::new(canary.hash()),
        };
        let signature = signature(self.network, self.key, &statement)?;
        let arguments = (recode(&statement), signature, canary.to_bytes().to_vec().into());
        Ok(call(self.network, &KmsCommittee::postConfirmationCall::from(arguments)))
    }

    /// `activateEpoch`.
    pub fn activate(&self, record: &ShareRecord) -> Call {
        let arguments = (recode(&record.outcome),);
        call(self.network, &KmsCommittee::activateEpochCall::from(arguments))
    }
}

/// Combines the canary that members gave: the same for every epoch of a keyset. Of what is given for a seat, whoever told it,
/// the first that its Y_i proves counts. [CER-11]
pub fn canary(
    network: &Network,
    session: B256,
    epoch: u64,
    threshold: u16,
    outcome: &Outcome,
    given: &[(SeatId, Bytes)],
) -> Result<B256, CeremonyFault> {
    let share_keys = ShareKeys::decode_all(&outcome.recipients, &outcome.verificationShares)
        .map_err(|_| CeremonyFault::NoRecipientSecret)?;
    let given: Vec<(SeatId, CanaryPartials)> = given
        .iter()
        .filter_map(|(seat, bytes)| Some((*seat, CanaryPartials::from_bytes(bytes).ok()?)))
        .collect();
    let context = canary_context(network, session, epoch);
    let canary = combine_canary(&context, threshold, &share_keys, &given)?;
    Ok(keccak256([canary.derive.to_bytes(), canary.unseal.to_bytes()].concat()))
}

/// keyset id = keccak256(abi.encode(chain id, KmsCommittee, session of the genesis that activated)).
pub fn keyset_id(network: &Network, genesis_session: B256) -> B256 {
    let chain_id = U256::from(network.rules.chain_id);
    keccak256((chain_id, network.committee, genesis_session).abi_encode())
}

fn canary_context(network: &Network, session: B256, epoch: u64) -> CanaryContext {
    CanaryContext {
        network_hash: network.network_hash.0,
        session: session.0,
        keyset_id: keyset_id(network, session).0,
        epoch,
    }
}

fn ceremony(info: &CeremonyInfo, recipients: Vec<Recipient>) -> Result<Ceremony, CeremonyFault> {
    Ok(Ceremony::genesis(info.session.0, info.epoch, info.t, recipients)?)
}

/// The dealings whose hashes are on chain; each must be there and be those bytes.
fn posted_dealings(
    info: &CeremonyInfo,
    bytes: &BTreeMap<SeatId, Bytes>,
) -> Result<Vec<(SeatId, Bytes)>, CeremonyFault> {
    let dealt = info.seats.iter().filter(|seat| !seat.dealingHash.is_zero());
    dealt
        .map(|seat| match bytes.get(&seat.seat) {
            Some(found) if keccak256(found) == seat.dealingHash => Ok((seat.seat, found.clone())),
            _ => Err(CeremonyFault::DealingMissing(seat.seat)),
        })
        .collect()
}

/// r ‖ vs of a statement to KmsCommittee (EIP-2098).
fn signature(
    network: &Network,
    key: &StatementKey,
    statement: &impl alloy_sol_types::SolStruct,
) -> Result<Bytes, SigningFailed> {
    let [r, vs] = key.signature(network.committee_domain(), statement).map(|s| compact(&s))?;
    Ok([r, vs].concat().into())
}

fn call(network: &Network, call: &impl SolCall) -> Call {
    Call { to: network.committee, data: call.abi_encode().into() }
}

/// The same struct as `abi` has it: equal fields in equal order encode equally.
#[expect(
    clippy::expect_used,
    reason = "the same ABI type on both sides, checked by the tests of `abi`"
)]
fn recode<A: SolValue, B>(from: &A) -> B
where
    B: SolValue + From<<B::SolType as alloy_sol_types::SolType>::RustType>,
{
    B::abi_decode(&from.abi_encode()).expect("the structs have the same fields in the same order")
}

#[cfg(test)]
mod tests;
