//! Asks every node for its partials until any t of them add up.
//!
//! Spec: docs/spec/request.md [REQ-10], [REQ-11]. A record that no node sees after a while goes to the next relay.

use crate::{
    boot::{Attempt, Event, Session},
    error::{BootError, Reason},
    nodes::{Again, AskError, patiently},
    record::Recorder,
    report::Clock,
};
use kms_client::{Keys, Member, NodeId, NotYet};
use std::{collections::BTreeSet, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use wire::request::{Code, Release};

/// How long a record may stay unseen before another relay is asked: three of Ethereum's slots.
const RECORD_PATIENCE: Duration = Duration::from_secs(36);

/// How long an answer waits for what the nodes say of its epoch.
const EPOCH_PATIENCE: Duration = Duration::from_secs(2);

type Answer = (NodeId, Result<(Member, Release), (Option<Member>, AskError)>);

impl Session {
    /// Until the keys are there.
    pub(crate) async fn release(
        &self,
        attempt: &mut Attempt,
        recorder: &mut Recorder,
        clock: &mut Clock,
        tell: &mut impl FnMut(Event),
    ) -> Result<Keys, BootError> {
        let mut asked = self.ask_all_to_release(attempt);
        let mut impatient_at = Instant::now() + RECORD_PATIENCE;
        loop {
            let answer = tokio::select! {
                answer = asked.join_next() => answer,
                () = sleep_until(impatient_at) => {
                    impatient_at = Instant::now() + RECORD_PATIENCE;
                    let sets = attempt.pending.record_requests(attempt.committee.threshold);
                    // Whatever comes of it, nodes are still asked.
                    let _ = recorder.record(self, &attempt.committee, sets, tell).await;
                    continue;
                }
            };
            let Some(Ok(answer)) = answer else { break };
            if !self.take_release(attempt, answer).await {
                if attempt.pending.releases().count() + asked.len() < attempt.threshold() {
                    break;
                }
                continue;
            }
            clock.lap(|timings| &mut timings.release_ms);
            let combined = attempt.pending.try_combine(attempt.committee.threshold);
            clock.lap(|timings| &mut timings.combine_ms);
            if let Ok(keys) = combined {
                return Ok(keys);
            }
        }
        match attempt.pending.try_combine(attempt.committee.threshold) {
            Ok(keys) => Ok(keys),
            Err(not_yet) => Err(attempt.not_released(not_yet)),
        }
    }

    fn ask_all_to_release(&self, attempt: &Attempt) -> JoinSet<Answer> {
        let mut asked = JoinSet::new();
        for node in self.nodes.ids() {
            let (session, body) = (self.clone(), attempt.body.clone());
            let known = attempt.committee.member(node).copied();
            asked.spawn(async move { (node, session.ask_one_to_release(node, known, body).await) });
        }
        asked
    }

    async fn ask_one_to_release(
        &self,
        node: NodeId,
        known: Option<Member>,
        body: Vec<u8>,
    ) -> Result<(Member, Release), (Option<Member>, AskError)> {
        let member = self.member(node, known).await.map_err(|error| (None, error))?;
        let ask = || self.nodes.post(node, "/v1/release", body.clone(), self.deadline);
        match patiently(self.deadline, again, ask).await {
            Ok(release) => Ok((member, release)),
            Err(error) => Err((Some(member), error)),
        }
    }

    /// Whether there is one more answer to combine.
    async fn take_release(&self, attempt: &mut Attempt, (node, answer): Answer) -> bool {
        let reason = match answer {
            Ok((member, release)) => {
                let epoch = release.released.epoch;
                match attempt.pending.accept(&member, release) {
                    Ok(()) => {
                        self.follow_epoch(attempt, epoch).await;
                        return true;
                    }
                    Err(rejected) => Reason::Release(rejected),
                }
            }
            Err((member, error)) => attempt.judge_refusal(member.as_ref(), error),
        };
        attempt.reasons.push(self.reason(node, reason));
        false
    }

    /// An answer of another epoch: t may be another one now.
    async fn follow_epoch(&self, attempt: &mut Attempt, epoch: u64) {
        if epoch != attempt.committee.epoch
            && let Ok(Ok(agreed)) = timeout(EPOCH_PATIENCE, self.committee(&BTreeSet::new())).await
        {
            attempt.committee = agreed.committee;
        }
    }
}

impl Attempt {
    fn not_released(&mut self, source: NotYet) -> BootError {
        let (answered, denials) = (self.pending.releases().count(), self.denials());
        let reasons = std::mem::take(&mut self.reasons);
        if denials > answered {
            return BootError::Denied { issuance_id: self.pending.issuance_id(), reasons };
        }
        BootError::NotReleased { source, reasons }
    }
}

/// While the epoch turns, the new one's nodes answer soon.
fn again(error: &AskError) -> Again {
    match error.code() {
        Some(Code::EpochMoved) => Again::Yes,
        _ => error.again(),
    }
}
