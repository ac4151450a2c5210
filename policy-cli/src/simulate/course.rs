//! The course of events: the vote, the queue, the delays, the execution, and what follows from it by itself.
//!
//! Spec: docs/spec/simulate.md [SIM-2], [SIM-3], [SIM-6]. Every step is the contracts' own code. The one thing supposed is
//! that the vote passes: while it is cast, the votes token answers that the voter has votes enough.

use super::{Input, SimulateError, Way, input::MAX_CALLS};
use crate::{
    decode::{Decoded, Interfaces},
    failure::Failure,
    proven::{Proven, ProvenError},
    send::Call,
};
use abi::{AccessManager, AppRegistry, QuorateGovernor, VotesToken};
use alloy::dyn_abi::DynSolValue;
use alloy::primitives::{Address, Bytes, Log, U256, hex, keccak256};
use alloy::sol_types::{SolCall, SolEvent};
use policy::{CallError, Executed, Overlay, SlotChange, Transaction};
use std::collections::BTreeSet;
use wire::UnixSeconds;

/// Later moments that are looked at; more are left out, and the report says so.
const MAX_MOMENTS: usize = 16;
/// Operations that follow by themselves, one out of another.
const MAX_FOLLOWING: usize = 16;

/// One transaction of the course.
pub(crate) struct Step {
    pub(crate) what: String,
    pub(crate) time: u64,
    pub(crate) gas: u64,
    pub(crate) logs: Vec<Log>,
    pub(crate) changes: Vec<SlotChange>,
}

/// A moment at which verdicts are asked: with the proposal and without it.
pub(crate) struct Moment {
    pub(crate) time: u64,
    pub(crate) with: Overlay,
    pub(crate) without: Overlay,
}

/// What happened.
pub(crate) struct Course {
    pub(crate) now: Overlay,
    pub(crate) steps: Vec<Step>,
    /// From then on nobody but who may cancel can stop it: the end of the vote, the scheduling, or the call itself.
    pub(crate) decided_at: u64,
    pub(crate) executed_at: u64,
    /// Execution first, then each later time from which something counts.
    pub(crate) moments: Vec<Moment>,
    pub(crate) moments_left_out: usize,
    pub(crate) reverts: Option<String>,
    pub(crate) supposed: Vec<String>,
}

impl Course {
    /// The last moment looked at.
    pub(crate) fn last(&self) -> Option<&Moment> {
        self.moments.last()
    }

    /// Every event of every step.
    pub(crate) fn logs(&self) -> impl Iterator<Item = &Log> {
        self.steps.iter().flat_map(|step| &step.logs)
    }
}

/// Runs `input`.
pub(crate) async fn run(
    proven: &mut Proven,
    interfaces: &Interfaces,
    input: &Input,
    block_seconds: u64,
) -> Result<Course, Failure> {
    if input.actions.is_empty() || input.actions.len() > MAX_CALLS {
        let (calls, limit) = (input.actions.len(), MAX_CALLS);
        return Err(SimulateError::TooManyCalls { calls, limit }.into());
    }
    let now = Overlay::new(&proven.state);
    let mut runner = Runner {
        overlay: now.clone(),
        proven,
        interfaces,
        block_seconds: block_seconds.max(1),
        steps: Vec::new(),
        supposed: Vec::new(),
        reverts: None,
        decided_at: now.time().0,
    };
    match &input.way {
        Way::Governor { governor, id, description } => {
            runner.by_vote(*governor, *id, &input.actions, description).await?;
        }
        Way::Account(from) => runner.by_account(*from, &input.actions).await?,
    }
    let executed_at = runner.overlay.time().0;
    let mut moments = vec![runner.moment(&now)];
    let mut later = BTreeSet::new();
    if runner.reverts.is_none() {
        runner.follow(&now, &mut moments).await?;
        later = counting_from(runner.steps.iter().flat_map(|step| &step.logs), interfaces);
    }
    let last = runner.overlay.time().0;
    let mut left_out = 0;
    for time in later.into_iter().filter(|time| *time > last) {
        if moments.len() == MAX_MOMENTS {
            left_out += 1;
            continue;
        }
        runner.wait_until(time);
        moments.push(runner.moment(&now));
    }
    let Runner { steps, supposed, reverts, decided_at, .. } = runner;
    let moments_left_out = left_out;
    Ok(Course { now, steps, decided_at, executed_at, moments, moments_left_out, reverts, supposed })
}

