//! Where head and finalized block come from.
//! Spec: docs/spec/chain.md [CHAIN-7]..[CHAIN-9]. Trusts: fewer than m endpoints lie (A0). Prevents: A4 as far as
//! agreement can; the explorer shows this source in red.

use crate::BlockRef;
use std::collections::{BTreeMap, BTreeSet};

/// Blocks beside latest and finalized that one claim may carry; more are passed over.
const MAX_ALSO: usize = 8;

/// How a node finds the head. `SyncCommittee` takes its place beside `Agreement`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadSource {
    /// At least `m` of `k` independent endpoints say so. Made by [`HeadSource::agreement`].
    #[non_exhaustive]
    Agreement {
        /// How many must agree: at most m − 1 lies are borne.
        m: usize,
        /// How many are asked.
        k: usize,
    },
}

/// m and k do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("agreement of {m} of {k} endpoints: 1 ≤ m ≤ k must hold")]
pub struct AgreementError {
    /// How many must agree.
    pub m: usize,
    /// How many are asked.
    pub k: usize,
}

/// An endpoint by its place in the configuration, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId(pub usize);

/// What one endpoint says. Every block in it is one that the endpoint says is on *its* canonical chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointClaim {
    /// Who.
    pub endpoint: EndpointId,
    /// Its block `latest`.
    pub latest: BlockRef,
    /// Its block `finalized`.
    pub finalized: BlockRef,
    /// Its blocks at heights asked in a second round ([`HeadSource::common_heights`]), so that an endpoint that is
    /// further ahead still counts for the block that the others have.
    pub also: Vec<BlockRef>,
}

/// Head and finalized block that enough endpoints agree on, and who disagrees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The highest block that at least m endpoints have.
    pub head: BlockRef,
    /// The highest block that at least m endpoints call finalized.
    pub finalized: BlockRef,
    /// Endpoints whose claims contradict that, or themselves.
    pub dissents: Vec<Dissent>,
}

/// An endpoint whose claims do not fit. A race with a reorg looks like a lie: count, and drop who does it often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dissent {
    /// Another hash at an agreed height.
    Disagrees {
        /// Who.
        endpoint: EndpointId,
        /// What it says.
        claimed: BlockRef,
        /// What is agreed.
        agreed: BlockRef,
    },
    /// Two hashes at one height. Nothing that it says counts.
    Contradicts {
        /// Who.
        endpoint: EndpointId,
        /// The height.
        number: u64,
    },
}

/// Why there is no agreed head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgreeError {
    /// No block has enough endpoints behind it.
    #[error("no {what} block has {m} endpoints behind it; the best has {best}")]
    TooFew {
        /// `latest` or `finalized`.
        what: &'static str,
        /// How many must agree.
        m: usize,
        /// How many endpoints the best block has.
        best: usize,
    },
    /// Two blocks of one height have enough endpoints behind them.
    #[error("endpoints are split over two {what} blocks at height {number}")]
    Split {
        /// `latest` or `finalized`.
        what: &'static str,
        /// The height.
        number: u64,
    },
    /// Some endpoints lag so far that what they call latest is below what others call finalized.
    #[error("agreed head {head} is below the agreed finalized block {finalized}")]
    HeadBelowFinalized {
        /// The highest block that enough endpoints have.
        head: BlockRef,
        /// The highest block that enough endpoints call finalized.
        finalized: BlockRef,
    },
    /// A claim of an endpoint that is not configured.
    #[error("endpoint {} is not one of the {k} that are configured", endpoint.0)]
    UnknownEndpoint {
        /// Who.
        endpoint: EndpointId,
        /// How many are configured.
        k: usize,
    },
}

/// Who stands behind each block.
type Vouchers = BTreeMap<BlockRef, BTreeSet<EndpointId>>;

impl HeadSource {
    /// Agreement of `m` of `k` endpoints.
    ///
    /// # Errors
    /// [`AgreementError`] unless 1 ≤ m ≤ k.
    pub fn agreement(m: usize, k: usize) -> Result<Self, AgreementError> {
        if m == 0 || m > k {
            return Err(AgreementError { m, k });
        }
        Ok(Self::Agreement { m, k })
    }

