//! One node: its identity, what it remembers, and the chain that it sees. Shared by every request and by the ceremony.

use crate::{
    adapters::{
        sender::{SendError, Sender},
        store::{PendingStatement, Store},
    },
    budget::{Budgets, PaidOnce},
    chain::{ChainError, ChainService, Snapshot, clock},
    config::Config,
    metrics::Metrics,
    state_file::StateFile,
};
use alloy::primitives::{Address, B256, Bytes};
use anyhow::Result;
use kms_core::{EpochShares, Judged, Network, StatementKey, ceremony::Call};
use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, atomic::AtomicBool},
};
use tee_client::{Boot, Pccs, Socket};
use tracing::{info, warn};
use wire::{SealingKind, SeatId, network::MeasuredNode};

/// Judgements that are kept between authorize and release.
const KEPT_JUDGEMENTS: usize = 1024;

/// A node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) config: Config,
    pub(crate) measured: MeasuredNode,
    pub(crate) network: Network,
    pub(crate) key: StatementKey,
    pub(crate) sealing: SealingKind,
    pub(crate) endpoint: String,
    pub(crate) boot: Boot,
    pub(crate) socket: Socket,
    pub(crate) pccs: Pccs,
    pub(crate) chain: ChainService,
    pub(crate) store: Store,
    pub(crate) state: StateFile,
    pub(crate) sender: Option<Sender>,
    pub(crate) sources: Budgets<IpAddr>,
    pub(crate) apps: PaidOnce<(Address, B256)>,
    pub(crate) metrics: Metrics,
    /// Whether seat and epoch could be read at the newest head.
    pub(crate) readable: AtomicBool,
    pub(crate) seat: RwLock<Option<SeatId>>,
    pub(crate) shares: RwLock<Option<Arc<EpochShares>>>,
    /// The canary, with the session in which it was given.
    pub(crate) canary: RwLock<Option<(B256, B256)>>,
    pub(crate) ceremony: RwLock<Option<String>>,
    pub(crate) judgements: Judgements,
}

/// Judgements by the digest of the whole request: a release after an authorization does not judge the quote again.
#[derive(Debug, Default)]
pub(crate) struct Judgements(Mutex<KeptJudgements>);

#[derive(Debug, Default)]
struct KeptJudgements {
    by_request: HashMap<B256, Arc<Judged>>,
    oldest_first: VecDeque<B256>,
}

impl Judgements {
    pub(crate) fn get(&self, key: B256) -> Option<Arc<Judged>> {
        self.kept().by_request.get(&key).cloned()
    }

    pub(crate) fn keep(&self, key: B256, judged: Arc<Judged>) {
        let mut kept = self.kept();
        if kept.by_request.insert(key, judged).is_none() {
            kept.oldest_first.push_back(key);
        }
        if kept.oldest_first.len() > KEPT_JUDGEMENTS
            && let Some(oldest) = kept.oldest_first.pop_front()
        {
            kept.by_request.remove(&oldest);
        }
    }

    fn kept(&self) -> MutexGuard<'_, KeptJudgements> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Node {
    pub(crate) fn seat(&self) -> Option<SeatId> {
        *self.seat.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn shares(&self) -> Option<Arc<EpochShares>> {
        self.shares.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_shares(&self, shares: Option<Arc<EpochShares>>) {
        *self.shares.write().unwrap_or_else(PoisonError::into_inner) = shares;
    }

    pub(crate) fn set_seat(&self, seat: Option<SeatId>) {
        *self.seat.write().unwrap_or_else(PoisonError::into_inner) = seat;
    }

    /// The canary of the epoch whose shares are in use.
    pub(crate) fn canary(&self) -> Option<B256> {
        let session = self.shares()?.session();
        let known = *self.canary.read().unwrap_or_else(PoisonError::into_inner);
        known.and_then(|(of, canary)| (of == session).then_some(canary))
    }

    /// What the ceremony does, in words, for `GET /v1/info`.
    pub(crate) fn set_ceremony(&self, words: Option<String>) {
        let mut current = self.ceremony.write().unwrap_or_else(PoisonError::into_inner);
        if *current != words {
            if let Some(words) = &words {
                info!("ceremony: {words}");
            }
            *current = words;
        }
    }

    /// The fresh proven chain, for a decision about keys.
    pub(crate) fn fresh(&self) -> Result<Snapshot, ChainError> {
        self.chain.fresh()
    }

    /// Keeps a call until its effect is proven, and sends it if this host pays for gas. The same id is made once.
    pub(crate) async fn submit(&self, id: String, call: Call) -> Result<()> {
        let statement = PendingStatement { id, to: call.to, data: call.data };
        self.store.keep_statement(&statement, clock()).await?;
        self.send(&statement).await;
        Ok(())
    }

    /// Sends a kept call. What fails now is tried again at the next block.
    pub(crate) async fn send(&self, statement: &PendingStatement) {
        let Some(sender) = &self.sender else { return };
        match sender.send(statement.to, statement.data.clone()).await {
            Ok(transaction) => info!(id = statement.id, %transaction, "sent"),
            Err(error) => warn!(id = statement.id, "not sent: {}", describe(&error)),
        }
    }
}

/// A failed call in words, with the contract's error by name where it is one of ours.
pub(crate) fn describe(error: &SendError) -> String {
    match error {
        SendError::Reverts { reason, data } => {
            let named = data.as_ref().and_then(error_name);
            named.unwrap_or_else(|| reason.clone())
        }
        other => format!("{other:#}"),
    }
}

/// The name and arguments of a custom error of KmsCommittee or IssuanceLog.
pub(crate) fn error_name(data: &Bytes) -> Option<String> {
    use alloy::sol_types::SolInterface;
    let committee = abi::KmsCommittee::KmsCommitteeErrors::abi_decode(data).ok();
    let log = abi::IssuanceLog::IssuanceLogErrors::abi_decode(data).ok();
    committee.map(|e| format!("{e:?}")).or_else(|| log.map(|e| format!("{e:?}")))
}
