//! The project's own contracts on a real anvil: `AppRegistry.isAllowed` and the views that a node reads.

mod support;

use abi::{
    AccessManager, AppRegistry, AttestationRegistry, IssuanceLog, KmsCommittee, PolicyFactory,
};
use abi::{app_registry, attestation_registry};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolConstructor, SolValue};
use light_client::{MissingAt, ProvenChain};
use policy::{
    CallError, DECISION_LIMITS, DecideError, DenyReason, FactsError, Gate, Gates, Overlay,
    ReadError, Transaction, Verdict, ViewCall, call, decide, read, with_facts,
};
use support::*;
use wire::{limits::POLICY_GAS, statements::Attested};

const CODE: B256 = B256::repeat_byte(0xc0);
const SALT: B256 = B256::repeat_byte(1);

/// The contracts, one open software root, one image, one app that approves [`CODE`].
struct Deployment {
    _anvil: Anvil,
    node: Follower,
    roots: Address,
    registry: Address,
    committee: Address,
    log: Address,
    app: Address,
}

fn deploy<C: SolConstructor>(rpc: Rpc, creation_code: &Bytes, arguments: &C) -> Address {
    rpc.deploy_with(&alloy_primitives::hex::encode(creation_code), &arguments.abi_encode())
}

impl Deployment {
    fn new() -> Self {
        let anvil = Anvil::start();
        let rpc = anvil.rpc();
        let admin = rpc.first_account();
        let manager = AccessManager::constructorCall { initialAdmin: admin };
        let manager = deploy(rpc, &AccessManager::BYTECODE, &manager);
        let roots = AttestationRegistry::constructorCall {
            initialAuthority: manager,
            allowsSoftware_: true,
        };
        let roots = deploy(rpc, &AttestationRegistry::BYTECODE, &roots);
        let factory =
            rpc.deploy_with(&alloy_primitives::hex::encode(&PolicyFactory::BYTECODE), &[]);
        let committee = KmsCommittee::constructorCall {
            initialAuthority: manager,
            attestationRegistry_: roots,
            stepBlocks_: 60,
            finalityBlocks_: 2,
            longestDelaySeconds_: 0,
        };
        let committee = deploy(rpc, &KmsCommittee::BYTECODE, &committee);
        let registry = AppRegistry::constructorCall {
            committee_: committee,
            grantFloorSeconds_: 0,
            policyFactory_: factory,
        };
        let registry = deploy(rpc, &AppRegistry::BYTECODE, &registry);
        let log = IssuanceLog::constructorCall { committee_: committee };
        let log = deploy(rpc, &IssuanceLog::BYTECODE, &log);
        rpc.transact(
            committee,
            &KmsCommittee::setContractsCall { appRegistry_: registry, issuanceLog_: log },
        );
        let identity = attested(CODE);
        rpc.transact(
            roots,
            &AttestationRegistry::openRootCall {
                root: identity.root,
                vendor: identity.vendor,
                platform: 1,
                rules: attestation_registry::AttestationRegistry::RootRules {
                    leastTcbEvaluationDataNumber: 17,
                    leastCrlIssuedAt: 0,
                    leastRootCrlIssuedAt: 0,
                    maxCollateralAgeSeconds: 3600,
                    acceptedTcbStatuses: 1,
                },
            },
        );
        rpc.transact(
            roots,
            &AttestationRegistry::approveOsImageCall {
                osImageHash: identity.boot.osImageHash,
                uri: String::new(),
            },
        );
        let new_app = app_registry::AppRegistry::NewApp {
            salt: SALT,
            owner: admin,
            guardian: admin,
            vendors: Vec::new(),
            lockPolicy: false,
            policy: app_registry::AppRegistry::PolicySetup {
                grantDelaySeconds: 0,
                requireTcbUpToDate: true,
                allowAnyDevice: true,
                composeHash: CODE,
                uri: String::new(),
                deviceIds: Vec::new(),
                measurements: Vec::new(),
            },
        };
        rpc.transact(registry, &AppRegistry::createAppCall { app: new_app });
        let predict = AppRegistry::predictAppIdCall { sender: admin, salt: SALT };
        let app = rpc.view(registry, &predict, rpc.block("latest"));
        rpc.mine(3);
        Self {
            _anvil: anvil,
            node: Follower::from_genesis(rpc),
            roots,
            registry,
            committee,
            log,
            app,
        }
    }

