//! What to ask about: every identity that a key was ever issued to, and every machine that what is approved, pending or
//! proposed would let in.
//!
//! Spec: docs/spec/simulate.md [SIM-4], [SIM-7]. The lists come from events that a proven trail finds complete; identities
//! from the calldata of records, and each was signed by t seats of its epoch.

use super::{course::Course, stranger};
use crate::{
    chain::ChainError, decode::Interfaces, evidence_file::Judged, failure::Failure, proven::Proven,
    trail,
};
use abi::{
    AllOfPolicy, AllowlistPolicy as Policy, AppRegistry, AttestationRegistry, IssuanceLog,
    KmsCommittee, LicensePolicy,
};
use alloy::consensus::Transaction as _;
use alloy::primitives::{Address, B256, Log};
use alloy::providers::Provider;
use alloy::sol_types::{SolCall, SolEvent, SolStruct, SolValue};
use std::collections::{BTreeMap, BTreeSet};
use wire::statements::{AppBootInfo, Attested, Domain, Issuance, SeatSignature, issuance_id};

/// Questions of one simulation; more are left out, and the report says so.
pub(crate) const MAX_QUESTIONS: usize = 4_096;
/// Key versions of one app that are asked about.
const MAX_KEY_VERSIONS: u32 = 256;
/// The widest TCB: what is asked about is the policy, not a machine's patches.
const UP_TO_DATE: &str = "UpToDate";

/// Whom a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// A key was issued to it.
    Issued { times: u64 },
    /// Evidence in a file.
    Quote { file: String },
    /// A machine that could exist.
    Supposed,
}

/// One question: may this have the app's keys?
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) who: Who,
    pub(crate) attested: Attested,
}

/// What an app has approved, is about to approve, or has taken off its list.
#[derive(Clone, Debug, Default)]
pub(crate) struct App {
    pub(crate) registry: Address,
    pub(crate) hashes: BTreeSet<B256>,
    pub(crate) devices: BTreeSet<B256>,
    pub(crate) measurements: BTreeSet<B256>,
    pub(crate) instances: BTreeSet<Address>,
    /// Revoked before the proposal, and not approved again.
    pub(crate) revoked: BTreeMap<B256, u8>,
    /// Approved by the proposal itself, and where.
    approved_anew: BTreeSet<(Address, B256)>,
    policies: BTreeSet<Address>,
}

/// A key as `(app, scope, key version)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) app: Address,
    pub(crate) scope_kind: u8,
    pub(crate) scope_value: B256,
    pub(crate) key_version: u32,
}

/// Everything to ask about.
pub(crate) struct Known {
    pub(crate) apps: BTreeMap<Address, App>,
    pub(crate) questions: Vec<Question>,
    pub(crate) questions_left_out: usize,
    pub(crate) keys: BTreeSet<Key>,
    pub(crate) notes: Vec<String>,
    images: BTreeSet<B256>,
    /// Root and vendor.
    roots: BTreeMap<B256, B256>,
    /// Where an issued identity's question stands.
    issued_at: BTreeMap<B256, usize>,
}

