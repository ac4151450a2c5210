//! Which invariant would break. Spec: docs/spec/simulate.md [SIM-10], which numbers them.
//!
//! What the contracts can't do they do not do in the simulation either; judged here is what they can: what whoever holds the
//! administrator's rights may legally do, and must not do unseen.

use super::{
    Input,
    course::Course,
    known::{Known, Question, Who},
    stranger,
    verdicts::{Answered, Verdicts},
};
use crate::{
    failure::Failure,
    proven::{Proven, ProvenError},
    words,
};
use abi::{AccessManager, AppRegistry, AttestationRegistry, KmsCommittee, QuorateGovernor};
use alloy::primitives::{Address, FixedBytes, Log};
use alloy::sol_types::{SolCall, SolEvent};
use policy::Overlay;
use proposal::{approvals, text_against_calldata};
use std::collections::{BTreeMap, BTreeSet};
use wire::network::label_text;

const ADMIN: u64 = 0;
const GUARDIAN: u64 = 1;
const GRANTOR: u64 = 2;
const COMMITTEE: u64 = 3;
/// Least delays where software roots are not allowed (Roles.sol).
const LEAST_GRANT_SECONDS: u64 = 48 * 3600;
const LEAST_COMMITTEE_SECONDS: u64 = 7 * 86_400;

/// Something that a voter has to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// An invariant of docs/spec/simulate.md would break; else it is a notice.
    pub(crate) breaks: bool,
    pub(crate) invariant: &'static str,
    pub(crate) promise: &'static str,
    pub(crate) words: String,
}

struct Judge<'a> {
    proven: &'a mut Proven,
    course: &'a Course,
    known: &'a Known,
    allows_software: bool,
    found: BTreeSet<Finding>,
}

pub(crate) async fn judge(
    proven: &mut Proven,
    input: &Input,
    course: &Course,
    known: &Known,
    verdicts: &Verdicts,
) -> Result<Vec<Finding>, Failure> {
    let registry = proven.chain.contracts.attestation_registry;
    let allows_software =
        proven.read(registry, &AttestationRegistry::allowsSoftwareCall {}).await?;
    let mut judge = Judge { proven, course, known, allows_software, found: BTreeSet::new() };
    if let Err(error) = approvals(&input.actions) {
        judge.breaks("calls-are-readable", "P8", error.to_string());
    } else if !input.text.is_empty()
        && let Err(error) = text_against_calldata(&input.text, &input.actions)
    {
        judge.breaks("text-is-calldata", "P8", error.to_string());
    }
    for (question, answer) in known.questions.iter().zip(&verdicts.answers) {
        judge.widening(question, answer).await?;
    }
    for step in &course.steps {
        for log in &step.logs {
            judge.event(log).await?;
        }
    }
    judge.foreign_policies().await?;
    judge.seats().await?;
    Ok(judge.found.into_iter().collect())
}

