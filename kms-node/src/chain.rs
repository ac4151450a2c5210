//! Follows the chain: asks endpoints, lets `light-client` judge, keeps the newest proven head for everybody.
//!
//! Spec: docs/spec/chain.md. Trusts: no endpoint; an answer that does not hold is logged by its name and the next endpoint
//! is asked. Driven by: `run`, once per poll; by requests, for what their run found missing.

use crate::adapters::rpc::Endpoint;
use anyhow::{Context, Result, bail};
use light_client::{
    AgeLimits, BlockRef, FactLimits, Followed, HeadSource, HeadStale, HeaderChain, Hints, Missing,
    MissingAt, ProofError, ProofRequest, ProvenChain, RawHeader, SealedHeader, Walk,
};
use policy::AsksForFact;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tracing::{debug, error, warn};
use wire::UnixSeconds;

/// How many facts one decision may ask for, one after another, before it is given up (A17).
const MAX_ROUNDS: usize = 512;

/// How long an endpoint may take to say where its chain is.
const CLAIM_TIMEOUT: Duration = Duration::from_secs(5);

/// The proven chain at one head; shared by every request that began there.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot(Arc<Mutex<ProvenChain>>);

/// The newest snapshot, and how to fetch what it lacks.
#[derive(Debug)]
pub(crate) struct ChainService {
    endpoints: Vec<Endpoint>,
    source: HeadSource,
    limits: AgeLimits,
    /// The least delay of any grant, once it is proven: finality may be no older.
    grant_floor: RwLock<Option<u64>>,
    newest: RwLock<Option<Snapshot>>,
    follow: tokio::sync::Mutex<FollowState>,
}

#[derive(Debug)]
struct FollowState {
    headers: HeaderChain,
    hints: Hints,
    /// Headers of head and finalized block, so that an unchanged one is not fetched again.
    known: BTreeMap<BlockRef, SealedHeader>,
}

/// Why a decision could not be made on proven state.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChainError {
    /// No fresh proven head.
    #[error(transparent)]
    Stale(#[from] HeadStale),
    /// No head was proven yet.
    #[error("no head is proven yet")]
    NoHead,
    /// How old finality may be is not known.
    #[error("the least delay of grants is not proven yet")]
    NoFloor,
    /// No endpoint gave an answer that holds.
    #[error("no endpoint gave a true answer for {missing}")]
    Unavailable { missing: MissingAt },
    /// The decision asks for more facts than any policy needs.
    #[error("the decision asks for more than {MAX_ROUNDS} facts")]
    TooManyRounds,
}

impl Snapshot {
    /// The chain. Hold it for computing only, never over an await.
    pub(crate) fn lock(&self) -> MutexGuard<'_, ProvenChain> {
        // Proven facts stay proven, whatever a panicking thread was doing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChainService {
    pub(crate) fn new(
        endpoints: Vec<Endpoint>,
        source: HeadSource,
        limits: AgeLimits,
        checkpoint: BlockRef,
    ) -> Self {
        let follow = FollowState {
            headers: HeaderChain::new(checkpoint),
            hints: Hints::new(),
            known: BTreeMap::new(),
        };
        Self {
            endpoints,
            source,
            limits,
            grant_floor: RwLock::new(None),
            newest: RwLock::new(None),
            follow: follow.into(),
        }
    }

    pub(crate) fn source(&self) -> HeadSource {
        self.source
    }

