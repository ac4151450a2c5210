//! Every revocation that a bundle proves, as a chain had it, and its twins, each with one thing changed: an event of another
//! contract, a contract that grants it, a later event that grants it again, and one that is told by its name alone. With
//! `BLESS_CASES=1` the twins become cases of vectors/bundle, for verify.py as well.

use super::{
    headers::{encoded, receipt, with_receipt},
    patch::bless,
    tries::{End, set_slot, with_state_of},
    world::{good, log_of},
};
use abi::AttestationRegistry::AdvisoryDenied;
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolEvent, SolValue};
use bundle::{Bundle, Step, Trail, Trusted, provable, verify};

/// By which later event each is granted again.
const UNDONE: [(&str, &str); 16] = [
    ("ComposeHashRevoked", "ComposeHashApproved(address,bytes32,uint64,string,uint64)"),
    ("DeviceRevoked", "DeviceApproved(address,bytes32,uint64,uint64)"),
    ("MeasurementRevoked", "AnyMeasurementSet(address,uint64,uint64)"),
    ("InstanceRevoked", "InstanceApproved(address,address,uint64,uint64)"),
    ("MemberRemovalCancelled", "MemberRemoved(address,address,uint64,uint64)"),
    ("LicenseCut", "LicenseExtended(address,uint64,uint64,uint64)"),
    ("AppFrozen", "AppThawed(address,uint64,uint64)"),
    ("VendorRemoved", "VendorAccepted(address,bytes32,uint64,uint64)"),
    ("PolicyChangeCancelled", "PolicySet(address,address,bool,uint64,uint64)"),
    ("AppMoveCancelled", "AppMoved(address,address,uint64,uint64)"),
    ("RootClosed", "RootOpened(bytes32,bytes32,uint8,(uint32,uint64,uint64,uint32,uint16),uint64)"),
    ("OsImageRevoked", "OsImageApproved(bytes32,string,uint64)"),
    ("AdvisoryDenied", "AdvisoryAccepted(bytes32,string,uint64)"),
    ("SeatSuspended", "SeatUnsuspended(uint16,uint64)"),
    ("NodeCodeRevoked", "NodeCodeApproved(bytes32,bytes32,string,uint64)"),
    ("ContractsChangeCancelled", "ContractsSet(address,address,uint64,uint64)"),
];

fn revocations() -> impl Iterator<Item = (&'static str, String, Bundle, Trusted)> {
    provable().filter(|name| *name != "KeyIssued").map(|name| {
        let kind = format!("revoked-{name}");
        let (bundle, trusted) = good(&kind);
        (name, kind, bundle, trusted)
    })
}

fn word(bundle: &Bundle, trusted: &Trusted) -> &'static str {
    verify(&bundle.to_text(), trusted).word()
}

/// abi.encode of its arguments in declared order.
fn arguments(bundle: &Bundle) -> Vec<u8> {
    let log = log_of(bundle);
    match AdvisoryDenied::decode_log_data(&log.data) {
        Ok(denied) => (denied.root, denied.advisoryId, U256::from(denied.seq)).abi_encode_params(),
        Err(_) => {
            let topics = log.topics().iter().skip(1).flat_map(|topic| topic.0);
            topics.chain(log.data.data.iter().copied()).collect()
        }
    }
}

#[test]
fn each_is_ok_as_the_chain_had_it() {
    // [BUN-13]
    for (name, kind, bundle, trusted) in revocations() {
        let verdict = verify(&bundle.to_text(), &trusted);
        assert_eq!(verdict.word(), "ok", "{kind}: {:?}", verdict.outcome);
        let claim = serde_json::to_value(verdict.outcome.unwrap()).unwrap();
        assert_eq!(claim["event"], name);
    }
}

#[test]
fn each_is_refused_of_another_contract() {
    // [BUN-8]
    for (_, kind, mut bundle, mut trusted) in revocations() {
        let mut other = receipt(&bundle);
        other.logs[usize::try_from(bundle.log).unwrap()].address = Address::repeat_byte(9);
        with_receipt(&mut bundle, &mut trusted, encoded(other));
        let refused = word(&bundle, &trusted);
        assert!(["other-policy", "other-contract"].contains(&refused), "{kind}: {refused}");
        bless(&kind, refused, "event of another contract", &bundle, &trusted);
    }
}