    fn rpc(&self) -> Rpc {
        self.node.rpc
    }

    fn identity(&self) -> Attested {
        let mut identity = attested(CODE);
        identity.boot.appId = self.app;
        identity
    }

    /// The gate at the head, by proof, and the decision.
    fn decide(
        &self,
        chain: &mut ProvenChain,
        identity: &Attested,
    ) -> Result<Verdict, FactsError<Judgement, String>> {
        let rules = rules();
        with_facts(chain, &mut self.rpc(), MAX_FETCHES, |chain| {
            let in_force = KmsCommittee::issuanceLogCall {};
            let registry_of = KmsCommittee::registryOfCall { appId: self.app };
            let gate = |state| -> Result<Gate, ReadError> {
                Ok(Gate {
                    issuance_log: read(&rules, state, self.committee, &in_force)?,
                    app_registry: read(&rules, state, self.committee, &registry_of)?,
                })
            };
            let gates = Gates { head: gate(chain.head())?, finalized: gate(chain.finalized())? };
            assert_eq!(gates.head.issuance_log, self.log);
            Ok(decide(&rules, &gates, identity, chain)?)
        })
    }

    fn decide_now(&mut self, identity: &Attested) -> Verdict {
        let mut chain = self.node.chain();
        self.decide(&mut chain, identity).expect("a verdict")
    }

    /// What the endpoint's own EVM answers at the head.
    fn told(&self, identity: &Attested) -> (bool, String) {
        let question = AppRegistry::isAllowedCall { attested: as_abi(identity) };
        let answer = self.rpc().view(self.registry, &question, self.node.headers.head());
        (answer._0, answer._1)
    }
}

