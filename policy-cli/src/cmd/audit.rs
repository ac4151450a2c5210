//! `quorate audit`: every trail of the network, replayed from what an endpoint tells, against slots proven at a finalized block.
//! No indexer has a part in it. Spec: docs/spec/bundle.md [BUN-14].

use crate::{
    chain::Chain,
    cli::Global,
    decode::Interfaces,
    exit::Exit,
    failure::Failure,
    network::Target,
    output::Output,
    proven::{At, Proven},
    replay::{self, Outcome, Told},
};
use abi::{AppRegistry, IssuanceLog};
use alloy::primitives::{Address, U256};
use alloy::rpc::types::Log;
use alloy::sol_types::SolEvent;
use bundle::Trail;
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wire::network::Contracts;

const AFTER: &str = "Exit code 0 if every trail is complete; 4 if an event is hidden, invented or changed: its contract and seq are named.
Before --from nothing is compared: what each trail was there is proven, for which the endpoint has to have that state.

Example:
  quorate audit --network network.toml --rpc https://rpc.example --from 0";

/// Replays every trail of the network against proven slots, with no indexer
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Audit {
    /// Block from which events are compared
    #[arg(long, value_name = "BLOCK", default_value_t = 0)]
    from: u64,
}

/// Why there is nothing to compare.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    #[error("block {from} is above the finalized block, {finalized}")]
    NotFinal { from: u64, finalized: u64 },
}

impl AuditError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::NotFinal { .. } => Exit::Usage,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        Vec::new()
    }
}

/// One trail, compared.
struct Compared {
    contract: Address,
    kind: &'static str,
    proven: Trail,
    told: usize,
    outcome: Outcome,
    /// Of a changed event: between which seqs it is.
    changed: Option<(u64, u64)>,
}

impl Audit {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let mut proven = Proven::connect(Target::load(global)?, At::Finalized).await?;
        let finalized = proven.chain.head.number;
        if self.from > finalized {
            return Err(AuditError::NotFinal { from: self.from, finalized }.into());
        }
        // What every trail was before the first block that is compared.
        let mut before = match self.from.checked_sub(1) {
            Some(number) => Some(Proven::connect(Target::load(global)?, At::Number(number)).await?),
            None => None,
        };
        let interfaces = Interfaces::ours();
        let mut compared = Vec::new();
        for (contract, kind) in contracts(&proven.chain).await? {
            output.talk(&format!("{kind} {contract}"))?;
            let start = match &mut before {
                Some(before) => trail(before, contract).await?,
                None => Trail::first(proven.rules.chain_id, contract),
            };
            let end = trail(&mut proven, contract).await?;
            let logs = replay::logs(&proven.chain, contract, self.from, finalized).await?;
            let told = replay::told(&interfaces, contract, &logs);
            let outcome = replay::compare(start, end, &told);
            let changed = match outcome {
                Outcome::Changed => changed(global, contract, start, &told).await?,
                _ => None,
            };
            let told = told.len();
            compared.push(Compared { contract, kind, proven: end, told, outcome, changed });
        }
        let is_whole = compared.iter().all(|trail| trail.outcome == Outcome::Complete);
        let fields = json!({
            "complete": is_whole,
            "from": self.from,
            "block": { "number": finalized, "hash": proven.chain.head.hash, "source": proven.source },
            "trails": compared.iter().map(Compared::to_json).collect::<Vec<_>>(),
        });
        output.answer("quorate.audit", fields, &words(&proven, self.from, &compared))?;
        Ok(if is_whole { Exit::Ok } else { Exit::Denied })
    }
}

/// The contracts of the network, and every policy of ours that AppRegistry names. What hides one of its events is found by the
/// registry's own trail.
pub(crate) async fn contracts(chain: &Chain) -> Result<BTreeMap<Address, &'static str>, Failure> {
    let of: Contracts = chain.contracts;
    let mut contracts = BTreeMap::from([
        (of.kms_committee, "KmsCommittee"),
        (of.attestation_registry, "AttestationRegistry"),
        (of.app_registry, "AppRegistry"),
        (of.issuance_log, "IssuanceLog"),
    ]);
    let to = chain.head.number;
    for log in replay::logs(chain, of.app_registry, 0, to).await? {
        if let Some(policy) = named_policy(&log) {
            contracts.insert(policy, "Policy");
        }
    }
    Ok(contracts)
}

