//! What the nodes say about themselves, as far as enough of them say the same.
//!
//! Spec: docs/spec/request.md [REQ-2], [REQ-3]. Trusts: nothing that is pinned differently. All of it only decides whom to
//! ask and when to try; the chain and the pinned keys judge what comes of it.

use crate::{Fault, Pinned};
use alloy_primitives::Address;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};
use wire::{
    SeatId,
    request::{Info, KeysetInfo},
    statements::{Anchor, Domain},
};

/// A node, by its place in the caller's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u16);

/// A node that fits: whom its answers are expected from. Seat and signer are as the node says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The node.
    pub node: NodeId,
    /// Its seat.
    pub seat: SeatId,
    /// The address that signs its statements.
    pub signer: Address,
}

/// What at least t nodes say alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committee {
    /// Chain id.
    pub chain_id: u64,
    /// IssuanceLog in force.
    pub issuance_log: Address,
    /// The active epoch.
    pub epoch: u64,
    /// t.
    pub threshold: u16,
    /// The block that a request names. [REQ-3]
    pub anchor: Anchor,
    /// Whose word the anchor is.
    pub anchor_by: Vec<NodeId>,
    /// The highest head that a member names: who denies at an older block may be behind. [REQ-14]
    pub newest: u64,
    /// The nodes that say so, in the caller's order.
    pub members: Vec<Member>,
}

/// The committee, and who is not of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// What counts.
    pub committee: Committee,
    /// The nodes that are not asked.
    pub strangers: Vec<Stranger>,
}

/// A node that is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// Which.
    pub node: NodeId,
    /// Why.
    pub why: WhyStranger,
}

/// Why a node is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhyStranger {
    /// It serves another network than the pinned one.
    #[error("it serves another network")]
    OtherNetwork,
    /// It knows no keyset yet.
    #[error("it knows no active keyset")]
    NoKeyset,
    /// It serves another keyset, or claims other public keys for it.
    #[error("it serves another keyset")]
    OtherKeyset,
    /// It has no seat.
    #[error("it has no seat")]
    NoSeat,
    /// It has no proven head.
    #[error("it has no proven head")]
    NoHead,
    /// It says something else about chain, log, epoch or threshold than most.
    #[error("it contradicts most nodes on log, epoch or threshold")]
    Contradicts,
}

/// Why nobody can be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{agreeing} seats say the same, {needed} are needed")]
pub struct NoCommittee {
    /// Distinct seats of the largest group that says the same.
    pub agreeing: usize,
    /// The t that it names, at least 2.
    pub needed: usize,
    /// The nodes that don't fit.
    pub strangers: Vec<Stranger>,
}

/// What nodes must say alike to be one committee.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Claim {
    chain_id: u64,
    issuance_log: Address,
    epoch: u64,
    threshold: u16,
}

struct Fitting {
    member: Member,
    claim: Claim,
    head: Anchor,
}

impl Member {
    /// The node, as it tells of itself, if it fits what is pinned. [REQ-2]
    ///
    /// # Errors
    /// [`WhyStranger`].
    pub fn told(pinned: &Pinned, node: NodeId, info: &Info) -> Result<Self, WhyStranger> {
        fit(pinned, node, info).map(|fitting| fitting.member)
    }
}

impl Committee {
    /// The largest group of nodes that fit what is pinned and say the same, if it has t members by its own account. [REQ-2]
    ///
    /// # Errors
    /// [`NoCommittee`].
    pub fn agree(pinned: &Pinned, told: &[(NodeId, Info)]) -> Result<Agreed, NoCommittee> {
        Self::agree_doubting(pinned, told, &BTreeSet::new())
    }

