//! Looks at the chain: asks endpoints, lets `light-client` judge. Spec: docs/spec/chain.md, index.md. Trusts: no endpoint; one
//! whose answer does not hold is named, and the next is asked.

use crate::endpoints::Endpoints;
use alloy_primitives::Address;
use anyhow::Result;
use light_client::{BlockRef, FactLimits, HeadSource, HeaderChain, Hints, SealedHeader};
use policy::ChainRules;
use std::sync::Arc;
use tracing::error;

mod deployed;
mod registry;
mod trails;

pub(crate) use registry::RegistryAt;
pub(crate) use trails::{ProvenTrail, Trails};

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

    /// What proves trails at the finalized block of the last look, beside whoever goes on looking.
    pub(crate) fn trails(&self) -> Trails {
        Trails {
            endpoints: Arc::clone(&self.endpoints),
            rules: self.rules.clone(),
            at: self.headers.finalized(),
            hints: self.hints.clone(),
            limits: FactLimits::STATE,
        }
    }

    /// Remembers the code that was read.
    pub(crate) fn learn(&mut self, hints: Hints) {
        self.hints = hints;
    }
}
