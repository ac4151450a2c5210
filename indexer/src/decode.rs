//! Logs by name: every event of our ABIs, its arguments in order, and whether it belongs to the trail. Spec: docs/spec/index.md
//! [IDX-5]. Trusts: the committed artefacts.

use crate::trail::Trail;
use alloy::{
    dyn_abi::{DynSolEvent, DynSolValue, Specifier},
    json_abi::{Event, EventParam, JsonAbi, Param},
};
use alloy_primitives::{Address, B256, LogData, keccak256};
use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// What a followed contract is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    KmsCommittee,
    AttestationRegistry,
    AppRegistry,
    IssuanceLog,
    /// What AppRegistry made: a clone of AllowlistPolicy, an AllOfPolicy or a LicensePolicy.
    Policy,
    /// Any other policy: it has no trail of ours, whatever its events are called.
    ForeignPolicy,
    /// OpenZeppelin's, named in the network file; none has a trail.
    Governor,
    Timelock,
    AccessManager,
}

impl Kind {
    pub(crate) const ALL: [Self; 9] = [
        Self::KmsCommittee,
        Self::AttestationRegistry,
        Self::AppRegistry,
        Self::IssuanceLog,
        Self::Policy,
        Self::ForeignPolicy,
        Self::Governor,
        Self::Timelock,
        Self::AccessManager,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::KmsCommittee => "kms-committee",
            Self::AttestationRegistry => "attestation-registry",
            Self::AppRegistry => "app-registry",
            Self::IssuanceLog => "issuance-log",
            Self::Policy => "policy",
            Self::ForeignPolicy => "foreign-policy",
            Self::Governor => "governor",
            Self::Timelock => "timelock",
            Self::AccessManager => "access-manager",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether the contract is ours, with a slot that commits to its events.
    pub(crate) fn has_trail(self) -> bool {
        match self {
            Self::KmsCommittee
            | Self::AttestationRegistry
            | Self::AppRegistry
            | Self::IssuanceLog
            | Self::Policy => true,
            Self::ForeignPolicy | Self::Governor | Self::Timelock | Self::AccessManager => false,
        }
    }

    /// Whether it judges an app, or is asked by one that does.
    pub(crate) fn is_policy(self) -> bool {
        matches!(self, Self::Policy | Self::ForeignPolicy)
    }

    /// Whose events are known by name.
    fn artefacts(self) -> &'static [&'static str] {
        macro_rules! artefacts {
            ($($name:literal),*) => {
                &[$(include_str!(concat!("../../contracts/artifacts/", $name, ".json"))),*]
            };
        }
        match self {
            Self::KmsCommittee => artefacts!("KmsCommittee"),
            Self::AttestationRegistry => artefacts!("AttestationRegistry"),
            Self::AppRegistry => artefacts!("AppRegistry"),
            Self::IssuanceLog => artefacts!("IssuanceLog"),
            Self::Policy | Self::ForeignPolicy => {
                artefacts!("AllowlistPolicy", "AllOfPolicy", "LicensePolicy")
            }
            Self::Governor => artefacts!("QuorateGovernor"),
            Self::Timelock => &[],
            Self::AccessManager => artefacts!("AccessManager"),
        }
    }

    /// Events of contracts that are not ours and have no artefact here.
    fn signatures(self) -> &'static [&'static str] {
        match self {
            Self::ForeignPolicy => &DSTACK,
            Self::Governor => &["event TimelockChange(address oldTimelock, address newTimelock)"],
            Self::Timelock => &TIMELOCK,
            _ => &[],
        }
    }
}

/// By which AllOfPolicy and LicensePolicy name whom they ask; it is the second indexed argument of each.
pub(crate) const NAMES_A_MEMBER: [&str; 2] = ["MemberAdded", "LicenseInitialized"];

/// What a dstack app emits beside the four events of its management, which AllowlistPolicy has as well.
const DSTACK: [&str; 7] = [
    "event UpgradesDisabled()",
    "event AllowAnyDeviceSet(bool allowAny)",
    "event RequireTcbUpToDateSet(bool requireUpToDate)",
    "event PolicyChanged(address indexed actor, bytes32 indexed policy, bytes32 indexed value, bool enabled)",
    "event Initialized(uint64 version)",
    "event OwnershipTransferred(address indexed previousOwner, address indexed newOwner)",
    "event Upgraded(address indexed implementation)",
];

