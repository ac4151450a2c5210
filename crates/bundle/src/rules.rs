//! Every revocation that a bundle can prove: whose event it is, what it names, by which view it stands, which later events undo
//! it. Spec: docs/spec/bundle.md [BUN-13], and the table there. `vectors/bundles.py` has the same table.

use crate::{Refusal, event::Arguments, views::Place};
use abi::{
    AllOfPolicy as AllOf, AllowlistPolicy as Allowlist, AppRegistry as Apps,
    AttestationRegistry as Attestation, KmsCommittee as Committee, LicensePolicy as License,
};
use alloy_primitives::B256;
use alloy_sol_types::SolEvent;

/// A revocation.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) topic: B256,
    /// How many arguments are indexed: the first.
    pub(crate) indexed: usize,
    /// In declared order.
    pub(crate) arguments: &'static [(&'static str, Type)],
    pub(crate) by: By,
    /// What ends it again.
    pub(crate) undone: &'static [Undo],
    /// Whether it stands in a state.
    pub(crate) stands: fn(&Place<'_>, &Arguments) -> Result<bool, Refusal>,
}

/// Of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Address,
    Word,
    Number,
    /// The only one whose length varies, and at most one of an event.
    Text,
}

/// Whose event it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The policy, of our own code, of the app that is the first argument.
    Policy,
    /// The registry of that app.
    AppRegistry,
    /// The network's.
    AttestationRegistry,
    /// The network's.
    Committee,
}

/// A later event that ends a revocation.
pub(crate) struct Undo {
    pub(crate) topic: B256,
    /// If these arguments are those of the revocation.
    pub(crate) same: &'static [usize],
    /// If this argument is not zero.
    pub(crate) set: Option<usize>,
}

const fn undo(topic: B256, same: &'static [usize]) -> Undo {
    Undo { topic, same, set: None }
}

/// A list that counts no more: anything will do.
const fn any(topic: B256) -> Undo {
    Undo { topic, same: &[], set: Some(1) }
}

/// The names of the events that a bundle can prove.
pub fn provable() -> impl Iterator<Item = &'static str> {
    ["KeyIssued"].into_iter().chain(RULES.iter().map(|rule| rule.name))
}

/// Whether a later event of the same contract could end a revocation, by the topics of both: then a bundle has to show it in
/// full.
pub fn may_undo(revocation: B256, later: B256) -> bool {
    rule(revocation).is_some_and(|rule| rule.undone.iter().any(|undo| undo.topic == later))
}

/// The rule of an event, by its topic.
pub(crate) fn rule(topic: B256) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.topic == topic)
}

use Type::{Address, Number, Text, Word};

const APP: (&str, Type) = ("appId", Address);
const REASON: (&str, Type) = ("reason", Number);
const SEQ: (&str, Type) = ("seq", Number);

