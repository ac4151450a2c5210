//! A node's life in the committee, once per newly finalized block: ask for a seat, take part in a ceremony, put shares in
//! use, keep going after a restart. What is due is decided by `kms_core::ceremony`; here are quote, bytes and sending.
//!
//! Spec: docs/spec/ceremony.md. Every step acts on finalized facts; which epoch's shares are in use follows the head.

use crate::{chain::Snapshot, node::Node, state_file::rng};
use abi::KmsCommittee::{
    CandidateInfo, CeremonyInfo, ConfirmationPosted, DealingPosted, EpochInfo, RecipientKeyPosted,
};
use alloy::{
    primitives::{Address, B256, Bytes, keccak256},
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use anyhow::{Context, Result, bail};
use evidence::RawEvidence;
use kms_core::{
    EpochShares, JudgeError,
    at_rest::{RecipientRecord, ShareRecord},
    ceremony::{
        self, JudgedRecipients, Member, Opened, RecipientError, Task, VoidDealing,
        judge_recipients, next_task,
    },
};
use light_client::BlockRef;
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};
use tracing::{info, warn};
use wire::{
    SeatId,
    network::{Checkpoint, label},
    report_data::candidate_report_data,
    statements::{Anchor, Candidate},
};

/// A candidate is posted anew when less than this is left of its time.
const RENEW_CANDIDATE_SECONDS: u64 = 3_600;

/// Everything that a member reads before it acts.
struct Facts {
    seat: Option<SeatId>,
    candidate: CandidateInfo,
    ceremony: CeremonyInfo,
    now: u64,
}

impl Node {
    /// Puts the shares of the epoch that is active at the head in use. [CER-12] Learns how old finality may be. [CHAIN-17]
    pub(crate) async fn follow_epoch(&self, snapshot: &Snapshot) -> Result<()> {
        let network = &self.network;
        let found = self.chain.run(snapshot, |chain| {
            let state = chain.head();
            let epoch = match network.keyset(state)? {
                Some(keyset) => Some(network.epoch(state, keyset.epoch)?),
                None => None,
            };
            let seat = network.seat_of(state, self.key.address())?;
            Ok::<_, JudgeError>((seat, epoch, network.grant_floor(state)?))
        });
        let (seat, epoch, grant_floor) = found.await??;
        self.chain.set_grant_floor(grant_floor);
        self.set_seat(seat);
        let Some(epoch) = epoch else {
            self.set_shares(None);
            return Ok(());
        };
        if self.shares().is_some_and(|shares| shares.session() == epoch.session) {
            return Ok(());
        }
        self.set_shares(self.checked_shares(&epoch));
        Ok(())
    }

    fn checked_shares(&self, epoch: &EpochInfo) -> Option<Arc<EpochShares>> {
        let checked = self.state.read(|state| {
            let mut kept = state.shares.iter();
            let record = kept.find(|record| record.session == epoch.session)?;
            Some(EpochShares::check(record, epoch))
        });
        match checked {
            Some(Ok(shares)) => {
                info!(epoch = epoch.epoch, "shares of the active epoch are in use");
                Some(Arc::new(shares))
            }
            Some(Err(error)) => {
                warn!(epoch = epoch.epoch, "the kept share is not used: {error}");
                None
            }
            None => None,
        }
    }

    /// Does what is due at the finalized block.
    pub(crate) async fn act(&self, snapshot: &Snapshot) -> Result<()> {
        let facts = self.facts(snapshot).await?;
        self.keep_finalized(snapshot)?;
        self.settle_shares(snapshot).await?;
        self.check_canary().await;
        let operator = label("operator", &self.config.operator)?;
        if facts.seat.is_none()
            && is_candidate_due(&facts.candidate, operator, &self.endpoint, facts.now)
        {
            self.set_ceremony(Some("asking for a seat".into()));
            return self.post_candidate(snapshot, operator).await;
        }
        let Some(seat) = facts.seat else {
            self.set_ceremony(Some("candidate: waiting to be admitted".into()));
            return self.store.forget_statements_but(&[]).await;
        };
        let info = &facts.ceremony;
        let due = next_task(info, self.key.address());
        let id = format!("{due:?}-{}", info.session);
        self.set_ceremony(in_words(info, due));
        self.store.forget_statements_but(std::slice::from_ref(&id)).await?;
        if due == Task::Nothing {
            return Ok(());
        }
        // After a restart the same statement goes out again, not another one.
        if let Some(kept) = self.store.statement(&id).await? {
            self.send(&kept).await;
            return Ok(());
        }
        let member = Member { network: &self.network, seat, key: &self.key };
        let call = match due {
            Task::Nothing => return Ok(()),
            Task::PostKey => self.make_key(&member, info).await?,
            Task::Deal => self.make_dealing(&member, snapshot, info).await?,
            Task::Confirm => self.make_confirmation(&member, snapshot, info).await?,
            Task::Activate => match self.share_of(info.session) {
                Some(record) => member.activate(&record),
                None => return Ok(()),
            },
            Task::Abort => ceremony::abort(&self.network),
        };
        self.submit(id, call).await
    }

