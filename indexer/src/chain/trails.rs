//! The trail slots of many contracts, proven at one finalized block. Spec: docs/spec/index.md [IDX-6]. Trusts: the block, which is
//! final on the proven chain. Prevents: a contract that can't be proven, or one contract too many, which leaves every other one
//! uncompared.

use super::MAX_ROUNDS;
use crate::{endpoints::Endpoints, store::TrailProof, trail::Trail};
use abi::IssuanceLog;
use alloy_primitives::{Address, B256, Bytes, U256};
use anyhow::{Result, bail};
use futures_util::future::join_all;
use light_client::{
    BlockRef, FactLimits, HeaderChain, Hints, ProvenState, RawAccountProof, SealedHeader,
};
use policy::{AsksForFact, ChainRules};
use std::sync::Arc;
use tracing::warn;

/// Contracts of one state at most, and states at the same time.
const CONTRACTS: usize = 64;
const AT_ONCE: usize = 4;
/// Accounts that a contract may need beside its own.
const ACCOUNTS_EACH: usize = 4;

/// What `trail()` returns, and what proves it.
pub(crate) type ProvenTrail = (Trail, TrailProof);

/// Whom to ask, and at which block.
#[derive(Debug)]
pub(crate) struct Trails {
    pub(super) endpoints: Arc<Endpoints>,
    pub(super) rules: ChainRules,
    pub(super) at: BlockRef,
    pub(super) hints: Hints,
    pub(super) limits: FactLimits,
}

impl Trails {
    /// The block that they are proven at.
    pub(crate) fn at(&self) -> BlockRef {
        self.at
    }

    /// The trail of each contract, in their order; `None` where it can't be proven, which is told in the log. A few at a time, each
    /// few in a state of their own; who fails among others is asked once more alone.
    pub(crate) async fn prove(
        mut self,
        contracts: &[Address],
    ) -> Result<(Vec<Option<ProvenTrail>>, Hints)> {
        let header = self.endpoints.header(self.at).await?;
        let size = (self.limits.accounts / ACCOUNTS_EACH).clamp(1, CONTRACTS);
        let mut trails = Vec::new();
        for group in contracts.chunks(size.saturating_mul(AT_ONCE)) {
            let states = group.chunks(size).map(|few| self.few(&header, few));
            for (told, hints) in join_all(states).await {
                // Most of what runs is the same code: it is asked for once.
                self.hints = hints;
                trails.extend(told);
            }
        }
        Ok((trails, self.hints))
    }

    async fn few(
        &self,
        header: &SealedHeader,
        contracts: &[Address],
    ) -> (Vec<Option<ProvenTrail>>, Hints) {
        let mut hints = self.hints.clone();
        let mut told = Vec::new();
        match self.open(header, &hints) {
            Ok(mut state) => {
                for contract in contracts {
                    told.push(self.one(header, &mut state, *contract).await.ok());
                }
                hints.learn(&state);
            }
            Err(cause) => warn!("no state: {cause:#}"),
        }
        told.resize(contracts.len(), None);
        for (contract, told) in contracts.iter().zip(&mut told).filter(|(_, told)| told.is_none()) {
            *told = self.alone(header, &mut hints, *contract).await;
        }
        (told, hints)
    }

    async fn alone(
        &self,
        header: &SealedHeader,
        hints: &mut Hints,
        contract: Address,
    ) -> Option<ProvenTrail> {
        let told = async {
            let mut state = self.open(header, hints)?;
            let told = self.one(header, &mut state, contract).await?;
            hints.learn(&state);
            Ok::<_, anyhow::Error>(told)
        };
        told.await.inspect_err(|cause| warn!(%contract, "its trail is not proven: {cause:#}")).ok()
    }

    fn open(&self, header: &SealedHeader, hints: &Hints) -> Result<ProvenState> {
        Ok(HeaderChain::new(self.at).open(header.clone(), self.limits, hints)?)
    }

    async fn one(
        &self,
        header: &SealedHeader,
        state: &mut ProvenState,
        contract: Address,
    ) -> Result<ProvenTrail> {
        let (trail, proofs) = self.trail(state, contract).await?;
        let mut proof = trail_proof(state, contract, trail, proofs);
        proof.header = Bytes::from(alloy_rlp::encode(header.fields()));
        Ok((trail, proof))
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

#[cfg(test)]
mod tests;
