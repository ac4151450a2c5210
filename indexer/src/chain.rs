//! Looks at the chain: asks endpoints, lets `light-client` judge. Spec: docs/spec/chain.md, index.md. Trusts: no endpoint; one
//! whose answer does not hold is named, and the next is asked.

use crate::{endpoint::Endpoint, receipts::ProvenReceipts, store::TrailProof, trail::Trail};
use abi::IssuanceLog;
use alloy_primitives::{Address, B256, U256};
use anyhow::{Context, Result, bail};
use light_client::{
    Agreed, BlockRef, EndpointClaim, FactLimits, HeadSource, HeaderChain, Hints, Missing,
    MissingAt, ProvenState, RawAccountProof, SealedHeader,
};
use policy::{AsksForFact, ChainRules};
use std::time::Duration;
use tracing::{error, warn};

/// How long an endpoint may take to say where its chain is.
const CLAIM_TIMEOUT: Duration = Duration::from_secs(5);
/// How many facts one view of ours may ask for.
const MAX_ROUNDS: usize = 64;

/// The chain as it is proven here.
#[derive(Debug)]
pub(crate) struct Chain {
    endpoints: Vec<Endpoint>,
    source: HeadSource,
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
}

impl Chain {
    pub(crate) fn new(
        endpoints: Vec<Endpoint>,
        source: HeadSource,
        rules: ChainRules,
        trusted: BlockRef,
    ) -> Self {
        let headers = HeaderChain::new(trusted);
        Self { endpoints, source, rules, headers, hints: Hints::new() }
    }

    /// How the head is found, in words.
    pub(crate) fn source(&self) -> HeadSource {
        self.source
    }

    /// Agrees on a head and links headers down to what is proven already. Changes nothing until [`Chain::take`].
    pub(crate) async fn look(&self) -> Result<Look> {
        let (agreed, safe) = self.agree().await?;
        let mut walk = self.headers.walk(&agreed)?;
        let mut new = Vec::new();
        while let Some(wanted) = walk.wanted() {
            let header = self.header(wanted).await?;
            walk.accept(&header).inspect_err(|alarm| error!("{alarm}"))?;
            new.push(header);
        }
        new.reverse();
        let (headers, _) = walk.finish()?;
        let safe = self.safe(&headers, safe);
        Ok(Look { headers, new, safe })
    }

    /// What was looked at is stored: go on from there.
    pub(crate) fn take(&mut self, look: Look) {
        self.headers = look.headers;
    }

    /// The receipts of `header`'s block, from the first endpoint that tells true ones. [IDX-1]
    pub(crate) async fn receipts(&self, header: &SealedHeader) -> Result<ProvenReceipts> {
        let mut lie = None;
        for endpoint in &self.endpoints {
            let told = endpoint.receipts(header.hash()).await;
            match told.and_then(|told| Ok(ProvenReceipts::verify(header, told)?)) {
                Ok(proven) => return Ok(proven),
                Err(cause) => {
                    warn!(endpoint = endpoint.url, "no true receipts: {cause:#}");
                    lie = Some(cause.context(format!("endpoint {}", endpoint.url)));
                }
            }
        }
        Err(lie.context("at least one endpoint is configured")?)
    }