#[test]
fn each_is_refused_where_its_contract_grants_it() {
    // [BUN-13] Some slot of the contract, with another value, says so.
    for (_, kind, bundle, trusted) in revocations() {
        let contract = log_of(&bundle).address;
        let arguments = arguments(&bundle);
        let second = U256::from_be_slice(&arguments[32..64]);
        let account = bundle.at_event.iter().find(|account| account.address == contract).unwrap();
        let later = U256::from((1_u64 << 40) - 2) << 160;
        let is_refused = account.slots.iter().any(|slot| {
            let fixed = [U256::ZERO, U256::from(1), U256::MAX, second, second | later];
            let flipped = (0..32).map(|byte| slot.value ^ (U256::from(1) << (8 * byte)));
            fixed.into_iter().chain(flipped).any(|value| {
                let (mut bundle, mut trusted) = (bundle.clone(), trusted);
                set_slot(&mut bundle.at_event, contract, slot.slot, value);
                with_state_of(&mut bundle, &mut trusted, End::Event);
                let is_refused = word(&bundle, &trusted) == "still-listed";
                if is_refused {
                    bless(&kind, "still-listed", "contract that grants it", &bundle, &trusted);
                }
                is_refused
            })
        });
        assert!(is_refused, "{kind}");
    }
}

#[test]
fn each_is_refused_once_a_later_event_grants_it_again() {
    // [BUN-13] The event is in the trail that the slot holds.
    for (name, signature) in UNDONE {
        let kind = format!("revoked-{name}");
        let (bundle, trusted) = good(&kind);
        assert!(bundle.headers.len() > 1, "{kind}");
        let topic = keccak256(signature);
        let mut later = arguments(&bundle);
        if name != "AdvisoryDenied" {
            later.truncate(64);
            later.extend([U256::from(1).to_be_bytes::<32>(); 3].concat());
        }
        let again = Step::Event { topic, arguments: later.clone().into() };
        let named = Step::Named { topic, arguments_hash: keccak256(&later) };
        for (step, expect, cheat) in [
            (again, "approved-again", "granted again later"),
            (named, "step-hidden", "later grant told by its name alone"),
        ] {
            let (mut bundle, mut trusted) = (bundle.clone(), trusted);
            with_later(&mut bundle, &mut trusted, step);
            assert_eq!(word(&bundle, &trusted), expect, "{kind}");
            bless(&kind, expect, cheat, &bundle, &trusted);
        }
    }
}

/// One more event in the trail of the reader's block.
fn with_later(bundle: &mut Bundle, trusted: &mut Trusted, step: Step) {
    let log = log_of(bundle);
    let event = arguments(bundle);
    let seq = match AdvisoryDenied::decode_log_data(&log.data) {
        Ok(denied) => denied.seq,
        Err(_) => U256::from_be_slice(&event[event.len() - 32..]).to(),
    };
    let before = U256::from_be_slice(bundle.trail.before.as_slice());
    let mut trail = Trail { seq: seq - 1, head: before };
    let enter = |trail: &mut Trail, step: &Step| match step {
        Step::Leaf(leaf) => trail.enter_leaf(*leaf),
        Step::Named { topic, arguments_hash } => trail.enter(*topic, *arguments_hash),
        Step::Event { topic, arguments } => trail.enter(*topic, keccak256(arguments)),
    };
    let topic: B256 = log.topics()[0];
    enter(&mut trail, &Step::Event { topic, arguments: event.into() });
    bundle.trail.later.iter().for_each(|step| enter(&mut trail, step));
    let packed = |trail: &Trail| trail.head << 64 | U256::from(trail.seq);
    let old = packed(&trail);
    enter(&mut trail, &step);
    bundle.trail.later.push(step);
    let account = bundle.at_block.iter().find(|account| account.address == log.address).unwrap();
    let slot = account.slots.iter().find(|slot| slot.value == old).unwrap().slot;
    set_slot(&mut bundle.at_block, log.address, slot, packed(&trail));
    with_state_of(bundle, trusted, End::Block);
}