    async fn facts(&self, snapshot: &Snapshot) -> Result<Facts> {
        let (network, signer) = (&self.network, self.key.address());
        let facts = self.chain.run(snapshot, |chain| {
            let state = chain.finalized();
            Ok::<_, JudgeError>(Facts {
                seat: network.seat_of(state, signer)?,
                candidate: network.candidate(state, signer)?,
                ceremony: network.ceremony(state)?,
                now: state.header().timestamp().0,
            })
        });
        Ok(facts.await??)
    }

    /// Where this node goes on after a restart. [CHAIN-2]
    fn keep_finalized(&self, snapshot: &Snapshot) -> Result<()> {
        let block = snapshot.lock().finalized().block();
        let kept = self.state.read(|state| state.finalized.map_or(0, |anchor| anchor.number));
        // Every so often is enough: what lies between is proven again.
        if block.number >= kept + 64 || kept == 0 {
            self.state.update(|state| state.finalized = Some(block.into()))?;
        }
        Ok(())
    }

    /// Forgets the secrets of ceremonies that are over, once their end is final. [CER-12]
    async fn settle_shares(&self, snapshot: &Snapshot) -> Result<()> {
        let network = &self.network;
        let found = self.chain.run(snapshot, |chain| {
            let state = chain.finalized();
            let active = match network.keyset(state)? {
                Some(keyset) => network.epoch(state, keyset.epoch)?.session,
                None => B256::ZERO,
            };
            Ok::<_, JudgeError>((active, network.ceremony(state)?.session))
        });
        let (active, running) = found.await??;
        let keep = |session: B256| session == active || session == running;
        let stale = self.state.read(|state| {
            state.shares.iter().any(|record| !keep(record.session))
                || state.recipient.as_ref().is_some_and(|record| record.session != running)
        });
        if stale && running.is_zero() && !active.is_zero() {
            self.state.update(|state| {
                state.shares.retain(|record| keep(record.session));
                state.recipient = state.recipient.take().filter(|record| record.session == running);
            })?;
        }
        Ok(())
    }

    /// Combines the canary that the members of the epoch in use gave beside their confirmations. [CER-11]
    async fn check_canary(&self) {
        let Some(shares) = self.shares() else { return };
        let session = shares.session();
        let Some(record) = self.share_of(session).filter(|_| self.canary().is_none()) else {
            return;
        };
        let filter = session_filter(
            self.network.committee,
            ConfirmationPosted::SIGNATURE_HASH,
            session,
            record.opened_at,
        )
        .to_block(shares.activated_at());
        // No hash is needed here: each partial proves itself against its member's Y_i, and of several that endpoints tell
        // for a seat the true one is found.
        let given: Vec<(SeatId, Bytes)> = self
            .chain
            .logs(&filter)
            .await
            .filter_map(|log| Some(ConfirmationPosted::decode_log(&log.inner).ok()?.data))
            .map(|event| (event.seat, event.canary))
            .collect();
        let (epoch, threshold) = (shares.epoch(), shares.threshold());
        let outcome = &record.outcome;
        match ceremony::canary(&self.network, session, epoch, threshold, outcome, &given) {
            Ok(canary) => {
                info!(epoch, %canary, "the members' canary partials hold and combine");
                let known = Some((session, canary));
                *self.canary.write().unwrap_or_else(PoisonError::into_inner) = known;
            }
            Err(fault) => warn!(epoch, "no canary yet: {fault}"),
        }
    }

