//! An app as the registries know it.

use crate::{chain::Chain, chain::ChainError, exit::Exit, failure::Failure};
use abi::{AppRegistry, KmsCommittee, app_registry::AppRegistry as registry_abi};
use alloy::primitives::Address;

/// Why there is no app to act on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppError {
    #[error("no app {app_id} is registered")]
    NotRegistered { app_id: Address },
    #[error(
        "app {app_id} has a foreign policy, {policy}: it has no grant delay and no reasons that we know"
    )]
    ForeignPolicy { app_id: Address, policy: Address },
}

impl AppError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::NotRegistered { .. } => Exit::NotFound,
            Self::ForeignPolicy { .. } => Exit::Denied,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::NotRegistered { .. } => {
                vec!["quorate app create makes one; --network names where it is looked for".into()]
            }
            Self::ForeignPolicy { .. } => {
                vec!["act on the policy contract itself, as its code says".into()]
            }
        }
    }
}

/// A registered app.
pub(crate) struct App {
    pub(crate) id: Address,
    pub(crate) registry: Address,
    pub(crate) info: registry_abi::AppInfo,
}

impl App {
    /// The app in the registry that KmsCommittee resolves for it, as every node resolves it.
    pub(crate) async fn find(chain: &Chain, id: Address) -> Result<Self, Failure> {
        let committee = chain.contracts.kms_committee;
        let call = KmsCommittee::registryOfCall { appId: id };
        let registry = chain.view("KmsCommittee", committee, &call).await?;
        let call = AppRegistry::isRegisteredCall { appId: id };
        if !chain.view("AppRegistry", registry, &call).await? {
            return Err(AppError::NotRegistered { app_id: id }.into());
        }
        let call = AppRegistry::appInfoCall { appId: id };
        let info = chain.view("AppRegistry", registry, &call).await?;
        Ok(Self { id, registry, info })
    }

    /// Who grants.
    pub(crate) fn owner(&self) -> (Address, &'static str) {
        (self.info.owner, "the app's owner")
    }

    /// Who takes away at once: the guardian, where there is one.
    pub(crate) fn revoker(&self) -> (Address, &'static str) {
        match self.info.guardian {
            guardian if guardian.is_zero() => self.owner(),
            guardian => (guardian, "the app's guardian"),
        }
    }

    /// What a grant in AppRegistry waits.
    pub(crate) async fn grant_delay(&self, chain: &Chain) -> Result<u64, ChainError> {
        let call = AppRegistry::grantDelayOfCall { appId: self.id };
        chain.view("AppRegistry", self.registry, &call).await
    }

    /// The app's AllowlistPolicy; a policy of another kind is refused.
    pub(crate) fn allowlist(&self) -> Result<Address, AppError> {
        if self.info.isForeign {
            return Err(AppError::ForeignPolicy { app_id: self.id, policy: self.info.policy });
        }
        Ok(self.info.policy)
    }
}

/// The registry in which new apps are made.
pub(crate) async fn registry_in_force(chain: &Chain) -> Result<Address, ChainError> {
    let committee = chain.contracts.kms_committee;
    chain.view("KmsCommittee", committee, &KmsCommittee::appRegistryCall {}).await
}
