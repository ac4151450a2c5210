//! The questions asked: now, and at each later moment with the proposal and without it.
//! Spec: docs/spec/simulate.md [SIM-1], [SIM-7]. With the node's own question, gas and reading of the answer.

use super::{
    course::Course,
    known::{Key, Known, Question},
};
use crate::{failure::Failure, proven::Proven, proven::ProvenError};
use abi::{AppRegistry, KmsCommittee};
use alloy::primitives::Address;
use policy::{Gate, Overlay};
use std::collections::BTreeMap;

/// `None`: allowed. Else why not.
pub(crate) type Verdict = Option<String>;

/// The answers to one question.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) now: Verdict,
    /// At the last moment, had the proposal not been.
    pub(crate) without: Verdict,
    pub(crate) with: Verdict,
    /// The first moment at which the proposal allows what would be denied without it.
    pub(crate) widened_at: Option<u64>,
}

/// Whether a key can be had: now, later without the proposal, later with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) now: bool,
    pub(crate) without: bool,
    pub(crate) with: bool,
}

/// Every answer, in the order of the questions.
pub(crate) struct Verdicts {
    pub(crate) answers: Vec<Answered>,
    pub(crate) keys: BTreeMap<Key, Reach>,
}

impl Answered {
    pub(crate) fn is_changed(&self) -> bool {
        self.without.is_none() != self.with.is_none()
    }
}

impl Verdicts {
    /// Whether the proposal changes who could boot, or which key can be had.
    pub(crate) fn differ(&self) -> bool {
        self.answers.iter().any(Answered::is_changed)
            || self.keys.values().any(|reach| reach.without != reach.with)
    }
}

pub(crate) async fn ask(
    proven: &mut Proven,
    known: &Known,
    course: &Course,
) -> Result<Verdicts, Failure> {
    let now = all(proven, &course.now, &known.questions).await?;
    let mut moments = Vec::new();
    for moment in &course.moments {
        let with = all(proven, &moment.with, &known.questions).await?;
        let without = all(proven, &moment.without, &known.questions).await?;
        moments.push((moment.time, with, without));
    }
    let mut answers = Vec::new();
    for (index, now) in now.into_iter().enumerate() {
        let at = |verdicts: &[Verdict]| verdicts.get(index).cloned().unwrap_or_default();
        let widened_at = moments
            .iter()
            .find(|(_, with, without)| at(with).is_none() && at(without).is_some())
            .map(|(time, _, _)| *time);
        let (without, with) = match moments.last() {
            Some((_, with, without)) => (at(without), at(with)),
            None => (now.clone(), now.clone()),
        };
        answers.push(Answered { now, without, with, widened_at });
    }
    let keys = reach(proven, known, course, &answers).await?;
    Ok(Verdicts { answers, keys })
}

async fn all(
    proven: &mut Proven,
    overlay: &Overlay,
    questions: &[Question],
) -> Result<Vec<Verdict>, Failure> {
    let mut gates: BTreeMap<Address, Option<Gate>> = BTreeMap::new();
    let mut verdicts = Vec::new();
    for question in questions {
        let app = question.attested.boot.appId;
        let gate = match gates.get(&app) {
            Some(gate) => *gate,
            None => {
                let gate = gate(proven, overlay, app).await?;
                gates.insert(app, gate);
                gate
            }
        };
        verdicts.push(match gate {
            None => Some("no registry knows the app".to_owned()),
            Some(gate) => verdict(proven, overlay, gate, question).await?,
        });
    }
    Ok(verdicts)
}

async fn verdict(
    proven: &mut Proven,
    overlay: &Overlay,
    gate: Gate,
    question: &Question,
) -> Result<Verdict, Failure> {
    let outcome =
        proven.run(|rules, state| overlay.ask(rules, state, gate, &question.attested)).await?;
    match outcome {
        Ok(denial) => Ok(denial.map(|reason| reason.to_string())),
        // No node would judge it: nothing is released.
        Err(error @ policy::DecideError::TooManyFacts { .. }) => Ok(Some(error.to_string())),
        Err(error) => Err(ProvenError::from(error).into()),
    }
}

/// Which registry speaks for the app there, and which IssuanceLog asks.
async fn gate(
    proven: &mut Proven,
    overlay: &Overlay,
    app: Address,
) -> Result<Option<Gate>, Failure> {
    let committee = proven.chain.contracts.kms_committee;
    let read = |rules: &_, state: &_| {
        let log = KmsCommittee::issuanceLogCall {};
        let registry = KmsCommittee::registryOfCall { appId: app };
        Ok(Gate {
            issuance_log: overlay.read(rules, state, committee, &log)?,
            app_registry: overlay.read(rules, state, committee, &registry)?,
        })
    };
    let outcome: Result<Gate, policy::ReadError> = proven.run(read).await?;
    Ok(outcome.ok())
}

async fn reach(
    proven: &mut Proven,
    known: &Known,
    course: &Course,
    answers: &[Answered],
) -> Result<BTreeMap<Key, Reach>, Failure> {
    let mut reached = BTreeMap::new();
    for key in &known.keys {
        let can = |verdict: fn(&Answered) -> &Verdict| {
            known
                .questions
                .iter()
                .zip(answers)
                .any(|(question, answer)| verdict(answer).is_none() && is_within(key, question))
        };
        let (now, without, with) =
            (can(|answer| &answer.now), can(|answer| &answer.without), can(|answer| &answer.with));
        let mut readable = [false; 3];
        let overlays = [
            Some(&course.now),
            course.last().map(|moment| &moment.without),
            course.last().map(|moment| &moment.with),
        ];
        for (readable, overlay) in readable.iter_mut().zip(overlays) {
            let Some(overlay) = overlay else { continue };
            let Some(gate) = gate(proven, overlay, key.app).await? else { continue };
            let view =
                AppRegistry::isKeyReadableCall { appId: key.app, keyVersion: key.key_version };
            let outcome = proven
                .run(|rules, state| overlay.read(rules, state, gate.app_registry, &view))
                .await?;
            *readable = outcome.unwrap_or(false);
        }
        let [at_now, at_without, at_with] = readable;
        let reach =
            Reach { now: now && at_now, without: without && at_without, with: with && at_with };
        reached.insert(*key, reach);
    }
    Ok(reached)
}

/// Whether who asks could have this key, if it is allowed at all: by app, by code, or by instance.
fn is_within(key: &Key, question: &Question) -> bool {
    let boot = &question.attested.boot;
    boot.appId == key.app
        && match key.scope_kind {
            1 => true,
            2 => boot.composeHash == key.scope_value,
            _ => wire::instance_scope_value(boot.instanceId) == key.scope_value,
        }
}