impl Judge<'_> {
    fn breaks(&mut self, invariant: &'static str, promise: &'static str, words: String) {
        self.found.insert(Finding { breaks: true, invariant, promise, words });
    }

    fn notice(&mut self, invariant: &'static str, promise: &'static str, words: String) {
        self.found.insert(Finding { breaks: false, invariant, promise, words });
    }

    async fn read<C: SolCall>(
        &mut self,
        overlay: &Overlay,
        to: Address,
        view: &C,
    ) -> Result<Result<C::Return, policy::ReadError>, Failure> {
        self.proven.run(|rules, state| overlay.read(rules, state, to, view)).await
    }

    /// The last state, with the proposal.
    fn after(&self) -> &Overlay {
        self.course.last().map_or(&self.course.now, |moment| &moment.with)
    }

    /* WHO COULD BOOT */

    async fn widening(&mut self, question: &Question, answer: &Answered) -> Result<(), Failure> {
        let Some(at) = answer.widened_at else { return Ok(()) };
        let boot = &question.attested.boot;
        let (app, hash) = (boot.appId, boot.composeHash);
        if hash == stranger("compose hash") {
            self.breaks(
                "approved-code-only",
                "P11",
                format!("code that nobody approved could have the keys of app {app}"),
            );
            return Ok(());
        }
        let registry = self.known.apps.get(&app).map(|app| app.registry);
        let registry = registry.filter(|registry| !registry.is_zero());
        let floor = match registry {
            Some(registry) => {
                let view = AppRegistry::grantFloorSecondsCall {};
                u64::from(self.proven.read(registry, &view).await?)
            }
            None => 0,
        };
        let notice = at.saturating_sub(self.course.decided_at);
        if notice < floor && self.was_there(app) {
            let (notice, floor) = (words::duration(notice), words::duration(floor));
            self.breaks(
                "slow-to-widen",
                "P8",
                format!("app {app}: code {hash} could boot {notice} after the decision, the floor is {floor}"),
            );
        }
        let app_known = self.known.apps.get(&app);
        let reason = app_known.and_then(|app| app.revoked.get(&hash)).copied();
        if let Some(reason) = reason {
            let reason = crate::reason::text(reason);
            let said =
                format!("app {app}: compose hash {hash}, revoked as {reason}, could boot again");
            match app_known.is_some_and(|app| app.is_approved_anew(hash)) {
                true => self.notice(
                    "revoked-stays-revoked",
                    "P8",
                    format!("{said}: it is approved anew by name"),
                ),
                false => self.breaks(
                    "revoked-stays-revoked",
                    "P8",
                    format!("{said} without an approval by name"),
                ),
            }
        }
        if let (Who::Issued { .. }, true) = (&question.who, answer.now.is_some()) {
            self.notice(
                "who-could-boot",
                "P8",
                format!("app {app}: an identity that had keys before could boot again"),
            );
        }
        Ok(())
    }

    /// Whether the app existed before the proposal: what a new app begins with waits for nothing.
    fn was_there(&self, app: Address) -> bool {
        !self.course.logs().any(|log| {
            AppRegistry::AppEntered::decode_log(log).is_ok_and(|event| event.appId == app)
        })
    }

    /* RIGHTS AND DELAYS */

    async fn event(&mut self, log: &Log) -> Result<(), Failure> {
        let contracts = self.proven.chain.contracts;
        if log.address == contracts.access_manager {
            return self.event_of_manager(log).await;
        }
        if let Ok(event) = AttestationRegistry::AuthorityUpdated::decode_log(log)
            && [contracts.attestation_registry, contracts.kms_committee].contains(&log.address)
        {
            let (contract, authority) = (log.address, event.authority);
            self.breaks(
                "rights-as-the-table",
                "P8",
                format!("{contract} would obey {authority} instead of the AccessManager"),
            );
        }
        if let Ok(event) = AppRegistry::OwnershipTaken::decode_log(log) {
            self.ownership(log.address, event.appId, event.owner).await?;
        }
        if let Ok(event) = AppRegistry::GuardianSet::decode_log(log) {
            let guardian = words::account(event.guardian);
            self.notice(
                "rights-as-the-table",
                "P8",
                format!("the guardian of app {} becomes {guardian}", event.appId),
            );
        }
        if let Ok(event) = KmsCommittee::ContractsSet::decode_log(log) {
            self.notice(
                "contracts-in-force",
                "P8",
                format!(
                    "the widest grant there is: AppRegistry {} and IssuanceLog {} would be in force from {}",
                    event.appRegistry, event.issuanceLog, words::moment(event.effectiveAt)
                ),
            );
        }
        if let Ok(event) = abi::AllowlistPolicy::GrantDelaySet::decode_log(log) {
            let (app, delay) = (event.appId, u64::from(event.grantDelaySeconds));
            self.notice(
                "delays-stay",
                "P8",
                format!("the grant delay of app {app} becomes {}", words::duration(delay)),
            );
        }
        self.event_of_governor(log);
        Ok(())
    }

    fn event_of_governor(&mut self, log: &Log) {
        let governor = log.address;
        if let Ok(event) = QuorateGovernor::BaseDelaySet::decode_log(log) {
            let (before, after) =
                (u64::from(event.oldBaseDelaySeconds), u64::from(event.newBaseDelaySeconds));
            self.shortened(governor, "base delay", before, after);
        }
        if let Ok(event) = QuorateGovernor::VotingPeriodSet::decode_log(log) {
            let (before, after) =
                (event.oldVotingPeriod.saturating_to(), event.newVotingPeriod.saturating_to());
            self.shortened(governor, "voting period", before, after);
        }
        if let Ok(event) = QuorateGovernor::VotingDelaySet::decode_log(log) {
            let (before, after) =
                (event.oldVotingDelay.saturating_to(), event.newVotingDelay.saturating_to());
            self.shortened(governor, "voting delay", before, after);
        }
        if let Ok(event) = QuorateGovernor::ProposalGuardianSet::decode_log(log) {
            let who = words::account(event.newProposalGuardian);
            self.notice(
                "rights-as-the-table",
                "P8",
                format!("the proposal guardian of {governor} becomes {who}"),
            );
        }
        if let Ok(event) = QuorateGovernor::AccessManagerIgnoredSet::decode_log(log)
            && event.ignored
        {
            let (target, selector) = (event.target, event.selector);
            self.breaks(
                "rights-as-the-table",
                "P8",
                format!(
                    "{governor} would call {selector} of {target} past the AccessManager's delay"
                ),
            );
        }
    }

    /// A Governor's own times have no floor: shorter is said, none at all breaks.
    fn shortened(&mut self, governor: Address, what: &str, before: u64, after: u64) {
        let said = format!("the {what} of {governor} falls from {before} to {after}");
        if after < before && after == 0 {
            self.breaks("delays-stay", "P8", said);
        } else if after < before {
            self.notice("delays-stay", "P8", said);
        }
    }

    async fn event_of_manager(&mut self, log: &Log) -> Result<(), Failure> {
        if let Ok(event) = AccessManager::RoleGranted::decode_log(log) {
            self.role_granted(event.data).await?;
        }
        if let Ok(event) = AccessManager::TargetFunctionRoleUpdated::decode_log(log) {
            self.function_role(event.target, event.selector, event.roleId);
        }
        if let Ok(event) = AccessManager::RoleAdminChanged::decode_log(log) {
            let (role, admin) = (role(event.roleId), role(event.admin));
            self.breaks(
                "rights-as-the-table",
                "P8",
                format!("role {role} would be given out by role {admin}"),
            );
        }
        if let Ok(event) = AccessManager::RoleGuardianChanged::decode_log(log)
            && event.guardian != GUARDIAN
        {
            let (role, guardian) = (role(event.roleId), role(event.guardian));
            self.breaks("rights-as-the-table", "P8", format!("what role {role} schedules would be cancelled by role {guardian}, not by the guardian"));
        }
        if let Ok(event) = AccessManager::TargetClosed::decode_log(log) {
            let said = if event.closed { "be closed: nobody could govern it" } else { "be open" };
            self.notice("rights-as-the-table", "P8", format!("{} would {said}", event.target));
        }
        Ok(())
    }

    async fn role_granted(
        &mut self,
        event: abi::access_manager::AccessManager::RoleGranted,
    ) -> Result<(), Failure> {
        let manager = self.proven.chain.contracts.access_manager;
        let (account, id, delay) = (event.account, event.roleId, u64::from(event.delay));
        let now = self.course.now.clone();
        let before = AccessManager::hasRoleCall { roleId: id, account };
        let before = self.read(&now, manager, &before).await?.map_err(ProvenError::from)?;
        if !before.isMember && id != GUARDIAN {
            let said =
                format!("{account} would hold role {}, which it does not hold now", role(id));
            self.breaks("rights-as-the-table", "P8", said);
        }
        let guardian = AccessManager::hasRoleCall { roleId: GUARDIAN, account };
        let guardian = self.read(&now, manager, &guardian).await?.map_err(ProvenError::from)?;
        let admin = AccessManager::hasRoleCall { roleId: ADMIN, account };
        let admin = self.read(&now, manager, &admin).await?.map_err(ProvenError::from)?;
        if guardian.isMember && !admin.isMember && id != GUARDIAN {
            self.breaks(
                "guardian-grants-nothing",
                "P8",
                format!("guardian {account} would gain role {}, which grants", role(id)),
            );
        }
        let floor = match id {
            _ if self.allows_software => 0,
            GRANTOR => LEAST_GRANT_SECONDS,
            ADMIN | COMMITTEE => LEAST_COMMITTEE_SECONDS,
            _ => 0,
        };
        if delay < floor {
            let (delay, floor) = (words::duration(delay), words::duration(floor));
            self.breaks(
                "delays-stay",
                "P8",
                format!(
                    "{account} would act in role {} after {delay}, the floor is {floor}",
                    role(id)
                ),
            );
        } else if before.isMember && delay < u64::from(before.executionDelay) {
            let (before, after) =
                (words::duration(before.executionDelay.into()), words::duration(delay));
            self.notice(
                "delays-stay",
                "P8",
                format!(
                    "the delay of {account} in role {} falls from {before} to {after}",
                    role(id)
                ),
            );
        }
        Ok(())
    }

    /// A function of the table that another role would have.
    fn function_role(&mut self, target: Address, selector: FixedBytes<4>, given: u64) {
        let contracts = self.proven.chain.contracts;
        let table = duties(contracts.attestation_registry, contracts.kms_committee);
        let Some((name, expected)) = table.get(&(target, selector)) else { return };
        if given != *expected {
            let (given, expected) = (role(given), role(*expected));
            self.breaks(
                "rights-as-the-table",
                "P8",
                format!("{name} of {target} would be role {given}'s; the table gives it to role {expected}"),
            );
        }
    }

    async fn ownership(
        &mut self,
        registry: Address,
        app: Address,
        owner: Address,
    ) -> Result<(), Failure> {
        let now = self.course.now.clone();
        let before = self.read(&now, registry, &AppRegistry::ownerOfCall { appId: app }).await?;
        let guardian =
            self.read(&now, registry, &AppRegistry::guardianOfCall { appId: app }).await?;
        if guardian.is_ok_and(|guardian| guardian == owner)
            && before.is_ok_and(|before| before != owner)
        {
            self.breaks(
                "guardian-grants-nothing",
                "P8",
                format!("guardian {owner} would own app {app}, and could grant"),
            );
        }
        self.notice("rights-as-the-table", "P8", format!("app {app} would be owned by {owner}"));
        Ok(())
    }

    /* POLICIES AND SEATS */

    async fn foreign_policies(&mut self) -> Result<(), Failure> {
        let after = self.after().clone();
        let now = self.course.now.clone();
        let apps: Vec<(Address, Address)> =
            self.known.apps.iter().map(|(id, app)| (*id, app.registry)).collect();
        for (app, registry) in apps.into_iter().filter(|(_, registry)| !registry.is_zero()) {
            let view = AppRegistry::appInfoCall { appId: app };
            let Ok(then) = self.read(&after, registry, &view).await? else { continue };
            let before = self.read(&now, registry, &view).await?;
            if before.is_ok_and(|before| before.policy == then.policy) || !then.isForeign {
                continue;
            }
            let policy = then.policy;
            self.breaks(
                "judged-by-our-code",
                "P8",
                format!("app {app} would be judged by the foreign contract {policy}: delays and revocations would be what its code says"),
            );
            if then.movedTo != Address::ZERO {
                self.breaks(
                    "judged-by-our-code",
                    "P8",
                    format!("app {app} would move to registry {}", then.movedTo),
                );
            }
        }
        Ok(())
    }

    /// P7 over everybody who holds a share of the active epoch, and of one that the proposal opens.
    async fn seats(&mut self) -> Result<(), Failure> {
        let committee = self.proven.chain.contracts.kms_committee;
        let after = self.after().clone();
        let view = KmsCommittee::activeEpochCall {};
        let epoch = self.read(&after, committee, &view).await?.map_err(ProvenError::from)?;
        let view = KmsCommittee::epochInfoCall { epoch };
        let info = self.read(&after, committee, &view).await?.map_err(ProvenError::from)?;
        let mut epochs = vec![(format!("epoch {epoch}"), info.t, info.recipients)];
        for log in self.course.logs() {
            if let Ok(event) = KmsCommittee::EpochOpened::decode_log(log) {
                epochs.push((
                    format!("the opened epoch {}", event.epoch),
                    event.t,
                    event.seats.clone(),
                ));
            }
        }
        for (name, t, seats) in epochs {
            let mut holders = Vec::new();
            for id in seats {
                let view = KmsCommittee::seatCall { id };
                let seat = self.read(&after, committee, &view).await?.map_err(ProvenError::from)?;
                holders.push([
                    format!("vendor {}", label_text(seat.vendor)),
                    format!("operator {}", label_text(seat.operator)),
                ]);
            }
            for (holder, count) in quorums(holders, t) {
                self.breaks(
                    "seats-are-split",
                    "P7",
                    format!(
                        "{holder} would hold {count} seats of {name}, {t} are enough for the keys"
                    ),
                );
            }
        }
        Ok(())
    }
}

