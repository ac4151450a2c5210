//! The verbs, one file each.

pub(crate) mod app;
pub(crate) mod approve;
pub(crate) mod at_once;
pub(crate) mod audit;
pub(crate) mod completions;
pub(crate) mod compose;
pub(crate) mod decode;
pub(crate) mod delegate;
pub(crate) mod diff;
pub(crate) mod epoch;
pub(crate) mod hash;
pub(crate) mod image;
pub(crate) mod listed;
pub(crate) mod man;
pub(crate) mod managed;
pub(crate) mod node_code;
pub(crate) mod operator;
pub(crate) mod propose;
pub(crate) mod proposed;
pub(crate) mod publish;
pub(crate) mod revoke;
pub(crate) mod root;
pub(crate) mod seat;
pub(crate) mod simulate;
pub(crate) mod status;
pub(crate) mod verify;
pub(crate) mod vote;
pub(crate) mod watch;

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
        Verb::App(app) => app.run(global, output).await,
        Verb::Approve(approve) => approve.run(global, output).await,
        Verb::Revoke(revoke) => revoke.run(global, output).await,
        Verb::Hash(hash) => hash.run(output),
        Verb::Compose(compose) => compose.run(global, output).await,
        Verb::Diff(diff) => diff.run(global, output).await,
        Verb::Verify(verify::Verify::Source(source)) => source.run(global, output).await,
        Verb::Simulate(simulate) => simulate.run(global, output).await,
        Verb::Status(status) => status.run(global, output).await,
        Verb::Measurement(measurement) => measurement.run(global, output).await,
        Verb::Device(device) => device.run(global, output).await,
        Verb::Root(root) => root.run(global, output).await,
        Verb::Image(image) => image.run(global, output).await,
        Verb::Seat(seat) => seat.run(global, output).await,
        Verb::NodeCode(code) => code.run(global, output).await,
        Verb::Operator(operator) => operator.run(global, output).await,
        Verb::Epoch(epoch) => epoch.run(global, output).await,
        Verb::Propose(propose) => propose.run(global, output).await,
        Verb::Publish(publish) => publish.run(output).await,
        Verb::Vote(vote) => vote.run(global, output).await,
        Verb::Delegate(delegate) => delegate.run(global, output).await,
        Verb::Queue(queue) => queue.run(global, output).await,
        Verb::Execute(execute) => execute.run(global, output).await,
        Verb::Cancel(cancel) => cancel.run(global, output).await,
        Verb::Veto(veto) => veto.run(global, output).await,
        Verb::Decode(decode) => decode.run(global, output).await,
        Verb::Man(man) => man.run(output),
        Verb::Verify(verify::Verify::Bundle(bundle)) => bundle.run(global, output),
        Verb::Audit(audit) => audit.run(global, output).await,
        Verb::Watch(watch) => watch.run(global, output).await,
        Verb::Completions(completions) => completions.run(output),
    }
}

async fn connect(global: &Global) -> Result<Chain, Failure> {
    Chain::connect(Target::load(global)?).await
}
