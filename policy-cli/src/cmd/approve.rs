//! `quorate approve`: lets code have an app's keys, after the app's grant delay.

use crate::{
    agent::{self, ReleaseChoice},
    apps::App,
    chain::Chain,
    cli::Global,
    compose::{compose_hash, difference, docker_compose_of, images},
    exit::Exit,
    failure::Failure,
    file,
    output::Output,
    send::{About, Call, Facts, Request, SendArgs, Sent, carry_out},
    values, words,
};
use abi::AllowlistPolicy;
use alloy::primitives::{Address, B256};
use alloy::sol_types::SolEvent;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

const AFTER: &str = "The owner sends it, or --propose puts it to the vote of the Governor that owns the app. It counts after the grant delay;
until then the owner or the guardian can revoke it.

Example:
  quorate approve 0x1111111111111111111111111111111111111111 --compose app-compose.json --uri https://example.org/app-compose.json --network network.toml";

/// Approves a compose hash for an app; it counts after the app's grant delay
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Approve {
    /// The app's id
    #[arg(value_name = "APP", value_parser = values::address)]
    app: Address,
    /// The compose hash
    #[arg(value_name = "HASH", value_parser = values::hash, required_unless_present = "compose")]
    hash: Option<B256>,
    /// Hash this app-compose.json, and refuse it if it is for another network; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "hash")]
    compose: Option<PathBuf>,
    /// The app-compose.json before; the difference goes into the text of the proposal
    #[arg(long, value_name = "FILE", requires = "compose", requires = "propose")]
    against: Option<PathBuf>,
    /// Where the text behind the hash can be read
    #[arg(long, default_value = "", hide_default_value = true)]
    uri: String,
    #[command(flatten)]
    send: SendArgs,
}

impl Approve {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = super::connect(global).await?;
        let app = App::find(&chain, self.app).await?;
        let policy = app.allowlist()?;
        let (hash, about) = self.code(&chain, output).await?;
        if self.uri.is_empty() {
            output.warn("no --uri: nobody can read what this hash stands for")?;
        }
        let delay =
            chain.view("AllowlistPolicy", policy, &AllowlistPolicy::grantDelayCall {}).await?;
        let effective_at = chain.head.time.saturating_add(u64::from(delay));
        let sender = self.send.sender(&chain, app.owner(), output).await?;
        let mut facts = Facts::default();
        if sender.is_rehearsal() {
            let words = format!(
                "{} if mined now: {} after its block",
                words::moment(effective_at),
                words::duration(delay.into())
            );
            facts.add("effective", words, "effectiveAt", json!(effective_at));
        }
        let call =
            AllowlistPolicy::approveComposeHashCall { composeHash: hash, uri: self.uri.clone() };
        let request =
            Request { about, ..Request::new("quorate.approve", Call::new(policy, &call), facts) };
        carry_out(&chain, sender, request, output, effective).await
    }

    /// The compose hash, and what its file says to voters.
    async fn code(&self, chain: &Chain, output: &mut Output<'_>) -> Result<(B256, About), Failure> {
        let Some(path) = &self.compose else {
            // clap requires one of the two.
            return Ok((self.hash.unwrap_or_default(), About::default()));
        };
        let bytes = file::read(path)?;
        let docker_compose = docker_compose_of(&bytes).map_err(Failure::in_file(path))?;
        let here = agent::block(chain, self.app, ReleaseChoice::Head).await?;
        agent::judge(&bytes, &here, output)?;
        let hash = compose_hash(&bytes).into();
        let mut about = About { images: vec![(hash, names(&docker_compose))], ..About::default() };
        if let Some(path) = &self.against {
            let before = docker_compose_of(&file::read(path)?).map_err(Failure::in_file(path))?;
            about.diff = difference(&before, &docker_compose);
        }
        Ok((hash, about))
    }
}

fn names(docker_compose: &str) -> Vec<String> {
    images(docker_compose).into_iter().map(|image| image.reference).collect()
}

/// When it counts, from the event.
fn effective(sent: &Sent) -> Facts {
    let mut facts = Facts::default();
    for log in &sent.logs {
        if let Ok(event) = AllowlistPolicy::ComposeHashApproved::decode_log(&log.inner) {
            let at = event.effectiveAt;
            facts.add("effective", words::moment(at), "effectiveAt", json!(at));
        }
    }
    facts
}
