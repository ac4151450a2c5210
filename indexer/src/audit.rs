//! Whether the index is whole: each trail, recomputed from its rows, against the slot proven at a finalized block. Spec:
//! docs/spec/index.md [IDX-6]. Prevents: an event that is missing, added or changed in the database, unnoticed.
//!
//! Two ways, with the same judge. At each newly finalized block the rows since the last one are entered into the trail as it
//! stood there, which costs what is new. Now and then all rows are read again, beside the following, and what that finds
//! stands until it finds otherwise.

use crate::{
    chain::{Chain, ProvenTrail},
    decode::{Catalogue, Kind},
    store::{EventRow, Filter, Store, TrailProof, VerdictRow, being_read},
    task::Task,
    trail::Trail,
};
use alloy::{consensus::ReceiptEnvelope, eips::eip2718::Decodable2718};
use alloy_primitives::{Address, Log};
use anyhow::Result;
use light_client::{BlockRef, Hints};
use std::{
    cmp::Ordering,
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tracing::error;

/// Events that are read at once.
const PAGE: u32 = 2048;

/// What the comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every event up to the finalized block is here, as the contract emitted it.
    Complete,
    /// The event with this seq is not here.
    Missing(u64),
    /// The event with this seq is not as the contract emitted it; `None` if no receipt says which.
    Changed(Option<u64>),
    /// From this seq on there are more events than the contract emitted.
    Surplus(u64),
    /// What the contract emitted before it was followed is not read to the end. [IDX-15]
    BeingRead,
    /// No endpoint has proven what the contract's slot holds at this block: nothing is known.
    Unproven,
}

/// What judges, and what it has seen.
#[derive(Debug)]
pub(crate) struct Auditor {
    catalogue: Arc<Catalogue>,
    /// How long after all rows were read they are read again.
    often: Duration,
    /// Each trail as it stands at the end of a finalized block, by a comparison that held.
    folded: BTreeMap<Address, Folded>,
    all: Option<Task<Result<Vec<VerdictRow>>>>,
    /// Trails that are being proven, and the block that they are proven at.
    proving: Option<(Proving, BlockRef)>,
    /// When all rows were last read, and which verdicts were not `complete`.
    read: Option<Instant>,
    wrong: BTreeMap<Address, VerdictRow>,
    /// The finalized block of the last comparison.
    last: Option<BlockRef>,
    /// The database has verdicts of this run.
    is_told: bool,
}

/// Trails in the making, and the code that was read for them.
type Proving = Task<Result<(Vec<Proven>, Hints)>>;

/// A trail, and the block that it goes up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Folded {
    trail: Trail,
    up_to: u64,
}

/// A trail to be compared.
#[derive(Clone, Debug)]
struct Proven {
    contract: Address,
    kind: Kind,
    /// `None`: it could not be proven.
    trail: Option<ProvenTrail>,
    is_being_read: bool,
}

impl Auditor {
    pub(crate) fn new(catalogue: Arc<Catalogue>, often: Duration) -> Self {
        Self {
            catalogue,
            often,
            folded: BTreeMap::new(),
            all: None,
            proving: None,
            read: None,
            wrong: BTreeMap::new(),
            last: None,
            is_told: false,
        }
    }

    /// Compares what there is to compare at the finalized block of the last look. True once all rows were read since the
    /// start, and what came of it is written. [IDX-6]
    pub(crate) async fn audit(&mut self, store: &Store, chain: &mut Chain) -> Result<bool> {
        self.end_of_all().await?;
        let cursor = store.cursor().await?;
        // Nothing of ours is in the trusted block that the index starts from, and some nodes have no state there.
        if cursor.finalized == cursor.start {
            return Ok(false);
        }
        let is_due = self.all.is_none() && self.read.is_none_or(|at| at.elapsed() >= self.often);
        let Some((proving, at)) = self.proving.take() else {
            if is_due || self.last != Some(cursor.finalized) {
                self.proving = Some(prove(store, chain).await?);
            }
            return Ok(self.is_told);
        };
        if !proving.is_finished() {
            self.proving = Some((proving, at));
            return Ok(self.is_told);
        }
        let (proven, hints) = proving.end().await?;
        chain.learn(hints);
        if is_due {
            let (store, catalogue) = (store.clone(), Arc::clone(&self.catalogue));
            let (proven, chain_id) = (proven.clone(), cursor.chain_id);
            self.all = Some(Task::spawn(async move {
                let mut verdicts = Vec::new();
                for proven in proven {
                    let begin = Trail::first(chain_id, proven.contract);
                    let from = Folded { trail: begin, up_to: 0 };
                    verdicts.push(compare(&store, &catalogue, proven, from, at).await?);
                }
                Ok(verdicts)
            }));
        }
        // Nothing is known before all was read once.
        if self.read.is_some() {
            let mut verdicts = Vec::new();
            for proven in proven {
                verdicts.push(self.advance(store, proven, at).await?);
            }
            store.keep_verdicts(&verdicts).await?;
            self.is_told = true;
        }
        self.last = Some(at);
        Ok(self.is_told)
    }

