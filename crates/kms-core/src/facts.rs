//! What a node reads from the chain, as typed views over proven state.
//!
//! Spec: docs/spec/policy.md [POL-9]. Every function is a view of one of our contracts, run at one proven block; none
//! knows a storage slot.

use abi::{AppRegistry, AttestationRegistry, IssuanceLog, KmsCommittee};
use alloy_primitives::{Address, B256, Bytes};
use evidence::{Platform, RootRules, TcbStatuses};
use light_client::ProvenState;
use policy::{ChainRules, Gate, ReadError, read};
use wire::{KeyVersion, SeatId, UnixSeconds, statements::Domain};

/// Which network this node belongs to. From its measured compose file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Chain id and forks.
    pub rules: ChainRules,
    /// KmsCommittee; every other contract is read from it.
    pub committee: Address,
    /// What quotes bind.
    pub network_hash: B256,
}

/// The keyset in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyset {
    /// Its id.
    pub id: B256,
    /// Public key of the `derive` secret.
    pub derive_public_key: Bytes,
    /// Public key of the `unseal` secret.
    pub unseal_public_key: Bytes,
    /// The active epoch.
    pub epoch: u64,
    /// Its threshold.
    pub threshold: u16,
}

/// Whether this seat may act at one block, and under what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The keyset.
    pub keyset_id: B256,
    /// The active epoch; zero before the first.
    pub epoch: u64,
    /// Whether this node's seat is a member of the epoch, and not suspended.
    pub may_act: bool,
}

impl Network {
    /// The keyset in force; `None` before the first activation.
    pub fn keyset(&self, state: &ProvenState) -> Result<Option<Keyset>, ReadError> {
        let found = self.ask(state, self.committee, &KmsCommittee::keysetCall {})?;
        Ok((found.epoch != 0).then_some(Keyset {
            id: found.keysetId,
            derive_public_key: found.derivePublicKey,
            unseal_public_key: found.unsealPublicKey,
            epoch: found.epoch,
            threshold: found.t,
        }))
    }

    /// IssuanceLog in force.
    pub fn issuance_log(&self, state: &ProvenState) -> Result<Address, ReadError> {
        self.ask(state, self.committee, &KmsCommittee::issuanceLogCall {})
    }

    /// The least delay of any grant, by the AppRegistry in force; zero without one.
    pub fn grant_floor(&self, state: &ProvenState) -> Result<u64, ReadError> {
        let registry = self.ask(state, self.committee, &KmsCommittee::appRegistryCall {})?;
        if registry.is_zero() {
            return Ok(0);
        }
        self.ask(state, registry, &AppRegistry::grantFloorSecondsCall {}).map(u64::from)
    }

    /// The domain of statements about issuances.
    pub fn issuance_domain(&self, issuance_log: Address) -> Domain {
        Domain::IssuanceLog { chain_id: self.rules.chain_id, contract: issuance_log }
    }

    /// The domain of statements about seats and ceremonies.
    pub fn committee_domain(&self) -> Domain {
        Domain::KmsCommittee { chain_id: self.rules.chain_id, contract: self.committee }
    }

    /// Whether `seat`, under `signer`, may act at this block. [AUTH-4]
    pub fn authority(
        &self,
        state: &ProvenState,
        seat: SeatId,
        signer: Address,
    ) -> Result<Authority, ReadError> {
        let call = KmsCommittee::authorizersCall { seats: vec![seat] };
        let found = self.ask(state, self.committee, &call)?;
        Ok(Authority {
            keyset_id: found.keysetId,
            epoch: found.epoch,
            may_act: found.signers.first() == Some(&signer),
        })
    }

    /// The app's registry and the log that asks it, at this block.
    pub fn gate(&self, state: &ProvenState, app: Address) -> Result<Gate, ReadError> {
        let call = KmsCommittee::registryOfCall { appId: app };
        Ok(Gate {
            issuance_log: self.issuance_log(state)?,
            app_registry: self.ask(state, self.committee, &call)?,
        })
    }

    /// The seat of a signing address; `None` if it has none.
    pub fn seat_of(
        &self,
        state: &ProvenState,
        signer: Address,
    ) -> Result<Option<SeatId>, ReadError> {
        let seat = self.ask(state, self.committee, &KmsCommittee::seatIdOfCall { signer })?;
        Ok((seat != 0).then_some(seat))
    }