// What anyEffectiveAt() answers is of devices, measurements, instances, in this order.
#[rustfmt::skip]
pub(crate) static RULES: [Rule; 19] = [
    Rule {
        name: "ComposeHashRevoked", topic: Allowlist::ComposeHashRevoked::SIGNATURE_HASH,
        indexed: 2, arguments: &[APP, ("composeHash", Word), REASON, SEQ], by: By::Policy,
        undone: &[undo(Allowlist::ComposeHashApproved::SIGNATURE_HASH, &[1])],
        stands: |at, of| Ok(at.ask(&Allowlist::composeHashEffectiveAtCall { composeHash: of.word(1) })? == 0),
    },
    Rule {
        name: "DeviceRevoked", topic: Allowlist::DeviceRevoked::SIGNATURE_HASH,
        indexed: 2, arguments: &[APP, ("deviceId", Word), REASON, SEQ], by: By::Policy,
        undone: &[undo(Allowlist::DeviceApproved::SIGNATURE_HASH, &[1]), any(Allowlist::AnyDeviceSet::SIGNATURE_HASH)],
        stands: |at, of| Ok(at.ask(&Allowlist::deviceEffectiveAtCall { deviceId: of.word(1) })? == 0
            && at.ask(&Allowlist::anyEffectiveAtCall {})?._0 == 0),
    },
    Rule {
        name: "MeasurementRevoked", topic: Allowlist::MeasurementRevoked::SIGNATURE_HASH,
        indexed: 2, arguments: &[APP, ("mrSystem", Word), REASON, SEQ], by: By::Policy,
        undone: &[undo(Allowlist::MeasurementApproved::SIGNATURE_HASH, &[1]), any(Allowlist::AnyMeasurementSet::SIGNATURE_HASH)],
        stands: |at, of| Ok(at.ask(&Allowlist::measurementEffectiveAtCall { mrSystem: of.word(1) })? == 0
            && at.ask(&Allowlist::anyEffectiveAtCall {})?._1 == 0),
    },
    Rule {
        name: "InstanceRevoked", topic: Allowlist::InstanceRevoked::SIGNATURE_HASH,
        indexed: 2, arguments: &[APP, ("instanceId", Address), REASON, SEQ], by: By::Policy,
        undone: &[undo(Allowlist::InstanceApproved::SIGNATURE_HASH, &[1]), any(Allowlist::AnyInstanceSet::SIGNATURE_HASH)],
        stands: |at, of| Ok(at.ask(&Allowlist::instanceEffectiveAtCall { instanceId: of.address(1) })? == 0
            && at.ask(&Allowlist::anyEffectiveAtCall {})?._2 == 0),
    },
    Rule {
        name: "MemberRemovalCancelled", topic: AllOf::MemberRemovalCancelled::SIGNATURE_HASH,
        indexed: 2, arguments: &[APP, ("member", Address), REASON, SEQ], by: By::Policy,
        undone: &[undo(AllOf::MemberRemoved::SIGNATURE_HASH, &[1])],
        stands: |at, of| Ok(at.ask(&AllOf::membersCall {})?.contains(&of.address(1))
            && at.ask(&AllOf::removedFromCall { member: of.address(1) })? == 0),
    },
    Rule {
        name: "LicenseCut", topic: License::LicenseCut::SIGNATURE_HASH,
        indexed: 1, arguments: &[APP, ("until", Number), REASON, SEQ], by: By::Policy,
        undone: &[undo(License::LicenseExtended::SIGNATURE_HASH, &[])],
        stands: |at, of| Ok(at.ask(&License::untilCall {})? <= of.number(1)
            && at.ask(&License::extensionCall {})?._1 == 0),
    },
    Rule {
        name: "HoldingDropped", topic: License::HoldingDropped::SIGNATURE_HASH,
        indexed: 2, arguments: &[APP, ("token", Address), REASON, SEQ], by: By::Policy,
        undone: &[],
        stands: |at, _| Ok(at.ask(&License::holdingCall {})?.token.is_zero()),
    },
    Rule {
        name: "AppFrozen", topic: Apps::AppFrozen::SIGNATURE_HASH,
        indexed: 1, arguments: &[APP, REASON, SEQ], by: By::AppRegistry,
        undone: &[undo(Apps::AppThawed::SIGNATURE_HASH, &[0])],
        stands: |at, of| { let app = at.ask(&Apps::appInfoCall { appId: of.address(0) })?; Ok(app.isFrozen && app.thawsAt == 0) },
    },
    Rule {
        name: "VendorRemoved", topic: Apps::VendorRemoved::SIGNATURE_HASH,
        indexed: 2, arguments: &[APP, ("vendor", Word), REASON, SEQ], by: By::AppRegistry,
        undone: &[undo(Apps::VendorAccepted::SIGNATURE_HASH, &[0, 1])],
        stands: |at, of| Ok(at.ask(&Apps::vendorEffectiveAtCall { appId: of.address(0), vendor: of.word(1) })? == 0),
    },
    Rule {
        name: "KeyVersionDelisted", topic: Apps::KeyVersionDelisted::SIGNATURE_HASH,
        indexed: 2, arguments: &[APP, ("keyVersion", Number), REASON, SEQ], by: By::AppRegistry,
        undone: &[],
        stands: |at, of| {
            let version = u32::try_from(of.number(1)).unwrap_or_default();
            Ok(!at.ask(&Apps::isKeyReadableCall { appId: of.address(0), keyVersion: version })?)
        },
    },
    Rule {
        name: "PolicyChangeCancelled", topic: Apps::PolicyChangeCancelled::SIGNATURE_HASH,
        indexed: 2, arguments: &[APP, ("policy", Address), REASON, SEQ], by: By::AppRegistry,
        undone: &[undo(Apps::PolicySet::SIGNATURE_HASH, &[0, 1])],
        stands: |at, of| {
            let app = at.ask(&Apps::appInfoCall { appId: of.address(0) })?;
            Ok(app.policy != of.address(1) && app.pendingPolicy != of.address(1))
        },
    },
    Rule {
        name: "AppMoveCancelled", topic: Apps::AppMoveCancelled::SIGNATURE_HASH,
        indexed: 2, arguments: &[APP, ("registry", Address), REASON, SEQ], by: By::AppRegistry,
        undone: &[undo(Apps::AppMoved::SIGNATURE_HASH, &[0, 1])],
        stands: |at, of| Ok(at.ask(&Apps::appInfoCall { appId: of.address(0) })?.movedTo != of.address(1)),
    },
    Rule {
        name: "RootClosed", topic: Attestation::RootClosed::SIGNATURE_HASH,
        indexed: 1, arguments: &[("root", Word), REASON, SEQ], by: By::AttestationRegistry,
        undone: &[undo(Attestation::RootOpened::SIGNATURE_HASH, &[0])],
        stands: |at, of| Ok(!at.ask(&Attestation::isRootOpenCall { root: of.word(0) })?),
    },
    Rule {
        name: "OsImageRevoked", topic: Attestation::OsImageRevoked::SIGNATURE_HASH,
        indexed: 1, arguments: &[("osImageHash", Word), REASON, SEQ], by: By::AttestationRegistry,
        undone: &[undo(Attestation::OsImageApproved::SIGNATURE_HASH, &[0])],
        stands: |at, of| Ok(!at.ask(&Attestation::isOsImageApprovedCall { osImageHash: of.word(0) })?),
    },
    Rule {
        name: "AdvisoryDenied", topic: Attestation::AdvisoryDenied::SIGNATURE_HASH,
        indexed: 1, arguments: &[("root", Word), ("advisoryId", Text), SEQ], by: By::AttestationRegistry,
        undone: &[undo(Attestation::AdvisoryAccepted::SIGNATURE_HASH, &[0, 1])],
        stands: |at, of| {
            let root = at.ask(&Attestation::rootPolicyCall { root: of.word(0) })?;
            Ok(root.deniedAdvisoryIds.iter().any(|id| Some(id.as_bytes()) == of.text(1)))
        },
    },
    Rule {
        name: "SeatSuspended", topic: Committee::SeatSuspended::SIGNATURE_HASH,
        indexed: 1, arguments: &[("seat", Number), REASON, SEQ], by: By::Committee,
        undone: &[undo(Committee::SeatUnsuspended::SIGNATURE_HASH, &[0])],
        stands: |at, of| {
            let id = u16::try_from(of.number(0)).unwrap_or_default();
            Ok(at.ask(&Committee::seatCall { id })?.isSuspended)
        },
    },
    Rule {
        name: "SeatRemoved", topic: Committee::SeatRemoved::SIGNATURE_HASH,
        indexed: 1, arguments: &[("seat", Number), REASON, SEQ], by: By::Committee,
        undone: &[],
        stands: |at, of| {
            let id = u16::try_from(of.number(0)).unwrap_or_default();
            Ok(at.ask(&Committee::seatCall { id })?.isRemoved)
        },
    },
    Rule {
        name: "NodeCodeRevoked", topic: Committee::NodeCodeRevoked::SIGNATURE_HASH,
        indexed: 2, arguments: &[("osImageHash", Word), ("composeHash", Word), REASON, SEQ], by: By::Committee,
        undone: &[undo(Committee::NodeCodeApproved::SIGNATURE_HASH, &[0, 1])],
        stands: |at, of| Ok(!at.ask(&Committee::isNodeCodeApprovedCall { osImageHash: of.word(0), composeHash: of.word(1) })?),
    },
    Rule {
        name: "ContractsChangeCancelled", topic: Committee::ContractsChangeCancelled::SIGNATURE_HASH,
        indexed: 2, arguments: &[("appRegistry", Address), ("issuanceLog", Address), REASON, SEQ], by: By::Committee,
        undone: &[undo(Committee::ContractsSet::SIGNATURE_HASH, &[0, 1])],
        stands: |at, of| {
            // In force, and on their way: registry and log each.
            let now = at.ask(&Committee::contractsInForceCall {})?;
            let cancelled = (of.address(0), of.address(1));
            Ok((now._0, now._1) != cancelled
                && (now._2, now._3) != cancelled)
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_event_of_ours_with_a_reason_has_a_rule() {
        // [BUN-13] By the committed ABIs, and by the table in the spec.
        let spec = include_str!("../../../docs/spec/bundle.md");
        let mut revocations = BTreeSet::from(["AdvisoryDenied".to_owned()]);
        for artefact in [
            include_str!("../../../contracts/artifacts/AllowlistPolicy.json"),
            include_str!("../../../contracts/artifacts/AllOfPolicy.json"),
            include_str!("../../../contracts/artifacts/LicensePolicy.json"),
            include_str!("../../../contracts/artifacts/AppRegistry.json"),
            include_str!("../../../contracts/artifacts/AttestationRegistry.json"),
            include_str!("../../../contracts/artifacts/KmsCommittee.json"),
        ] {
            let artefact: serde_json::Value = serde_json::from_str(artefact).unwrap();
            for item in artefact["abi"].as_array().unwrap() {
                let inputs: Vec<&str> = (item["inputs"].as_array().into_iter().flatten())
                    .map(|input| input["name"].as_str().unwrap())
                    .collect();
                let name = item["name"].as_str().unwrap_or_default();
                let is_event = item["type"] == "event";
                if is_event && inputs.contains(&"reason") && name != "RecipientRefusalPosted" {
                    revocations.insert(name.to_owned());
                }
                let Some(rule) = RULES.iter().find(|rule| is_event && rule.name == name) else {
                    continue;
                };
                let names: Vec<&str> = rule.arguments.iter().map(|(name, _)| *name).collect();
                assert_eq!(inputs, names, "{name}");
                let indexed = item["inputs"].as_array().unwrap().iter();
                let indexed = indexed.filter(|input| input["indexed"] == true).count();
                assert_eq!(rule.indexed, indexed, "{name}");
                assert_eq!(rule.arguments.last(), Some(&SEQ), "{name}");
            }
        }
        let ruled: BTreeSet<String> = RULES.iter().map(|rule| rule.name.to_owned()).collect();
        assert_eq!(revocations, ruled);
        for name in ruled {
            assert!(spec.contains(&format!("`{name}`")), "{name} is not in the table of the spec");
        }
    }
}