    /// As [`agree`](Self::agree), where the heads of those in `doubted` count only if there are no others: each has named an anchor that
    /// nodes refused. [REQ-3]
    ///
    /// # Errors
    /// [`NoCommittee`].
    pub fn agree_doubting(
        pinned: &Pinned,
        told: &[(NodeId, Info)],
        doubted: &BTreeSet<NodeId>,
    ) -> Result<Agreed, NoCommittee> {
        let mut strangers = Vec::new();
        let mut fitting = Vec::new();
        for (node, info) in told {
            match fit(pinned, *node, info) {
                Ok(fits) => fitting.push(fits),
                Err(why) => strangers.push(Stranger { node: *node, why }),
            }
        }
        let Some(claim) = commonest(&fitting) else {
            return Err(NoCommittee { agreeing: 0, needed: 2, strangers });
        };
        let (group, others): (Vec<_>, Vec<_>) =
            fitting.into_iter().partition(|fits| fits.claim == claim);
        let seats: BTreeSet<SeatId> = group.iter().map(|fits| fits.member.seat).collect();
        let (agreeing, needed) = (seats.len(), usize::from(claim.threshold.max(2)));
        strangers.extend(
            others
                .iter()
                .map(|other| Stranger { node: other.member.node, why: WhyStranger::Contradicts }),
        );
        match anchor(&group, doubted) {
            Some(anchor) if agreeing >= needed => {
                let Claim { chain_id, issuance_log, epoch, threshold } = claim;
                let named = group.iter().filter(|fits| fits.head == anchor);
                let committee = Committee {
                    chain_id,
                    issuance_log,
                    epoch,
                    threshold,
                    anchor,
                    anchor_by: named.map(|fits| fits.member.node).collect(),
                    newest: group.iter().map(|fits| fits.head.number).max().unwrap_or_default(),
                    members: group.iter().map(|fits| fits.member).collect(),
                };
                Ok(Agreed { committee, strangers })
            }
            _ => Err(NoCommittee { agreeing, needed, strangers }),
        }
    }

    /// Where statements about issuances count.
    pub fn domain(&self) -> Domain {
        Domain::IssuanceLog { chain_id: self.chain_id, contract: self.issuance_log }
    }

    /// The member that is this node.
    pub fn member(&self, node: NodeId) -> Option<&Member> {
        self.members.iter().find(|member| member.node == node)
    }
}

fn fit(pinned: &Pinned, node: NodeId, info: &Info) -> Result<Fitting, WhyStranger> {
    if info.network_hash != pinned.network_hash {
        return Err(WhyStranger::OtherNetwork);
    }
    let keyset = info.keyset.as_ref().ok_or(WhyStranger::NoKeyset)?;
    if !is_pinned(pinned, keyset) {
        return Err(WhyStranger::OtherKeyset);
    }
    let seat = info.seat.filter(|seat| *seat != 0).ok_or(WhyStranger::NoSeat)?;
    let head = info.head.ok_or(WhyStranger::NoHead)?;
    Ok(Fitting {
        member: Member { node, seat, signer: info.signer },
        claim: Claim {
            chain_id: info.chain_id,
            issuance_log: info.issuance_log,
            epoch: keyset.epoch,
            threshold: keyset.threshold,
        },
        head: Anchor { number: head.number, hash: head.hash },
    })
}

fn is_pinned(pinned: &Pinned, keyset: &KeysetInfo) -> bool {
    keyset.id == pinned.keyset_id
        && *keyset.derive_public_key == pinned.derive_public_key.to_bytes().as_slice()
        && *keyset.unseal_public_key == pinned.unseal_public_key.to_bytes().as_slice()
}

/// The claim that most nodes make; the first of several.
fn commonest(fitting: &[Fitting]) -> Option<Claim> {
    let count = |claim: Claim| fitting.iter().filter(|fits| fits.claim == claim).count();
    // `max_by_key` takes the last of several.
    fitting.iter().rev().map(|fits| fits.claim).max_by_key(|claim| count(*claim))
}

/// The head that most name; of several the oldest, which whoever is ahead knows too. [REQ-3]
fn anchor(group: &[Fitting], doubted: &BTreeSet<NodeId>) -> Option<Anchor> {
    let believed = |fits: &&Fitting| !doubted.contains(&fits.member.node);
    let anyone = !group.iter().any(|fits| believed(&fits));
    let mut votes: BTreeMap<(u64, [u8; 32]), usize> = BTreeMap::new();
    for fits in group.iter().filter(|fits| anyone || believed(fits)) {
        let vote = votes.entry((fits.head.number, fits.head.hash.0)).or_default();
        *vote = vote.saturating_add(1);
    }
    let most = votes.values().max().copied()?;
    let ((number, hash), _) = votes.into_iter().find(|(_, count)| *count == most)?;
    Some(Anchor { number, hash: hash.into() })
}

impl NoCommittee {
    /// Whose doing it is.
    pub fn fault(&self) -> Fault {
        Fault::Committee
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}", self.0)
    }
}
