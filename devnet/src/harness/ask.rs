//! Requests made by hand: the agent's steps one at a time, with evidence of the story's choice.

use super::{Enclave, Network};
use crate::{bring_up::Member, chain::CallError, governance::App};
use abi::IssuanceLog;
use alloy::{
    primitives::{B256, U256, keccak256},
    sol_types::{SolCall, SolValue},
};
use anyhow::{Context, Result};
use getrandom::{SysRng, rand_core::UnwrapErr};
use kms_client::{
    Committee, KeyRequestDraft, NodeId, PendingRequest, Pinned, Wanted, liars::ProvenSeat,
};
use serde::{Serialize, de::DeserializeOwned};
use std::time::{Duration, Instant};
use threshold::ceremony::ShareKeys;
use wire::{
    Scope,
    report_data::ReportData,
    request::{Authorization, Code, EvidenceBytes, KeyRequest, Problem, RecordRequest, Release},
    statements::SeatSignature,
};

/// A request on its way.
#[derive(Debug)]
pub struct Ask {
    /// The asking side's state.
    pub pending: PendingRequest,
    /// Who is asked.
    pub committee: Committee,
}

/// What a node answered instead.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Problem details.
    #[error("{:?}: {}", .0.code, .0.detail)]
    Problem(Box<Problem>),
    /// It can't be reached, or answered something else.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl Refusal {
    /// The stable code, if the node gave one.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Problem(problem) => Some(problem.code),
            Self::Other(_) => None,
        }
    }

    /// The node has not proven the block that the request names.
    fn is_behind(&self) -> bool {
        self.code() == Some(Code::AnchorInvalid) && self.detail().contains("above the proven head")
    }

    /// The detail, or why there is none.
    pub fn detail(&self) -> String {
        match self {
            Self::Problem(problem) => problem.detail.clone(),
            Self::Other(error) => format!("{error:#}"),
        }
    }
}

impl Network {
    /// What the running nodes agree on, as the app's pinned block judges it.
    pub async fn agreed(&self, app: &App) -> Result<Committee> {
        let mut told = Vec::new();
        for member in self.running().await {
            // Who does not answer is not of it.
            if let Ok(info) = self.info(&member).await {
                told.push((self.node_id(&member)?, info));
            }
        }
        Ok(Committee::agree(&Pinned::new(&app.agent)?, &told)?.committee)
    }

    /// An honest request of `enclave`.
    pub async fn ask(&self, enclave: &Enclave) -> Result<Ask> {
        let committee = self.agreed(&enclave.app).await?;
        self.ask_by(&enclave.app, committee, |report_data| enclave.evidence(report_data))
    }

    /// A request for the key of `app`, with what `evidence` makes of its report_data.
    pub fn ask_by(
        &self,
        app: &App,
        committee: Committee,
        evidence: impl FnOnce(&ReportData) -> EvidenceBytes,
    ) -> Result<Ask> {
        let mut rng = UnwrapErr(SysRng);
        let wanted = vec![Wanted::Derive { scope: Scope::App, key_version: 1 }];
        let pinned = Pinned::new(&app.agent)?;
        let draft = KeyRequestDraft::new(&pinned, &committee, app.id, wanted, &mut rng)?;
        let evidence = evidence(&draft.report_data());
        Ok(Ask { pending: draft.with_evidence(evidence, &mut rng)?, committee })
    }

