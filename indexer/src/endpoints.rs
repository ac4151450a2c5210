//! All endpoints of the network file: agreement on a head, and whatever can be judged by itself, from the first that tells the
//! truth. Whoever does not is named in the log.

use crate::{endpoint::Endpoint, receipts::ProvenReceipts};
use anyhow::{Context, Result, bail};
use futures_util::future::join_all;
use light_client::{
    Agreed, BlockRef, EndpointClaim, HeadSource, HeaderChain, Missing, MissingAt, ProvenState,
    RawAccountProof, SealedHeader,
};
use std::{collections::BTreeMap, time::Duration};
use tracing::warn;

/// How long an endpoint may take to say where its chain is.
const CLAIM_TIMEOUT: Duration = Duration::from_secs(5);
/// Headers that are asked for in one request, and requests at the same time.
const HEADERS_AT_ONCE: u64 = 64;
const REQUESTS_AT_ONCE: u64 = 4;

/// The endpoints, and how many of them must agree.
#[derive(Debug)]
pub(crate) struct Endpoints {
    endpoints: Vec<Endpoint>,
    pub(crate) source: HeadSource,
}

/// What an endpoint says about where its chain is.
#[derive(Clone, Debug)]
struct Said {
    claim: EndpointClaim,
    safe: Option<BlockRef>,
}

impl Endpoints {
    pub(crate) fn new(endpoints: Vec<Endpoint>, source: HeadSource) -> Self {
        Self { endpoints, source }
    }

    /// The agreed head, and the blocks that endpoints call safe.
    pub(crate) async fn agree(&self) -> Result<(Agreed, Vec<BlockRef>)> {
        let said = self.ask(&[]).await;
        let claims = claims(&said);
        let agreed = match self.source.agree(&claims) {
            Ok(agreed) => agreed,
            // Endpoints at different heights: ask all for the heights that enough of them have.
            Err(first) => match self.source.common_heights(&claims) {
                Some(heights) => self.source.agree(&self::claims(&self.ask(&heights).await))?,
                None => return Err(first.into()),
            },
        };
        for dissent in &agreed.dissents {
            warn!(?dissent, "an endpoint disagrees");
        }
        Ok((agreed, said.into_iter().filter_map(|said| said.safe).collect()))
    }

    /// The block at `number`, by agreement of endpoints that call it final. [IDX-11]
    pub(crate) async fn agree_at(&self, number: u64) -> Result<Agreed> {
        let said = self.ask(&[number]).await;
        let claims: Vec<EndpointClaim> = claims(&said)
            .into_iter()
            .filter(|claim| claim.finalized.number >= number)
            .filter_map(|claim| {
                let block = *claim.also.iter().find(|block| block.number == number)?;
                Some(EndpointClaim { latest: block, finalized: block, also: Vec::new(), ..claim })
            })
            .collect();
        Ok(self.source.agree(&claims)?)
    }

    /// As many endpoints as must agree on the head must call it safe, or a block above it.
    pub(crate) fn safe(&self, headers: &HeaderChain, told: Vec<BlockRef>) -> u64 {
        let HeadSource::Agreement { m, .. } = self.source;
        let on_chain = told.into_iter().filter(|block| headers.contains(*block));
        let mut heights: Vec<u64> = on_chain.map(|block| block.number).collect();
        heights.sort_unstable_by(|a, b| b.cmp(a));
        let safe = heights.get(m.saturating_sub(1)).copied().unwrap_or_default();
        safe.max(headers.finalized().number)
    }

    async fn ask(&self, also: &[u64]) -> Vec<Said> {
        let asked = self.endpoints.iter().map(async |endpoint| {
            match tokio::time::timeout(CLAIM_TIMEOUT, endpoint.claim(also)).await {
                Ok(Ok((claim, safe))) => Some(Said { claim, safe }),
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
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// The header of `block`, from the first endpoint that tells a true one.
    pub(crate) async fn header(&self, block: BlockRef) -> Result<SealedHeader> {
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

    /// Headers at the heights `from` to `to`, as the first endpoint tells them: whoever links them by hash finds out which
    /// are true, and asks [`Endpoints::header`] for the rest.
    pub(crate) async fn told_headers(&self, from: u64, to: u64) -> BTreeMap<u64, SealedHeader> {
        let mut told = BTreeMap::new();
        let Some(endpoint) = self.endpoints.first() else { return told };
        let mut next = from;
        while next <= to {
            let requests = (0..REQUESTS_AT_ONCE).map_while(|request| {
                let first = next.saturating_add(request.saturating_mul(HEADERS_AT_ONCE));
                let last = first.saturating_add(HEADERS_AT_ONCE).saturating_sub(1).min(to);
                (first <= last).then(|| endpoint.headers(first, last))
            });
            for answer in join_all(requests).await {
                match answer {
                    Ok(headers) => told.extend(
                        headers
                            .into_iter()
                            .filter_map(|raw| raw.seal().ok())
                            .map(|header| (header.number(), header)),
                    ),
                    Err(cause) => warn!(endpoint = endpoint.url, "no headers: {cause:#}"),
                }
            }
            next = next.saturating_add(REQUESTS_AT_ONCE.saturating_mul(HEADERS_AT_ONCE));
        }
        told
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

    /// Gives `state` what it lacks; the proof, if it was one.
    pub(crate) async fn supply(
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
}

fn claims(said: &[Said]) -> Vec<EndpointClaim> {
    said.iter().map(|said| said.claim.clone()).collect()
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
