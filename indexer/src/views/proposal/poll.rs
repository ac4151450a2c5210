//! How a vote stands: options, voters, times, what became of it. The Governor's clock is seconds or blocks, as its token's.

use super::Content;
use crate::views::{Event, Moment, Place};
use alloy_primitives::{Address, U256};
use anyhow::Result;
use serde::{Serialize, Serializer};

/// Numbers above are seconds since 1970, numbers below are blocks.
const FIRST_SECOND: u64 = 1_000_000_000;

/// What was voted for, as OpenZeppelin counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Support {
    Against,
    For,
    Abstain,
    /// A counting that is not the simple one.
    Other,
}

impl Support {
    /// In the order in which pages tell them.
    pub(crate) const TOLD: [Self; 3] = [Self::For, Self::Against, Self::Abstain];

    fn of(code: u64) -> Self {
        match code {
            0 => Self::Against,
            1 => Self::For,
            2 => Self::Abstain,
            _ => Self::Other,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Against => "against",
            Self::For => "for",
            Self::Abstain => "abstain",
            Self::Other => "other",
        }
    }

    /// A shape of its own for each. [EXP-6]
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::For => "▲",
            Self::Against => "▼",
            Self::Abstain => "●",
            Self::Other => "·",
        }
    }
}

/// One vote.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Vote {
    pub(crate) voter: Address,
    pub(crate) support: Support,
    /// In the token's smallest unit.
    #[serde(serialize_with = "in_decimal")]
    pub(crate) weight: U256,
    pub(crate) reason: String,
    pub(crate) place: Place,
}

/// The votes of one option together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Ballot {
    pub(crate) support: Support,
    #[serde(serialize_with = "in_decimal")]
    pub(crate) weight: U256,
    pub(crate) voters: usize,
}

/// A time in the Governor's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Clock {
    /// Unix seconds.
    Second(u64),
    Block(u64),
}

impl Clock {
    pub(crate) fn of(number: U256) -> Self {
        match u64::try_from(number) {
            Ok(second) if second >= FIRST_SECOND => Self::Second(second),
            Ok(block) => Self::Block(block),
            Err(_) => Self::Second(u64::MAX),
        }
    }

    fn is_over(self, now: &Moment) -> bool {
        match self {
            Self::Second(second) => second < now.time,
            Self::Block(block) => block < now.block.number,
        }
    }
}

/// Where a proposal is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// The vote has not begun.
    Pending,
    Open,
    /// The vote is over and not more were for it than against.
    Defeated,
    /// The vote is over, with more for it than against; whether the quorum was reached the Governor says when it is queued.
    Ended,
    /// Accepted; its delay runs.
    Queued,
    /// Accepted, and its delay is over.
    Executable,
    Executed,
    /// By its proposer, or a veto of the guardian.
    Cancelled,
}

impl State {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pending => "waits for its vote",
            Self::Open => "open for votes",
            Self::Defeated => "defeated",
            Self::Ended => "vote is over",
            Self::Queued => "accepted, its delay runs",
            Self::Executable => "may be executed",
            Self::Executed => "executed",
            Self::Cancelled => "cancelled or vetoed",
        }
    }

    /// Whether it can't take effect any more.
    pub(crate) fn is_dead(self) -> bool {
        matches!(self, Self::Defeated | Self::Cancelled)
    }
}

/// A vote and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Poll {
    pub(crate) state: State,
    pub(crate) vote_start: Clock,
    pub(crate) vote_end: Clock,
    /// A late quorum made the vote longer.
    pub(crate) is_extended: bool,
    /// For, against, abstain.
    pub(crate) ballots: Vec<Ballot>,
    /// The heaviest first.
    pub(crate) votes: Vec<Vote>,
    /// More events than are folded: the votes told here are not all.
    pub(crate) is_cut: bool,
    pub(crate) queued: Option<Place>,
    /// Before this second nothing of it takes effect; `None`: its clock counts blocks, or it can't any more.
    pub(crate) effect_not_before: Option<u64>,
    pub(crate) executed: Option<Place>,
    pub(crate) cancelled: Option<Place>,
}

impl Poll {
    /// From a proposal's events, in the chain's order, with extensions of its vote.
    pub(super) fn fold(
        content: &Content,
        events: &[Event],
        base_delay: Option<u64>,
        now: &Moment,
    ) -> Result<Self> {
        let mut poll = Self {
            state: State::Pending,
            vote_start: Clock::of(content.vote_start),
            vote_end: Clock::of(content.vote_end),
            is_extended: false,
            ballots: Vec::new(),
            votes: Vec::new(),
            is_cut: false,
            queued: None,
            effect_not_before: None,
            executed: None,
            cancelled: None,
        };
        let mut eta = None;
        for event in events {
            let (args, place) = (&event.args, event.place);
            match event.name() {
                "VoteCast" | "VoteCastWithParams" => poll.votes.push(Vote {
                    voter: args.address("voter")?,
                    support: Support::of(args.number("support")?),
                    weight: args.text("weight")?.parse()?,
                    reason: args.text("reason")?.to_owned(),
                    place,
                }),
                "ProposalExtended" => {
                    poll.vote_end = Clock::of(U256::from(args.number("extendedDeadline")?));
                    poll.is_extended = true;
                }
                "ProposalQueued" => {
                    poll.queued = Some(place);
                    eta = args.number("etaSeconds").ok();
                }
                "ProposalExecuted" => poll.executed = Some(place),
                "ProposalCanceled" => poll.cancelled = Some(place),
                _ => {}
            }
        }
        poll.ballots = Support::TOLD.map(|support| poll.ballot(support)).to_vec();
        poll.votes.sort_by_key(|vote| std::cmp::Reverse(vote.weight));
        poll.state = poll.state_at(eta, now);
        poll.effect_not_before = match (poll.state, eta, poll.vote_end) {
            (State::Executed | State::Cancelled | State::Defeated, ..) => None,
            (_, Some(eta), _) => Some(eta),
            (_, None, Clock::Second(end)) => base_delay.map(|delay| end.saturating_add(delay)),
            (_, None, Clock::Block(_)) => None,
        };
        Ok(poll)
    }

    fn ballot(&self, support: Support) -> Ballot {
        let of = self.votes.iter().filter(|vote| vote.support == support);
        let weight = of.clone().fold(U256::ZERO, |sum, vote| sum.saturating_add(vote.weight));
        Ballot { support, weight, voters: of.count() }
    }

    pub(crate) fn weight(&self, support: Support) -> U256 {
        let found = self.ballots.iter().find(|ballot| ballot.support == support);
        found.map_or(U256::ZERO, |ballot| ballot.weight)
    }

    fn state_at(&self, eta: Option<u64>, now: &Moment) -> State {
        match () {
            () if self.executed.is_some() => State::Executed,
            () if self.cancelled.is_some() => State::Cancelled,
            () if self.queued.is_some() && eta.is_some_and(|eta| eta > now.time) => State::Queued,
            () if self.queued.is_some() => State::Executable,
            () if !self.vote_start.is_over(now) => State::Pending,
            () if !self.vote_end.is_over(now) => State::Open,
            () if self.weight(Support::For) > self.weight(Support::Against) => State::Ended,
            () => State::Defeated,
        }
    }
}

fn in_decimal<S: Serializer>(number: &U256, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(number)
}