/// Times from which something counts, by the names that the interfaces give them.
fn counting_from<'a>(
    logs: impl Iterator<Item = &'a Log>,
    interfaces: &Interfaces,
) -> BTreeSet<u64> {
    let decoded = logs.filter_map(|log| interfaces.event(log.data.topics(), &log.data.data));
    decoded
        .flat_map(|event: Decoded| event.arguments)
        .filter(|argument| matches!(argument.path.as_str(), "effectiveAt" | "since"))
        .filter_map(|argument| match argument.value() {
            DynSolValue::Uint(time, _) => u64::try_from(*time).ok(),
            _ => None,
        })
        // FROZEN and its like are no moments.
        .filter(|time| *time < u64::from(u32::MAX) * 2)
        .collect()
}

struct Runner<'a> {
    proven: &'a mut Proven,
    interfaces: &'a Interfaces,
    overlay: Overlay,
    block_seconds: u64,
    steps: Vec<Step>,
    supposed: Vec<String>,
    reverts: Option<String>,
    decided_at: u64,
}

/// Whether a Governor counts in seconds or in blocks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clock {
    Seconds,
    Blocks,
}

impl Runner<'_> {
    fn moment(&self, base: &Overlay) -> Moment {
        let mut without = base.clone();
        without.advance(self.overlay.number(), self.overlay.time());
        Moment { time: self.overlay.time().0, with: self.overlay.clone(), without }
    }

    fn wait_until(&mut self, time: u64) {
        let seconds = time.saturating_sub(self.overlay.time().0);
        let blocks = seconds.div_ceil(self.block_seconds);
        self.overlay.advance(self.overlay.number().saturating_add(blocks), UnixSeconds(time));
    }

    fn wait_until_clock(&mut self, clock: Clock, point: u64) {
        match clock {
            Clock::Seconds => self.wait_until(point),
            Clock::Blocks => {
                let blocks = point.saturating_sub(self.overlay.number());
                let seconds = blocks.saturating_mul(self.block_seconds);
                let time = self.overlay.time().0.saturating_add(seconds);
                self.overlay.advance(point, UnixSeconds(time));
            }
        }
    }

    async fn read<C: SolCall>(&mut self, to: Address, view: &C) -> Result<C::Return, Failure> {
        let overlay = &self.overlay;
        let answer = self.proven.run(|rules, state| overlay.read(rules, state, to, view)).await?;
        Ok(answer.map_err(ProvenError::from)?)
    }

    /// Runs one call and enters it as a step; why it reverts, if it does.
    async fn execute(
        &mut self,
        what: &str,
        from: Address,
        action: &Call,
    ) -> Result<Result<Bytes, String>, Failure> {
        let Call { to, value, calldata } = action.clone();
        let transaction = Transaction { from, to, data: calldata, value };
        let overlay = &mut self.overlay;
        let outcome =
            self.proven.run(|rules, state| overlay.execute(rules, state, &transaction)).await?;
        Ok(match outcome {
            Ok(Executed { output, gas_used, logs, changes }) => {
                let time = self.overlay.time().0;
                self.steps.push(Step { what: what.to_owned(), time, gas: gas_used, logs, changes });
                Ok(output)
            }
            Err(CallError::Reverted { data }) => Err(self.interfaces.revert(&data)),
            Err(error) => Err(error.to_string()),
        })
    }

    /// A call that has to succeed for the simulation to have a meaning.
    async fn must<C: SolCall>(
        &mut self,
        what: &'static str,
        from: Address,
        to: Address,
        call: &C,
    ) -> Result<C::Return, Failure> {
        let action = Call::new(to, call);
        let answer = self.execute(what, from, &action).await?;
        let bytes = answer.map_err(|reason| SimulateError::StepReverts { what, reason })?;
        C::abi_decode_returns(&bytes)
            .map_err(|error| SimulateError::StepReverts { what, reason: error.to_string() }.into())
    }

    /* BY VOTE */

    async fn by_vote(
        &mut self,
        governor: Address,
        id: Option<U256>,
        actions: &[Call],
        description: &str,
    ) -> Result<(), Failure> {
        let mode = match self.read(governor, &QuorateGovernor::CLOCK_MODECall {}).await {
            Ok(mode) => mode,
            Err(error) if error.is_no_answer() => {
                let cause = error.to_string();
                return Err(SimulateError::NotAGovernor { governor, cause }.into());
            }
            Err(error) => return Err(error),
        };
        let clock = match mode.contains("mode=timestamp") {
            true => Clock::Seconds,
            false => Clock::Blocks,
        };
        let token = self.read(governor, &QuorateGovernor::tokenCall {}).await?;
        let targets: Vec<Address> = actions.iter().map(|action| action.to).collect();
        let values: Vec<U256> = actions.iter().map(|action| action.value).collect();
        let calldatas: Vec<Bytes> = actions.iter().map(|action| action.calldata.clone()).collect();
        let description_hash = keccak256(description.as_bytes());
        let voter = voter();
        let id = match id {
            Some(id) => id,
            None => {
                let call = QuorateGovernor::proposeCall {
                    targets: targets.clone(),
                    values: values.clone(),
                    calldatas: calldatas.clone(),
                    description: description.to_owned(),
                };
                self.overlay.suppose_code(token, everybody_votes(clock));
                let id = self.must("propose", voter, governor, &call).await?;
                self.overlay.stop_supposing(token);
                id
            }
        };
        for _ in 0..6 {
            let state = self.read(governor, &QuorateGovernor::stateCall { proposalId: id }).await?;
            match state {
                0 | 1 => self.vote(governor, token, clock, id).await?,
                4 => {
                    let view = QuorateGovernor::proposalNeedsQueuingCall { proposalId: id };
                    if !self.read(governor, &view).await? {
                        break;
                    }
                    let call = QuorateGovernor::queue_0Call {
                        targets: targets.clone(),
                        values: values.clone(),
                        calldatas: calldatas.clone(),
                        descriptionHash: description_hash,
                    };
                    self.must("queue", voter, governor, &call).await?;
                }
                5 => {
                    let view = QuorateGovernor::proposalEtaCall { proposalId: id };
                    let eta = self.read(governor, &view).await?;
                    self.wait_until(eta.saturating_to());
                    break;
                }
                2 => return Err(SimulateError::NotExecutable { id, state: "canceled" }.into()),
                3 => return Err(SimulateError::NotExecutable { id, state: "defeated" }.into()),
                6 => return Err(SimulateError::NotExecutable { id, state: "expired" }.into()),
                _ => return Err(SimulateError::NotExecutable { id, state: "executed" }.into()),
            }
        }
        let deadline = QuorateGovernor::proposalDeadlineCall { proposalId: id };
        let deadline: u64 = self.read(governor, &deadline).await?.saturating_to();
        if clock == Clock::Seconds {
            self.decided_at = deadline;
        }
        let value = values.iter().fold(U256::ZERO, |sum, value| sum.saturating_add(*value));
        let call = QuorateGovernor::execute_0Call {
            targets,
            values,
            calldatas,
            descriptionHash: description_hash,
        };
        let action = Call { value, ..Call::new(governor, &call) };
        self.reverts = self.execute("execute", voter, &action).await?.err();
        Ok(())
    }

    /// Supposes that the vote passes, and that it ends.
    async fn vote(
        &mut self,
        governor: Address,
        token: Address,
        clock: Clock,
        id: U256,
    ) -> Result<(), Failure> {
        let view = QuorateGovernor::proposalSnapshotCall { proposalId: id };
        let snapshot: u64 = self.read(governor, &view).await?.saturating_to();
        self.wait_until_clock(clock, snapshot.saturating_add(1));
        self.overlay.suppose_code(token, everybody_votes(clock));
        let call = QuorateGovernor::castVoteCall { proposalId: id, support: 1 };
        self.must("vote", voter(), governor, &call).await?;
        self.overlay.stop_supposing(token);
        self.supposed.push("the vote passes with a quorum".to_owned());
        let view = QuorateGovernor::proposalDeadlineCall { proposalId: id };
        let deadline: u64 = self.read(governor, &view).await?.saturating_to();
        self.wait_until_clock(clock, deadline.saturating_add(1));
        self.decided_at = self.overlay.time().0.saturating_sub(1);
        Ok(())
    }

    /* BY AN ACCOUNT */

    async fn by_account(&mut self, from: Address, actions: &[Call]) -> Result<(), Failure> {
        let manager = self.proven.chain.contracts.access_manager;
        let mut delays = Vec::new();
        for action in actions {
            delays.push(self.delay_of(manager, from, action).await?);
        }
        for (action, _) in actions.iter().zip(&delays).filter(|(_, delay)| **delay > 0) {
            let call = AccessManager::scheduleCall {
                target: action.to,
                data: action.calldata.clone(),
                when: Default::default(),
            };
            self.must("schedule", from, manager, &call).await?;
        }
        for (action, delay) in actions.iter().zip(&delays) {
            if *delay == 0 && self.reverts.is_none() {
                self.reverts = self.execute("call", from, action).await?.err();
            }
        }
        let longest = delays.iter().copied().max().unwrap_or_default();
        if longest > 0 {
            self.wait_until(self.overlay.time().0.saturating_add(longest));
        }
        for (action, delay) in actions.iter().zip(&delays) {
            if *delay > 0 && self.reverts.is_none() {
                let data = action.calldata.clone();
                let call = AccessManager::executeCall { target: action.to, data };
                let through = Call { value: action.value, ..Call::new(manager, &call) };
                self.reverts = self.execute("execute", from, &through).await?.err();
            }
        }
        Ok(())
    }

    /// What the AccessManager wants between scheduling and execution; zero where it guards nothing or lets the call pass.
    async fn delay_of(
        &mut self,
        manager: Address,
        from: Address,
        action: &Call,
    ) -> Result<u64, Failure> {
        let contracts = self.proven.chain.contracts;
        let guarded =
            [manager, contracts.attestation_registry, contracts.kms_committee].contains(&action.to);
        let Some(selector) = action.calldata.first_chunk::<4>().filter(|_| guarded) else {
            return Ok(0);
        };
        let view = AccessManager::canCallCall {
            caller: from,
            target: action.to,
            selector: (*selector).into(),
        };
        let answer = self.read(manager, &view).await?;
        Ok(if answer.immediate { 0 } else { answer.delay.into() })
    }

    /* WHAT FOLLOWS */

    /// Operations that the calls have scheduled, and ownership that they have offered: whoever was given them will act.
    async fn follow(&mut self, base: &Overlay, moments: &mut Vec<Moment>) -> Result<(), Failure> {
        let mut seen = 0;
        for _ in 0..MAX_FOLLOWING {
            let logs: Vec<Log> =
                self.steps.iter().skip(seen).flat_map(|step| step.logs.clone()).collect();
            seen = self.steps.len();
            let mut following = self.following(&logs);
            following.sort_by_key(|(time, _, _, _)| *time);
            if following.is_empty() {
                return Ok(());
            }
            for (time, what, from, action) in following {
                self.wait_until(time);
                if let Err(reason) = self.execute(what, from, &action).await? {
                    self.supposed.push(format!("{what} would revert: {reason}"));
                }
                moments.push(self.moment(base));
            }
        }
        Ok(())
    }

    fn following(&self, logs: &[Log]) -> Vec<(u64, &'static str, Address, Call)> {
        let executed: BTreeSet<_> = logs
            .iter()
            .chain(self.steps.iter().flat_map(|step| &step.logs))
            .filter_map(|log| AccessManager::OperationExecuted::decode_log(log).ok())
            .map(|event| (event.operationId, event.nonce))
            .collect();
        let mut following = Vec::new();
        for log in logs {
            if let Ok(event) = AccessManager::OperationScheduled::decode_log(log)
                && !executed.contains(&(event.operationId, event.nonce))
            {
                let (target, data) = (event.target, event.data.data.clone());
                let action = Call::new(log.address, &AccessManager::executeCall { target, data });
                let time = event.schedule.saturating_to();
                following.push((time, "execute what was scheduled", event.caller, action));
            }
            if let Ok(event) = AppRegistry::OwnershipOffered::decode_log(log)
                && !event.pendingOwner.is_zero()
            {
                let call = AppRegistry::takeOwnershipCall { appId: event.appId };
                let action = Call::new(log.address, &call);
                let now = self.overlay.time().0;
                following.push((
                    now,
                    "take the ownership that is offered",
                    event.pendingOwner,
                    action,
                ));
            }
        }
        following
    }
}

/// Nobody's account.
fn voter() -> Address {
    Address::from_word(keccak256("quorate/simulate/voter"))
}

/// A votes token whose every holder has 2^200 votes of a supply of 1, with the clock that the Governor counts in:
/// `clock()` answers the time or the height, `getPastVotes` 2^200, anything else 1.
fn everybody_votes(clock: Clock) -> Bytes {
    let opcode = match clock {
        Clock::Seconds => 0x42,
        Clock::Blocks => 0x43,
    };
    let (clock_selector, votes_selector) =
        (VotesToken::clockCall::SELECTOR, VotesToken::getPastVotesCall::SELECTOR);
    let mut code = hex!("5f3560e01c8063").to_vec();
    code.extend(clock_selector);
    code.extend(hex!("14602057" "63"));
    code.extend(votes_selector);
    code.extend(hex!("14602857" "60015f5260205ff3" "5b"));
    code.push(opcode);
    code.extend(hex!("5f5260205ff3" "5b600160c81b5f5260205ff3"));
    code.into()
}