/// A judgement of several runs: what kms-core does.
#[derive(Debug, thiserror::Error)]
enum Judgement {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Decide(#[from] DecideError),
}

impl policy::AsksForFact for Judgement {
    fn missing(&self) -> Option<MissingAt> {
        match self {
            Self::Read(error) => error.missing(),
            Self::Decide(error) => error.missing(),
        }
    }
}

fn as_abi(identity: &Attested) -> app_registry::AppRegistry::Attested {
    let boot = identity.boot.clone();
    app_registry::AppRegistry::Attested {
        boot: app_registry::AppRegistry::AppBootInfo {
            appId: boot.appId,
            composeHash: boot.composeHash,
            instanceId: boot.instanceId,
            deviceId: boot.deviceId,
            mrAggregated: boot.mrAggregated,
            mrSystem: boot.mrSystem,
            osImageHash: boot.osImageHash,
            tcbStatus: boot.tcbStatus,
            advisoryIds: boot.advisoryIds,
        },
        root: identity.root,
        vendor: identity.vendor,
        tcbEvaluationDataNumber: identity.tcbEvaluationDataNumber,
    }
}

#[test]
fn the_registry_permits_and_denies_as_the_chain_does() {
    // [POL-1] [POL-3] [POL-4] [POL-6] The approved enclave, and its twins with one thing changed: the same reason.
    let mut network = Deployment::new();
    let identity = network.identity();
    assert!(matches!(
        network.decide_now(&identity),
        Verdict::Permit(permitted) if permitted.app_id() == network.app && permitted.covers(&identity)
    ));
    assert_eq!(network.told(&identity), (true, String::new()));
    let changes: [fn(&mut Attested); 8] = [
        |twin| twin.boot.composeHash = B256::ZERO,
        |twin| twin.boot.appId = Address::repeat_byte(9),
        |twin| twin.boot.osImageHash = B256::ZERO,
        |twin| twin.boot.tcbStatus = "OutOfDate".into(),
        |twin| twin.root = B256::ZERO,
        |twin| twin.vendor = B256::right_padding_from(b"intel"),
        |twin| twin.tcbEvaluationDataNumber = 16,
        |twin| twin.boot.composeHash = B256::repeat_byte(0xc1),
    ];
    for change in changes {
        let mut twin = identity.clone();
        change(&mut twin);
        let Verdict::Deny { reason: DenyReason::Refused(reason), .. } = network.decide_now(&twin)
        else {
            panic!("{twin:?} is not refused");
        };
        assert_eq!(network.told(&twin), (false, reason.to_string()));
    }
}

#[test]
fn a_simulated_revocation_denies_in_the_simulation_alone() {
    // [SIM-1] [SIM-2]
    let mut network = Deployment::new();
    let identity = network.identity();
    let mut chain = network.node.chain();
    let mut overlay = Overlay::new(chain.head());
    let (rules, owner) = (rules(), network.rpc().first_account());
    let gate = Gate { issuance_log: network.log, app_registry: network.registry };
    let ask = |chain: &mut ProvenChain, overlay: &Overlay| {
        with_facts(chain, &mut network.rpc(), MAX_FETCHES, |chain| {
            overlay.ask(&rules, chain.head(), gate, &identity)
        })
        .expect("an answer")
        .map(|reason| reason.to_string())
    };
    let execute = |chain: &mut ProvenChain, overlay: &mut Overlay, transaction: &Transaction| {
        with_facts(chain, &mut network.rpc(), MAX_FETCHES, |chain| {
            overlay.execute(&rules, chain.head(), transaction)
        })
    };
    let freeze = AppRegistry::freezeCall { appId: network.app, reason: 1 };
    let transaction = Transaction {
        from: owner,
        to: network.registry,
        data: freeze.abi_encode().into(),
        value: U256::ZERO,
    };
    assert_eq!(ask(&mut chain, &overlay), None);
    let before = overlay.clone();
    let done = execute(&mut chain, &mut overlay, &transaction).expect("the owner freezes");
    assert_eq!(ask(&mut chain, &overlay).as_deref(), Some("App is frozen"));
    assert_eq!(done.logs.len(), 1);
    assert!(done.gas_used > 0 && !done.changes.is_empty());
    assert!(done.changes.iter().all(|change| change.address == network.registry));
    // Nothing but this overlay knows of it.
    assert_eq!(ask(&mut chain, &before), None);
    assert!(matches!(network.decide(&mut chain, &identity), Ok(Verdict::Permit(_))));

    // A call that fails changes nothing: the same again, and by somebody else.
    let frozen = overlay.clone();
    for transaction in
        [transaction.clone(), Transaction { from: Address::repeat_byte(9), ..transaction.clone() }]
    {
        let refused = execute(&mut chain, &mut overlay, &transaction);
        assert!(matches!(refused, Err(FactsError::Run(CallError::Reverted { .. }))));
        assert_eq!(format!("{overlay:?}"), format!("{frozen:?}"));
    }

    // Time moves on in the overlay, and never back.
    let later = wire::UnixSeconds(overlay.time().0 + 3600);
    overlay.advance(overlay.number() + 1, later);
    overlay.advance(0, wire::UnixSeconds(0));
    assert_eq!(overlay.time(), later);
    // Calls see that moment: TIMESTAMP and NUMBER, logged.
    overlay.suppose_code(network.registry, hex_code("425f524360205260405fa000"));
    let told = execute(&mut chain, &mut overlay, &transaction).expect("a log");
    let seen = (U256::from(later.0), U256::from(overlay.number())).abi_encode();
    assert_eq!(told.logs[0].data.data, Bytes::from(seen));

    // Supposed code answers while it is supposed, and what calls do to the account is dropped.
    let mut supposing = before.clone();
    supposing.suppose_code(network.registry, hex_code("00"));
    assert_eq!(
        ask(&mut chain, &supposing).as_deref(),
        Some("isAllowed did not answer (bool, string)")
    );
    execute(&mut chain, &mut supposing, &transaction).expect("STOP");
    supposing.stop_supposing(network.registry);
    assert_eq!(ask(&mut chain, &supposing), None);
}

fn hex_code(text: &str) -> Bytes {
    alloy_primitives::hex::decode(text).expect("hex").into()
}

#[test]
fn a_frozen_app_is_denied_at_the_next_block() {
    // [POL-7] P5 P8
    let mut network = Deployment::new();
    let identity = network.identity();
    assert!(matches!(network.decide_now(&identity), Verdict::Permit(_)));
    let freeze = AppRegistry::freezeCall { appId: network.app, reason: 1 };
    network.rpc().transact(network.registry, &freeze);
    match network.decide_now(&identity) {
        Verdict::Deny { reason, block } => {
            assert_eq!(reason.to_string(), "App is frozen");
            assert_eq!(block, network.rpc().block("latest"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_view_of_a_node_is_proven() {
    // [POL-9] The answer over proven state is the endpoint's, for each contract that a node reads.
    let mut network = Deployment::new();
    let mut chain = network.node.chain();
    let head = chain.headers().head();
    let (rules, rpc) = (rules(), network.rpc());
    macro_rules! same {
        ($to:expr, $view:expr) => {
            let view = $view;
            let proven = with_facts(&mut chain, &mut rpc.clone(), MAX_FETCHES, |chain| {
                read(&rules, chain.head(), $to, &view)
            })
            .expect("an answer");
            let told = rpc.view($to, &view, head);
            assert_eq!(format!("{proven:?}"), format!("{told:?}"));
        };
    }
    same!(network.committee, KmsCommittee::keysetCall {});
    same!(network.committee, KmsCommittee::ceremonyCall {});
    same!(network.committee, KmsCommittee::activeEpochCall {});
    same!(network.committee, KmsCommittee::appRegistriesCall {});
    same!(network.committee, KmsCommittee::registryOfCall { appId: network.app });
    let identity = network.identity();
    let root = identity.root;
    same!(network.roots, AttestationRegistry::rootPolicyCall { root });
    let issuance = IssuanceLog::recordedCall { issuanceId: B256::ZERO };
    same!(network.log, issuance);
    let readable = AppRegistry::isKeyReadableCall { appId: network.app, keyVersion: 1 };
    same!(network.registry, readable);
    same!(network.registry, AppRegistry::appInfoCall { appId: network.app });
}

#[test]
fn a_decision_needs_few_facts() {
    // [POL-5] [CHAIN-15] What one decision of an AllowlistPolicy reads, and that it takes no time once proven.
    let mut network = Deployment::new();
    let identity = network.identity();
    let gates = Gates::same(Gate { issuance_log: network.log, app_registry: network.registry });
    let rules = rules();
    let mut chain = network.node.chain();
    let mut fetches = 0;
    while let Err(error) = decide(&rules, &gates, &identity, &chain) {
        let DecideError::Missing(_) = error else {
            panic!("{error}");
        };
        fetches += 1;
        let _ = with_facts(&mut chain, &mut network.rpc(), 1, |chain| {
            decide(&rules, &gates, &identity, chain)
        });
    }
    let wanted = chain.head().wanted();
    let slots: usize = wanted.iter().map(|request| request.slots.len()).sum();
    assert!(wanted.len() <= 5, "{wanted:?}");
    assert!(slots <= 16, "{wanted:?}");
    let gas = least_gas(&network, &identity, &chain);
    assert!(gas < POLICY_GAS / 2, "{gas}");
    assert!(fetches <= 40, "{fetches} fetches for both blocks");
}

/// The least gas with which the registry still allows, over facts that are all proven.
fn least_gas(network: &Deployment, identity: &Attested, chain: &ProvenChain) -> u64 {
    let question = AppRegistry::isAllowedCall { attested: as_abi(identity) };
    let allows = |gas| {
        let view = ViewCall {
            caller: network.log,
            to: network.registry,
            data: question.abi_encode().into(),
            gas,
            limits: DECISION_LIMITS,
        };
        let answer = call(&rules(), chain.head(), &view);
        answer.is_ok_and(|bytes| bytes[31] == 1)
    };
    let (mut too_little, mut enough) = (0, POLICY_GAS);
    while enough - too_little > 1 {
        let middle = (enough + too_little) / 2;
        if allows(middle) {
            enough = middle;
        } else {
            too_little = middle;
        }
    }
    enough
}