    /// The newest proven chain, whatever its age; for pages and ceremonies, not for keys.
    pub(crate) fn newest(&self) -> Option<Snapshot> {
        self.newest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The newest proven chain, if it is fresh: what every decision about keys starts from. [CHAIN-17]
    pub(crate) fn fresh(&self) -> Result<Snapshot, ChainError> {
        self.fresh_at(clock())
    }

    fn fresh_at(&self, now: UnixSeconds) -> Result<Snapshot, ChainError> {
        let snapshot = self.newest().ok_or(ChainError::NoHead)?;
        let floor = *self.grant_floor.read().unwrap_or_else(PoisonError::into_inner);
        let limits = self.limits.within(floor.ok_or(ChainError::NoFloor)?);
        snapshot.lock().judge_age(now, &limits)?;
        Ok(snapshot)
    }

    /// What the newest head says is the least delay of any grant.
    pub(crate) fn set_grant_floor(&self, seconds: u64) {
        *self.grant_floor.write().unwrap_or_else(PoisonError::into_inner) = Some(seconds);
    }

    /// Runs `decide` over `snapshot`; what it finds missing is fetched, verified and inserted, and it runs again.
    pub(crate) async fn run<T, E: AsksForFact>(
        &self,
        snapshot: &Snapshot,
        decide: impl Fn(&ProvenChain) -> Result<T, E>,
    ) -> Result<Result<T, E>, ChainError> {
        for _ in 0..MAX_ROUNDS {
            let outcome = decide(&snapshot.lock());
            match outcome.as_ref().err().and_then(AsksForFact::missing) {
                None => return Ok(outcome),
                Some(missing) => self.supply(snapshot, missing).await?,
            }
        }
        Err(ChainError::TooManyRounds)
    }

    /// Asks one endpoint after another for a fact, until one's answer holds.
    async fn supply(&self, snapshot: &Snapshot, wanted: MissingAt) -> Result<(), ChainError> {
        for endpoint in &self.endpoints {
            match self.supply_from(endpoint, snapshot, wanted).await {
                Ok(()) => return Ok(()),
                Err(cause) => warn!(endpoint = endpoint.url, %wanted, "no true answer: {cause:#}"),
            }
        }
        Err(ChainError::Unavailable { missing: wanted })
    }

    async fn supply_from(
        &self,
        endpoint: &Endpoint,
        snapshot: &Snapshot,
        wanted: MissingAt,
    ) -> Result<()> {
        let block = wanted.block;
        match wanted.missing {
            Missing::Code { address, .. } => {
                let code = endpoint.code(address, block.hash).await?;
                for state in snapshot.lock().states_mut(block) {
                    match state.insert_code(address, code.clone()) {
                        // The other state of the same block may not have got as far as this account.
                        Ok(()) | Err(ProofError::AccountNotProven { .. }) => {}
                        Err(forged) => return Err(forged.into()),
                    }
                }
            }
            Missing::BlockHash(number) => bail!("block {number} is before this node's window"),
            Missing::Account(_) | Missing::Slot(..) => {
                let request = wanted.proof_request().context("an account or slot has a proof")?;
                let proof = endpoint.proof(&request, block.hash).await?;
                for state in snapshot.lock().states_mut(block) {
                    state.insert_proof(&request, &proof)?;
                }
            }
        }
        Ok(())
    }

    /// Looks at the chain once: agree on a head, prove it, prefetch what the last decisions read. Returns the finalized
    /// block.
    pub(crate) async fn follow(&self) -> Result<BlockRef> {
        let mut follow = self.follow.lock().await;
        let agreed = self.agree().await?;
        let walk = follow.headers.walk(&agreed)?;
        let (headers, followed) = self.walk(walk).await?.finish()?;
        if followed == Followed::Unchanged
            && headers.finalized() == follow.headers.finalized()
            && self.newest().is_some()
        {
            return Ok(headers.finalized());
        }
        if let Followed::Switched { ancestor } = followed {
            warn!(%ancestor, head = %headers.head(), "reorg");
        }
        if let Some(newest) = self.newest() {
            newest.lock().teach(&mut follow.hints);
        }
        let head = self.sealed(&mut follow, headers.head()).await?;
        let finalized = self.sealed(&mut follow, headers.finalized()).await?;
        follow.known =
            BTreeMap::from([(head.block(), head.clone()), (finalized.block(), finalized.clone())]);
        let open = |header| headers.open(header, FactLimits::STATE, &follow.hints);
        let chain = ProvenChain::new(headers.clone(), open(head)?, open(finalized)?)?;
        let snapshot = Snapshot(Arc::new(Mutex::new(chain)));
        self.prefetch(&snapshot, &follow.hints.wanted()).await;
        debug!(head = %headers.head(), finalized = %headers.finalized(), "proven");
        follow.headers = headers;
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Some(snapshot);
        Ok(follow.headers.finalized())
    }

    async fn agree(&self) -> Result<light_client::Agreed> {
        let claims = self.claims(&[]).await;
        let agreed = match self.source.agree(&claims) {
            Ok(agreed) => agreed,
            // Endpoints at different heights: ask all for the heights that enough of them have.
            Err(first) => match self.source.common_heights(&claims) {
                Some(heights) => self.source.agree(&self.claims(&heights).await)?,
                None => return Err(first.into()),
            },
        };
        for dissent in &agreed.dissents {
            warn!(?dissent, "an endpoint disagrees");
        }
        Ok(agreed)
    }

    /// What the endpoints say, all asked at once; one that does not answer in time says nothing.
    async fn claims(&self, also: &[u64]) -> Vec<light_client::EndpointClaim> {
        let asked = self.endpoints.iter().map(async |endpoint| {
            match tokio::time::timeout(CLAIM_TIMEOUT, endpoint.claim(also)).await {
                Ok(Ok(claim)) => Some(claim),
                Ok(Err(cause)) => {
                    let cause = anyhow::Error::from(cause);
                    warn!(endpoint = endpoint.url, "no claim: {cause:#}");
                    None
                }
                Err(_) => {
                    warn!(endpoint = endpoint.url, "no claim within {CLAIM_TIMEOUT:?}");
                    None
                }
            }
        });
        futures_util::future::join_all(asked).await.into_iter().flatten().collect()
    }

    async fn walk(&self, mut walk: Walk) -> Result<Walk> {
        while let Some(wanted) = walk.wanted() {
            let header = self.header(wanted).await?;
            walk.accept(&header).inspect_err(|alarm| error!("{alarm}"))?;
        }
        Ok(walk)
    }

    async fn sealed(&self, follow: &mut FollowState, block: BlockRef) -> Result<SealedHeader> {
        match follow.known.get(&block) {
            Some(header) => Ok(header.clone()),
            None => self.header(block).await,
        }
    }

    /// The header of `block`, from the first endpoint that tells a true one.
    async fn header(&self, block: BlockRef) -> Result<SealedHeader> {
        for endpoint in &self.endpoints {
            let told = endpoint.header(block.hash).await;
            match told.map_err(anyhow::Error::from).and_then(|raw: RawHeader| Ok(raw.seal()?)) {
                Ok(header) if header.block() == block => return Ok(header),
                Ok(other) => {
                    warn!(endpoint = endpoint.url, "asked for {block}, told {}", other.block())
                }
                Err(cause) => warn!(endpoint = endpoint.url, %block, "no true header: {cause:#}"),
            }
        }
        bail!("no endpoint has a true header of block {block}")
    }

    /// Proves first what the last decisions read. What fails is asked again when it is needed.
    async fn prefetch(&self, snapshot: &Snapshot, wanted: &[ProofRequest]) {
        let blocks = {
            let chain = snapshot.lock();
            [chain.head().block(), chain.finalized().block()]
        };
        for block in blocks {
            let fetched = wanted.iter().map(|request| self.prefetch_one(snapshot, request, block));
            for outcome in futures_util::future::join_all(fetched).await {
                if let Err(cause) = outcome {
                    debug!(%block, "prefetch: {cause:#}");
                }
            }
        }
    }

    async fn prefetch_one(
        &self,
        snapshot: &Snapshot,
        request: &ProofRequest,
        block: BlockRef,
    ) -> Result<()> {
        let endpoint = self.endpoints.first().context("at least one endpoint is configured")?;
        let proof = endpoint.proof(request, block.hash).await?;
        for state in snapshot.lock().states_mut(block) {
            state.insert_proof(request, &proof)?;
        }
        Ok(())
    }

    /// Event data of `filter` from every endpoint in turn; the caller checks each against a proven hash.
    pub(crate) async fn logs(
        &self,
        filter: &alloy::rpc::types::Filter,
    ) -> impl Iterator<Item = alloy::rpc::types::Log> {
        let mut all = Vec::new();
        for endpoint in &self.endpoints {
            match endpoint.logs(filter).await {
                Ok(logs) => all.extend(logs),
                Err(cause) => {
                    warn!(endpoint = endpoint.url, "no logs: {:#}", anyhow::Error::from(cause))
                }
            }
        }
        all.into_iter()
    }
}

/// The host's clock: liveness only. What counts as now in a judgement is the proven head's time.
pub(crate) fn clock() -> UnixSeconds {
    UnixSeconds(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::consensus::Header;
    use light_client::Agreed;

    /// A service whose head is at 1,000 and whose finalized block is 600 seconds older.
    fn service() -> ChainService {
        let header = |number, parent_hash, timestamp| {
            let header = Header {
                number,
                parent_hash,
                timestamp,
                base_fee_per_gas: Some(1),
                ..Header::default()
            };
            SealedHeader::of(header).unwrap()
        };
        let finalized = header(0, Default::default(), 400);
        let head = header(1, finalized.hash(), 1_000);
        let agreed =
            Agreed { head: head.block(), finalized: finalized.block(), dissents: Vec::new() };
        let mut walk = HeaderChain::new(finalized.block()).walk(&agreed).unwrap();
        walk.accept(&head).unwrap();
        let (headers, _) = walk.finish().unwrap();
        let open = |header| headers.open(header, FactLimits::STATE, &Hints::new()).unwrap();
        let chain = ProvenChain::new(headers.clone(), open(head), open(finalized.clone())).unwrap();
        let limits = AgeLimits {
            max_head_age_seconds: 60,
            max_finality_age_seconds: 900,
            max_head_ahead_seconds: 0,
        };
        let source = HeadSource::agreement(1, 1).unwrap();
        let service = ChainService::new(Vec::new(), source, limits, finalized.block());
        *service.newest.write().unwrap() = Some(Snapshot(Arc::new(Mutex::new(chain))));
        service
    }

    #[test]
    fn finality_older_than_the_grant_floor_is_stale() {
        // [CHAIN-17] A18: the measured limit alone would take a finality of 600 seconds.
        let service = service();
        let now = UnixSeconds(1_000);
        assert!(matches!(service.fresh_at(now), Err(ChainError::NoFloor)));
        service.set_grant_floor(599);
        let stale = HeadStale::Finality { age_seconds: 600, limit_seconds: 599 };
        assert!(matches!(service.fresh_at(now), Err(ChainError::Stale(found)) if found == stale));
        for floor in [600, 3_600, 0] {
            service.set_grant_floor(floor);
            assert!(service.fresh_at(now).is_ok(), "floor {floor}");
        }
        // A floor only narrows.
        let stale = HeadStale::Head { age_seconds: 301, limit_seconds: 60 };
        let late = service.fresh_at(UnixSeconds(1_301));
        assert!(matches!(late, Err(ChainError::Stale(found)) if found == stale));
    }
}
