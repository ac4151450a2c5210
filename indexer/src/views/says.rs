//! Events in words: what sort of act each is, and a sentence in parts, so that a page can link what is linkable.

use super::{Event, event::label};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What sort of act an event is. A page shows word and sign, never a colour alone. [EXP-6]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Act {
    /// Widens what may have keys.
    Grant,
    /// Narrows it.
    Revocation,
    /// A key went out.
    Key,
    /// Who holds the shares.
    Committee,
    /// Anything else.
    Fact,
}

impl Act {
    pub(crate) const ALL: [Self; 5] =
        [Self::Grant, Self::Revocation, Self::Key, Self::Committee, Self::Fact];

    /// By the event's name.
    pub(crate) fn of(name: &str) -> Self {
        let found = Self::ALL.into_iter().find(|act| act.names().contains(&name));
        found.unwrap_or(Self::Fact)
    }

    /// The names of its events; none for the rest, `Fact`.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Grant => &GRANTS,
            Self::Revocation => &REVOCATIONS,
            Self::Key => &KEYS,
            Self::Committee => &CEREMONIES,
            Self::Fact => &[],
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.word() == word)
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Revocation => "revocation",
            Self::Key => "key",
            Self::Committee => "committee",
            Self::Fact => "fact",
        }
    }

    /// A shape of its own for each.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Grant => "▲",
            Self::Revocation => "▼",
            Self::Key => "◆",
            Self::Committee => "●",
            Self::Fact => "·",
        }
    }
}

/// The events that widen what may have keys.
const GRANTS: [&str; 18] = [
    "AppEntered",
    "PolicySet",
    "VendorAccepted",
    "AppThawed",
    "ComposeHashApproved",
    "DeviceApproved",
    "MeasurementApproved",
    "InstanceApproved",
    "RootOpened",
    "RootRulesSet",
    "AdvisoryAccepted",
    "OsImageApproved",
    "NodeCodeApproved",
    "SeatAdmitted",
    "SeatUnsuspended",
    "ContractsSet",
    "MemberRemoved",
    "LicenseExtended",
];

/// The events of issuances.
const KEYS: [&str; 2] = ["KeyIssued", "KeyReleasedOffRecord"];

/// The events of candidates and ceremonies.
const CEREMONIES: [&str; 9] = [
    "CandidatePosted",
    "OperatorAssigned",
    "EpochOpened",
    "RecipientKeyPosted",
    "RecipientRefusalPosted",
    "DealingPosted",
    "ConfirmationPosted",
    "EpochActivated",
    "EpochAborted",
];

/// The events that take something away, each with a reason code.
pub(crate) const REVOCATIONS: [&str; 19] = [
    "ComposeHashRevoked",
    "DeviceRevoked",
    "MeasurementRevoked",
    "InstanceRevoked",
    "PolicyChangeCancelled",
    "VendorRemoved",
    "AppFrozen",
    "KeyVersionDelisted",
    "AppMoveCancelled",
    "RootClosed",
    "OsImageRevoked",
    "SeatSuspended",
    "SeatRemoved",
    "NodeCodeRevoked",
    "ContractsChangeCancelled",
    "AdvisoryDenied",
    "MemberRemovalCancelled",
    "LicenseCut",
    "HoldingDropped",
];

/// Whether an event takes something away.
pub(crate) fn is_revocation(name: &str) -> bool {
    REVOCATIONS.contains(&name)
}

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    /// 32 bytes or an address, as hex, by which the index finds more.
    Hash(String),
    /// The same, by which it finds nothing.
    Plain(String),
    /// Unix seconds.
    Time(u64),
}

/// The sentence, from the arguments; of an event that we have no words for, its arguments as they are.
pub(crate) fn sentence(event: &Event) -> Vec<Part> {
    let pattern = pattern(event);
    let mut parts = Vec::new();
    for piece in pattern.split_inclusive('}') {
        let (text, name) = match piece.split_once('{') {
            Some((text, name)) => (text, name.strip_suffix('}').unwrap_or(name)),
            None => (piece, ""),
        };
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        if !name.is_empty() {
            parts.push(value(event, name));
        }
    }
    parts
}