/// OpenZeppelin's TimelockController and the AccessControl below it.
const TIMELOCK: [&str; 8] = [
    "event CallScheduled(bytes32 indexed id, uint256 indexed index, address target, uint256 value, bytes data, bytes32 predecessor, uint256 delay)",
    "event CallExecuted(bytes32 indexed id, uint256 indexed index, address target, uint256 value, bytes data)",
    "event CallSalt(bytes32 indexed id, bytes32 salt)",
    "event Cancelled(bytes32 indexed id)",
    "event MinDelayChange(uint256 oldDuration, uint256 newDuration)",
    "event RoleAdminChanged(bytes32 indexed role, bytes32 indexed previousAdminRole, bytes32 indexed newAdminRole)",
    "event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender)",
    "event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender)",
];

/// Whether an event is part of a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It carries `seq`; the contract's slot commits to it.
    Trail,
    /// Known by name, in no trail: dstack-shaped, OpenZeppelin's, or of a foreign policy. Its completeness is that of the
    /// block's receipts.
    Outside,
    /// Of a followed contract, and none that we know: kept raw.
    Undecoded,
}

impl Standing {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Trail => "trail",
            Self::Outside => "outside",
            Self::Undecoded => "undecoded",
        }
    }
}

/// A log in words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decoded {
    pub(crate) standing: Standing,
    pub(crate) name: Option<String>,
    pub(crate) app_id: Option<Address>,
    pub(crate) seq: Option<u64>,
    /// JSON, by name.
    pub(crate) args: Option<String>,
    topic0: B256,
    /// keccak256(abi.encode(all arguments in declared order)).
    args_hash: B256,
    values: Vec<(String, DynSolValue)>,
}

/// Every event that we know.
#[derive(Debug)]
pub(crate) struct Catalogue(HashMap<(Kind, B256), Known>);

#[derive(Debug)]
struct Known {
    event: Event,
    resolved: DynSolEvent,
}

/// A policy that AppRegistry names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NamedPolicy {
    pub(crate) address: Address,
    pub(crate) kind: Kind,
}

impl NamedPolicy {
    /// As what it is followed. Foreign is said of a policy that was made for another app too: what is known to be ours stays ours.
    pub(crate) fn kind_beside(&self, known: Option<Kind>) -> Kind {
        if known == Some(Kind::Policy) { Kind::Policy } else { self.kind }
    }
}

impl Catalogue {
    pub(crate) fn new() -> Result<Self> {
        let mut known = HashMap::new();
        for kind in Kind::ALL {
            let mut events = Vec::new();
            for artefact in kind.artefacts() {
                let artefact: Value = serde_json::from_str(artefact)?;
                let abi = artefact.get("abi").context("an artefact has an ABI")?;
                let abi: JsonAbi = serde_json::from_value(abi.clone())?;
                events.extend(abi.events().cloned());
            }
            for signature in kind.signatures() {
                events.push(Event::parse(signature).context(*signature)?);
            }
            for event in events {
                let resolved = event.resolve().with_context(|| event.signature())?;
                known.insert((kind, event.selector()), Known { event, resolved });
            }
        }
        Ok(Self(known))
    }

    /// Name and arguments of every event that we know.
    #[cfg(test)]
    pub(crate) fn arguments(&self) -> Vec<(String, Vec<String>)> {
        let names = |event: &Event| event.inputs.iter().map(|input| input.name.clone()).collect();
        self.0.values().map(|known| (known.event.name.clone(), names(&known.event))).collect()
    }

    /// The log in words; what is unknown or does not decode is `Undecoded`, never an error. [IDX-5]
    pub(crate) fn decode(&self, kind: Kind, log: &LogData) -> Decoded {
        self.known(kind, log).unwrap_or_else(|| Decoded {
            standing: Standing::Undecoded,
            name: None,
            app_id: None,
            seq: None,
            args: None,
            topic0: B256::ZERO,
            args_hash: B256::ZERO,
            values: Vec::new(),
        })
    }

