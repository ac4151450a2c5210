//! The Governor of a network: where it is, in whose name it acts, and its proposals.
//!
//! A proposal's calls and text are read from its event and are believed only because their hash is the proposal's id. [GOV-22]

use crate::{
    chain::{Chain, ChainError},
    exit::Exit,
    failure::Failure,
    output::Output,
    search,
    send::Call,
    values,
};
use abi::QuorateGovernor;
use alloy::primitives::{Address, U256};
use alloy::sol;
use clap::Args;
use proposal::{proposal_id, rows};

sol! {
    /// What a Governor with a TimelockController has beside the functions of ours.
    interface ITimelocked {
        function timelock() external view returns (address);
    }
}

const GOVERNOR: &str = "Governor";

/// Which Governor.
#[derive(Args, Default)]
pub(crate) struct GovernorArgs {
    /// The Governor, instead of the network file's
    #[arg(long, value_name = "ADDRESS", value_parser = values::address)]
    pub(crate) governor: Option<Address>,
    /// Block before which no proposal is searched
    #[arg(long, value_name = "BLOCK", default_value_t = 0)]
    pub(crate) from_block: u64,
}

/// Why there is no Governor or no proposal to act on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GovernorError {
    #[error("no Governor is named")]
    Unnamed,
    #[error("{governor} has no proposal {id}")]
    NotFound { governor: Address, id: U256 },
    #[error("{governor} has proposal {id}, and the endpoint does not tell its event")]
    NotTold { governor: Address, id: U256 },
    #[error("the endpoint tells other calls or another text than those of proposal {id}")]
    NotItsContent { id: U256 },
}

impl GovernorError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Unnamed => Exit::Usage,
            Self::NotFound { .. } => Exit::NotFound,
            Self::NotTold { .. } | Self::NotItsContent { .. } => Exit::Network,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::Unnamed => {
                vec![
                    "give --governor ADDRESS, or governor in [governance] of the network file"
                        .into(),
                ]
            }
            Self::NotFound { .. } => {
                vec!["--governor says where it is looked for".into()]
            }
            Self::NotTold { .. } => {
                vec!["another endpoint, --rpc-url URL, or a smaller --from-block".into()]
            }
            Self::NotItsContent { .. } => {
                vec!["another endpoint: --rpc-url URL or ETH_RPC_URL".into()]
            }
        }
    }
}

/// A Governor, and the account that its proposals act as.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Governor {
    pub(crate) address: Address,
    pub(crate) executor: Address,
}

/// The one that is named, or the network file's.
pub(crate) async fn find(chain: &Chain, named: Option<Address>) -> Result<Governor, Failure> {
    let of_file = chain.network.governance.as_ref().and_then(|governance| governance.governor);
    let address = named.or(of_file).ok_or(GovernorError::Unnamed)?;
    // Not every Governor has a timelock; one that has acts through it.
    let executor = match chain.view(GOVERNOR, address, &ITimelocked::timelockCall {}).await {
        Ok(timelock) => timelock,
        Err(ChainError::NotTheContract { .. }) => address,
        Err(other) => return Err(other.into()),
    };
    // Names the mistake before anything is built on it.
    chain.view(GOVERNOR, address, &QuorateGovernor::votingDelayCall {}).await?;
    Ok(Governor { address, executor })
}

/// A proposal as its event tells it.
#[derive(Clone, Debug)]
pub(crate) struct Proposal {
    pub(crate) governor: Address,
    pub(crate) id: U256,
    pub(crate) proposer: Address,
    pub(crate) calls: Vec<Call>,
    pub(crate) description: String,
    /// In the Governor's clock, as `voteEnd`.
    pub(crate) vote_start: U256,
    pub(crate) vote_end: U256,
}

impl Proposal {
    pub(crate) async fn find(
        chain: &Chain,
        id: U256,
        args: &GovernorArgs,
        output: &mut Output<'_>,
    ) -> Result<Self, Failure> {
        let governor = find(chain, args.governor).await?.address;
        let call = QuorateGovernor::proposalSnapshotCall { proposalId: id };
        let snapshot = chain.view(GOVERNOR, governor, &call).await?;
        if snapshot.is_zero() {
            return Err(GovernorError::NotFound { governor, id }.into());
        }
        let at = (governor, snapshot);
        let is_it = |event: &QuorateGovernor::ProposalCreated| event.proposalId == id;
        let event = search::proposal(chain, at, args.from_block, output, is_it).await?;
        let event = event.ok_or(GovernorError::NotTold { governor, id })?;
        Ok(Self::of_event(governor, id, event)?)
    }

    /// The event's calls and text, if they are those of proposal `id`.
    fn of_event(
        governor: Address,
        id: U256,
        event: QuorateGovernor::ProposalCreated,
    ) -> Result<Self, GovernorError> {
        let calls = rows(event.targets, event.values, event.calldatas)
            .filter(|calls| proposal_id(calls, &event.description) == id)
            .ok_or(GovernorError::NotItsContent { id })?;
        Ok(Self {
            governor,
            id,
            proposer: event.proposer,
            calls,
            description: event.description,
            vote_start: event.voteStart,
            vote_end: event.voteEnd,
        })
    }

    pub(crate) async fn state(&self, chain: &Chain) -> Result<State, ChainError> {
        let call = QuorateGovernor::stateCall { proposalId: self.id };
        Ok(State(chain.view(GOVERNOR, self.governor, &call).await?))
    }

    /// Against, for, abstain.
    pub(crate) async fn votes(&self, chain: &Chain) -> Result<[U256; 3], ChainError> {
        let call = QuorateGovernor::proposalVotesCall { proposalId: self.id };
        let votes = chain.view(GOVERNOR, self.governor, &call).await?;
        Ok([votes.againstVotes, votes.forVotes, votes.abstainVotes])
    }
}

/// A proposal's state, as OpenZeppelin counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State(u8);

impl State {
    pub(crate) fn word(self) -> &'static str {
        proposal::state::word(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> QuorateGovernor::ProposalCreated {
        QuorateGovernor::ProposalCreated {
            proposalId: U256::ZERO,
            proposer: Address::repeat_byte(1),
            targets: vec![Address::repeat_byte(2)],
            values: vec![U256::ZERO],
            signatures: vec![String::new()],
            calldatas: vec![vec![1, 2, 3, 4].into()],
            voteStart: U256::ZERO,
            voteEnd: U256::ZERO,
            description: "# Honest".into(),
        }
    }

    /// [GOV-22]
    #[test]
    fn calls_and_text_that_do_not_hash_to_the_id_are_not_believed() {
        let (governor, told) = (Address::repeat_byte(9), event());
        let calls = rows(told.targets, told.values, told.calldatas).unwrap();
        let id = proposal_id(&calls, &told.description);
        assert_eq!(Proposal::of_event(governor, id, event()).unwrap().calls, calls);
        let mut forged = [event(), event(), event(), event()];
        forged[0].description = "# Other".into();
        forged[1].targets[0] = Address::repeat_byte(3);
        forged[2].values.push(U256::ZERO);
        forged[3].calldatas[0] = vec![1, 2, 3, 5].into();
        for event in forged {
            let refused = Proposal::of_event(governor, id, event).unwrap_err();
            assert!(matches!(refused, GovernorError::NotItsContent { .. }), "{refused}");
        }
    }
}