/// The policy of ours that an event of AppRegistry names.
pub(crate) fn named_policy(log: &Log) -> Option<Address> {
    let data = &log.inner.data;
    match *data.topics().first()? {
        AppRegistry::AppEntered::SIGNATURE_HASH => {
            let event = AppRegistry::AppEntered::decode_log_data(data).ok()?;
            (!event.isForeign).then_some(event.policy)
        }
        AppRegistry::PolicySet::SIGNATURE_HASH => {
            let event = AppRegistry::PolicySet::decode_log_data(data).ok()?;
            (!event.isForeign).then_some(event.policy)
        }
        _ => None,
    }
}

/// The trail at the proven block; a contract that is not there yet has its first one.
async fn trail(proven: &mut Proven, contract: Address) -> Result<Trail, Failure> {
    let account = proven
        .run(|_, state| {
            let block = state.block();
            state.account(contract).map_err(|missing| {
                policy::CallError::Missing(light_client::MissingAt { block, missing })
            })
        })
        .await?
        .map_err(crate::proven::ProvenError::from)?;
    if !account.has_code() {
        return Ok(Trail::first(proven.rules.chain_id, contract));
    }
    let found = proven.read(contract, &IssuanceLog::trailCall {}).await?;
    Ok(Trail { seq: found.seq, head: U256::from(found.head) })
}

/// The first block whose proven trail is not what the told events give: the changed event is one of that block's. `None` if the
/// endpoint has no state of the blocks in between.
async fn changed(
    global: &Global,
    contract: Address,
    start: Trail,
    told: &[Told],
) -> Result<Option<(u64, u64)>, Failure> {
    let mut led = start;
    let trails: Vec<Trail> = told
        .iter()
        .map(|event| {
            event.enter(&mut led);
            led
        })
        .collect();
    // Every place is the last of its block: that is what the block's slot commits to.
    let places: Vec<usize> = (0..told.len())
        .filter(|place| {
            told.get(*place).map(|e| e.block) != told.get(place.saturating_add(1)).map(|e| e.block)
        })
        .collect();
    let (mut low, mut high) = (0, places.len());
    while low < high {
        let middle = low.midpoint(high);
        let place = places.get(middle).copied().unwrap_or_default();
        let (Some(event), Some(expected)) = (told.get(place), trails.get(place)) else { break };
        let Ok(mut proven) = Proven::connect(Target::load(global)?, At::Number(event.block)).await
        else {
            return Ok(None);
        };
        match trail(&mut proven, contract).await {
            Ok(found) if found == *expected => low = middle.saturating_add(1),
            Ok(_) => high = middle,
            Err(_) => return Ok(None),
        }
    }
    let last = places.get(low).and_then(|place| told.get(*place));
    let first = last.and_then(|last| told.iter().find(|event| event.block == last.block));
    Ok(first.zip(last).map(|(first, last)| (first.seq, last.seq)))
}

impl Compared {
    fn word(&self) -> String {
        match (self.outcome, self.changed) {
            (Outcome::Complete, _) => "complete".to_owned(),
            (Outcome::Hidden(seq), _) => format!("hidden: seq {seq}"),
            (Outcome::Invented(seq), _) => format!("invented: seq {seq}"),
            (Outcome::Changed, Some((first, last))) if first == last => {
                format!("changed: seq {first}")
            }
            (Outcome::Changed, Some((first, last))) => {
                format!("changed: one of seq {first} to {last}")
            }
            (Outcome::Changed, None) => "changed".to_owned(),
        }
    }

    fn to_json(&self) -> Value {
        let (verdict, seq) = match self.outcome {
            Outcome::Complete => ("complete", None),
            Outcome::Hidden(seq) => ("hidden", Some(seq)),
            Outcome::Invented(seq) => ("invented", Some(seq)),
            Outcome::Changed => ("changed", self.changed.map(|(first, _)| first)),
        };
        json!({
            "contract": self.contract,
            "kind": self.kind,
            "seq": self.proven.seq,
            "told": self.told,
            "verdict": verdict,
            "wrongSeq": seq,
        })
    }
}

fn words(proven: &Proven, from: u64, compared: &[Compared]) -> String {
    let head = proven.chain.head;
    let mut text = format!(
        "events from block {from} to {} {}, {}, as {} tells them\n",
        head.number, head.hash, proven.source, proven.chain.endpoint
    );
    for trail in compared {
        text.push_str(&format!(
            "{:<20} {} seq {:<6} {}\n",
            trail.kind,
            trail.contract,
            trail.proven.seq,
            trail.word()
        ));
    }
    text
}
