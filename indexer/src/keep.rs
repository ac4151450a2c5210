//! Takes what nodes forget: evidence, and a bundle of every issuance and revocation once its block is final. Spec:
//! docs/spec/bundle.md [BUN-16], [BUN-17]. Trusts: no node and no endpoint; evidence is checked by its hash,
//! and a bundle is one only if the verifier says so. It goes its own pace beside the index and holds nothing up.

mod bundle;
mod evidence;

use crate::{
    decode::Catalogue,
    endpoint::Endpoint,
    store::{EventRow, Store},
    trail::Trail,
};
use ::bundle::{Bundle, NetworkName, Trusted};
use alloy_primitives::{Address, B256};
use anyhow::Result;
use light_client::BlockRef;
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::watch;
use tracing::{debug, warn};
use wire::network::Fork;

/// Bundles that are made before the finalized block is looked up again.
const BATCH: u32 = 32;
/// Up to this many blocks above the event the bundle ends at the finalized block; else at the event's own.
const NEAR: u64 = 256;

/// What makes bundles.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) store: Store,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) network: NetworkName,
    pub(crate) fork: Fork,
    pub(crate) http: reqwest::Client,
    pub(crate) catalogue: Catalogue,
    /// Below this block everything was tried at least once.
    pub(crate) from: u64,
    /// The trail of each contract, up to the event that was looked at last, and that event's place.
    pub(crate) trails: BTreeMap<Address, (Trail, Option<(BlockRef, u64)>)>,
}

impl Keeper {
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
        let finalized = self.store.cursor().await?.finalized;
        let mut events = self.store.unbundled(self.from, finalized.number, BATCH).await?;
        if events.is_empty() {
            self.from = finalized.number.saturating_add(1);
            events = self.store.unbundled_again(finalized.number, BATCH).await?;
        }
        for event in &events {
            match self.make_near(event, finalized).await {
                Ok(bundle) => {
                    self.store.keep_bundle(event, bundle).await?;
                    debug!(block = %event.block, log = event.log_index, "bundle kept");
                }
                Err(cause) => {
                    let words = format!("{cause:#}");
                    warn!(block = %event.block, log = event.log_index, "no bundle: {words}");
                    self.store.note_unbundled(event, finalized.number, &words).await?;
                }
            }
        }
        Ok(events.len())
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