pub(crate) async fn gather(
    proven: &mut Proven,
    interfaces: &Interfaces,
    course: &Course,
    quotes: Vec<Judged>,
) -> Result<Known, Failure> {
    let mut known = Known {
        apps: BTreeMap::new(),
        questions: Vec::new(),
        questions_left_out: 0,
        keys: BTreeSet::new(),
        notes: Vec::new(),
        images: BTreeSet::new(),
        roots: BTreeMap::new(),
        issued_at: BTreeMap::new(),
    };
    let contracts = proven.chain.contracts;
    let roots = contracts.attestation_registry;
    for log in trail::events(proven, interfaces, roots).await? {
        known.learn(&log.inner, false);
    }
    let view = KmsCommittee::appRegistriesCall {};
    let registries = proven.read(contracts.kms_committee, &view).await?;
    for registry in registries {
        for log in trail::events(proven, interfaces, registry).await? {
            known.learn(&log.inner, false);
        }
    }
    policies(proven, interfaces, &mut known).await?;
    let issued = issued(proven, interfaces, &mut known).await?;
    // What the proposal itself brings.
    for log in course.logs() {
        known.learn(log, true);
    }
    for issuance in issued {
        known.ask_issued(issuance);
    }
    known.ask_quotes(quotes);
    known.suppose();
    let mut left_out = Vec::new();
    for (id, app) in &known.apps {
        let view = AppRegistry::keyVersionOfCall { appId: *id };
        let newest = match proven.read(app.registry, &view).await {
            Ok(newest) => newest,
            // Made by the proposal.
            Err(error) if error.is_no_answer() => 1,
            Err(error) => return Err(error),
        };
        if newest >= MAX_KEY_VERSIONS {
            left_out.push(format!(
                "app {id}: of {newest} key versions the first {MAX_KEY_VERSIONS} were asked about"
            ));
        }
        // The proposal may rotate: one more.
        for key_version in 1..=newest.saturating_add(1).min(MAX_KEY_VERSIONS) {
            let (scope_kind, scope_value) = (1, B256::ZERO);
            known.keys.insert(Key { app: *id, scope_kind, scope_value, key_version });
        }
    }
    left_out.into_iter().for_each(|note| known.note(note));
    Ok(known)
}

/// The events of every policy of ours that an app has, had or is to have, and of the policies that those ask.
async fn policies(
    proven: &mut Proven,
    interfaces: &Interfaces,
    known: &mut Known,
) -> Result<(), Failure> {
    let mut read = BTreeSet::new();
    while let Some((app, policy, registry)) = known.apps.iter().find_map(|(id, app)| {
        let unread = app.policies.iter().find(|policy| !read.contains(*policy));
        unread.map(|policy| (*id, *policy, app.registry))
    }) {
        read.insert(policy);
        if proven.read(registry, &AppRegistry::isOurPolicyCall { policy }).await? {
            for log in trail::events(proven, interfaces, policy).await? {
                known.learn(&log.inner, false);
            }
        } else {
            known.note(format!(
                "policy {policy} of app {app} is foreign, and nobody can list what it knows: asked about are identities that had keys, \
                 --as evidence, and what lists of ours name for the app; code that it alone knows is not"
            ));
        }
    }
    Ok(())
}

impl Known {
    /// Every policy contract that an app has, had or is to have.
    pub(crate) fn policies(&self) -> impl Iterator<Item = Address> + '_ {
        self.apps.values().flat_map(|app| app.policies.iter().copied())
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Enters an event; `proposed` if the proposal emits it.
    fn learn(&mut self, log: &Log, proposed: bool) {
        if let Ok(event) = AttestationRegistry::RootOpened::decode_log(log) {
            self.roots.insert(event.root, event.vendor);
        } else if let Ok(event) = AttestationRegistry::OsImageApproved::decode_log(log) {
            self.images.insert(event.osImageHash);
        } else if let Ok(event) = AppRegistry::AppEntered::decode_log(log) {
            let app = self.apps.entry(event.appId).or_default();
            app.registry = log.address;
            app.policies.insert(event.policy);
        } else if let Ok(event) = AppRegistry::PolicySet::decode_log(log) {
            self.apps.entry(event.appId).or_default().policies.insert(event.policy);
        } else {
            self.learn_of_policy(log, proposed);
        }
    }

