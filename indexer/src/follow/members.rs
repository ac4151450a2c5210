//! Which policies ask which: members of an AllOfPolicy, the inner policy of a LicensePolicy, and theirs. Spec: docs/spec/index.md
//! [IDX-13], [IDX-14]. Trusts: nothing that a policy says of another. Prevents: an app that makes the index follow whatever it
//! names.

use crate::store::{MemberRow, NewEvent};
use alloy_primitives::Address;
use std::collections::{BTreeMap, BTreeSet};

/// Members of one policy that are followed: the first that it names. A policy of ours asks at most eight at a time.
pub(super) const MOST_MEMBERS: usize = 16;
/// Steps from a policy that AppRegistry names.
pub(super) const DEEPEST: u8 = 3;

/// A member, and the event that names it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Naming {
    pub(super) block: u64,
    pub(super) log_index: u64,
    pub(super) member: Address,
}

/// What each policy names, in the chain's order.
#[derive(Debug, Default)]
pub(super) struct Members(BTreeMap<Address, Vec<Naming>>);

impl Members {
    /// Those that the index has, in the chain's order.
    pub(super) fn new(rows: Vec<MemberRow>) -> Self {
        let mut members = Self::default();
        for MemberRow { policy, member, block, log_index } in rows {
            members.add(policy, Naming { block, log_index, member });
        }
        members
    }

    /// Takes in events; the policies that name a member in them, once more or for the first time.
    pub(super) fn note(&mut self, events: &[NewEvent]) -> BTreeSet<Address> {
        let mut namers = BTreeSet::new();
        for event in events.iter().filter(|event| event.kind.is_policy()) {
            let Some(member) = event.decoded.named_member() else { continue };
            let (block, log_index) = (event.block.number, event.log_index);
            self.add(event.contract, Naming { block, log_index, member });
            namers.insert(event.contract);
        }
        namers
    }

    /// The members of a policy that may be followed.
    pub(super) fn of(&self, policy: Address) -> Vec<Naming> {
        let named = self.0.get(&policy).into_iter().flatten();
        named.take(MOST_MEMBERS).copied().collect()
    }

    /// How many contracts are named that are not followed.
    pub(super) fn count_without(&self, is_followed: impl Fn(&Address) -> bool) -> usize {
        let named = self.0.values().flatten().map(|naming| naming.member);
        named.filter(|member| !is_followed(member)).collect::<BTreeSet<_>>().len()
    }

    /// A look back finds what was named before after what is named now.
    fn add(&mut self, policy: Address, naming: Naming) {
        let named = self.0.entry(policy).or_default();
        let place = |naming: &Naming| (naming.block, naming.log_index);
        match named.iter_mut().find(|known| known.member == naming.member) {
            Some(known) if place(known) <= place(&naming) => return,
            Some(known) => *known = naming,
            None => named.push(naming),
        }
        named.sort_by_key(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(policy: u8, member: u8, block: u64) -> MemberRow {
        let address = Address::repeat_byte;
        MemberRow { policy: address(policy), member: address(member), block, log_index: 0 }
    }

    #[test]
    fn the_first_that_are_named_count_whenever_they_become_known() {
        // [IDX-14]
        let mut rows: Vec<_> = (1..=20).map(|at| row(0xAA, at, 100 + u64::from(at))).collect();
        rows.push(row(0xAA, 1, 200));
        rows.push(row(0xAA, 20, 50));
        rows.push(row(0xBB, 30, 7));
        let members = Members::new(rows);
        let of = members.of(Address::repeat_byte(0xAA));
        let names: Vec<u8> = of.iter().map(|naming| naming.member[0]).collect();
        let expected: Vec<u8> = [20].into_iter().chain(1..=15).collect();
        assert_eq!(names, expected, "what was named in block 50 was the first");
        assert_eq!(of[1].block, 101, "naming again changes nothing");
        let followed: Vec<Address> = of.iter().map(|naming| naming.member).collect();
        assert_eq!(members.count_without(|member| followed.contains(member)), 5);
        assert!(members.of(Address::ZERO).is_empty());
    }
}
