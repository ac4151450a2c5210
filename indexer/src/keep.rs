//! Takes what nodes forget: evidence, and a bundle of every issuance and revocation once its block is final. Spec:
//! docs/spec/bundle.md [BUN-16], [BUN-17]. Trusts: no node and no endpoint; evidence is checked by its hash,
//! and a bundle is one only if the verifier says so. It goes its own pace beside the index and holds nothing up.

mod bundle;
mod calldata;
mod evidence;

use crate::{
    decode::Catalogue,
    endpoint::Endpoint,
    store::{EventRow, Quorum, Store},
    trail::Trail,
};
use ::bundle::{Bundle, NetworkName, Refusal, Trusted};
use alloy_primitives::{Address, B256};
use anyhow::Result;
use evidence::Nodes;
use light_client::BlockRef;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;
use tracing::{debug, warn};
use wire::network::Fork;

/// Bundles that are made before the finalized block is looked up again, and what is new before what is old.
const BATCH: u32 = 32;
/// How long that may take.
const PASS: Duration = Duration::from_secs(10);
/// Up to this many blocks above the event the bundle ends at the finalized block; else at the event's own.
const NEAR: u64 = 256;

/// What makes bundles.
#[derive(Debug)]
pub(crate) struct Keeper {
    store: Store,
    endpoints: Vec<Endpoint>,
    network: NetworkName,
    fork: Fork,
    nodes: Nodes,
    catalogue: Catalogue,
    /// Below these blocks every revocation, and every issuance, was tried at least once.
    from: [u64; 2],
    /// The trail of each contract, up to the event that was looked at last, and that event's place.
    trails: BTreeMap<Address, (Trail, Option<(BlockRef, u64)>)>,
    /// Members of epochs.
    quorums: BTreeMap<u64, Arc<Quorum>>,
}

impl Keeper {
    /// One that makes them from what `store` has and `endpoints` tell.
    pub(crate) fn new(
        store: Store,
        endpoints: Vec<Endpoint>,
        network: NetworkName,
        fork: Fork,
    ) -> Result<Self> {
        Ok(Self {
            store,
            endpoints,
            network,
            fork,
            nodes: Nodes::new()?,
            catalogue: Catalogue::new()?,
            from: [0; 2],
            trails: BTreeMap::new(),
            quorums: BTreeMap::new(),
        })
    }

    /// Goes on until told to stop.
    pub(crate) async fn run(mut self, every: Duration, mut stopped: watch::Receiver<bool>) {
        loop {
            let pass = async {
                match self.pass().await {
                    Ok(made) => made,
                    Err(cause) => {
                        warn!("keeping bundles: {cause:#}");
                        0
                    }
                }
            };
            let made = tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => return,
                made = pass => made,
            };
            if made == 0 {
                tokio::select! {
                    _ = stopped.wait_for(|stop| *stop) => return,
                    () = tokio::time::sleep(every) => {}
                }
            }
        }
    }

    /// Makes the bundles that can be made now; returns how many were tried.
    async fn pass(&mut self) -> Result<usize> {
        let (finalized, begun) = (self.store.cursor().await?.finalized, Instant::now());
        let mut tried = 0;
        for event in self.next(finalized.number).await? {
            self.attempt(&event, finalized).await?;
            tried += 1;
            if begun.elapsed() > PASS {
                break;
            }
        }
        Ok(tried)
    }

    /// What is tried next: revocations, which need no node, before issuances, and those before what failed.
    async fn next(&mut self, finalized: u64) -> Result<Vec<EventRow>> {
        for (from, issuances) in self.from.iter_mut().zip([false, true]) {
            let events = self.store.unbundled(issuances, *from, finalized, BATCH).await?;
            if !events.is_empty() {
                return Ok(events);
            }
            *from = finalized.saturating_add(1);
        }
        self.store.unbundled_again(finalized, BATCH).await
    }

    async fn attempt(&mut self, event: &EventRow, finalized: BlockRef) -> Result<()> {
        self.store.begin_bundle(event, finalized.number).await?;
        let cause = match self.make_near(event, finalized).await {
            Ok(bundle) => {
                debug!(block = %event.block, log = event.log_index, "bundle kept");
                return self.store.keep_bundle(event, bundle).await;
            }
            Err(cause) => cause,
        };
        let words = format!("{cause:#}");
        warn!(block = %event.block, log = event.log_index, "no bundle: {words}");
        match cause.downcast_ref().is_some_and(is_for_ever) {
            true => self.store.note_unprovable(event, &words).await,
            false => self.store.note_unbundled(event, &words).await,
        }
    }

    /// Ends the bundle at the finalized block, if that is near and what the event says still holds there; else at its own.
    async fn make_near(&mut self, event: &EventRow, finalized: BlockRef) -> Result<Bundle> {
        if finalized.number.saturating_sub(event.block.number) <= NEAR {
            match self.make(event, finalized).await {
                Ok(bundle) => return Ok(bundle),
                Err(cause) => debug!(block = %event.block, "not up to {finalized}: {cause:#}"),
            }
        }
        self.make(event, event.block).await
    }

    fn trusted(&self, block: B256) -> Trusted {
        Trusted { block, network: self.network.hash(), fork: self.fork, root: None }
    }
}

/// Whether it is what the proven state of the event's own block says: no later try is told anything else.
fn is_for_ever(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::OtherLog { .. }
            | Refusal::OtherPolicy { .. }
            | Refusal::ForeignPolicy
            | Refusal::OtherContract { .. }
            | Refusal::StillListed { .. }
            | Refusal::PolicyDenies { .. }
    )
}