    /// The trail slot of each contract, proven at the finalized block of the last look. [IDX-6]
    pub(crate) async fn trails(
        &mut self,
        contracts: &[Address],
    ) -> Result<(BlockRef, Vec<(Trail, TrailProof)>)> {
        let finalized = self.headers.finalized();
        let header = self.header(finalized).await?;
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
                    Some(missing) => proofs.extend(self.supply(state, missing).await?),
                    None => return Err(error.into()),
                },
            }
        }
        bail!("trail() of {contract} asks for more than {MAX_ROUNDS} facts")
    }

    async fn supply(
        &self,
        state: &mut ProvenState,
        wanted: MissingAt,
    ) -> Result<Option<RawAccountProof>> {
        for endpoint in &self.endpoints {
            match supply_from(endpoint, state, wanted).await {
                Ok(proof) => return Ok(proof),
                Err(cause) => warn!(endpoint = endpoint.url, %wanted, "no true answer: {cause:#}"),
            }
        }
        bail!("no endpoint gave a true answer for {wanted}")
    }

    async fn agree(&self) -> Result<(Agreed, Vec<BlockRef>)> {
        let (claims, safe) = self.claims(&[]).await;
        let agreed = match self.source.agree(&claims) {
            Ok(agreed) => agreed,
            // Endpoints at different heights: ask all for the heights that enough of them have.
            Err(first) => match self.source.common_heights(&claims) {
                Some(heights) => self.source.agree(&self.claims(&heights).await.0)?,
                None => return Err(first.into()),
            },
        };
        for dissent in &agreed.dissents {
            warn!(?dissent, "an endpoint disagrees");
        }
        Ok((agreed, safe))
    }

    async fn claims(&self, also: &[u64]) -> (Vec<EndpointClaim>, Vec<BlockRef>) {
        let asked = self.endpoints.iter().map(async |endpoint| {
            match tokio::time::timeout(CLAIM_TIMEOUT, endpoint.claim(also)).await {
                Ok(Ok(claim)) => Some(claim),
                Ok(Err(cause)) => {
                    warn!(endpoint = endpoint.url, "no claim: {cause:#}");
                    None
                }
                Err(_) => {
                    warn!(endpoint = endpoint.url, "no claim within {CLAIM_TIMEOUT:?}");
                    None
                }
            }
        });
        let told = futures_util::future::join_all(asked).await.into_iter().flatten();
        let (claims, safe): (Vec<_>, Vec<_>) = told.unzip();
        (claims, safe.into_iter().flatten().collect())
    }

    /// As many endpoints as must agree on the head must call it safe, or a block above it.
    fn safe(&self, headers: &HeaderChain, told: Vec<BlockRef>) -> u64 {
        let HeadSource::Agreement { m, .. } = self.source;
        let on_chain = told.into_iter().filter(|block| headers.contains(*block));
        let mut heights: Vec<u64> = on_chain.map(|block| block.number).collect();
        heights.sort_unstable_by(|a, b| b.cmp(a));
        let safe = heights.get(m.saturating_sub(1)).copied().unwrap_or_default();
        safe.max(headers.finalized().number)
    }

    /// The header of `block`, from the first endpoint that tells a true one.
    async fn header(&self, block: BlockRef) -> Result<SealedHeader> {
        let mut lie = None;
        for endpoint in &self.endpoints {
            let told = endpoint.header(block.hash).await;
            let cause = match told.and_then(|raw| Ok(raw.seal()?)) {
                Ok(header) if header.block() == block => return Ok(header),
                Ok(other) => anyhow::anyhow!("asked for {block}, told {}", other.block()),
                Err(cause) => cause,
            };
            warn!(endpoint = endpoint.url, %block, "no true header: {cause:#}");
            lie = Some(cause.context(format!("endpoint {}", endpoint.url)));
        }
        Err(lie.context("at least one endpoint is configured")?)
    }
}

async fn supply_from(
    endpoint: &Endpoint,
    state: &mut ProvenState,
    wanted: MissingAt,
) -> Result<Option<RawAccountProof>> {
    match wanted.missing {
        Missing::Code { address, .. } => {
            let code = endpoint.code(address, wanted.block.hash).await?;
            state.insert_code(address, code)?;
            Ok(None)
        }
        Missing::BlockHash(number) => bail!("block {number} is before the window"),
        Missing::Account(_) | Missing::Slot(..) => {
            let request = wanted.proof_request().context("an account or slot has a proof")?;
            let proof = endpoint.proof(&request, wanted.block.hash).await?;
            state.insert_proof(&request, &proof)?;
            Ok(Some(proof))
        }
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
