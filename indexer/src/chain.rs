//! Looks at the chain: asks endpoints, lets `light-client` judge. Spec: docs/spec/chain.md, index.md. Trusts: no endpoint; one
//! whose answer does not hold is named, and the next is asked.

use crate::{endpoints::Endpoints, store::TrailProof, trail::Trail};
use abi::IssuanceLog;
use alloy_primitives::{Address, B256, U256};
use anyhow::{Result, bail};
use light_client::{
    BlockRef, FactLimits, HeadSource, HeaderChain, Hints, ProvenState, RawAccountProof,
    SealedHeader,
};
use policy::{AsksForFact, ChainRules};
use std::sync::Arc;
use tracing::error;

mod deployed;
mod registry;

pub(crate) use registry::RegistryAt;

/// How many facts one view of ours may ask for.
const MAX_ROUNDS: usize = 64;
/// Blocks that one look takes at most below the finalized one.
const SPAN: u64 = 1024;
/// A way up to this many blocks is walked header by header.
const FEW: u64 = 4;

/// The chain as it is proven here.
#[derive(Debug)]
pub(crate) struct Chain {
    endpoints: Arc<Endpoints>,
    rules: ChainRules,
    headers: HeaderChain,
    hints: Hints,
}

/// One look: the chain as it would be, and the headers that it takes there.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) headers: HeaderChain,
    /// From the first after the common ancestor up to the head.
    pub(crate) new: Vec<SealedHeader>,
    /// The highest block of this chain that enough endpoints call safe; at least the finalized one.
    pub(crate) safe: u64,
    /// Whether this look stops on the way to the agreed head.
    pub(crate) is_behind: bool,
    /// Where endpoints still have state: the head, or far behind the block that is agreed to be final.
    pub(crate) state_at: BlockRef,
}

impl Chain {
    pub(crate) fn new(endpoints: Endpoints, rules: ChainRules, trusted: BlockRef) -> Self {
        let headers = HeaderChain::new(trusted);
        Self { endpoints: Arc::new(endpoints), rules, headers, hints: Hints::new() }
    }

    /// How the head is found, in words.
    pub(crate) fn source(&self) -> HeadSource {
        self.endpoints.source
    }

    /// Whom to ask for receipts.
    pub(crate) fn endpoints(&self) -> &Arc<Endpoints> {
        &self.endpoints
    }

    /// Agrees on a head and links headers down to what is proven already; far behind, on a finalized block on the way, so that
    /// no look holds more headers than a span. [IDX-11] Changes nothing until [`Chain::take`].
    pub(crate) async fn look(&self) -> Result<Look> {
        let (mut agreed, safe) = self.endpoints.agree().await?;
        let on_the_way = self.headers.head().number.saturating_add(SPAN);
        let is_behind = agreed.finalized.number > on_the_way;
        let tip = agreed.finalized;
        if is_behind {
            agreed = self.endpoints.agree_at(on_the_way).await?;
        }
        let mut walk = self.headers.walk(&agreed)?;
        let lowest = self.headers.finalized().number.saturating_add(1);
        let from = match agreed.head.number > self.headers.head().number {
            true => self.headers.head().number.saturating_add(1).max(lowest),
            false => lowest,
        };
        let is_far = agreed.head.number.saturating_sub(from) > FEW;
        let mut told = match is_far {
            true => self.endpoints.told_headers(from, agreed.head.number).await,
            false => Default::default(),
        };
        let mut new = Vec::new();
        while let Some(wanted) = walk.wanted() {
            let header = match told.remove(&wanted.number) {
                Some(header) if header.block() == wanted => header,
                _ => self.endpoints.header(wanted).await?,
            };
            walk.accept(&header).inspect_err(|alarm| error!("{alarm}"))?;
            new.push(header);
        }
        new.reverse();
        let (headers, _) = walk.finish()?;
        let safe = self.endpoints.safe(&headers, safe);
        let state_at = if is_behind { tip } else { headers.head() };
        Ok(Look { headers, new, safe, is_behind, state_at })
    }

    /// AppRegistry as it can be asked about what the blocks of a look name.
    pub(crate) fn registry(&self, look: &Look, address: Address) -> RegistryAt<'_> {
        RegistryAt { chain: self, at: look.state_at, address }
    }

    /// What was looked at is stored: go on from there.
    pub(crate) fn take(&mut self, look: Look) {
        self.headers = look.headers;
    }

    /// The trail slot of each contract, proven at the finalized block of the last look. [IDX-6]
    pub(crate) async fn trails(
        &mut self,
        contracts: &[Address],
    ) -> Result<(BlockRef, Vec<(Trail, TrailProof)>)> {
        let finalized = self.headers.finalized();
        let header = self.endpoints.header(finalized).await?;
        let encoded = alloy_rlp::encode(header.fields());
        let mut state = self.headers.open(header, FactLimits::STATE, &self.hints)?;
        let mut trails = Vec::new();
        for contract in contracts {
            let (trail, proofs) = self.trail(&mut state, *contract).await?;
            let mut proof = trail_proof(&state, *contract, trail, proofs);
            proof.header = encoded.clone().into();
            trails.push((trail, proof));
        }
        self.hints.learn(&state);
        Ok((finalized, trails))
    }

    /// What `trail()` returns, and the proofs that were asked for on the way.
    async fn trail(
        &self,
        state: &mut ProvenState,
        contract: Address,
    ) -> Result<(Trail, Vec<RawAccountProof>)> {
        let mut proofs = Vec::new();
        for _ in 0..MAX_ROUNDS {
            let view = IssuanceLog::trailCall {};
            match policy::read(&self.rules, state, contract, &view) {
                Ok(trail) => {
                    let trail = Trail { seq: trail.seq, head: U256::from(trail.head) };
                    return Ok((trail, proofs));
                }
                Err(error) => match error.missing() {
                    Some(missing) => proofs.extend(self.endpoints.supply(state, missing).await?),
                    None => return Err(error.into()),
                },
            }
        }
        bail!("trail() of {contract} asks for more than {MAX_ROUNDS} facts")
    }
}

/// The proof, among those that `state` has taken, of the contract's slot that packs seq and head, as Trail.sol has it.
fn trail_proof(
    state: &ProvenState,
    contract: Address,
    trail: Trail,
    proofs: Vec<RawAccountProof>,
) -> TrailProof {
    let packed = (trail.head << 64) | U256::from(trail.seq);
    for proof in proofs {
        for slot in proof.storage_proof {
            if slot.value == packed && state.slot(contract, slot.key) == Ok(packed) {
                return TrailProof {
                    slot: Some(B256::from(slot.key)),
                    account: proof.account_proof,
                    storage: slot.proof,
                    ..TrailProof::default()
                };
            }
        }
    }
    TrailProof::default()
}
