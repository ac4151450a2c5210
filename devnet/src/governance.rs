//! What governance and an app's owner do on a devnet: plain calls from anvil's unlocked accounts.

use crate::chain::{CallError, Chain};
use abi::{AllowlistPolicy, AppRegistry, KmsCommittee};
use alloy::{
    primitives::{Address, B256},
    rpc::types::TransactionReceipt,
};
use anyhow::{Context, Result};
use policy_cli::compose::{NewCompose, QuorateBlock, app_compose, compose_hash};
use wire::{
    ReleaseAt, SeatId,
    network::{Contracts, MeasuredAgent},
};

/// The reason code "vulnerable", as `quorate` names it.
pub const VULNERABLE: u8 = 1;

/// A chain with our contracts, and who may do what.
#[derive(Clone, Debug)]
pub struct Governance {
    /// The chain.
    pub chain: Chain,
    /// The contracts.
    pub contracts: Contracts,
    /// Administrator and guardian of the network.
    pub administrator: Address,
    /// Owner of the apps.
    pub owner: Address,
}

/// The keyset in force.
pub type Keyset = abi::kms_committee::KmsCommittee::keysetReturn;

/// An app to be made.
#[derive(Clone, Debug)]
pub struct NewApp<'a> {
    /// For people.
    pub name: &'a str,
    /// The text of its docker-compose.yml.
    pub docker_compose: &'a str,
    /// Names the app among those of its owner.
    pub salt: B256,
    /// Accepted vendors; empty: those that are open.
    pub vendors: Vec<B256>,
    /// Accepted machines; empty: any.
    pub devices: Vec<B256>,
    /// When nodes may release.
    pub release_at: ReleaseAt,
    /// Who grants and who takes away, if not the devnet's owner.
    pub governed_by: Option<Governed>,
}

/// Who governs an app.
#[derive(Clone, Copy, Debug)]
pub struct Governed {
    /// Who grants.
    pub owner: Address,
    /// Who takes away, at once.
    pub guardian: Address,
    /// Whether the app's code is approved by the transaction that makes the app.
    pub is_approved: bool,
}

/// An app of this devnet.
#[derive(Clone, Debug)]
pub struct App {
    /// Its id, which is the address of its AllowlistPolicy.
    pub id: Address,
    /// app-compose.json of its code.
    pub compose: Vec<u8>,
    /// SHA-256 of it.
    pub compose_hash: B256,
    /// Its block in there.
    pub agent: MeasuredAgent,
}

impl Governance {
    /// Approves the code of nodes.
    pub async fn approve_node_code(
        &self,
        os_image: B256,
        compose_hash: B256,
    ) -> Result<TransactionReceipt, CallError> {
        let call = KmsCommittee::approveNodeCodeCall {
            osImageHash: os_image,
            composeHash: compose_hash,
            uri: String::new(),
        };
        self.to_committee(call).await
    }

    /// Says who runs a node, and gives its candidate a seat.
    pub async fn admit(&self, signer: Address, operator: B256) -> Result<SeatId, CallError> {
        self.to_committee(KmsCommittee::assignOperatorCall { signer, operator }).await?;
        self.to_committee(KmsCommittee::admitSeatCall { signer }).await?;
        self.view_committee(KmsCommittee::seatIdOfCall { signer }).await
    }

    /// Opens the ceremony of the next epoch.
    pub async fn open_epoch(
        &self,
        seats: Vec<SeatId>,
        t: u16,
    ) -> Result<TransactionReceipt, CallError> {
        self.to_committee(KmsCommittee::openEpochCall { seats, t }).await
    }

    /// Suspends a seat, at once.
    pub async fn suspend_seat(&self, seat: SeatId) -> Result<TransactionReceipt, CallError> {
        self.to_committee(KmsCommittee::suspendSeatCall::from((seat, VULNERABLE))).await
    }

    /// Lets a suspended seat act again.
    pub async fn unsuspend_seat(&self, seat: SeatId) -> Result<TransactionReceipt, CallError> {
        self.to_committee(KmsCommittee::unsuspendSeatCall::from((seat,))).await
    }

