//! Contracts under a Governor and an app that it owns, on an anvil of their own.

use crate::{
    Quorate,
    devchain::{Devchain, keys},
    genesis::{self, call, create},
};
use abi::{
    AccessManager, AppRegistry, AttestationRegistry, KmsCommittee, QuorateGovernor, VotesToken,
    app_registry, quorate_governor,
};
use alloy::primitives::{Address, B256, U256, hex, keccak256};
use alloy::providers::Provider;
use alloy::sol_types::{SolCall, SolEvent, SolValue};
use serde_json::Value;
use wire::network::Contracts;

pub(crate) const FLOOR: u32 = 3600;
pub(crate) const BASE_DELAY: u32 = 600;
pub(crate) const DAYS_2: u32 = 48 * 3600;
const DAYS_7: u32 = 7 * 86_400;
pub(crate) const GRANTOR: u64 = 2;

pub(crate) struct World {
    pub(crate) chain: Devchain,
    pub(crate) contracts: Contracts,
    pub(crate) governor: Address,
    pub(crate) app: Address,
    pub(crate) directory: tempfile::TempDir,
    pub(crate) runtime: tokio::runtime::Runtime,
}

pub(crate) fn image() -> B256 {
    keccak256("image")
}

pub(crate) fn old_code() -> B256 {
    B256::repeat_byte(0xaa)
}

pub(crate) fn new_code() -> B256 {
    B256::repeat_byte(0xbb)
}

pub(crate) fn stranger(of: &str) -> B256 {
    keccak256(format!("quorate/simulate/nobody approved this {of}"))
}

fn anvil() -> Option<Devchain> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let chain = Devchain::start();
    assert!(
        chain.is_some() || std::env::var_os("REQUIRE_ANVIL").is_none(),
        "anvil 1.7.1 is missing: run script/setup"
    );
    chain
}

impl World {
    /// Contracts under a Governor, and an app that it owns. `software`: with a committee and software roots.
    pub(crate) fn new(software: bool) -> Option<Self> {
        Self::with(software, true)
    }

    /// As [`new`](Self::new); not `handed_over`: the deployer administers, and waits for nothing.
    pub(crate) fn with(software: bool, handed_over: bool) -> Option<Self> {
        let chain = anvil()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let (contracts, governor, app) = runtime.block_on(async {
            let contracts = genesis::deploy_with(&chain, software, FLOOR).await;
            if software {
                genesis::ceremony(&chain, &contracts).await;
            }
            let approve = AttestationRegistry::approveOsImageCall {
                osImageHash: image(),
                uri: String::new(),
            };
            call(&chain, contracts.attestation_registry, &approve).await;
            let governor = governor(&chain, &contracts).await;
            let app = app(&chain, &contracts, governor).await;
            if handed_over {
                hand_over(&chain, &contracts, governor).await;
            }
            // Votes count from the second after they were given.
            let head = chain.provider.get_block(Default::default()).await.unwrap().unwrap();
            chain.next_block_at(head.header.timestamp + 10).await;
            chain.mine().await;
            (contracts, governor, app)
        });
        let toml = genesis::network_toml(&chain, &contracts);
        std::fs::write(directory.path().join("network.toml"), toml).unwrap();
        Some(Self { chain, contracts, governor, app, directory, runtime })
    }

    pub(crate) fn quorate(&self) -> Quorate<'_> {
        Quorate(self.directory.path())
    }

    /// Simulates one call as a proposal with this text.
    pub(crate) fn proposed(
        &self,
        to: Address,
        call: &impl SolCall,
        text: &str,
        exit: i32,
    ) -> Value {
        std::fs::write(self.directory.path().join("text.md"), text).unwrap();
        let data = hex::encode_prefixed(call.abi_encode());
        self.quorate().json(
            &[
                "simulate",
                "--governor",
                &self.governor.to_string(),
                "--to",
                &to.to_string(),
                "--data",
                &data,
                "--description",
                "text.md",
                "--block",
                "latest",
            ],
            exit,
        )
    }

    pub(crate) fn now(&self) -> u64 {
        let block = self
            .runtime
            .block_on(async { self.chain.provider.get_block(Default::default()).await });
        block.unwrap().unwrap().header.timestamp
    }
}