    /// `POST /v1/authorize`. A node that has not proven the anchor's block yet is given time, as the agent gives it.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn authorize(
        &self,
        node: usize,
        request: &KeyRequest,
    ) -> Result<Authorization, Refusal> {
        let deadline = Instant::now() + super::SEEN;
        loop {
            let answer = self.authorize_at_once(node, request).await;
            let is_behind = answer.as_ref().is_err_and(Refusal::is_behind);
            if !is_behind || Instant::now() > deadline {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// As [`authorize`](Self::authorize), with the first answer.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn authorize_at_once(
        &self,
        node: usize,
        request: &KeyRequest,
    ) -> Result<Authorization, Refusal> {
        self.post(self.member(node)?, "/v1/authorize", request).await
    }

    /// `POST /v1/release`
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn release(&self, node: usize, request: &KeyRequest) -> Result<Release, Refusal> {
        self.post(self.member(node)?, "/v1/release", request).await
    }

    /// Has the request authorized by these nodes.
    pub async fn authorize_by(&self, ask: &mut Ask, nodes: &[usize]) -> Result<()> {
        for node in nodes {
            let authorization = self.authorize(*node, ask.pending.request()).await?;
            let member = ask.member(*node)?;
            ask.pending.authorize(&member, authorization)?;
        }
        Ok(())
    }

    /// Takes the release of a node, once it proves the record.
    pub async fn release_by(&self, ask: &mut Ask, node: usize) -> Result<()> {
        let release = self
            .governance
            .chain
            .until("the release", super::SEEN, async || {
                match self.release(node, ask.pending.request()).await {
                    Ok(release) => Ok(Some(release)),
                    Err(refusal) if refusal.code() == Some(Code::NotRecorded) => Ok(None),
                    Err(refusal) => Err(refusal.into()),
                }
            })
            .await?;
        let member = ask.member(node)?;
        ask.pending.accept(&member, release)?;
        Ok(())
    }

    /// Sends `record` from an account of nobody's in particular.
    ///
    /// # Errors
    /// IssuanceLog's refusal by name.
    pub async fn record(&self, request: &RecordRequest) -> Result<u64, CallError> {
        let issuance = IssuanceLog::Issuance::abi_decode(&request.issuance.abi_encode());
        let issuance = issuance.context("wire's structs are abi's")?;
        let signatures = request.signatures.iter().map(|signature| IssuanceLog::SeatSignature {
            seat: signature.seat,
            r: signature.r,
            vs: signature.vs,
        });
        let call = IssuanceLog::recordCall {
            issuances: vec![issuance],
            signatures: vec![signatures.collect()],
        };
        let (from, log) = (self.governance.owner, self.governance.contracts.issuance_log);
        let receipt = self.governance.chain.send_bytes(from, log, call.abi_encode().into()).await?;
        Ok(receipt.block_number.unwrap_or_default())
    }

    /// The block in which an issuance was recorded; 0: not at all.
    pub async fn recorded(&self, issuance_id: B256) -> Result<u64> {
        let log = self.governance.contracts.issuance_log;
        let call = IssuanceLog::recordedCall { issuanceId: issuance_id };
        Ok(self.governance.chain.view(log, call).await?)
    }

    /// Every seat of the active epoch with its signer and Y_i: bytes from the event, checked against the hash in state.
    pub async fn proven_seats(&self) -> Result<Vec<ProvenSeat>> {
        use abi::KmsCommittee::{EpochActivated, epochInfoCall, signersOfCall};
        use alloy::{providers::Provider, rpc::types::Filter, sol_types::SolEvent};
        let (governance, epoch) = (&self.governance, self.committee.keyset.epoch);
        let info = governance.view_committee(epochInfoCall { epoch }).await?;
        let filter = Filter::new()
            .address(governance.contracts.kms_committee)
            .event_signature(EpochActivated::SIGNATURE_HASH)
            .topic1(U256::from(epoch))
            .from_block(0);
        let logs = governance.chain.provider().get_logs(&filter).await?;
        let log = logs.first().context("the epoch was never activated")?;
        let outcome = EpochActivated::decode_log(&log.inner)?.data.outcome;
        anyhow::ensure!(keccak256(&outcome.verificationShares) == info.sharesHash, "other shares");
        let signers = signersOfCall { epoch, seats: outcome.recipients.clone() };
        let signers = governance.view_committee(signers).await?.signers;
        let keys = ShareKeys::decode_all(&outcome.recipients, &outcome.verificationShares)?;
        let proven = keys.into_iter().zip(signers);
        Ok(proven.map(|(share_keys, signer)| ProvenSeat { share_keys, signer }).collect())
    }

    /// Posts JSON to a node.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        member: &Member,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Refusal> {
        let sent = self.http.post(format!("{}{path}", member.url)).json(body).send().await;
        let response = sent.map_err(anyhow::Error::from)?;
        let is_success = response.status().is_success();
        let bytes = response.bytes().await.map_err(anyhow::Error::from)?;
        if is_success {
            return Ok(serde_json::from_slice(&bytes).map_err(anyhow::Error::from)?);
        }
        let problem = serde_json::from_slice(&bytes).map_err(anyhow::Error::from)?;
        Err(Refusal::Problem(Box::new(problem)))
    }

    fn node_id(&self, member: &Member) -> Result<NodeId> {
        let members = &self.committee.members;
        let index = members.iter().position(|other| other.name == member.name);
        Ok(NodeId(u16::try_from(index.context("no node of this network")?)?))
    }
}

impl Ask {
    /// A node as it told of itself.
    pub fn member(&self, node: usize) -> Result<kms_client::Member> {
        let id = NodeId(u16::try_from(node)?);
        self.committee.member(id).copied().with_context(|| format!("node {node} was not asked"))
    }

    /// What t signatures would have recorded.
    pub fn record_request(&self) -> Result<RecordRequest> {
        let requests = self.pending.record_requests(self.committee.threshold);
        requests.into_iter().next().context("too few authorizations")
    }

    /// The same with these signatures.
    pub fn record_request_with(&self, signatures: Vec<SeatSignature>) -> Result<RecordRequest> {
        Ok(RecordRequest { signatures, ..self.record_request()? })
    }
}