    /// The keyset in force; its id is zero before the first activation.
    pub async fn keyset(&self) -> Result<Keyset, CallError> {
        self.view_committee(KmsCommittee::keysetCall {}).await
    }

    /// Makes an app with one approved compose hash. The app's id is known before, so the compose file can name it (A28).
    pub async fn create_app(&self, new: NewApp<'_>) -> Result<App> {
        use abi::app_registry::AppRegistry as registry;
        let (owner, registry_at) = (self.owner, self.contracts.app_registry);
        let predict = AppRegistry::predictAppIdCall { sender: owner, salt: new.salt };
        let id = self.chain.view(registry_at, predict).await?;
        let keyset = self.keyset().await?;
        let agent = MeasuredAgent {
            app_id: Some(id),
            network_hash: self.network_hash().await?,
            keyset_id: keyset.keysetId,
            derive_public_key: keyset.derivePublicKey,
            unseal_public_key: keyset.unsealPublicKey,
            release_at: new.release_at,
        };
        let compose = compose(new.name, new.docker_compose, &agent)?;
        let compose_hash = B256::from(compose_hash(&compose));
        let governed =
            new.governed_by.unwrap_or(Governed { owner, guardian: owner, is_approved: true });
        let policy = registry::PolicySetup {
            grantDelaySeconds: 0,
            requireTcbUpToDate: true,
            allowAnyDevice: new.devices.is_empty(),
            composeHash: if governed.is_approved { compose_hash } else { B256::ZERO },
            uri: String::new(),
            deviceIds: new.devices,
            measurements: Vec::new(),
        };
        let app = registry::NewApp {
            salt: new.salt,
            owner: governed.owner,
            guardian: governed.guardian,
            vendors: new.vendors,
            lockPolicy: false,
            policy,
        };
        self.chain.send(owner, registry_at, AppRegistry::createAppCall { app }).await?;
        Ok(App { id, compose, compose_hash, agent })
    }

    /// The same app with other code: its app-compose.json anew. Nothing of it is approved by that.
    pub fn upgrade(&self, app: &App, name: &str, docker_compose: &str) -> Result<App> {
        let compose = compose(name, docker_compose, &app.agent)?;
        Ok(App { compose_hash: B256::from(compose_hash(&compose)), compose, ..app.clone() })
    }

    /// Takes an app's code off its list, at once.
    pub async fn revoke(&self, app: &App) -> Result<TransactionReceipt, CallError> {
        let call = AllowlistPolicy::revokeComposeHashCall {
            composeHash: app.compose_hash,
            reason: VULNERABLE,
        };
        self.chain.send(self.owner, app.id, call).await
    }

    /// The network's name.
    pub async fn network_hash(&self) -> Result<B256> {
        let (id, genesis) = (self.chain.chain_id().await?, self.chain.block_hash(0).await?);
        Ok(wire::network::network_hash(id, genesis, self.contracts.kms_committee))
    }

    /// A view of KmsCommittee.
    pub async fn view_committee<C: alloy::sol_types::SolCall>(
        &self,
        call: C,
    ) -> Result<C::Return, CallError> {
        self.chain.view(self.contracts.kms_committee, call).await
    }

    async fn to_committee<C: alloy::sol_types::SolCall>(
        &self,
        call: C,
    ) -> Result<TransactionReceipt, CallError> {
        self.chain.send(self.administrator, self.contracts.kms_committee, call).await
    }

    /// Administrator and owner are anvil's first two accounts.
    pub async fn new(chain: Chain, contracts: Contracts) -> Result<Self> {
        let accounts = chain.accounts().await?;
        let account = |index: usize| accounts.get(index).copied().context("anvil has no accounts");
        Ok(Self { administrator: account(0)?, owner: account(1)?, chain, contracts })
    }
}

fn compose(name: &str, docker_compose: &str, agent: &MeasuredAgent) -> Result<Vec<u8>> {
    Ok(app_compose(&NewCompose {
        name,
        docker_compose_file: docker_compose,
        local_key_provider: false,
        quorate: Some(QuorateBlock::Agent(agent)),
    })?)
}