/// Who of the seats' vendors and operators holds `t` of them, and how many it holds.
fn quorums(seats: Vec<[String; 2]>, t: u16) -> Vec<(String, u16)> {
    let mut held: BTreeMap<String, u16> = BTreeMap::new();
    seats.into_iter().flatten().for_each(|holder| *held.entry(holder).or_default() += 1);
    held.into_iter().filter(|(_, count)| *count >= t.max(1)).collect()
}

/// What role each function of the table has (Roles.sol).
fn duties(
    registry: Address,
    committee: Address,
) -> BTreeMap<(Address, FixedBytes<4>), (&'static str, u64)> {
    let mut table = BTreeMap::new();
    macro_rules! duties {
        ($target:expr, $role:expr, $($contract:ident :: $call:ident $name:literal),*) => {
            $(table.insert(($target, FixedBytes($contract::$call::SELECTOR)), ($name, $role));)*
        };
    }
    duties!(registry, GRANTOR, AttestationRegistry::openRootCall "openRoot", AttestationRegistry::setRootRulesCall "setRootRules",
        AttestationRegistry::acceptAdvisoryCall "acceptAdvisory", AttestationRegistry::approveOsImageCall "approveOsImage");
    duties!(registry, GUARDIAN, AttestationRegistry::closeRootCall "closeRoot", AttestationRegistry::denyAdvisoryCall "denyAdvisory",
        AttestationRegistry::revokeOsImageCall "revokeOsImage");
    duties!(committee, COMMITTEE, KmsCommittee::approveNodeCodeCall "approveNodeCode", KmsCommittee::assignOperatorCall "assignOperator",
        KmsCommittee::admitSeatCall "admitSeat", KmsCommittee::unsuspendSeatCall "unsuspendSeat", KmsCommittee::removeSeatCall "removeSeat",
        KmsCommittee::openEpochCall "openEpoch", KmsCommittee::setContractsCall "setContracts");
    duties!(committee, GUARDIAN, KmsCommittee::suspendSeatCall "suspendSeat", KmsCommittee::revokeNodeCodeCall "revokeNodeCode",
        KmsCommittee::cancelContractsChangeCall "cancelContractsChange");
    table
}