    async fn post_candidate(&self, snapshot: &Snapshot, operator: B256) -> Result<()> {
        // What an earlier configuration said is not sent again.
        let said = keccak256([operator.as_slice(), self.endpoint.as_bytes()].concat());
        let id = format!("candidate-{said}");
        self.store.forget_statements_but(std::slice::from_ref(&id)).await?;
        if let Some(kept) = self.store.statement(&id).await? {
            self.send(&kept).await;
            return Ok(());
        }
        let checkpoint: Anchor = snapshot.lock().finalized().block().into();
        let mut candidate = Candidate {
            signer: self.key.address(),
            operator,
            endpoint: self.endpoint.clone(),
            sealing: self.sealing as u8,
            root: B256::ZERO,
            osImageHash: B256::ZERO,
            composeHash: B256::new(self.boot.compose_hash),
            checkpoint,
            headSource: self.chain.source().to_string(),
            evidenceHash: B256::ZERO,
        };
        let report_data = candidate_report_data(self.network.network_hash, &candidate);
        let evidence = tee_client::take_evidence(&self.socket, &self.pccs, &report_data).await?;
        let raw = RawEvidence::new(evidence.clone())?;
        let root = raw.claimed_root()?;
        let judged = self.chain.run(snapshot, |chain| {
            let state = chain.finalized();
            let rules = self.network.root_rules(state, root.hash())?;
            let quote = raw.verify(&root, &rules, state.header().timestamp())?;
            Ok::<_, JudgeError>(quote.replay()?)
        });
        let identity = judged.await?.context("this node's own evidence does not hold")?;
        candidate.root = root.hash();
        candidate.osImageHash = identity.os_image_hash();
        candidate.evidenceHash = evidence.hash();
        let call = ceremony::post_candidate(&self.network, &self.key, &candidate, &evidence)?;
        self.submit(id, call).await
    }

    async fn make_key(&self, member: &Member<'_>, info: &CeremonyInfo) -> Result<ceremony::Call> {
        let record = match self.recipient_of(info.session) {
            Some(record) => record,
            None => {
                let record = Member::recipient_secret(info.session, &mut rng());
                self.state.update(|state| state.recipient = Some(record.clone()))?;
                record
            }
        };
        let operator = label("operator", &self.config.operator)?;
        let report_data = member.key_report_data(&record, operator)?;
        let evidence = tee_client::take_evidence(&self.socket, &self.pccs, &report_data).await?;
        Ok(member.post_key(&record, &evidence)?)
    }

    async fn make_dealing(
        &self,
        member: &Member<'_>,
        snapshot: &Snapshot,
        info: &CeremonyInfo,
    ) -> Result<ceremony::Call> {
        match self.judged_recipients(snapshot, info).await? {
            Ok(recipients) => Ok(member.deal(info, recipients, &mut rng())?),
            Err(refusal) if refusal.is_verdict() => {
                warn!("this node deals nothing in this ceremony: {refusal}");
                Ok(member.refuse(info.session, &refusal)?)
            }
            Err(unknown) => Err(unknown.into()),
        }
    }

    /// This member's own verdict on all recipients, at the finalized block. [CER-3] [CER-13]
    async fn judged_recipients(
        &self,
        snapshot: &Snapshot,
        info: &CeremonyInfo,
    ) -> Result<Result<JudgedRecipients, RecipientError>> {
        let posted = self.posted_evidence(info).await;
        let judged = self.chain.run(snapshot, |chain| {
            judge_recipients(&self.network, chain.finalized(), info, &posted)
        });
        Ok(judged.await?)
    }

    async fn make_confirmation(
        &self,
        member: &Member<'_>,
        snapshot: &Snapshot,
        info: &CeremonyInfo,
    ) -> Result<ceremony::Call> {
        let recipients = self
            .judged_recipients(snapshot, info)
            .await?
            .inspect_err(|refusal| warn!("this node withholds its confirmation: {refusal}"))?;
        let record = match self.share_of(info.session) {
            Some(record) => record,
            None => {
                let dealings = self.dealings(info).await;
                let Some(recipient) = self.recipient_of(info.session) else {
                    bail!("no recipient secret of ceremony {}", info.session)
                };
                let Opened { record, void } = member
                    .open(info, recipients, &recipient, &dealings)
                    .inspect_err(|fault| warn!("this node withholds its confirmation: {fault}"))?;
                for VoidDealing { dealer, reason } in void {
                    warn!(dealer, ?reason, "a dealing does not count");
                }
                // At rest before the confirmation goes out: what is confirmed is never lost.
                self.state.update(|state| state.shares.push(record.clone()))?;
                record
            }
        };
        Ok(member.confirm(info, &record, &mut rng())?)
    }

    fn recipient_of(&self, session: B256) -> Option<RecipientRecord> {
        let kept = self.state.read(|state| state.recipient.clone());
        kept.filter(|record| record.session == session)
    }

    fn share_of(&self, session: B256) -> Option<ShareRecord> {
        self.state
            .read(|state| state.shares.iter().find(|record| record.session == session).cloned())
    }

    /// What each recipient posted under its evidence's hash, from event data; whether it is evidence is judged.
    async fn posted_evidence(&self, info: &CeremonyInfo) -> BTreeMap<SeatId, Bytes> {
        let wanted = |seat| hash_of(info, seat, |progress| progress.evidenceHash);
        self.event_data::<RecipientKeyPosted>(info)
            .await
            .filter(|event| wanted(event.seat) == Some(keccak256(&event.evidence)))
            .map(|event| (event.seat, event.evidence))
            .collect()
    }