/// Names in braces are arguments.
fn pattern(event: &Event) -> &'static str {
    match event.name() {
        "AppEntered" => "the app enters with policy {policy}, owner {owner}",
        "PolicySet" => "policy {policy} judges the app from {effectiveAt}",
        "PolicyChangeCancelled" => "the change to policy {policy} is cancelled, reason {reason}",
        "PolicyLocked" => "the policy contract is locked for ever",
        "OwnershipOffered" => "ownership is offered to {pendingOwner}",
        "OwnershipTaken" => "{owner} takes ownership",
        "GuardianSet" => "guardian {guardian} from {effectiveAt}",
        "VendorAccepted" => "machines of vendor {vendor} from {effectiveAt}",
        "VendorRemoved" => "no more machines of vendor {vendor}, reason {reason}",
        "AppFrozen" => "the app is frozen, reason {reason}",
        "AppThawed" => "the app thaws at {effectiveAt}",
        "KeyRotated" => "key version {keyVersion} from now on",
        "KeyVersionDelisted" => {
            "key version {keyVersion} is not readable any more, reason {reason}"
        }
        "AppMoved" => "registry {registry} may take over the app from {effectiveAt}",
        "AppMoveCancelled" => "the move to {registry} is cancelled, reason {reason}",
        "PolicyInitialized" => "a policy begins, grants wait {grantDelaySeconds} s",
        "ComposeHashApproved" => "code {composeHash} may boot from {effectiveAt}",
        "ComposeHashRevoked" => "code {composeHash} may not boot any more, reason {reason}",
        "DeviceApproved" => "device {deviceId} from {effectiveAt}",
        "DeviceRevoked" => "device {deviceId} no more, reason {reason}",
        "MeasurementApproved" => "measurement {mrSystem} from {effectiveAt}",
        "MeasurementRevoked" => "measurement {mrSystem} no more, reason {reason}",
        "InstanceApproved" => "instance {instanceId} from {effectiveAt}",
        "InstanceRevoked" => "instance {instanceId} no more, reason {reason}",
        "AnyDeviceSet" if from_now(event) => "the device list counts from now",
        "AnyDeviceSet" => "any device from {effectiveAt}",
        "AnyMeasurementSet" if from_now(event) => "the list of measurements counts from now",
        "AnyMeasurementSet" => "any measurement from {effectiveAt}",
        "AnyInstanceSet" if from_now(event) => "the instance list counts from now",
        "AnyInstanceSet" => "any instance from {effectiveAt}",
        "AnyTcbSet" if from_now(event) => "only TCB status UpToDate from now",
        "AnyTcbSet" => "any accepted TCB status from {effectiveAt}",
        "GrantDelaySet" => "grants wait {grantDelaySeconds} s from {effectiveAt}",
        "MemberAdded" => "policy {member} must allow too",
        "MemberRemoved" => "policy {member} is asked no more from {effectiveAt}",
        "MemberRemovalCancelled" => "policy {member} goes on being asked, reason {reason}",
        "MembersLocked" => "the policies that are asked are locked for ever",
        "LicenseInitialized" => "a licence begins, until {until}",
        "LicenseExtended" => "the licence lasts until {until}, from {effectiveAt}",
        "LicenseCut" => "the licence ends at {until}, reason {reason}",
        "HoldingDropped" => "holding {token} does not count any more, reason {reason}",
        "ProposalCreated" => "{proposer} proposes {proposalId}",
        "ProposalQueued" => "proposal {proposalId} is accepted, to be executed from {etaSeconds}",
        "ProposalExecuted" => "proposal {proposalId} is executed",
        "ProposalCanceled" => "proposal {proposalId} is cancelled",
        "VoteCast" | "VoteCastWithParams" => "{voter} votes on {proposalId} with {weight}",
        "KeyIssued" => "issuance {issuanceId} to code {composeHash}, epoch {epoch}",
        "KeyReleasedOffRecord" => "seat {seat} released {issuanceId} off record",
        "RootOpened" => "root {root} of vendor {vendor} is open",
        "RootClosed" => "root {root} is closed, reason {reason}",
        "RootRulesSet" => "new rules for root {root}",
        "AdvisoryDenied" => "advisory {advisoryId} is denied under root {root}",
        "AdvisoryAccepted" => "advisory {advisoryId} is accepted under root {root}",
        "OsImageApproved" => "OS image {osImageHash} for all apps",
        "OsImageRevoked" => "OS image {osImageHash} no more, reason {reason}",
        "CandidatePosted" => "node {signer} of {operator} asks for a seat",
        "NodeCodeApproved" => "node code {composeHash} may hold a seat",
        "NodeCodeRevoked" => "node code {composeHash} may not hold a seat, reason {reason}",
        "OperatorAssigned" => "node {signer} is run by {operator}",
        "SeatAdmitted" => "seat {seat} for {signer} of {operator}",
        "SeatSuspended" => "seat {seat} is suspended, reason {reason}",
        "SeatUnsuspended" => "seat {seat} acts again",
        "SeatRemoved" => "seat {seat} is removed, reason {reason}",
        "EpochOpened" => "the ceremony of epoch {epoch} begins, t = {t}",
        "RecipientKeyPosted" => "seat {seat} posts its key for the ceremony",
        "RecipientRefusalPosted" => "seat {dealer} refuses to deal to seat {seat}",
        "DealingPosted" => "seat {seat} deals",
        "ConfirmationPosted" => "seat {seat} confirms transcript {transcript}",
        "EpochActivated" => "epoch {epoch} is active, transcript {transcript}",
        "EpochAborted" => "the ceremony ends without result, in step {step}",
        "ContractsSet" => "registry {appRegistry} and log {issuanceLog} from {effectiveAt}",
        "ContractsChangeCancelled" => "the change to {appRegistry} is cancelled, reason {reason}",
        "AppPlaced" => "registry {registry} speaks for app {appId} from now on",
        "AppRegistered" | "AppDeployedViaFactory" => "dstack’s word for: the app enters",
        "ComposeHashAdded" => "dstack’s word for: code {composeHash} is approved",
        "ComposeHashRemoved" => "dstack’s word for: code {composeHash} is revoked",
        "DeviceAdded" => "dstack’s word for: device {deviceId} is approved",
        "DeviceRemoved" => "dstack’s word for: device {deviceId} is revoked",
        // AccessManager's roles are numbers, a timelock's are hashes.
        "RoleGranted" if event.args.0.get("roleId").is_some() => "role {roleId} for {account}",
        "RoleGranted" if event.args.0.get("role").is_some() => "role {role} for {account}",
        "AuthorityUpdated" => "authority {authority}",
        _ => "",
    }
}