    /// Enters what is new since the last comparison.
    async fn advance(&mut self, store: &Store, proven: Proven, at: BlockRef) -> Result<VerdictRow> {
        let contract = proven.contract;
        if let Some(wrong) = self.wrong.get(&contract) {
            return Ok(wrong.clone());
        }
        let chain_id = store.cursor().await?.chain_id;
        let first = Folded { trail: Trail::first(chain_id, contract), up_to: 0 };
        let from = self.folded.get(&contract).copied().unwrap_or(first);
        let verdict = compare(store, &self.catalogue, proven, from, at).await?;
        self.remember(&verdict);
        Ok(verdict)
    }

    /// Takes what the reading of all rows has found, if it has ended.
    async fn end_of_all(&mut self) -> Result<()> {
        if self.all.as_ref().is_none_or(|task| !task.is_finished()) {
            return Ok(());
        }
        let Some(task) = self.all.take() else { return Ok(()) };
        let verdicts = task.end().await?;
        self.read = Some(Instant::now());
        self.wrong.clear();
        for verdict in verdicts {
            if verdict.verdict == "complete" {
                self.remember(&verdict);
            } else if !matches!(verdict.verdict.as_str(), "being-read" | "unproven") {
                error!(
                    contract = %verdict.contract, kind = verdict.kind.word(),
                    verdict = verdict.verdict, seq = verdict.wrong_seq,
                    "the index is not what the chain has"
                );
                self.folded.remove(&verdict.contract);
                self.wrong.insert(verdict.contract, verdict);
            }
        }
        // Said at once, whatever is finalized.
        self.last = None;
        Ok(())
    }

    fn remember(&mut self, verdict: &VerdictRow) {
        let up_to = verdict.finalized.number;
        let is_newer = self.folded.get(&verdict.contract).is_none_or(|old| old.up_to < up_to);
        if verdict.verdict == "complete" && is_newer {
            let trail = Trail { seq: verdict.proven_seq, head: verdict.proven_head };
            self.folded.insert(verdict.contract, Folded { trail, up_to });
        }
    }
}

/// Begins to prove every trail that finalized blocks name, those of the network file first.
async fn prove(store: &Store, chain: &Chain) -> Result<(Proving, BlockRef)> {
    let trails = chain.trails();
    let at = trails.at();
    let watched = store.watched().await?;
    let unread = being_read(&watched);
    let mut contracts = BTreeMap::new();
    for watched in watched {
        // What a block above the finalized one has named comes next time.
        if watched.kind.has_trail() && watched.since.number <= at.number {
            contracts.insert((watched.kind == Kind::Policy, watched.address), watched.kind);
        }
    }
    let task = Task::spawn(async move {
        let addresses: Vec<_> = contracts.keys().map(|(_, address)| *address).collect();
        let (trails, hints) = trails.prove(&addresses).await?;
        let told = contracts.into_iter().zip(trails);
        let proven = told.map(|(((_, contract), kind), trail)| Proven {
            contract,
            kind,
            trail,
            is_being_read: unread.contains(&contract),
        });
        Ok((proven.collect(), hints))
    });
    Ok((task, at))
}

/// Goes on from a trail over the rows above it, up to a finalized block, and compares.
async fn compare(
    store: &Store,
    catalogue: &Catalogue,
    proven: Proven,
    from: Folded,
    at: BlockRef,
) -> Result<VerdictRow> {
    let Proven { contract, kind, trail, is_being_read } = proven;
    let is_proven = trail.is_some();
    let (trail, proof) = trail.unwrap_or((Trail::first(0, contract), TrailProof::default()));
    let mut verdict = if is_proven { Verdict::BeingRead } else { Verdict::Unproven };
    if is_proven && !is_being_read {
        let mut fold = Fold::from(from.trail);
        let mut rows = Rows::of(contract, from.up_to, at.number);
        while let Some(page) = rows.next(store).await?
            && fold.enter(catalogue, &page)
        {}
        verdict = fold.judge(trail);
    }
    if verdict == Verdict::Changed(None) {
        verdict = Verdict::Changed(first_changed(store, contract, at.number).await?);
    }
    let (word, wrong_seq) = verdict.words();
    Ok(VerdictRow {
        contract,
        kind,
        finalized: at,
        proven_seq: trail.seq,
        proven_head: trail.head,
        verdict: word.to_owned(),
        wrong_seq,
        proof,
    })
}