    /// The dealings behind the hashes on chain.
    async fn dealings(&self, info: &CeremonyInfo) -> BTreeMap<SeatId, Bytes> {
        let wanted = |seat| hash_of(info, seat, |progress| progress.dealingHash);
        self.event_data::<DealingPosted>(info)
            .await
            .filter(|event| wanted(event.seat) == Some(keccak256(&event.dealing)))
            .map(|event| (event.seat, event.dealing))
            .collect()
    }

    /// Events of this session, from any endpoint: bytes that nobody has to be trusted for.
    async fn event_data<E: SolEvent>(
        &self,
        info: &CeremonyInfo,
    ) -> impl Iterator<Item = E> + use<E> {
        let filter =
            session_filter(self.network.committee, E::SIGNATURE_HASH, info.session, info.openedAt);
        let logs: Vec<Log> = self.chain.logs(&filter).await.collect();
        logs.into_iter().filter_map(|log| Some(E::decode_log(&log.inner).ok()?.data))
    }
}

/// Whether a candidate statement is to be made: there is none, it soon expires, or it says what the host no longer says.
fn is_candidate_due(posted: &CandidateInfo, operator: B256, endpoint: &str, now: u64) -> bool {
    posted.expiresAt < now.saturating_add(RENEW_CANDIDATE_SECONDS)
        || posted.operator != operator
        || posted.endpoint != endpoint
}

fn hash_of(
    info: &CeremonyInfo,
    seat: SeatId,
    hash: impl Fn(&abi::KmsCommittee::SeatProgress) -> B256,
) -> Option<B256> {
    info.seats.iter().find(|progress| progress.seat == seat).map(hash)
}

fn session_filter(committee: Address, topic: B256, session: B256, opened_at: u64) -> Filter {
    Filter::new().address(committee).event_signature(topic).topic1(session).from_block(opened_at)
}

fn in_words(info: &CeremonyInfo, due: Task) -> Option<String> {
    if info.session.is_zero() {
        return None;
    }
    let step = ["none", "keys", "dealings", "confirmations", "activation", "failed"];
    let step = step.get(usize::from(info.step)).unwrap_or(&"unknown");
    let due = match due {
        Task::Nothing => "waiting for others".to_owned(),
        due => format!("due here: {due:?}"),
    };
    Some(format!("session {} at {step}, deadline block {}: {due}", info.session, info.deadline))
}

/// The block from which a node goes on: its own last finalized one, else the one that its measured file names, else the
/// genesis of that file. [CHAIN-2]
pub(crate) fn checkpoint(
    kept: Option<Anchor>,
    measured: Option<Checkpoint>,
    genesis: B256,
) -> BlockRef {
    let named = measured.map(|checkpoint| BlockRef::new(checkpoint.number, checkpoint.hash));
    kept.map(BlockRef::from).or(named).unwrap_or(BlockRef::new(0, genesis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_goes_on_from_what_it_proved_then_from_what_was_measured() {
        // [CHAIN-2]
        let word = B256::repeat_byte;
        let kept = Anchor { number: 5, hash: word(5) };
        let measured = Checkpoint { number: 9, hash: word(9) };
        let from = |kept, measured| checkpoint(kept, measured, word(1));
        assert_eq!(from(Some(kept), Some(measured)), BlockRef::new(5, word(5)));
        assert_eq!(from(None, Some(measured)), BlockRef::new(9, word(9)));
        assert_eq!(from(None, None), BlockRef::new(0, word(1)));
    }

    #[test]
    fn a_candidate_that_says_something_else_is_posted_anew() {
        // [CER-1]: a mistyped operator or endpoint does not stand for thirty days.
        let operator = B256::repeat_byte(1);
        let posted = CandidateInfo {
            operator,
            endpoint: "http://a".to_owned(),
            expiresAt: 2 * RENEW_CANDIDATE_SECONDS,
            ..CandidateInfo::default()
        };
        let due = |operator, endpoint, now| is_candidate_due(&posted, operator, endpoint, now);
        assert!(!due(operator, "http://a", RENEW_CANDIDATE_SECONDS));
        assert!(due(operator, "http://a", RENEW_CANDIDATE_SECONDS + 1));
        assert!(due(B256::repeat_byte(2), "http://a", 0));
        assert!(due(operator, "http://b", 0));
        assert!(is_candidate_due(&CandidateInfo::default(), operator, "http://a", 0));
    }
}
