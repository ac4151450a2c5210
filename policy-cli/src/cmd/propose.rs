//! `quorate propose`: any calls together, as one proposal. A verb's own call is proposed by its `--propose`.

use crate::{
    calls::{CallsError, batch, call},
    cli::Global,
    compose::{compose_hash, difference, docker_compose_of, images},
    exit::Exit,
    failure::Failure,
    file,
    output::Output,
    send::{ANYBODY, About, Call, DirectArgs, Facts, ProposalWords, Route, carry_out_proposal},
    values,
};
use alloy::primitives::Address;
use clap::{ArgGroup, Args};
use std::path::PathBuf;

const AFTER: &str = "The text gets a block `quorate` that names every hash the calls approve, and ends with #proposer=ADDRESS where the
sender is known, so that nobody can take its id before it.

Example:
  quorate propose \"Upgrade to v2\" --batch batch.json --compose app-compose.json --network network.toml";

/// Proposes calls to the Governor, with a text that names what they approve
#[derive(Args)]
#[command(after_help = AFTER, group = ArgGroup::new("what").required(true).multiple(true))]
pub(crate) struct Propose {
    /// The first heading of its text
    #[arg(value_name = "TITLE")]
    title: String,
    /// A call, as ADDRESS:CALLDATA; repeat it
    #[arg(long = "call", value_name = "CALL", value_parser = call, group = "what")]
    calls: Vec<Call>,
    /// The calls of a batch for Safe's Transaction Builder, as --out safe-batch writes it; repeat it
    #[arg(long = "batch", value_name = "FILE", group = "what")]
    batches: Vec<PathBuf>,
    /// The app-compose.json behind a hash that is approved: its images go into the text; repeat it
    #[arg(long = "compose", value_name = "FILE")]
    composes: Vec<PathBuf>,
    /// The app-compose.json before; the difference goes into the text
    #[arg(long, value_name = "FILE", requires = "composes")]
    against: Option<PathBuf>,
    #[command(flatten)]
    words: ProposalWords,
    /// The Governor, instead of the network file's
    #[arg(long, value_name = "ADDRESS", value_parser = values::address)]
    governor: Option<Address>,
    #[command(flatten)]
    send: DirectArgs,
}

impl Propose {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = super::connect(global).await?;
        let mut calls = self.calls.clone();
        for path in &self.batches {
            calls.extend(batch(path, chain.network.chain.id)?);
        }
        let about = self.about(&calls)?;
        let sender = self.send.sender(ANYBODY, output)?;
        let proposer = Some(sender.address).filter(|address| !address.is_zero());
        let route =
            Route::to_governor(&chain, &self.title, self.governor, &self.words, proposer).await?;
        let request = ("quorate.propose", Facts::default(), about, None);
        carry_out_proposal(&chain, sender.through(route), calls, request, output).await
    }

    fn about(&self, calls: &[Call]) -> Result<About, Failure> {
        let approved = proposal::approvals(calls)?;
        let (mut about, mut last) = (About::default(), String::new());
        for path in &self.composes {
            let bytes = file::read(path)?;
            last = docker_compose_of(&bytes).map_err(Failure::in_file(path))?;
            let hash = compose_hash(&bytes).into();
            if !approved.iter().any(|approval| approval.hash == hash) {
                return Err(CallsError::NotApproved { path: path.clone(), hash }.into());
            }
            let names = images(&last).into_iter().map(|image| image.reference).collect();
            about.images.push((hash, names));
        }
        if let Some(path) = &self.against {
            let before = docker_compose_of(&file::read(path)?).map_err(Failure::in_file(path))?;
            about.diff = difference(&before, &last);
        }
        Ok(about)
    }
}