fn from_now(event: &Event) -> bool {
    event.args.number("effectiveAt").is_ok_and(|at| at == 0)
}

fn value(event: &Event, name: &str) -> Part {
    let args = &event.args;
    match name {
        "effectiveAt" | "until" => match args.number(name) {
            Ok(time) => Part::Time(time),
            Err(_) => Part::Text("?".to_owned()),
        },
        "vendor" | "operator" => match args.hash(name) {
            Ok(word) => Part::Text(label(word)),
            Err(_) => Part::Text("?".to_owned()),
        },
        "reason" => match args.number(name).map(u8::try_from) {
            Ok(Ok(code)) => Part::Text(wire::reason::text(code)),
            _ => Part::Text("?".to_owned()),
        },
        _ => match args.0.get(name) {
            Some(Value::String(text)) if event.is_findable(name, text) => Part::Hash(text.clone()),
            Some(Value::String(text)) if text.starts_with("0x") => Part::Plain(text.clone()),
            Some(Value::String(text)) => Part::Text(text.clone()),
            Some(other) => Part::Text(other.to_string()),
            None => Part::Text("?".to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decode::{Catalogue, Kind},
        views::{Place, event::Args},
    };
    use alloy_primitives::{Address, B256};

    fn event(name: &str, args: &str) -> Event {
        Event {
            place: Place {
                block_number: 1,
                block_hash: B256::ZERO,
                block_time: 1,
                tx_index: 0,
                log_index: 0,
                finality: "latest",
            },
            contract: Address::ZERO,
            kind: Kind::Policy,
            standing: "trail".into(),
            name: Some(name.to_owned()),
            act: Act::of(name),
            app_id: None,
            judges_app: None,
            seq: None,
            args: Args(serde_json::from_str(args).unwrap()),
            indexed: vec![B256::repeat_byte(0x22)],
        }
    }

    #[test]
    fn a_sentence_has_words_hashes_and_times() {
        let hash = format!("0x{}", "22".repeat(32));
        let revoked_of = |hash: &str| {
            let args = format!(r#"{{"composeHash": "{hash}", "reason": 2}}"#);
            event("ComposeHashRevoked", &args)
        };
        let revoked = revoked_of(&hash);
        let parts = sentence(&revoked);
        assert_eq!(parts[1], Part::Hash(hash.clone()));
        let other = revoked_of(&hash.replace('2', "3"));
        assert!(matches!(sentence(&other)[1], Part::Plain(_)), "a link that leads nowhere");
        assert_eq!(parts[3], Part::Text("2 (compromised)".into()));
        let from_now = event("AnyDeviceSet", r#"{"effectiveAt": 0}"#);
        assert_eq!(sentence(&from_now), [Part::Text("the device list counts from now".into())]);
        let later = event("AnyDeviceSet", r#"{"effectiveAt": "1700000000"}"#);
        assert_eq!(sentence(&later)[1], Part::Time(1_700_000_000));
    }

    #[test]
    fn every_argument_that_a_sentence_names_is_one_of_the_event() {
        // Every event of our trails has words, and every name in braces is an argument of the ABI.
        let catalogue = Catalogue::new().unwrap();
        for (name, arguments) in catalogue.arguments() {
            let event = event(&name, "{}");
            let has_seq = arguments.iter().any(|argument| argument == "seq");
            assert!(!has_seq || !pattern(&event).is_empty(), "{name} has no words");
            for piece in pattern(&event).split('{').skip(1) {
                let argument = piece.split('}').next().unwrap();
                assert!(arguments.iter().any(|known| known == argument), "{name}: {argument}");
            }
        }
    }

    #[test]
    fn what_has_a_reason_is_a_revocation() {
        let catalogue = Catalogue::new().unwrap();
        for (name, arguments) in catalogue.arguments() {
            let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
            // A voter's reason is prose, in no trail.
            if has("reason") && has("seq") && name != "RecipientRefusalPosted" {
                assert!(is_revocation(&name), "{name}");
            }
        }
    }
}
