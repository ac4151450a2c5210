//! `quorate delegate`: whose voice the sender's votes have.

use crate::{
    cli::Global,
    exit::Exit,
    failure::Failure,
    governor,
    output::Output,
    send::{ANYBODY, Call, DirectArgs, Facts, Request, carry_out},
    values,
    words::account,
};
use abi::{QuorateGovernor, VotesToken};
use alloy::primitives::Address;
use clap::Args;
use serde_json::json;

const AFTER: &str = "Votes count for a proposal as they were delegated when its vote began.

Example:
  quorate delegate 0x1111111111111111111111111111111111111111 --network network.toml";

/// Delegates the sender's votes
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Delegate {
    /// Who votes with them; yourself, to vote yourself
    #[arg(value_name = "ADDRESS", value_parser = values::address)]
    to: Address,
    /// The votes token, instead of the Governor's
    #[arg(long, value_name = "ADDRESS", value_parser = values::address)]
    token: Option<Address>,
    /// The Governor, instead of the network file's
    #[arg(long, value_name = "ADDRESS", value_parser = values::address)]
    governor: Option<Address>,
    #[command(flatten)]
    send: DirectArgs,
}

impl Delegate {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = super::connect(global).await?;
        let token = match self.token {
            Some(token) => token,
            None => {
                let governor = governor::find(&chain, self.governor).await?.address;
                chain.view("Governor", governor, &QuorateGovernor::tokenCall {}).await?
            }
        };
        let sender = self.send.sender(ANYBODY, output)?;
        let mut facts = Facts::default();
        let call = VotesToken::delegatesCall { account: sender.address };
        let before = chain.view("VotesToken", token, &call).await?;
        facts.add("until now", account(before), "delegatedBefore", json!(before));
        let call = Call::new(token, &VotesToken::delegateCall { delegatee: self.to });
        let request = Request::new("quorate.delegate", call, facts);
        carry_out(&chain, sender, request, output, |_| Facts::default()).await
    }
}
