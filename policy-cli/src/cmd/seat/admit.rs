//! `quorate seat admit`: gives a candidate a seat, by one vote for all that it lacks.

use crate::{
    chain::Chain,
    cmd::managed::{Duty, Managed, ManagedArgs},
    committee,
    exit::Exit,
    failure::Failure,
    output::Output,
    values,
};
use abi::KmsCommittee;
use alloy::primitives::Address;
use clap::Args;
use serde_json::json;

const AFTER: &str = "The node has posted its statement, and its quote with it: anybody can check it (quorate seat list). Operator and code must
be those that governance has assigned and approved; --with-operator and --with-code do so in the same proposal. A seat
holds no share before a ceremony gives it one (quorate epoch open).

Example:
  quorate seat admit 0x1111111111111111111111111111111111111111 --with-operator --with-code https://example.org/node --propose \"A sixth node\" --network network.toml";

/// Gives a candidate a seat, after the delay of the committee's governance
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Admit {
    /// The candidate's signing address
    #[arg(value_name = "SIGNER", value_parser = values::address)]
    signer: Address,
    /// Assign it to the operator that its statement names, in the same proposal
    #[arg(long, requires = "propose")]
    with_operator: bool,
    /// Approve the code that its statement names, in the same proposal; URI is where that can be read
    #[arg(long, value_name = "URI", requires = "propose")]
    with_code: Option<String>,
    #[command(flatten)]
    send: ManagedArgs,
}

impl Admit {
    pub(super) async fn run(
        &self,
        chain: &Chain,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let (signer, to) = (self.signer, chain.contracts.kms_committee);
        let candidate = committee::asking(chain, signer).await?;
        let call = KmsCommittee::admitSeatCall { signer };
        let mut wanted = Managed::new(("quorate.seat.admit", Duty::Grant), to, &call);
        if let Some(uri) = &self.with_code {
            let call = KmsCommittee::approveNodeCodeCall {
                osImageHash: candidate.os_image_hash,
                composeHash: candidate.compose_hash,
                uri: uri.clone(),
            };
            wanted = wanted.after(to, &call);
        }
        if self.with_operator {
            let operator = candidate.operator_label;
            let call = KmsCommittee::assignOperatorCall { signer, operator };
            wanted = wanted.after(to, &call);
        }
        let (words, fields) = (candidate.words(), json!(candidate));
        wanted.facts.add("candidate", words, "candidate", fields);
        wanted.carry_out(chain, &self.send, output).await
    }
}