fn role(id: u64) -> String {
    match id {
        ADMIN => "0 (administrator)".to_owned(),
        GUARDIAN => "1 (guardian)".to_owned(),
        GRANTOR => "2 (grantor)".to_owned(),
        COMMITTEE => "3 (committee)".to_owned(),
        u64::MAX => "public".to_owned(),
        id => id.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::B256;

    #[test]
    fn every_function_of_the_table_has_its_role() {
        let (registry, committee) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let table = duties(registry, committee);
        assert_eq!(table.len(), 17);
        let open = FixedBytes(AttestationRegistry::openRootCall::SELECTOR);
        assert_eq!(table[&(registry, open)], ("openRoot", GRANTOR));
        assert!(!table.contains_key(&(committee, open)));
    }

    /// [SIM-10]
    #[test]
    fn a_quorum_is_t_seats_of_one_vendor_or_operator() {
        let seats = |vendors: [&str; 5]| -> Vec<[String; 2]> {
            let seats = vendors.iter().zip(1..);
            seats.map(|(vendor, n)| [format!("vendor {vendor}"), format!("operator {n}")]).collect()
        };
        assert_eq!(quorums(seats(["a", "a", "b", "b", "c"]), 3), []);
        let held = vec![("vendor a".to_owned(), 3)];
        assert_eq!(quorums(seats(["a", "a", "a", "b", "c"]), 3), held);
        assert_eq!(quorums(vec![["vendor a".into(), "operator 1".into()]; 2], 2).len(), 2);
    }

    #[test]
    fn strangers_are_no_hash_that_anybody_has() {
        assert_ne!(stranger("device"), stranger("compose hash"));
        assert_ne!(stranger("device"), B256::ZERO);
    }
}
