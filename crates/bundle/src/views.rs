//! What the network's contracts say, asked by their own views over proven state. Spec: docs/spec/bundle.md [BUN-8]. Trusts: the
//! states. Nothing here knows a storage slot.

use crate::{NetworkName, Refusal, Trail, state::chain_of};
use abi::{
    AppRegistry, AttestationRegistry, IssuanceLog, KmsCommittee, app_registry::AppRegistry::AppInfo,
};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use evidence::{Platform, RootRules, TcbStatuses};
use light_client::{MissingAt, ProvenState};
use policy::{
    AsksForFact, ChainRules, ForkSchedule, Gate, Gates, ReadError, Verdict, decide, read,
};
use wire::{UnixSeconds, network::Fork, statements::Attested};

/// Whom to ask.
#[derive(Clone, Debug)]
pub(crate) struct Contracts {
    committee: Address,
    rules: ChainRules,
}

/// A contract of the network in one state, to be asked.
pub(crate) struct Place<'a> {
    pub(crate) contracts: &'a Contracts,
    pub(crate) state: &'a ProvenState,
    pub(crate) contract: Address,
}

impl Place<'_> {
    pub(crate) fn ask<C: SolCall>(&self, call: &C) -> Result<C::Return, Refusal> {
        self.contracts.ask(self.state, self.contract, call)
    }
}

/// Members of an epoch.
#[derive(Clone, Debug)]
pub(crate) struct Members {
    pub(crate) threshold: u16,
    /// By the seats that were asked for; zero for who is none.
    pub(crate) signers: Vec<Address>,
}

impl Contracts {
    pub(crate) fn new(network: &NetworkName, fork: Fork) -> Self {
        let rules = ChainRules { chain_id: network.chain_id, forks: ForkSchedule::constant(fork) };
        Self { committee: network.kms_committee, rules }
    }

    /// `trail()` of a contract of ours.
    pub(crate) fn trail(&self, state: &ProvenState, contract: Address) -> Result<Trail, Refusal> {
        let found = self.ask(state, contract, &IssuanceLog::trailCall {})?;
        Ok(Trail { seq: found.seq, head: U256::from(found.head) })
    }

    /// IssuanceLog in force.
    pub(crate) fn issuance_log(&self, state: &ProvenState) -> Result<Address, Refusal> {
        self.ask(state, self.committee, &KmsCommittee::issuanceLogCall {})
    }

    /// The block in which the log recorded the issuance; zero if it did not.
    pub(crate) fn recorded(
        &self,
        state: &ProvenState,
        log: Address,
        issuance_id: B256,
    ) -> Result<u64, Refusal> {
        self.ask(state, log, &IssuanceLog::recordedCall { issuanceId: issuance_id })
    }

    /// Who of `seats` is a member of `epoch`.
    pub(crate) fn members(
        &self,
        state: &ProvenState,
        epoch: u64,
        seats: Vec<u16>,
    ) -> Result<Members, Refusal> {
        let call = KmsCommittee::signersOfCall { epoch, seats };
        let found = self.ask(state, self.committee, &call)?;
        Ok(Members { threshold: found.t, signers: found.signers })
    }

    /// What the registry says of a root. [EV-3]
    pub(crate) fn root_rules(&self, state: &ProvenState, root: B256) -> Result<RootRules, Refusal> {
        let registry = self.attestation_registry(state)?;
        let found = self.ask(state, registry, &AttestationRegistry::rootPolicyCall { root })?;
        let call = AttestationRegistry::allowsSoftwareCall {};
        let allows_software = self.ask(state, registry, &call)?;
        // The registry has eight statuses; Revoked has no bit.
        let [_, accepted] = found.rules.acceptedTcbStatuses.to_be_bytes();
        Ok(RootRules {
            open: found.isOpen,
            platform: match found.platform {
                2 => Platform::SevSnp,
                3 => Platform::Nitro,
                _ => Platform::Dcap,
            },
            vendor: found.vendor,
            allows_software,
            least_tcb_evaluation_data_number: found.rules.leastTcbEvaluationDataNumber,
            least_crl_issue: UnixSeconds(found.rules.leastCrlIssuedAt),
            least_root_crl_issue: UnixSeconds(found.rules.leastRootCrlIssuedAt),
            max_collateral_age_seconds: u64::from(found.rules.maxCollateralAgeSeconds),
            accepted_statuses: TcbStatuses::from_bits(accepted),
            denied_advisories: found.deniedAdvisoryIds,
        })
    }

    /// `isAllowed`, as IssuanceLog asks it.
    pub(crate) fn is_allowed(
        &self,
        state: &ProvenState,
        issuance_log: Address,
        attested: &Attested,
    ) -> Result<(), Refusal> {
        let app_registry = self.registry_of(state, attested.boot.appId)?;
        let gates = Gates::same(Gate { issuance_log, app_registry });
        match decide(&self.rules, &gates, attested, &chain_of(state)?) {
            Ok(Verdict::Permit(_)) => Ok(()),
            Ok(Verdict::Deny { reason, .. } | Verdict::NotFinal { reason, .. }) => {
                let block = state.block().number;
                Err(Refusal::PolicyDenies { block, reason: reason.to_string() })
            }
            Err(error) => Err(no_answer(error.missing(), &error)),
        }
    }

    /// What the app's registry says of it.
    pub(crate) fn app(&self, state: &ProvenState, app: Address) -> Result<AppInfo, Refusal> {
        let registry = self.registry_of(state, app)?;
        self.ask(state, registry, &AppRegistry::appInfoCall { appId: app })
    }

    /// The network's first word.
    pub(crate) fn committee(&self) -> Address {
        self.committee
    }

    /// Where roots and images are.
    pub(crate) fn attestation_registry(&self, state: &ProvenState) -> Result<Address, Refusal> {
        self.ask(state, self.committee, &KmsCommittee::attestationRegistryCall {})
    }

    /// The registry that speaks for an app.
    pub(crate) fn registry_of(
        &self,
        state: &ProvenState,
        app: Address,
    ) -> Result<Address, Refusal> {
        self.ask(state, self.committee, &KmsCommittee::registryOfCall { appId: app })
    }

    fn ask<C: SolCall>(
        &self,
        state: &ProvenState,
        to: Address,
        call: &C,
    ) -> Result<C::Return, Refusal> {
        read(&self.rules, state, to, call)
            .map_err(|error: ReadError| no_answer(error.missing(), &error))
    }
}

fn no_answer(missing: Option<MissingAt>, error: &dyn std::error::Error) -> Refusal {
    match missing {
        Some(missing) => Refusal::FactMissing(missing),
        None => {
            let mut cause = error.to_string();
            let mut source = error.source();
            while let Some(inner) = source {
                cause.push_str(": ");
                cause.push_str(&inner.to_string());
                source = inner.source();
            }
            Refusal::NoAnswer { cause }
        }
    }
}
