//! The path of a key, from the enclave's side: DESIGN.md §2, one line per arrow.

use crate::{
    config::BootConfig,
    error::{BootError, NodeReason, Reason},
    identity,
    nodes::Nodes,
    record::Recorder,
    report::{BootReport, Clock},
};
use alloy_primitives::{Address, B256, Bytes};
use getrandom::{SysRng, rand_core::UnwrapErr};
use kms_client::{Committee, KeyRequestDraft, Keys, NodeId, PendingRequest, Pinned, Wanted};
use std::collections::BTreeSet;
use tee_client::{Boot, Pccs, Socket, take_evidence};
use tokio::time::Instant;
use wire::{Scope, network::MeasuredAgent};

/// Quotes that one boot takes at most: each costs nodes a judgement.
const MAX_QUOTES: usize = 3;

/// What a boot ends with.
#[derive(Debug)]
pub struct BootOutcome {
    /// What may be printed.
    pub report: BootReport,
    /// The keys.
    pub keys: Keys,
    /// The request with the signed answers to it, for [`PendingRequest::name_liars`].
    pub request: PendingRequest,
}

/// What happens on the way that somebody may want to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A quote was taken for this request.
    Quoted {
        /// Its name on chain.
        issuance_id: B256,
    },
    /// A relay sent the record.
    Sent {
        /// The relay.
        node: String,
        /// The transaction.
        transaction: B256,
    },
    /// No relay pays: somebody has to send this, then the boot goes on.
    SendYourself {
        /// IssuanceLog.
        to: Address,
        /// The call.
        data: Bytes,
    },
}

/// Everything that stays the same over all quotes of one boot.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) nodes: Nodes,
    pub(crate) pinned: Pinned,
    pub(crate) deadline: Instant,
}

/// What is asked for, and by whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking {
    pub(crate) app_id: Address,
    pub(crate) scope: Scope,
}

/// Where evidence comes from.
#[derive(Clone, Copy)]
struct Machine<'a> {
    socket: &'a Socket,
    pccs: &'a Pccs,
}

/// One quote's request and whom it went to.
pub(crate) struct Attempt {
    pub(crate) pending: PendingRequest,
    pub(crate) committee: Committee,
    /// The request as JSON.
    pub(crate) body: Vec<u8>,
    pub(crate) reasons: Vec<NodeReason>,
}

/// Boots: from the socket to the keys.
///
/// # Errors
/// [`BootError`]; where nodes were asked, with each node's reason.
pub async fn boot(config: BootConfig) -> Result<BootOutcome, BootError> {
    boot_with(config, |_| {}).await
}

/// As [`boot`], telling what happens on the way.
///
/// # Errors
/// As [`boot`].
pub async fn boot_with(
    config: BootConfig,
    mut tell: impl FnMut(Event),
) -> Result<BootOutcome, BootError> {
    let mut clock = Clock::start();
    let socket = Socket::at(&config.socket).map_err(BootError::Http)?;
    let pccs = Pccs::at(&config.pccs).map_err(BootError::Http)?;
    let boot = socket.boot().await?;
    let agent = MeasuredAgent::from_compose(&boot.compose)?;
    let session = Session {
        nodes: Nodes::new(&config.nodes).map_err(BootError::Http)?,
        pinned: Pinned::new(&agent)?,
        deadline: Instant::now() + config.timeout,
    };
    let asking = asking(&boot, &agent, &config)?;
    let (mut quotes, mut doubted) = (1, BTreeSet::new());
    loop {
        let machine = Machine { socket: &socket, pccs: &pccs };
        let attempted =
            session.attempt(&config, asking, machine, &mut doubted, &mut clock, &mut tell);
        match attempted.await {
            Err(error)
                if error.wants_another_quote()
                    && quotes < MAX_QUOTES
                    && Instant::now() < session.deadline =>
            {
                quotes += 1;
            }
            outcome => return outcome,
        }
    }
}

fn asking(boot: &Boot, agent: &MeasuredAgent, config: &BootConfig) -> Result<Asking, BootError> {
    let scope = identity::scope(boot, config.scope)?;
    Ok(Asking { app_id: identity::app_id(boot, agent), scope })
}

impl Session {
    async fn attempt(
        &self,
        config: &BootConfig,
        asking: Asking,
        machine: Machine<'_>,
        doubted: &mut BTreeSet<NodeId>,
        clock: &mut Clock,
        tell: &mut impl FnMut(Event),
    ) -> Result<BootOutcome, BootError> {
        let mut rng = UnwrapErr(SysRng);
        let agreed = self.committee(doubted).await?;
        clock.lap(|timings| &mut timings.info_ms);

        let wanted = Wanted::Derive { scope: asking.scope, key_version: config.key_version };
        let committee = agreed.committee;
        let draft =
            KeyRequestDraft::new(&self.pinned, &committee, asking.app_id, vec![wanted], &mut rng)?;
        let evidence = take_evidence(machine.socket, machine.pccs, &draft.report_data()).await?;
        let pending = draft.with_evidence(evidence, &mut rng)?;
        clock.lap(|timings| &mut timings.evidence_ms);
        tell(Event::Quoted { issuance_id: pending.issuance_id() });

        let mut attempt = Attempt::new(pending, committee)?;
        let mut recorder = Recorder::default();
        let recorded = self.authorize(&mut attempt, &mut recorder, clock, tell).await;
        let recorded = recorded.inspect_err(|error| {
            if error.refuses_anchor() {
                doubted.extend(&attempt.committee.anchor_by);
            }
        })?;
        let keys = self.release(&mut attempt, &mut recorder, clock, tell).await?;
        let report = BootReport::new(config, asking, &attempt, &keys, recorded, clock)?;
        Ok(BootOutcome { report, keys, request: attempt.pending })
    }

    pub(crate) fn reason(&self, node: NodeId, reason: Reason) -> NodeReason {
        NodeReason { node: self.nodes.url(node).to_owned(), reason }
    }
}

impl Attempt {
    pub(crate) fn new(pending: PendingRequest, committee: Committee) -> Result<Self, BootError> {
        let body = serde_json::to_vec(pending.request()).map_err(BootError::Encode)?;
        Ok(Self { pending, committee, body, reasons: Vec::new() })
    }
}