    fn known(&self, kind: Kind, log: &LogData) -> Option<Decoded> {
        let topic0 = *log.topics().first()?;
        let Known { event, resolved } = self.0.get(&(kind, topic0))?;
        let decoded = resolved.decode_log_data(log).ok()?;
        let (mut indexed, mut body) = (decoded.indexed.into_iter(), decoded.body.into_iter());
        let mut values = Vec::new();
        for input in &event.inputs {
            let value = if input.indexed { indexed.next() } else { body.next() };
            values.push((input.name.clone(), value?));
        }
        let args: Map<String, Value> = values
            .iter()
            .zip(&event.inputs)
            .map(|((name, value), input)| (name.clone(), in_json(value, components(input))))
            .collect();
        let find = |name: &str| values.iter().find(|(of, _)| of == name).map(|(_, value)| value);
        // Of others it is an argument like any: whatever a foreign policy writes there stands in no column.
        let seq = match kind.has_trail() {
            true => find("seq").and_then(|seq| u64::try_from(seq.as_uint()?.0).ok()),
            false => None,
        };
        let app_id = find("appId").and_then(DynSolValue::as_address);
        let tuple = DynSolValue::Tuple(values.iter().map(|(_, value)| value.clone()).collect());
        let in_trail = seq.is_some();
        Some(Decoded {
            standing: if in_trail { Standing::Trail } else { Standing::Outside },
            name: Some(event.name.clone()),
            app_id,
            seq,
            args: Some(Value::Object(args).to_string()),
            topic0,
            args_hash: keccak256(tuple.abi_encode_params()),
            values,
        })
    }
}

impl Decoded {
    /// Enters the event into the trail of its contract, if it belongs there.
    pub(crate) fn enter(&self, trail: &mut Trail) {
        if self.standing == Standing::Trail {
            trail.enter(self.topic0, self.args_hash);
        }
    }

    /// abi.encode of all arguments in declared order.
    pub(crate) fn arguments(&self) -> Vec<u8> {
        let values = self.values.iter().map(|(_, value)| value.clone());
        DynSolValue::Tuple(values.collect()).abi_encode_params()
    }

    /// The policy that an event of AppRegistry names, to be followed from here on. [IDX-3]
    pub(crate) fn named_policy(&self) -> Option<NamedPolicy> {
        if !matches!(self.name.as_deref(), Some("AppEntered" | "PolicySet")) {
            return None;
        }
        let address = self.value("policy")?.as_address()?;
        let is_foreign = self.value("isForeign")?.as_bool()?;
        Some(NamedPolicy {
            address,
            kind: if is_foreign { Kind::ForeignPolicy } else { Kind::Policy },
        })
    }

    /// The contract that an event of a policy names as one that it asks. [IDX-13]
    pub(crate) fn named_member(&self) -> Option<Address> {
        let name = NAMES_A_MEMBER.iter().position(|name| self.name.as_deref() == Some(name))?;
        self.value(["member", "inner"].get(name)?)?.as_address()
    }

    fn value(&self, name: &str) -> Option<&DynSolValue> {
        self.values.iter().find(|(of, _)| of == name).map(|(_, value)| value)
    }
}

fn components(input: &EventParam) -> &[Param] {
    &input.components
}

