//! `quorate app`: what concerns an app as a whole.

mod create;
mod freeze;
mod guardian;
mod lock;
mod policy;
mod rotate;
mod show;
mod thaw;
mod transfer;
mod vendors;

use crate::{
    apps::App as Found,
    chain::Chain,
    cli::Global,
    exit::Exit,
    failure::Failure,
    output::Output,
    send::{Call, Facts, Request, SendArgs, Sender, carry_out},
    words::{duration, moment},
};
use alloy::sol_types::SolCall;
use clap::Subcommand;
use serde_json::json;

const AFTER: &str = "Example:
  quorate app create --help";

/// Creates apps, shows them, and changes what AppRegistry holds of them
#[derive(Subcommand)]
#[command(disable_help_subcommand = true, after_help = AFTER)]
pub(crate) enum App {
    Create(Box<create::Create>),
    Show(show::Show),
    Policy(policy::Policy),
    Vendors(vendors::Vendors),
    Transfer(transfer::Transfer),
    Guardian(guardian::Guardian),
    Freeze(freeze::Freeze),
    Thaw(thaw::Thaw),
    Rotate(rotate::Rotate),
    Lock(lock::Lock),
}

impl App {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        match self {
            Self::Create(create) => create.run(global, output).await,
            Self::Show(show) => show.run(global, output).await,
            Self::Policy(policy) => policy.run(global, output).await,
            Self::Vendors(vendors) => vendors.run(global, output).await,
            Self::Transfer(transfer) => transfer.run(global, output).await,
            Self::Guardian(guardian) => guardian.run(global, output).await,
            Self::Freeze(freeze) => freeze.run(global, output).await,
            Self::Thaw(thaw) => thaw.run(global, output).await,
            Self::Rotate(rotate) => rotate.run(global, output).await,
            Self::Lock(lock) => lock.run(global, output).await,
        }
    }
}

/// A grant in AppRegistry: the owner's, and it counts after the delay.
async fn grant(
    (chain, app): (&Chain, &Found),
    schema: &'static str,
    call: &impl SolCall,
    send: &SendArgs,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let sender = send.sender(chain, app.owner(), output).await?;
    let facts = after_the_delay(chain, app, &sender).await?;
    let request = Request::new(schema, Call::new(app.registry, call), facts);
    carry_out(chain, sender, request, output, |_| Facts::default()).await
}

async fn after_the_delay(chain: &Chain, app: &Found, sender: &Sender) -> Result<Facts, Failure> {
    let mut facts = Facts::default();
    if sender.is_rehearsal() {
        let delay = app.grant_delay(chain).await?;
        let at = chain.head.time.saturating_add(delay);
        let words = format!("{} if mined now: {} after its block", moment(at), duration(delay));
        facts.add("effective", words, "effectiveAt", json!(at));
    }
    Ok(facts)
}

/// What the owner does at once.
async fn at_once(
    (chain, app): (&Chain, &Found),
    schema: &'static str,
    call: &impl SolCall,
    send: &SendArgs,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let sender = send.sender(chain, app.owner(), output).await?;
    let request = Request::new(schema, Call::new(app.registry, call), Facts::default());
    carry_out(chain, sender, request, output, |_| Facts::default()).await
}

/// What owner and guardian take away, at once.
async fn take_away(
    (chain, app): (&Chain, &Found),
    (schema, what): (&'static str, &str),
    call: &impl SolCall,
    send: &SendArgs,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let limit = chain.network.limits.max_head_age_seconds;
    let sender = send.sender(chain, app.revoker(), output).await?;
    let facts = match sender.is_rehearsal() {
        true => crate::cmd::at_once::planned(limit),
        false => Facts::default(),
    };
    let request = Request::new(schema, Call::new(app.registry, call), facts);
    let sent = |sent: &_| crate::cmd::at_once::sent(sent, what, limit);
    carry_out(chain, sender, request, output, sent).await
}
