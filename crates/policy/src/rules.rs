//! The chain's rules: its id, and which fork of the EVM is in force when.
//! Spec: docs/spec/policy.md [POL-2]. From the node's measured configuration.

use revm::primitives::hardfork::SpecId;
use wire::{UnixSeconds, network::Fork};

/// What every run has to know of the chain beside its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainRules {
    /// EIP-155 chain id: CHAINID.
    pub chain_id: u64,
    /// Which EVM.
    pub forks: ForkSchedule,
}

/// Forks by the block time from which they are in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkSchedule {
    first: Fork,
    later: Vec<(UnixSeconds, Fork)>,
}

impl ForkSchedule {
    /// One fork for ever; later ones by [`ForkSchedule::then`].
    pub const fn constant(fork: Fork) -> Self {
        Self { first: fork, later: Vec::new() }
    }

    /// `fork` is in force in blocks from time `from` on.
    #[must_use]
    pub fn then(mut self, from: UnixSeconds, fork: Fork) -> Self {
        self.later.push((from, fork));
        self.later.sort_by_key(|(from, _)| *from);
        self
    }

    /// The fork in force in a block of this time.
    pub fn at(&self, time: UnixSeconds) -> Fork {
        let in_force = self.later.iter().rev().find(|(from, _)| *from <= time);
        in_force.map_or(self.first, |(_, fork)| *fork)
    }
}

/// The EVM of a fork.
pub(crate) fn spec_id(fork: Fork) -> SpecId {
    match fork {
        Fork::Prague => SpecId::PRAGUE,
        Fork::Osaka => SpecId::OSAKA,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_is_in_force_from_its_time_on() {
        // [POL-2]
        let forks = ForkSchedule::constant(Fork::Prague).then(UnixSeconds(100), Fork::Osaka);
        assert_eq!(forks.at(UnixSeconds(99)), Fork::Prague);
        assert_eq!(forks.at(UnixSeconds(100)), Fork::Osaka);
        assert_eq!(ForkSchedule::constant(Fork::Osaka).at(UnixSeconds(0)), Fork::Osaka);
    }
}