    /// The highest block that at least m endpoints vouch for, as head and as finalized. [CHAIN-7]
    ///
    /// An endpoint vouches for a block as head if it names it as `latest` or in `also`; as finalized if it names it and
    /// calls that height, or one above it, finalized. A block counts by height *and* hash. With fewer than m liars, at
    /// least one honest endpoint has every agreed block on its chain.
    ///
    /// # Errors
    /// [`AgreeError`] if no block, or more than one of the same height, has m endpoints behind it. Endpoints at different
    /// heights do not agree in the first round: ask all for [`HeadSource::common_heights`] and agree again.
    pub fn agree(&self, claims: &[EndpointClaim]) -> Result<Agreed, AgreeError> {
        let Self::Agreement { m, k } = *self;
        let mut dissents = Vec::new();
        let (mut named, mut latest, mut finalized) =
            (Vouchers::new(), Vouchers::new(), Vouchers::new());
        for (endpoint, claim) in merge(claims, k)? {
            if let Some(number) = claim.contradiction() {
                dissents.push(Dissent::Contradicts { endpoint, number });
                continue;
            }
            for block in &claim.canonical {
                named.entry(*block).or_default().insert(endpoint);
                if block.number <= claim.finalized {
                    finalized.entry(*block).or_default().insert(endpoint);
                }
            }
            for block in &claim.as_head {
                latest.entry(*block).or_default().insert(endpoint);
            }
        }
        let head = highest("latest", &latest, m)?;
        let finalized = highest("finalized", &finalized, m)?;
        if finalized.number > head.number {
            return Err(AgreeError::HeadBelowFinalized { head, finalized });
        }
        for agreed in BTreeSet::from([head, finalized]) {
            dissents.extend(disagreeing(&named, agreed));
        }
        Ok(Agreed { head, finalized, dissents })
    }

    /// The heights at which m endpoints must have a block, as latest and as finalized: what to ask everybody for
    /// (`eth_getBlockByNumber`, answers into [`EndpointClaim::also`]) when endpoints are not at the same height.
    pub fn common_heights(&self, claims: &[EndpointClaim]) -> Option<[u64; 2]> {
        let Self::Agreement { m, .. } = *self;
        let mth_highest = |height: fn(&EndpointClaim) -> u64| {
            let mut heights: Vec<u64> = claims.iter().map(height).collect();
            heights.sort_unstable_by(|a, b| b.cmp(a));
            heights.get(m.checked_sub(1)?).copied()
        };
        Some([
            mth_highest(|claim| claim.latest.number)?,
            mth_highest(|claim| claim.finalized.number)?,
        ])
    }
}

impl std::fmt::Display for HeadSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::Agreement { m, k } = self;
        write!(f, "agreement {m} of {k} (not proven by consensus)")
    }
}

/// Everything that one endpoint says, over all its claims.
struct Said {
    /// Every block that it names.
    canonical: BTreeSet<BlockRef>,
    /// Those that it names as latest, or at a height that it was asked for.
    as_head: BTreeSet<BlockRef>,
    finalized: u64,
}

impl Said {
    /// A height at which the endpoint contradicts itself.
    fn contradiction(&self) -> Option<u64> {
        let mut heights = BTreeSet::new();
        self.canonical.iter().map(|block| block.number).find(|number| !heights.insert(*number))
    }
}

/// One entry per endpoint, however often it speaks.
fn merge(claims: &[EndpointClaim], k: usize) -> Result<BTreeMap<EndpointId, Said>, AgreeError> {
    let mut merged: BTreeMap<EndpointId, Said> = BTreeMap::new();
    for claim in claims {
        let endpoint = claim.endpoint;
        if endpoint.0 >= k {
            return Err(AgreeError::UnknownEndpoint { endpoint, k });
        }
        let said = merged.entry(endpoint).or_insert_with(|| Said {
            canonical: BTreeSet::new(),
            as_head: BTreeSet::new(),
            finalized: 0,
        });
        said.finalized = said.finalized.max(claim.finalized.number);
        said.as_head.insert(claim.latest);
        said.as_head.extend(claim.also.iter().take(MAX_ALSO));
        said.canonical.insert(claim.finalized);
        said.canonical.extend(said.as_head.iter());
    }
    Ok(merged)
}

/// The highest block with at least `m` endpoints behind it.
fn highest(what: &'static str, vouchers: &Vouchers, m: usize) -> Result<BlockRef, AgreeError> {
    let mut enough = vouchers
        .iter()
        .rev()
        .filter(|(_, endpoints)| endpoints.len() >= m)
        .map(|(block, _)| *block);
    let best = || vouchers.values().map(BTreeSet::len).max().unwrap_or(0);
    let Some(highest) = enough.next() else {
        return Err(AgreeError::TooFew { what, m, best: best() });
    };
    match enough.next() {
        Some(other) if other.number == highest.number => {
            Err(AgreeError::Split { what, number: highest.number })
        }
        _ => Ok(highest),
    }
}

/// Endpoints that have another hash at the height of `agreed`.
fn disagreeing(vouchers: &Vouchers, agreed: BlockRef) -> impl Iterator<Item = Dissent> + '_ {
    vouchers
        .iter()
        .filter(move |(block, _)| block.number == agreed.number && block.hash != agreed.hash)
        .flat_map(move |(claimed, endpoints)| {
            endpoints.iter().map(move |endpoint| Dissent::Disagrees {
                endpoint: *endpoint,
                claimed: *claimed,
                agreed,
            })
        })
}

#[cfg(test)]
mod tests;