/// Rows of one contract, page by page.
struct Rows(Filter);

impl Rows {
    /// Those above the block `above`, up to the block `up_to`.
    fn of(contract: Address, above: u64, up_to: u64) -> Self {
        Self(Filter {
            contract: Some(contract),
            above: (above > 0).then_some(above),
            up_to: Some(up_to),
            limit: PAGE,
            ..Filter::default()
        })
    }

    async fn next(&mut self, store: &Store) -> Result<Option<Vec<EventRow>>> {
        let page = store.events(&self.0).await?;
        let Some(last) = page.last() else { return Ok(None) };
        self.0.after = Some((last.block, last.log_index));
        Ok(Some(page))
    }
}

impl Verdict {
    fn words(self) -> (&'static str, Option<u64>) {
        match self {
            Self::Complete => ("complete", None),
            Self::Missing(seq) => ("missing", Some(seq)),
            Self::Changed(seq) => ("changed", seq),
            Self::Surplus(seq) => ("surplus", Some(seq)),
            Self::BeingRead => ("being-read", None),
            Self::Unproven => ("unproven", None),
        }
    }
}

/// A trail in the making: from the raw logs, while what was decoded at index time is still what they say.
#[derive(Debug)]
pub(crate) struct Fold {
    trail: Trail,
    wrong: Option<Verdict>,
}

impl Fold {
    pub(crate) fn from(trail: Trail) -> Self {
        Self { trail, wrong: None }
    }

    /// False once something is wrong: nothing after it matters.
    pub(crate) fn enter(&mut self, catalogue: &Catalogue, rows: &[EventRow]) -> bool {
        for row in rows {
            let decoded = catalogue.decode(row.kind, &row.log);
            let next = self.trail.seq.saturating_add(1);
            let told = (&row.name, row.app_id, row.seq, &row.args, row.standing.as_str());
            let standing = decoded.standing.word();
            if told != (&decoded.name, decoded.app_id, decoded.seq, &decoded.args, standing) {
                self.wrong = Some(Verdict::Changed(row.seq.or(decoded.seq)));
                return false;
            }
            self.wrong = match decoded.seq {
                Some(seq) if seq > next => Some(Verdict::Missing(next)),
                Some(seq) if seq < next => Some(Verdict::Surplus(seq)),
                _ => None,
            };
            if self.wrong.is_some() {
                return false;
            }
            decoded.enter(&mut self.trail);
        }
        true
    }

    pub(crate) fn judge(self, proven: Trail) -> Verdict {
        if let Some(wrong) = self.wrong {
            return wrong;
        }
        match self.trail.seq.cmp(&proven.seq) {
            Ordering::Less => Verdict::Missing(self.trail.seq.saturating_add(1)),
            Ordering::Greater => Verdict::Surplus(proven.seq.saturating_add(1)),
            Ordering::Equal if self.trail == proven => Verdict::Complete,
            Ordering::Equal => Verdict::Changed(None),
        }
    }
}

/// The first event that its own receipt does not hold; `None` if every kept receipt holds its own.
async fn first_changed(store: &Store, contract: Address, up_to: u64) -> Result<Option<u64>> {
    let mut rows = Rows::of(contract, 0, up_to);
    while let Some(page) = rows.next(store).await? {
        for row in page {
            let Some(receipt) = store.receipt(row.block.hash, row.tx_index).await? else {
                continue;
            };
            let envelope = ReceiptEnvelope::<Log>::decode_2718(&mut receipt.receipt.as_ref()).ok();
            let held = envelope.and_then(|envelope| {
                let place = row.log_index.checked_sub(receipt.first_log)?;
                envelope.logs().get(usize::try_from(place).ok()?).cloned()
            });
            let is_held =
                held.is_some_and(|log| log.address == row.contract && log.data == row.log);
            if !is_held {
                return Ok(row.seq);
            }
        }
    }
    Ok(None)
}