/// Hex in lower case; numbers above 2^53 as decimal text; tuples by name.
fn in_json(value: &DynSolValue, components: &[Param]) -> Value {
    match value {
        DynSolValue::Bool(value) => json!(value),
        DynSolValue::Uint(value, bits) if *bits <= 32 => json!(value.saturating_to::<u32>()),
        DynSolValue::Uint(value, bits) if *bits <= 64 => {
            let value = value.saturating_to::<u64>();
            if value < 1 << 53 { json!(value) } else { json!(value.to_string()) }
        }
        DynSolValue::Uint(value, _) => json!(value.to_string()),
        DynSolValue::Int(value, _) => json!(value.to_string()),
        DynSolValue::FixedBytes(word, size) => {
            json!(format!("0x{}", hex::encode(word.get(..*size).unwrap_or_default())))
        }
        DynSolValue::Address(address) => json!(format!("0x{}", hex::encode(address))),
        DynSolValue::Bytes(bytes) => json!(format!("0x{}", hex::encode(bytes))),
        DynSolValue::String(text) => json!(text),
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) => {
            values.iter().map(|value| in_json(value, components)).collect()
        }
        DynSolValue::Tuple(values) | DynSolValue::CustomStruct { tuple: values, .. } => {
            let named = values.iter().zip(components);
            let named = named.map(|(value, p)| (p.name.clone(), in_json(value, &p.components)));
            Value::Object(named.collect())
        }
        DynSolValue::Function(function) => json!(format!("0x{}", hex::encode(function))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::{AllowlistPolicy, AppRegistry};
    use alloy::sol_types::SolEvent;

    #[test]
    fn every_event_of_ours_is_in_a_trail_and_no_other() {
        // [IDX-5] TrailReplay.sol has the same list.
        let catalogue = Catalogue::new().unwrap();
        let replay = include_str!("../../contracts/test/utils/TrailReplay.sol");
        for ((kind, _), known) in &catalogue.0 {
            let listed = replay.contains(&format!(".{}.selector", known.event.name));
            let has_seq = known.event.inputs.iter().any(|input| input.name == "seq");
            assert_eq!(listed, has_seq, "{kind:?} {}", known.event.name);
        }
    }

    #[test]
    fn a_policy_of_ours_stays_ours_whichever_app_names_it() {
        // [GOV-10] Another app may name it, as foreign: its trail goes on.
        let address = Address::repeat_byte(7);
        let foreign = NamedPolicy { address, kind: Kind::ForeignPolicy };
        assert_eq!(foreign.kind_beside(Some(Kind::Policy)), Kind::Policy);
        assert_eq!(foreign.kind_beside(Some(Kind::ForeignPolicy)), Kind::ForeignPolicy);
        assert_eq!(foreign.kind_beside(None), Kind::ForeignPolicy);
        let ours = NamedPolicy { address, kind: Kind::Policy };
        assert_eq!(ours.kind_beside(Some(Kind::ForeignPolicy)), Kind::Policy);
    }

    #[test]
    fn arguments_have_names_and_the_trail_is_the_contracts() {
        let event = AllowlistPolicy::ComposeHashApproved {
            appId: Address::repeat_byte(0xAB),
            composeHash: B256::repeat_byte(2),
            effectiveAt: 1 << 60,
            uri: "ipfs://x".into(),
            seq: 9,
        };
        let catalogue = Catalogue::new().unwrap();
        let log = event.encode_log_data();
        let decoded = catalogue.decode(Kind::Policy, &log);
        assert_eq!(decoded.name.as_deref(), Some("ComposeHashApproved"));
        assert_eq!((decoded.seq, decoded.standing), (Some(9), Standing::Trail));
        let args: Value = serde_json::from_str(decoded.args.as_deref().unwrap()).unwrap();
        assert_eq!(args["appId"], format!("0x{}", "ab".repeat(20)));
        assert_eq!(args["effectiveAt"], (1u64 << 60).to_string());
        let encoded = alloy::sol_types::SolValue::abi_encode_params(&(
            event.appId,
            event.composeHash,
            alloy_primitives::U256::from(event.effectiveAt),
            event.uri.clone(),
            alloy_primitives::U256::from(9),
        ));
        assert_eq!(decoded.args_hash, keccak256(encoded));
        // The same bytes of a policy that is not ours are in no trail.
        let foreign = catalogue.decode(Kind::ForeignPolicy, &log);
        assert_eq!((foreign.standing, foreign.seq), (Standing::Outside, None));
    }

    fn told(kind: Kind, log: LogData) -> (Option<String>, Value) {
        let decoded = Catalogue::new().unwrap().decode(kind, &log);
        assert_eq!((decoded.standing, decoded.seq), (Standing::Outside, None));
        (decoded.name, serde_json::from_str(&decoded.args.unwrap()).unwrap())
    }

    #[test]
    fn events_of_a_dstack_app_have_names_and_are_in_no_trail() {
        // [IDX-12] As dstack declares them: the list is reference text, not ours.
        alloy::sol! {
            event ComposeHashAdded(bytes32 composeHash);
            event ComposeHashRemoved(bytes32 composeHash);
            event DeviceAdded(bytes32 deviceId);
            event DeviceRemoved(bytes32 deviceId);
            event UpgradesDisabled();
            event AllowAnyDeviceSet(bool allowAny);
            event RequireTcbUpToDateSet(bool requireUpToDate);
            event PolicyChanged(address indexed actor, bytes32 indexed policy, bytes32 indexed value, bool enabled);
        }
        let word = B256::repeat_byte(7);
        let by_word = [
            ComposeHashAdded { composeHash: word }.encode_log_data(),
            ComposeHashRemoved { composeHash: word }.encode_log_data(),
            DeviceAdded { deviceId: word }.encode_log_data(),
            DeviceRemoved { deviceId: word }.encode_log_data(),
        ];
        let names = by_word.map(|log| {
            let (name, args) = told(Kind::ForeignPolicy, log);
            assert!(args.as_object().unwrap().values().eq([&json!(word)]));
            name.unwrap()
        });
        let four = ["ComposeHashAdded", "ComposeHashRemoved", "DeviceAdded", "DeviceRemoved"];
        assert_eq!(names, four);
        let (name, args) =
            told(Kind::ForeignPolicy, AllowAnyDeviceSet { allowAny: true }.encode_log_data());
        assert_eq!(
            (name.as_deref(), args),
            (Some("AllowAnyDeviceSet"), json!({ "allowAny": true }))
        );
        let log = RequireTcbUpToDateSet { requireUpToDate: false }.encode_log_data();
        assert_eq!(told(Kind::ForeignPolicy, log).0.as_deref(), Some("RequireTcbUpToDateSet"));
        let log = UpgradesDisabled {}.encode_log_data();
        assert_eq!(told(Kind::ForeignPolicy, log).0.as_deref(), Some("UpgradesDisabled"));
        let changed = PolicyChanged {
            actor: Address::repeat_byte(1),
            policy: word,
            value: word,
            enabled: true,
        };
        let (name, args) = told(Kind::ForeignPolicy, changed.encode_log_data());
        assert_eq!((name.as_deref(), &args["enabled"]), (Some("PolicyChanged"), &json!(true)));
    }

    #[test]
    fn every_event_of_the_governance_contracts_has_its_name() {
        // [IDX-12] By selector: what others call the same event.
        let catalogue = Catalogue::new().unwrap();
        for (kind, signatures) in [
            (
                Kind::Governor,
                &[
                    "ProposalCreated(uint256,address,address[],uint256[],string[],bytes[],uint256,uint256,string)",
                    "ProposalQueued(uint256,uint256)",
                    "ProposalExecuted(uint256)",
                    "ProposalCanceled(uint256)",
                    "VoteCast(address,uint256,uint8,uint256,string)",
                    "VoteCastWithParams(address,uint256,uint8,uint256,string,bytes)",
                    "TimelockChange(address,address)",
                ][..],
            ),
            (
                Kind::Timelock,
                &[
                    "CallScheduled(bytes32,uint256,address,uint256,bytes,bytes32,uint256)",
                    "CallExecuted(bytes32,uint256,address,uint256,bytes)",
                    "CallSalt(bytes32,bytes32)",
                    "Cancelled(bytes32)",
                    "MinDelayChange(uint256,uint256)",
                    "RoleGranted(bytes32,address,address)",
                    "RoleRevoked(bytes32,address,address)",
                    "RoleAdminChanged(bytes32,bytes32,bytes32)",
                ][..],
            ),
            (
                Kind::AccessManager,
                &[
                    "OperationScheduled(bytes32,uint32,uint48,address,address,bytes)",
                    "OperationExecuted(bytes32,uint32)",
                    "OperationCanceled(bytes32,uint32)",
                    "RoleGranted(uint64,address,uint32,uint48,bool)",
                    "RoleRevoked(uint64,address)",
                    "RoleLabel(uint64,string)",
                    "TargetClosed(address,bool)",
                ][..],
            ),
        ] {
            for signature in signatures {
                let known = catalogue.0.get(&(kind, keccak256(signature)));
                assert_eq!(known.map(|known| known.event.signature()).as_deref(), Some(*signature));
            }
        }
    }

    #[test]
    fn what_is_unknown_or_does_not_decode_is_kept_raw() {
        // [IDX-5]
        let catalogue = Catalogue::new().unwrap();
        let unknown = LogData::new_unchecked(vec![B256::repeat_byte(1)], vec![1].into());
        let cut = LogData::new_unchecked(
            vec![AppRegistry::AppRegistered::SIGNATURE_HASH],
            vec![1].into(),
        );
        for log in [unknown, cut, LogData::default()] {
            let decoded = catalogue.decode(Kind::AppRegistry, &log);
            assert_eq!((decoded.standing, decoded.name), (Standing::Undecoded, None));
        }
        let dstack = AppRegistry::AppRegistered { appId: Address::ZERO }.encode_log_data();
        let decoded = catalogue.decode(Kind::AppRegistry, &dstack);
        assert_eq!((decoded.standing, decoded.seq), (Standing::Outside, None));
    }
}
