//! `quorate audit`: every trail of the network, replayed from what an endpoint tells, against slots proven at a finalized block.
//! No indexer has a part in it. Spec: docs/spec/bundle.md [BUN-14]. Prevents: a policy that is hidden by hiding who names it: only
//! a trail that is whole names policies.

use crate::{
    cli::Global,
    decode::Interfaces,
    exit::Exit,
    failure::Failure,
    named,
    network::Target,
    output::Output,
    proven::{At, Proven},
    replay::{self, Outcome, Told},
};
use abi::{AppRegistry, IssuanceLog};
use alloy::primitives::{Address, U256};
use alloy::rpc::types::Log;
use bundle::Trail;
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const AFTER: &str = "Exit code 0 if every trail is complete; 4 if an event is hidden, invented or changed: its contract and seq are named.
Compared are the network's contracts, every policy of ours that AppRegistry names, and those that they ask.
Before --from nothing is compared of IssuanceLog, KmsCommittee and AttestationRegistry: what each trail was there is proven, for
which the endpoint has to have that state. AppRegistry and policies are compared whole: they name the policies.

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
        let proven = Proven::connect(Target::load(global)?, At::Finalized).await?;
        let finalized = proven.chain.head.number;
        if self.from > finalized {
            return Err(AuditError::NotFinal { from: self.from, finalized }.into());
        }
        // What every trail was before the first block that is compared.
        let mut before = match self.from.checked_sub(1) {
            Some(number) => Some(Proven::connect(Target::load(global)?, At::Number(number)).await?),
            None => None,
        };
        let block =
            json!({ "number": finalized, "hash": proven.chain.head.hash, "source": proven.source });
        let mut run = Comparison {
            global,
            interfaces: Interfaces::ours(),
            proven,
            compared: Vec::new(),
            names_all: true,
        };
        run.contracts(before.as_mut(), self.from, output).await?;
        let is_whole = run.compared.iter().all(|trail| trail.outcome == Outcome::Complete);
        let fields = json!({
            "complete": is_whole,
            "from": self.from,
            "block": block,
            "policiesKnown": run.names_all,
            "trails": run.compared.iter().map(Compared::to_json).collect::<Vec<_>>(),
        });
        output.answer("quorate.audit", fields, &words(&run, self.from))?;
        Ok(if is_whole { Exit::Ok } else { Exit::Denied })
    }
}

/// One run, at the proven block.
struct Comparison<'a> {
    global: &'a Global,
    interfaces: Interfaces,
    proven: Proven,
    compared: Vec<Compared>,
    /// Every trail that names policies is whole: no policy is missing among those compared.
    names_all: bool,
}

impl Comparison<'_> {
    /// The contracts of the network, then the policies that a whole trail names.
    async fn contracts(
        &mut self,
        mut before: Option<&mut Proven>,
        from: u64,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let of = self.proven.chain.contracts;
        let to = self.proven.chain.head.number;
        for (contract, kind) in [
            (of.kms_committee, "KmsCommittee"),
            (of.attestation_registry, "AttestationRegistry"),
            (of.issuance_log, "IssuanceLog"),
        ] {
            output.talk(&format!("{kind} {contract}"))?;
            let start = match &mut before {
                Some(before) => trail(before, contract).await?,
                None => Trail::first(self.proven.rules.chain_id, contract),
            };
            let logs = replay::logs(&self.proven.chain, &[contract], from, to).await?;
            self.compare((contract, kind), start, &logs).await?;
        }
        output.talk(&format!("AppRegistry {}", of.app_registry))?;
        let logs = replay::logs(&self.proven.chain, &[of.app_registry], 0, to).await?;
        self.names_all = self.compare_whole((of.app_registry, "AppRegistry"), &logs).await?;
        if self.names_all {
            self.policies(logs.iter().filter_map(named::policy).collect(), output).await?;
        }
        Ok(())
    }

    /// These policies of ours, and those of ours that they ask, down to the last.
    async fn policies(
        &mut self,
        mut level: BTreeSet<Address>,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let registry = self.proven.chain.contracts.app_registry;
        let to = self.proven.chain.head.number;
        let mut seen = level.clone();
        while !level.is_empty() {
            output.talk(&format!("policies: {}", level.len()))?;
            let contracts: Vec<Address> = level.iter().copied().collect();
            let logs = replay::logs(&self.proven.chain, &contracts, 0, to).await?;
            level.clear();
            for policy in contracts {
                if !self.compare_whole((policy, "Policy"), &logs).await? {
                    self.names_all = false;
                    continue;
                }
                let own = logs.iter().filter(|log| log.address() == policy);
                for member in own.filter_map(named::member).collect::<Vec<_>>() {
                    let view = AppRegistry::isOurPolicyCall { policy: member };
                    if seen.insert(member) && self.proven.read(registry, &view).await? {
                        level.insert(member);
                    }
                }
            }
        }
        Ok(())
    }

    /// From its first event on: whether it is whole.
    async fn compare_whole(
        &mut self,
        of: (Address, &'static str),
        logs: &[Log],
    ) -> Result<bool, Failure> {
        let start = Trail::first(self.proven.rules.chain_id, of.0);
        Ok(self.compare(of, start, logs).await? == Outcome::Complete)
    }

    async fn compare(
        &mut self,
        (contract, kind): (Address, &'static str),
        start: Trail,
        logs: &[Log],
    ) -> Result<Outcome, Failure> {
        let end = trail(&mut self.proven, contract).await?;
        let told = replay::told(&self.interfaces, contract, logs);
        let outcome = replay::compare(start, end, &told);
        let changed = match outcome {
            Outcome::Changed => changed(self.global, contract, start, &told).await?,
            _ => None,
        };
        let told = told.len();
        self.compared.push(Compared { contract, kind, proven: end, told, outcome, changed });
        Ok(outcome)
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

fn words(run: &Comparison<'_>, from: u64) -> String {
    let (proven, head) = (&run.proven, run.proven.chain.head);
    let mut text = format!(
        "events from block {from} to {} {}, {}, as {} tells them\n",
        head.number, head.hash, proven.source, proven.chain.endpoint
    );
    for trail in &run.compared {
        text.push_str(&format!(
            "{:<20} {} seq {:<6} {}\n",
            trail.kind,
            trail.contract,
            trail.proven.seq,
            trail.word()
        ));
    }
    if !run.names_all {
        text.push_str(
            "a trail that names policies is not complete: not every policy is compared\n",
        );
    }
    text
}
