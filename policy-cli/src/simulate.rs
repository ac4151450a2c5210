//! What a proposal would do, found out by doing it: on proven state, with the contracts' own code and the crates that nodes
//! decide with. Spec: docs/spec/simulate.md. Driven by: `cmd/simulate`.
//!
//! `input` reads what is to be done, `course` does it in an overlay and moves time on, `known` gathers what to ask about,
//! `verdicts` asks before and after, `invariants` judges, `report` says it.

mod course;
mod input;
mod invariants;
mod known;
mod report;
mod storage;
mod verdicts;

pub(crate) use input::{Input, Way, live};

use crate::{
    decode::Interfaces, evidence_file, exit::Exit, failure::Failure, output::Output, proven::Proven,
};
use alloy::primitives::{Address, B256, U256};
use std::path::PathBuf;

/// Why nothing was simulated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SimulateError {
    #[error("no proposal {id} of {governor} at block {block}")]
    NoProposal { governor: Address, id: U256, block: u64 },
    #[error("proposal {id} is {state}: it can't take effect any more")]
    NotExecutable { id: U256, state: &'static str },
    #[error("{governor} does not answer as a Governor: {cause}")]
    NotAGovernor { governor: Address, cause: String },
    #[error("{what} reverts in simulation: {reason}")]
    StepReverts { what: &'static str, reason: String },
    #[error("{calls} calls, at most {limit} are simulated")]
    TooManyCalls { calls: usize, limit: usize },
    #[error("{targets} --to and {calldatas} --data: each call needs both")]
    UnevenCalls { targets: usize, calldatas: usize },
    #[error("no Governor is named")]
    NoGovernor,
    #[error("nobody is named who would make these calls")]
    NobodyNamed,
    #[error("{}: {cause}", path.display())]
    Evidence { path: PathBuf, cause: String },
}

impl SimulateError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::NoProposal { .. } | Self::NotAGovernor { .. } => Exit::NotFound,
            Self::NotExecutable { .. } | Self::Evidence { .. } => Exit::Denied,
            Self::TooManyCalls { .. }
            | Self::UnevenCalls { .. }
            | Self::NoGovernor
            | Self::NobodyNamed => Exit::Usage,
            Self::StepReverts { .. } => Exit::Reverted,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::NoProposal { .. } => {
                vec![
                    "a new proposal is not final yet: --block latest; --governor names where it is"
                        .into(),
                ]
            }
            Self::NoGovernor => {
                vec!["--governor ADDRESS, or governance.governor in network.toml".into()]
            }
            Self::NobodyNamed => {
                vec!["--governor ADDRESS proposes them, --from ADDRESS makes them itself".into()]
            }
            _ => Vec::new(),
        }
    }
}

/// Runs the whole simulation and answers.
pub(crate) async fn simulate(
    proven: &mut Proven,
    input: Input,
    quotes: Vec<PathBuf>,
    block_seconds: u64,
    exit_code: bool,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let interfaces = Interfaces::ours();
    let quotes = evidence_file::judge_all(proven, quotes).await?;
    output.talk("simulating …")?;
    let course = course::run(proven, &interfaces, &input, block_seconds).await?;
    output.talk("gathering what is approved and what was issued …")?;
    let known = known::gather(proven, &interfaces, &course, quotes).await?;
    output.talk(&format!("asking {} questions before and after …", known.questions.len()))?;
    let verdicts = verdicts::ask(proven, &known, &course).await?;
    let findings = invariants::judge(proven, &input, &course, &known, &verdicts).await?;
    let parts = report::Parts {
        proven,
        interfaces: &interfaces,
        input: &input,
        course: &course,
        known: &known,
        verdicts: &verdicts,
        findings: &findings,
    };
    let report = report::Report::of(&parts);
    output.answer("quorate.simulate", report.fields(), &report.markdown())?;
    Ok(if findings.iter().any(|finding| finding.breaks) {
        Exit::Denied
    } else if course.reverts.is_some() {
        Exit::Reverted
    } else if exit_code && verdicts.differ() {
        Exit::Differences
    } else {
        Exit::Ok
    })
}

/// A hash that stands for what nobody has approved or listed: what it gets, anybody would get.
pub(crate) fn stranger(of: &str) -> B256 {
    alloy::primitives::keccak256(format!("quorate/simulate/nobody approved this {of}"))
}
