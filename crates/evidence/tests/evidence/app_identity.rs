//! The identity and the one `Attested` that follows from it.

use crate::world::{World, app, app_id};
use alloy_primitives::{Address, B256};
use evidence::{AppIdError, BindError};
use soft_tee::{App, Event, OsImage};
use std::sync::Arc;
use wire::{
    ReleaseAt,
    report_data::RequestBinding,
    statements::{Anchor, AppBootInfo, Attested},
};

#[test]
fn an_identity_is_what_the_machine_says_of_itself() {
    // [EV-9] [EV-10] [EV-11] The machine computes its own values; both sides must agree on every one.
    let world = World::new();
    let identity = world.identity();
    let domain = &world.domain;
    let expected = Attested {
        boot: AppBootInfo {
            appId: app_id(),
            composeHash: B256::new(app().compose_hash()),
            instanceId: Address::new(domain.instance_id()),
            deviceId: B256::new(world.machine.device_id()),
            mrAggregated: B256::new(domain.mr_aggregated()),
            mrSystem: B256::new(domain.mr_system()),
            osImageHash: B256::new(world.machine.image().hash()),
            tcbStatus: "UpToDate".to_owned(),
            advisoryIds: Vec::new(),
        },
        root: B256::new(world.authority.root_sha256()),
        vendor: B256::right_padding_from(b"soft-a"),
        tcbEvaluationDataNumber: 17,
    };
    assert_eq!(identity.attested(app_id()), Ok(expected));
}

#[test]
fn the_measured_app_id_decides() {
    // [EV-11]
    let claimed = Address::repeat_byte(0xb2);
    let error = AppIdError { claimed, measured: app_id() };
    assert_eq!(World::new().identity().attested(claimed), Err(error));
}

#[test]
fn the_requests_app_id_counts_under_the_compose_derived_default() {
    // [EV-11], A28: no app is named by the host; the request's id is bound in report_data by approved code.
    let mut world = World::new();
    world.domain = world.machine.boot(App::with_default_id(app().compose));
    let identity = world.identity();
    assert!(identity.has_default_app_id());
    let claimed = Address::repeat_byte(0xb2);
    assert_eq!(identity.attested(claimed).unwrap().boot.appId, claimed);
}

#[test]
fn an_app_id_that_only_resembles_the_default_decides() {
    // [EV-11], A28: one byte of the default changed.
    let mut world = World::new();
    let mut other = App::with_default_id(app().compose);
    other.app_id[19] ^= 1;
    world.domain = world.machine.boot(other);
    assert!(world.identity().attested(Address::repeat_byte(0xb2)).is_err());
}

#[test]
fn a_claimed_os_image_is_not_believed() {
    // [EV-10] Another image measures the approved one's hash into its log; the registers tell.
    let approved = World::new().identity().os_image_hash();
    let mut world = World::new();
    let image = OsImage::from_seed([3; 32]);
    let machine = soft_tee::Machine::new(&world.authority, "m1", image);
    let domain = Arc::new(machine).boot(app());
    let mut events = domain.events().to_vec();
    let at = events.iter().position(|event| event.event == "key-provider").unwrap();
    events.insert(at, Event::runtime("os-image-hash", approved.as_slice()));
    world.domain = domain.with_events(events);
    assert_ne!(world.identity().os_image_hash(), approved);
}

#[test]
fn an_instance_may_have_no_id() {
    // [EVLOG-8] [EV-9] Neither an empty nor an all-zero id is one.
    for payload in [&[][..], &[0; 20]] {
        let mut world = World::new();
        let mut events = world.domain.events().to_vec();
        let at = events.iter().position(|event| event.event == "instance-id").unwrap();
        events[at] = Event::runtime("instance-id", payload);
        world.domain = world.domain.with_events(events);
        assert_eq!(world.identity().instance_id(), None);
    }
}

#[test]
fn what_evidence_claims_is_read_before_it_is_judged() {
    // [EVLOG-8] The instance as the log has it, while the log is the quote's; report_data as the quote has it.
    let world = World::new();
    let identity = world.identity();
    let raw = |bytes| evidence::RawEvidence::new(bytes).unwrap();
    let claimed = raw(world.bytes());
    assert!(identity.instance_id().is_some());
    assert_eq!(claimed.claimed_instance(), identity.instance_id());
    assert_eq!(&claimed.claimed_report_data().unwrap(), identity.quote().report_data());
    let mut bytes = world.bytes();
    bytes.event_log = "[]".into();
    assert_eq!(raw(bytes).claimed_instance(), None);
    let mut bytes = world.bytes();
    bytes.quote = bytes.quote.slice(..100);
    assert_eq!(raw(bytes.clone()).claimed_instance(), None);
    assert!(raw(bytes).claimed_report_data().is_err());
}

#[test]
fn a_quote_binds_its_request_and_no_other() {
    // [EV-5], A2
    let mut binding = RequestBinding {
        network_hash: B256::repeat_byte(1),
        keyset_id: B256::repeat_byte(2),
        app_id: app_id(),
        release_at: ReleaseAt::Head,
        inputs: &[],
        session_key: Address::repeat_byte(4),
        anchor: Anchor { number: 5, hash: B256::repeat_byte(6) },
    };
    let world = World::new();
    let bytes = wire::request::EvidenceBytes {
        quote: world.domain.quote(binding.report_data()).into(),
        ..world.bytes()
    };
    let identity = world.verify_bytes(bytes).unwrap().replay().unwrap();
    assert_eq!(identity.binds(&binding.report_data()), Ok(()));
    binding.session_key = Address::repeat_byte(5);
    assert_eq!(identity.binds(&binding.report_data()), Err(BindError::Mismatch));
    // The twin: data that an outsider chose.
    assert_eq!(world.identity().binds(&binding.report_data()), Err(BindError::Untagged));
}
