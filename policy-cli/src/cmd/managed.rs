//! Functions that the network's AccessManager guards: who calls them, and after which delay, is its table
//! (docs/spec/governance.md).

use crate::{
    chain::{Chain, ChainError},
    cmd::at_once,
    exit::Exit,
    failure::Failure,
    output::Output,
    send::{ANYBODY, About, Call, Effect, Facts, Request, SendArgs, carry_out, carry_out_proposal},
    words::duration,
};
use abi::AccessManager;
use alloy::primitives::{Address, FixedBytes, aliases::U48};
use alloy::sol_types::SolCall;
use clap::Args;
use serde_json::json;

/// Flags of a verb of the network's governance.
#[derive(Args)]
pub(crate) struct ManagedArgs {
    /// Schedule it at the AccessManager, where the sender's role waits; send it again without this when the delay is over
    #[arg(long, conflicts_with = "propose", help_heading = "Sending")]
    schedule: bool,
    #[command(flatten)]
    send: SendArgs,
}

/// Whom the table gives the function.
#[derive(Clone, Copy)]
pub(crate) enum Duty {
    /// The governor's; it waits.
    Grant,
    /// The guardian's, at once: what the chain does no more from its block on.
    TakeAway(&'static str),
    /// The guardian's, at once; nodes that serve already are not touched.
    Withhold,
}

/// What a verb of the network's governance wants.
pub(crate) struct Managed {
    schema: &'static str,
    duty: Duty,
    /// More than one only as a proposal.
    calls: Vec<Call>,
    pub(crate) facts: Facts,
    pub(crate) about: About,
}

impl Managed {
    pub(crate) fn new(
        (schema, duty): (&'static str, Duty),
        to: Address,
        call: &impl SolCall,
    ) -> Self {
        let (facts, about) = (Facts::default(), About::default());
        Self { schema, duty, calls: vec![Call::new(to, call)], facts, about }
    }

    /// The same vote does this first. The verb's own call comes last.
    pub(crate) fn after(mut self, to: Address, call: &impl SolCall) -> Self {
        self.calls.insert(self.calls.len().saturating_sub(1), Call::new(to, call));
        self
    }

    pub(crate) async fn carry_out(
        self,
        chain: &Chain,
        args: &ManagedArgs,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let Self { schema, duty, calls, mut facts, about } = self;
        let sender = args.send.sender(chain, assumed(chain, duty), output).await?;
        let effect = Some(Effect { calls: calls.clone(), caller: sender.caller });
        let own = match <[Call; 1]>::try_from(calls) {
            Ok([own]) => own,
            Err(calls) => {
                let request = (schema, facts, about, effect);
                return carry_out_proposal(chain, sender, calls, request, output).await;
            }
        };
        let limit = chain.network.limits.max_head_age_seconds;
        if sender.is_rehearsal() {
            match duty {
                Duty::TakeAway(_) => facts.extend(at_once::planned(limit)),
                Duty::Grant => facts.extend(waits(chain, sender.caller, &own).await?),
                Duty::Withhold => {}
            }
        }
        let call = match args.schedule {
            true => {
                let (target, data) = (own.to, own.calldata);
                let schedule = AccessManager::scheduleCall { target, data, when: U48::ZERO };
                Call::new(chain.contracts.access_manager, &schedule)
            }
            false => own,
        };
        let request = Request { schema, call, facts, about, effect };
        let learned = |sent: &_| match duty {
            Duty::TakeAway(what) => at_once::sent(sent, what, limit),
            Duty::Grant | Duty::Withhold => Facts::default(),
        };
        carry_out(chain, sender, request, output, learned).await
    }
}

/// Carries out one guarded call.
pub(crate) async fn managed(
    chain: &Chain,
    verb: (&'static str, Duty),
    to: Address,
    call: &impl SolCall,
    args: &ManagedArgs,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    Managed::new(verb, to, call).carry_out(chain, args, output).await
}

/// How long the caller's role waits for this function.
async fn waits(chain: &Chain, caller: Address, call: &Call) -> Result<Facts, ChainError> {
    let mut facts = Facts::default();
    let selector = call.calldata.first_chunk::<4>().copied().unwrap_or_default();
    let view =
        AccessManager::canCallCall { caller, target: call.to, selector: FixedBytes(selector) };
    let answer = chain.view("AccessManager", chain.contracts.access_manager, &view).await?;
    if !answer.immediate && answer.delay > 0 {
        let words =
            format!("{} at the AccessManager, once scheduled", duration(answer.delay.into()));
        facts.add("waits", words, "delaySeconds", json!(answer.delay));
    }
    Ok(facts)
}

/// The holder that the network file names.
fn assumed(chain: &Chain, duty: Duty) -> (Address, &'static str) {
    let Some(governance) = &chain.network.governance else { return ANYBODY };
    let (holder, what) = match duty {
        Duty::Grant => (governance.governor, "the network's governor"),
        Duty::TakeAway(_) | Duty::Withhold => (governance.guardian, "the network's guardian"),
    };
    holder.map_or(ANYBODY, |holder| (holder, what))
}