    /// Whether governance took this seat away for good.
    pub fn is_seat_removed(&self, state: &ProvenState, seat: SeatId) -> Result<bool, ReadError> {
        let call = KmsCommittee::seatCall { id: seat };
        Ok(self.ask(state, self.committee, &call)?.isRemoved)
    }

    /// What the registry says of a root. [EV-3]
    pub fn root_rules(&self, state: &ProvenState, root: B256) -> Result<RootRules, ReadError> {
        let registry =
            self.ask(state, self.committee, &KmsCommittee::attestationRegistryCall {})?;
        let found = self.ask(state, registry, &AttestationRegistry::rootPolicyCall { root })?;
        let allows_software =
            self.ask(state, registry, &AttestationRegistry::allowsSoftwareCall {})?;
        let platform = match found.platform {
            2 => Platform::SevSnp,
            3 => Platform::Nitro,
            _ => Platform::Dcap,
        };
        // The registry has eight statuses; Revoked has no bit.
        let [_, accepted] = found.rules.acceptedTcbStatuses.to_be_bytes();
        Ok(RootRules {
            open: found.isOpen,
            platform,
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

    /// Whether an OS image counts.
    pub fn is_os_image_approved(
        &self,
        state: &ProvenState,
        image: B256,
    ) -> Result<bool, ReadError> {
        let registry =
            self.ask(state, self.committee, &KmsCommittee::attestationRegistryCall {})?;
        self.ask(
            state,
            registry,
            &AttestationRegistry::isOsImageApprovedCall { osImageHash: image },
        )
    }

    /// Whether a key version is current, or older and listed. [AUTH-6]
    pub fn is_key_readable(
        &self,
        state: &ProvenState,
        registry: Address,
        app: Address,
        version: KeyVersion,
    ) -> Result<bool, ReadError> {
        let call = AppRegistry::isKeyReadableCall { appId: app, keyVersion: version };
        self.ask(state, registry, &call)
    }

    /// The current key version.
    pub fn key_version(
        &self,
        state: &ProvenState,
        registry: Address,
        app: Address,
    ) -> Result<KeyVersion, ReadError> {
        self.ask(state, registry, &AppRegistry::keyVersionOfCall { appId: app })
    }

    /// The app's policy contract.
    pub fn policy_of(
        &self,
        state: &ProvenState,
        registry: Address,
        app: Address,
    ) -> Result<Address, ReadError> {
        self.ask(state, registry, &AppRegistry::policyOfCall { appId: app })
    }

    /// The block in which an issuance was recorded; `None` if it was not. [REL-1]
    pub fn recorded(
        &self,
        state: &ProvenState,
        issuance_log: Address,
        issuance_id: B256,
    ) -> Result<Option<u64>, ReadError> {
        let call = IssuanceLog::recordedCall { issuanceId: issuance_id };
        let block = self.ask(state, issuance_log, &call)?;
        Ok((block != 0).then_some(block))
    }

    /// The running ceremony, or an empty one.
    pub fn ceremony(&self, state: &ProvenState) -> Result<KmsCommittee::CeremonyInfo, ReadError> {
        self.ask(state, self.committee, &KmsCommittee::ceremonyCall {})
    }

    /// An epoch, past or present.
    pub fn epoch(
        &self,
        state: &ProvenState,
        epoch: u64,
    ) -> Result<KmsCommittee::EpochInfo, ReadError> {
        self.ask(state, self.committee, &KmsCommittee::epochInfoCall { epoch })
    }

    /// Whether this code may hold a seat.
    pub fn is_node_code_approved(
        &self,
        state: &ProvenState,
        os_image_hash: B256,
        compose_hash: B256,
    ) -> Result<bool, ReadError> {
        let call = KmsCommittee::isNodeCodeApprovedCall {
            osImageHash: os_image_hash,
            composeHash: compose_hash,
        };
        self.ask(state, self.committee, &call)
    }

    /// A candidate, by its signing address.
    pub fn candidate(
        &self,
        state: &ProvenState,
        signer: Address,
    ) -> Result<KmsCommittee::CandidateInfo, ReadError> {
        self.ask(state, self.committee, &KmsCommittee::candidateCall { signer })
    }

    fn ask<C: alloy_sol_types::SolCall>(
        &self,
        state: &ProvenState,
        to: Address,
        call: &C,
    ) -> Result<C::Return, ReadError> {
        read(&self.rules, state, to, call)
    }
}
