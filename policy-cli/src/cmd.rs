//! The verbs, one file each.

pub(crate) mod app;
pub(crate) mod approve;
pub(crate) mod at_once;
pub(crate) mod completions;
pub(crate) mod compose;
pub(crate) mod diff;
pub(crate) mod hash;
pub(crate) mod revoke;
pub(crate) mod simulate;
pub(crate) mod status;
pub(crate) mod verify;

use crate::{
    chain::Chain,
    cli::{Global, Verb},
    exit::Exit,
    failure::Failure,
    network::Target,
    output::Output,
};

pub(crate) async fn run(
    verb: Verb,
    global: &Global,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::App(app::App::Create(create)) => create.run(global, output).await,
        Verb::Approve(approve) => approve.run(global, output).await,
        Verb::Revoke(revoke) => revoke.run(global, output).await,
        Verb::Hash(hash) => hash.run(output),
        Verb::Compose(compose) => compose.run(global, output).await,
        Verb::Diff(diff) => diff.run(global, output).await,
        Verb::Verify(verify::Verify::Source(source)) => source.run(global, output).await,
        Verb::Simulate(simulate) => simulate.run(global, output).await,
        Verb::Status(status) => status.run(global, output).await,
        Verb::Completions(completions) => completions.run(output),
    }
}

async fn connect(global: &Global) -> Result<Chain, Failure> {
    Chain::connect(Target::load(global)?).await
}
