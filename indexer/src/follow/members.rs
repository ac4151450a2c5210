//! Which policies ask which: members of an AllOfPolicy, the inner policy of a LicensePolicy, and theirs. Spec: docs/spec/index.md
//! [IDX-13], [IDX-14]. Trusts: nothing that a policy says of another. Prevents: an app that makes the index follow whatever it
//! names.

use crate::store::{MemberRow, NewEvent};
use alloy_primitives::Address;
use std::collections::{BTreeMap, BTreeSet};

/// Members of one policy that are followed: the first that it names. A policy of ours asks at most eight at a time.
pub(super) const MOST_MEMBERS: usize = 16;
/// Namings of one policy that are remembered, so that those beyond [`MOST_MEMBERS`] are told: a foreign policy says what it
/// likes, as often as it likes.
pub(super) const MOST_NAMED: usize = 64;
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

    /// How many contracts are named that are not followed, of each policy at most [`MOST_NAMED`].
    pub(super) fn count_without(&self, is_followed: impl Fn(&Address) -> bool) -> usize {
        let named = self.0.values().flatten().map(|naming| naming.member);
        named.filter(|member| !is_followed(member)).collect::<BTreeSet<_>>().len()
    }

    /// A look back finds what was named before after what is named now.
    fn add(&mut self, policy: Address, naming: Naming) {
        let named = self.0.entry(policy).or_default();
        let place = |naming: &Naming| (naming.block, naming.log_index);
        if let Some(known) = named.iter().position(|known| known.member == naming.member) {
            if named.get(known).is_some_and(|known| place(known) <= place(&naming)) {
                return;
            }
            named.remove(known);
        }
        let at = named.partition_point(|known| place(known) <= place(&naming));
        named.insert(at, naming);
        named.truncate(MOST_NAMED);
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

    #[test]
    fn what_a_policy_names_beyond_all_bounds_is_forgotten() {
        // [IDX-14] And an earlier naming of one of those still counts.
        let at = |member: u32| Address::left_padding_from(&member.to_be_bytes());
        let row = |member, block| MemberRow {
            policy: Address::repeat_byte(0xAA),
            member: at(member),
            block,
            log_index: 0,
        };
        let mut members = Members::new((0..5_000).map(|n| row(n, 100 + u64::from(n))).collect());
        assert_eq!(members.count_without(|_| false), MOST_NAMED);
        members
            .add(Address::repeat_byte(0xAA), Naming { block: 1, log_index: 0, member: at(4_000) });
        let first = members.of(Address::repeat_byte(0xAA));
        assert_eq!(
            (first.len(), first[0].member, first[1].member),
            (MOST_MEMBERS, at(4_000), at(0))
        );
        assert_eq!(members.count_without(|_| false), MOST_NAMED);
    }
}
