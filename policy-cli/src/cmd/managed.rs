//! Functions that the network's AccessManager guards: who calls them, and after which delay, is its table
//! (docs/spec/governance.md).

use crate::{
    chain::Chain,
    exit::Exit,
    failure::Failure,
    output::Output,
    send::{ANYBODY, Call, Facts, Request, SendArgs, carry_out},
};
use abi::AccessManager;
use alloy::primitives::{Address, aliases::U48};
use alloy::sol_types::SolCall;
use clap::Args;

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
    Grant,
    TakeAway,
}

/// Carries out a guarded call.
pub(crate) async fn managed(
    chain: &Chain,
    (schema, duty): (&'static str, Duty),
    to: Address,
    call: &impl SolCall,
    args: &ManagedArgs,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let sender = args.send.sender(chain, assumed(chain, duty), output).await?;
    let call = Call::new(to, call);
    let call = match args.schedule {
        true => {
            let when = U48::ZERO;
            let schedule = AccessManager::scheduleCall { target: to, data: call.calldata, when };
            Call::new(chain.contracts.access_manager, &schedule)
        }
        false => call,
    };
    let request = Request::new(schema, call, Facts::default());
    carry_out(chain, sender, request, output, |_| Facts::default()).await
}

/// The holder that the network file names.
fn assumed(chain: &Chain, duty: Duty) -> (Address, &'static str) {
    let Some(governance) = &chain.network.governance else { return ANYBODY };
    let (holder, what) = match duty {
        Duty::Grant => (governance.governor, "the network's governor"),
        Duty::TakeAway => (governance.guardian, "the network's guardian"),
    };
    holder.map_or(ANYBODY, |holder| (holder, what))
}
