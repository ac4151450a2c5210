//! Asks every node to authorize, and has the request recorded as soon as enough of them agree.
//!
//! Spec: docs/spec/request.md [REQ-7]..[REQ-9]. A signature that only the chain can judge false is left out in the next
//! try, with one more node's in its place.

use crate::{
    boot::{Attempt, Event, Session},
    error::{BootError, Reason},
    nodes::{AskError, LONGEST_WAIT, patiently},
    record::{Recorded, Recorder, Unrecorded},
    report::Clock,
};
use kms_client::{Member, NodeId};
use std::{collections::BTreeSet, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout_at},
};
use wire::request::{Authorization, Code};

/// Once it is clear that too few will authorize: how long the others' reasons are waited for.
const GRACE: Duration = Duration::from_millis(500);

/// Once a relay refused: how long another authorization, or another relay, is waited for.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(10);

type Answer = (NodeId, Result<(Member, Authorization), (Option<Member>, AskError)>);

/// A record that no relay sent yet.
struct Failed {
    since: Instant,
    last: Unrecorded,
}

impl Session {
    /// Until a record of this request is on its way.
    pub(crate) async fn authorize(
        &self,
        attempt: &mut Attempt,
        recorder: &mut Recorder,
        clock: &mut Clock,
        tell: &mut impl FnMut(Event),
    ) -> Result<Recorded, BootError> {
        let mut asked = self.ask_all(attempt);
        let mut failed: Option<Failed> = None;
        loop {
            match &failed {
                None if !attempt.can_still_reach(asked.len()) => break,
                Some(failed) if failed.is_over(self.deadline, asked.is_empty()) => break,
                _ => {}
            }
            self.take_next(attempt, &mut asked, failed.is_some()).await;
            let sets = attempt.pending.record_requests(attempt.committee.threshold);
            if sets.is_empty() {
                continue;
            }
            clock.lap(|timings| &mut timings.authorize_ms);
            let outcome = recorder.record(self, &attempt.committee, sets, tell).await;
            clock.lap(|timings| &mut timings.record_ms);
            match outcome {
                Ok(recorded) => return Ok(recorded),
                Err(unrecorded) => failed.get_or_insert_with(Failed::now).add(unrecorded),
            }
        }
        match failed {
            Some(failed) => Err(BootError::NotRecorded { reasons: failed.last.reasons }),
            None => Err(self.not_authorized(attempt, asked).await),
        }
    }

    /// The next answer; while a record waits for another try, for a moment only.
    async fn take_next(&self, attempt: &mut Attempt, asked: &mut JoinSet<Answer>, briefly: bool) {
        let until = if briefly { Instant::now() + LONGEST_WAIT } else { self.deadline + GRACE };
        match timeout_at(until, asked.join_next()).await {
            Ok(Some(Ok(answer))) => self.take(attempt, answer),
            Ok(None) => sleep_until(until.min(Instant::now() + LONGEST_WAIT)).await,
            Ok(Some(Err(_))) | Err(_) => {}
        }
    }

    /// Why, with the reasons of whoever still answers soon.
    async fn not_authorized(&self, attempt: &mut Attempt, mut asked: JoinSet<Answer>) -> BootError {
        let until = self.deadline.min(Instant::now() + GRACE);
        while let Ok(Some(Ok(answer))) = timeout_at(until, asked.join_next()).await {
            self.take(attempt, answer);
        }
        attempt.not_authorized()
    }

    /// One task per node: who it is, if that is not known yet, then its authorization.
    fn ask_all(&self, attempt: &Attempt) -> JoinSet<Answer> {
        let mut asked = JoinSet::new();
        for node in self.nodes.ids() {
            let (session, body) = (self.clone(), attempt.body.clone());
            let known = attempt.committee.member(node).copied();
            let newest = attempt.committee.newest;
            asked.spawn(async move { (node, session.ask_one(node, known, newest, body).await) });
        }
        asked
    }

    async fn ask_one(
        &self,
        node: NodeId,
        known: Option<Member>,
        newest: u64,
        body: Vec<u8>,
    ) -> Result<(Member, Authorization), (Option<Member>, AskError)> {
        let member = self.member(node, known).await.map_err(|error| (None, error))?;
        let ask = || self.nodes.post(node, "/v1/authorize", body.clone(), self.deadline);
        match patiently(self.deadline, |error| error.again_where(newest), ask).await {
            Ok(authorization) => Ok((member, authorization)),
            Err(error) => Err((Some(member), error)),
        }
    }

    fn take(&self, attempt: &mut Attempt, (node, answer): Answer) {
        let reason = match answer {
            Ok((member, authorization)) => {
                match attempt.pending.authorize(&member, authorization) {
                    Ok(_) => return,
                    Err(rejected) => Reason::Authorization(rejected),
                }
            }
            Err((member, error)) => attempt.judge_refusal(member.as_ref(), error),
        };
        attempt.reasons.push(self.reason(node, reason));
    }
}

impl Failed {
    fn now() -> Self {
        Self { since: Instant::now(), last: Unrecorded::default() }
    }

    /// Keeps what relays said last; nothing new was tried where nobody said anything.
    fn add(&mut self, unrecorded: Unrecorded) {
        if !unrecorded.reasons.is_empty() {
            self.last = unrecorded;
        }
    }

    /// Nothing more can come, or nothing came for long enough after a refusal.
    fn is_over(&self, deadline: Instant, nobody_left: bool) -> bool {
        let now = Instant::now();
        now >= deadline
            || (nobody_left && !self.last.transient)
            || (self.last.refused && now >= self.since + REFUSAL_PATIENCE)
    }
}

impl Attempt {
    /// A refusal counts as the node's if it signed it.
    pub(crate) fn judge_refusal(&self, member: Option<&Member>, error: AskError) -> Reason {
        let AskError::Problem(problem) = &error else {
            return Reason::NoAnswer(error);
        };
        let (Some(member), Code::Denied, Some(denial)) = (member, problem.code, &problem.denied)
        else {
            return Reason::NoAnswer(error);
        };
        match self.pending.check_denial(member, denial) {
            Ok(()) => Reason::Denied(Box::new(denial.clone())),
            Err(rejected) => Reason::FalseDenial(rejected),
        }
    }

    pub(crate) fn denials(&self) -> usize {
        let seats: BTreeSet<_> = self
            .reasons
            .iter()
            .filter_map(|reason| match &reason.reason {
                Reason::Denied(denial) => Some(denial.statement.seat),
                _ => None,
            })
            .collect();
        seats.len()
    }

    fn can_still_reach(&self, unanswered: usize) -> bool {
        let authorized = self.pending.progress().seats.len();
        authorized + unanswered >= self.threshold()
    }

    pub(crate) fn threshold(&self) -> usize {
        usize::from(self.committee.threshold)
    }

    fn not_authorized(&mut self) -> BootError {
        let (authorized, denials) = (self.pending.progress().seats.len(), self.denials());
        let reasons = std::mem::take(&mut self.reasons);
        if denials > authorized {
            return BootError::Denied { issuance_id: self.pending.issuance_id(), reasons };
        }
        BootError::NotAuthorized { authorized, threshold: self.committee.threshold, reasons }
    }
}