    fn learn_of_policy(&mut self, log: &Log, proposed: bool) {
        let apps = &mut self.apps;
        if let Ok(event) = AllOfPolicy::MemberAdded::decode_log(log) {
            apps.entry(event.appId).or_default().policies.insert(event.member);
        } else if let Ok(event) = LicensePolicy::LicenseInitialized::decode_log(log) {
            apps.entry(event.appId).or_default().policies.insert(event.inner);
        }
        if let Ok(event) = Policy::ComposeHashApproved::decode_log(log) {
            let app = apps.entry(event.appId).or_default();
            app.hashes.insert(event.composeHash);
            if proposed {
                app.approved_anew.insert((log.address, event.composeHash));
            } else {
                app.revoked.remove(&event.composeHash);
            }
        } else if let Ok(event) = Policy::ComposeHashRevoked::decode_log(log) {
            let app = apps.entry(event.appId).or_default();
            app.hashes.insert(event.composeHash);
            if !proposed {
                app.revoked.insert(event.composeHash, event.reason);
            }
        } else if let Ok(event) = Policy::DeviceApproved::decode_log(log) {
            apps.entry(event.appId).or_default().devices.insert(event.deviceId);
        } else if let Ok(event) = Policy::MeasurementApproved::decode_log(log) {
            apps.entry(event.appId).or_default().measurements.insert(event.mrSystem);
        } else if let Ok(event) = Policy::InstanceApproved::decode_log(log) {
            apps.entry(event.appId).or_default().instances.insert(event.instanceId);
        }
    }

    fn ask_issued(&mut self, issuance: Issuance) {
        let app = issuance.attested.boot.appId;
        for input in &issuance.inputs {
            let (scope_kind, scope_value) = (input.scopeKind, input.scopeValue);
            let key_version = input.keyVersion;
            self.keys.insert(Key { app, scope_kind, scope_value, key_version });
        }
        let hash = issuance.attested.boot.composeHash;
        self.apps.entry(app).or_default().hashes.insert(hash);
        let asked = issuance.attested.eip712_hash_struct();
        let known = self.issued_at.get(&asked).and_then(|index| self.questions.get_mut(*index));
        if let Some(Question { who: Who::Issued { times }, .. }) = known {
            *times = times.saturating_add(1);
            return;
        }
        self.issued_at.insert(asked, self.questions.len());
        self.ask(Who::Issued { times: 1 }, issuance.attested);
    }

    /// A quote under the compose-derived id may be any app's; another is its own app's.
    fn ask_quotes(&mut self, quotes: Vec<Judged>) {
        for Judged { file, identity } in quotes {
            let apps: Vec<Address> = match identity.has_default_app_id() {
                true => self.apps.keys().copied().collect(),
                false => vec![identity.measured_app_id()],
            };
            for app in apps {
                if let Ok(attested) = identity.attested(app) {
                    self.ask(Who::Quote { file: file.clone() }, attested);
                }
            }
        }
    }

    /// Each hash × image × root × machine, of each app: those on its lists, and one that nobody has approved.
    fn suppose(&mut self) {
        let mut supposed = Vec::new();
        for (id, app) in &self.apps {
            let hashes = app.hashes.iter().copied().chain([stranger("compose hash")]);
            for compose_hash in hashes {
                for image in &self.images {
                    for (root, vendor) in &self.roots {
                        for machine in app.machines() {
                            supposed.push(Attested {
                                boot: AppBootInfo {
                                    appId: *id,
                                    composeHash: compose_hash,
                                    osImageHash: *image,
                                    ..machine
                                },
                                root: *root,
                                vendor: *vendor,
                                tcbEvaluationDataNumber: u32::MAX,
                            });
                        }
                    }
                }
            }
        }
        for attested in supposed {
            self.ask(Who::Supposed, attested);
        }
    }

    fn ask(&mut self, who: Who, attested: Attested) {
        if self.questions.len() == MAX_QUESTIONS {
            self.questions_left_out += 1;
        } else {
            self.questions.push(Question { who, attested });
        }
    }
}

impl App {
    /// Whether the proposal approves the hash by name, on a list of this app.
    pub(crate) fn is_approved_anew(&self, hash: B256) -> bool {
        self.approved_anew.iter().any(|(at, found)| *found == hash && self.policies.contains(at))
    }

