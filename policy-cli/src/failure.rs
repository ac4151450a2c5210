//! What ends a run early: one enum per area, gathered here. Each says its exit code and its hints by exhaustive match.

use crate::{
    agent::AgentError,
    apps::AppError,
    calls::CallsError,
    chain::ChainError,
    cmd::{
        audit::AuditError, decode::DecodeError, diff::DiffError, man::NoVerb,
        publish::PublishError, verify::source::SourceError, watch::WatchError,
    },
    committee::CommitteeError,
    compose::ComposeError,
    exit::Exit,
    file::FileError,
    governor::GovernorError,
    network::NetworkFileError,
    proven::ProvenError,
    send::SendError,
    signer::SignerError,
    simulate::SimulateError,
};
use proposal::{TextError, Unreadable};

use std::path::{Path, PathBuf};

/// Any failure of any verb.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Network(#[from] NetworkFileError),
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error("{}: {source}", path.display())]
    Compose { path: PathBuf, source: ComposeError },
    #[error(transparent)]
    Agent(#[from] AgentError),
    #[error(transparent)]
    App(#[from] AppError),
    #[error(transparent)]
    Committee(#[from] CommitteeError),
    #[error(transparent)]
    Calls(#[from] CallsError),
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    NoVerb(#[from] NoVerb),
    #[error(transparent)]
    Governor(#[from] GovernorError),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error(transparent)]
    Text(#[from] TextError),
    #[error(transparent)]
    Signer(#[from] SignerError),
    #[error(transparent)]
    Send(#[from] SendError),
    #[error(transparent)]
    Proven(#[from] ProvenError),
    #[error(transparent)]
    Simulate(#[from] SimulateError),
    #[error(transparent)]
    Diff(#[from] DiffError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Watch(#[from] WatchError),
    #[error("the answer could not be written: {0}")]
    Output(#[from] std::io::Error),
}

impl Failure {
    /// Whether a contract gives no such answer; an endpoint that lies or is silent is not meant.
    pub(crate) fn is_no_answer(&self) -> bool {
        matches!(self, Self::Proven(ProvenError::Read(_)))
    }

    /// A compose file's failure, with the file's name.
    pub(crate) fn in_file(path: &Path) -> impl FnOnce(ComposeError) -> Self {
        move |source| Self::Compose { path: path.into(), source }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::File(error) => error.exit(),
            Self::Network(error) => error.exit(),
            Self::Chain(error) => error.exit(),
            Self::Compose { source, .. } => source.exit(),
            Self::Agent(error) => error.exit(),
            Self::App(error) => error.exit(),
            Self::Committee(error) => error.exit(),
            Self::Calls(error) => error.exit(),
            Self::Decode(error) => error.exit(),
            Self::NoVerb(_) => Exit::Usage,
            Self::Governor(error) => error.exit(),
            Self::Unreadable(_) => Exit::Denied,
            Self::Text(error) => text_exit(error),
            Self::Signer(error) => error.exit(),
            Self::Send(error) => error.exit(),
            Self::Proven(error) => error.exit(),
            Self::Simulate(error) => error.exit(),
            Self::Diff(error) => error.exit(),
            Self::Source(error) => error.exit(),
            Self::Audit(error) => error.exit(),
            Self::Publish(error) => error.exit(),
            Self::Watch(error) => error.exit(),
            Self::Output(_) => Exit::Internal,
        }
    }

    /// What to do about it, a line each.
    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::File(error) => error.hints(),
            Self::Network(error) => error.hints(),
            Self::Chain(error) => error.hints(),
            Self::Compose { source, .. } => source.hints(),
            Self::Agent(error) => error.hints(),
            Self::App(error) => error.hints(),
            Self::Committee(error) => error.hints(),
            Self::Calls(error) => error.hints(),
            Self::Decode(error) => error.hints(),
            Self::NoVerb(_) => vec!["quorate --help lists the verbs".into()],
            Self::Governor(error) => error.hints(),
            Self::Unreadable(_) => Vec::new(),
            Self::Text(error) => text_hints(error),
            Self::Signer(error) => error.hints(),
            Self::Send(error) => error.hints(),
            Self::Proven(error) => error.hints(),
            Self::Simulate(error) => error.hints(),
            Self::Diff(error) => error.hints(),
            Self::Source(error) => error.hints(),
            Self::Audit(error) => error.hints(),
            Self::Publish(error) => error.hints(),
            Self::Watch(error) => error.hints(),
            Self::Output(_) => Vec::new(),
        }
    }
}

/// The exit code of a text that can't stand for its calls.
pub(crate) fn text_exit(error: &TextError) -> Exit {
    match error {
        TextError::Title => Exit::Usage,
        _ => Exit::Denied,
    }
}

/// What to do about it.
pub(crate) fn text_hints(error: &TextError) -> Vec<String> {
    match error {
        TextError::Title => Vec::new(),
        _ => vec![
            "what counts are the calls: read them, and vote against a text that hides what they do"
                .into(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::B256;

    #[test]
    fn a_text_that_hides_something_has_an_exit_code_of_its_own() {
        // [GOV-20]
        let hides = Failure::from(TextError::Stray(B256::ZERO));
        assert_eq!((hides.exit(), hides.hints().len()), (Exit::Denied, 1));
        let untitled = Failure::from(TextError::Title);
        assert_eq!((untitled.exit(), untitled.hints().len()), (Exit::Usage, 0));
    }
}