async fn governor(chain: &Devchain, contracts: &Contracts) -> Address {
    let holder = keys()[0].address();
    let shares = vec![(holder, U256::from(100))];
    let arguments = ("Votes".to_owned(), "V".to_owned(), shares).abi_encode_params();
    let token = create(chain, &VotesToken::BYTECODE, arguments).await;
    let setup = quorate_governor::QuorateGovernor::GovernorSetup {
        name: "DAO".into(),
        token,
        accessManager: contracts.access_manager,
        appRegistry: contracts.app_registry,
        votingDelay: alloy::primitives::Uint::from(10),
        votingPeriod: 1000,
        proposalThreshold: U256::from(1),
        quorumPercent: U256::from(4),
        lateQuorumExtension: alloy::primitives::Uint::from(100),
        baseDelaySeconds: BASE_DELAY,
        proposalGuardian: keys()[2].address(),
        guardianTermSeconds: 30 * 86_400,
    };
    create(chain, &QuorateGovernor::BYTECODE, (setup,).abi_encode_params()).await
}

async fn app(chain: &Devchain, contracts: &Contracts, owner: Address) -> Address {
    app_of(chain, contracts, owner, B256::ZERO).await
}

pub(crate) async fn app_of(
    chain: &Devchain,
    contracts: &Contracts,
    owner: Address,
    salt: B256,
) -> Address {
    let app = app_registry::AppRegistry::NewApp {
        salt,
        owner,
        guardian: keys()[2].address(),
        vendors: vec![],
        lockPolicy: false,
        policy: app_registry::AppRegistry::PolicySetup {
            grantDelaySeconds: FLOOR,
            requireTcbUpToDate: true,
            allowAnyDevice: true,
            composeHash: old_code(),
            uri: String::new(),
            deviceIds: vec![],
            measurements: vec![],
        },
    };
    let call = AppRegistry::createAppCall { app };
    let made = chain.send(Some(contracts.app_registry), call.abi_encode().into()).await;
    let entered =
        made.logs().iter().find_map(|log| AppRegistry::AppEntered::decode_log(&log.inner).ok());
    entered.unwrap().appId
}

/// The roles of docs/spec/governance.md, as far as these tests use them; the deployer keeps nothing.
async fn hand_over(chain: &Devchain, contracts: &Contracts, governor: Address) {
    let manager = contracts.access_manager;
    let selectors = vec![
        AttestationRegistry::openRootCall::SELECTOR.into(),
        AttestationRegistry::approveOsImageCall::SELECTOR.into(),
    ];
    let target = contracts.attestation_registry;
    let give = AccessManager::setTargetFunctionRoleCall { target, selectors, roleId: GRANTOR };
    call(chain, manager, &give).await;
    let selectors = vec![
        KmsCommittee::suspendSeatCall::SELECTOR.into(),
        KmsCommittee::revokeNodeCodeCall::SELECTOR.into(),
    ];
    let target = contracts.kms_committee;
    let give = AccessManager::setTargetFunctionRoleCall { target, selectors, roleId: 1 };
    call(chain, manager, &give).await;
    let guardian = keys()[2].address();
    for holder in [
        (1, guardian, 0),
        (GRANTOR, governor, DAYS_2),
        (3, governor, DAYS_7),
        (0, governor, DAYS_7),
    ] {
        call(chain, manager, &AccessManager::grantRoleCall::from(holder)).await;
    }
    call(chain, manager, &AccessManager::setRoleGuardianCall { roleId: GRANTOR, guardian: 1 })
        .await;
    call(chain, manager, &AccessManager::revokeRoleCall::from((0, keys()[0].address()))).await;
}