    /// A machine on no list, and each combination of what is listed.
    fn machines(&self) -> Vec<AppBootInfo> {
        let with = |listed: &BTreeSet<B256>, of: &str| -> Vec<B256> {
            listed.iter().copied().chain([stranger(of)]).collect()
        };
        let instances: Vec<Address> = self
            .instances
            .iter()
            .copied()
            .chain([Address::from_word(stranger("instance"))])
            .collect();
        let mut machines = Vec::new();
        for device in with(&self.devices, "device") {
            for measurement in with(&self.measurements, "measurement") {
                for instance in &instances {
                    machines.push(AppBootInfo {
                        appId: Address::ZERO,
                        composeHash: B256::ZERO,
                        instanceId: *instance,
                        deviceId: device,
                        mrAggregated: stranger("machine"),
                        mrSystem: measurement,
                        osImageHash: B256::ZERO,
                        tcbStatus: UP_TO_DATE.to_owned(),
                        advisoryIds: Vec::new(),
                    });
                }
            }
        }
        machines
    }
}

/// What was recorded, as t seats signed it.
async fn issued(
    proven: &mut Proven,
    interfaces: &Interfaces,
    known: &mut Known,
) -> Result<Vec<Issuance>, Failure> {
    let log = proven.chain.contracts.issuance_log;
    let mut wanted: BTreeMap<B256, BTreeSet<B256>> = BTreeMap::new();
    for event in trail::events(proven, interfaces, log).await? {
        let Ok(issued) = IssuanceLog::KeyIssued::decode_log(&event.inner) else { continue };
        let transaction = event.transaction_hash.unwrap_or_default();
        wanted.entry(transaction).or_default().insert(issued.issuanceId);
    }
    let mut found = Vec::new();
    for (hash, ids) in wanted {
        let told = proven.chain.provider.get_transaction_by_hash(hash).await;
        let told = told.map_err(|error| proven.chain.failed("eth_getTransactionByHash", &error))?;
        let what = "with a transaction that was recorded";
        let endpoint = proven.chain.endpoint.clone();
        let told = told.ok_or(ChainError::NoBlock { endpoint, what })?;
        let mut left = ids;
        if let Ok((issuances, signatures)) = record_of(told.input()) {
            for (issuance, signatures) in issuances.into_iter().zip(signatures) {
                let id = issuance_id(proven.rules.chain_id, log, issuance.reportData);
                if left.contains(&id) && is_signed(proven, log, &issuance, &signatures).await? {
                    left.remove(&id);
                    found.push(issuance);
                }
            }
        }
        for id in left {
            known.note(format!(
                "issuance {id}: no identity that its seats signed is in the calldata of transaction {hash}"
            ));
        }
    }
    Ok(found)
}

type Recorded = (Vec<Issuance>, Vec<Vec<SeatSignature>>);

fn record_of(input: &[u8]) -> Result<Recorded, alloy::sol_types::Error> {
    let arguments = input.strip_prefix(&IssuanceLog::recordCall::SELECTOR).unwrap_or_default();
    Recorded::abi_decode_params(arguments)
}

/// Whether at least t seats of the issuance's epoch signed exactly this. An endpoint can't make up an identity.
async fn is_signed(
    proven: &mut Proven,
    log: Address,
    issuance: &Issuance,
    signatures: &[SeatSignature],
) -> Result<bool, Failure> {
    let committee = proven.chain.contracts.kms_committee;
    let domain = Domain::IssuanceLog { chain_id: proven.rules.chain_id, contract: log };
    let digest = domain.digest(issuance);
    let seats: BTreeSet<u16> = signatures.iter().map(|signature| signature.seat).collect();
    if seats.len() != signatures.len() {
        return Ok(false);
    }
    let view = KmsCommittee::signersOfCall {
        epoch: issuance.epoch,
        seats: signatures.iter().map(|signature| signature.seat).collect(),
    };
    let answer = proven.read(committee, &view).await?;
    let right = signatures.iter().zip(&answer.signers).filter(|(signature, signer)| {
        !signer.is_zero() && signature.signer(digest) == Some(**signer)
    });
    Ok(right.count() >= usize::from(answer.t))
}
