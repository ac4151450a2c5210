//! The worked examples at the end of the spec files are what the code computes.

use crate::world::{World, app_id};
use soft_tee::Event;

const EVIDENCE: &str = include_str!("../../../../docs/spec/evidence.md");
const EVENT_LOG: &str = include_str!("../../../../docs/spec/event-log.md");

fn shows(spec: &str, name: &str, value: impl std::fmt::Display) {
    let line = format!("{name:<14} {value}");
    assert!(spec.contains(&line), "the worked example should say\n{line}");
}

#[test]
fn the_example_of_evidence_is_current() {
    // [EV-9] [EV-10] [EV-11]
    let attested = World::new().identity().attested(app_id()).unwrap();
    shows(EVIDENCE, "root", attested.root);
    shows(EVIDENCE, "vendor", attested.vendor);
    shows(EVIDENCE, "composeHash", attested.boot.composeHash);
    shows(EVIDENCE, "deviceId", attested.boot.deviceId);
    shows(EVIDENCE, "mrSystem", attested.boot.mrSystem);
    shows(EVIDENCE, "mrAggregated", attested.boot.mrAggregated);
    shows(EVIDENCE, "osImageHash", attested.boot.osImageHash);
}

#[test]
fn the_example_of_the_event_log_is_current() {
    // [EVLOG-3] [EVLOG-5]
    let world = World::new();
    let events = world.domain.events();
    let app = events.iter().find(|event| event.event == "app-id").unwrap();
    assert_eq!(*app, Event::runtime("app-id", app_id().as_slice()));
    shows(EVENT_LOG, "payload", &app.event_payload);
    shows(EVENT_LOG, "digest", &app.digest);
    shows(EVENT_LOG, "RTMR3", hex::encode(world.domain.rtmrs()[3]));
}
