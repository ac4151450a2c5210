//! Event logs: the one that is the whole boot, and its negative twins.

use crate::world::World;
use evidence::{ReplayError, event_log::UniqueEvent};
use soft_tee::Event;
use wire::request::EvidenceBytes;

/// What replay says of a machine that *measured* `events`.
fn measured(events: Vec<Event>) -> Result<(), ReplayError> {
    let mut world = World::new();
    world.domain = world.domain.with_events(events);
    world.verify().unwrap().replay().map(|_| ())
}

/// What replay says of a log that somebody wrote over after the boot.
fn written_over(change: impl FnOnce(&mut Vec<Event>)) -> Result<(), ReplayError> {
    let world = World::new();
    let mut events = world.domain.events().to_vec();
    change(&mut events);
    let event_log = serde_json::to_string(&events).unwrap();
    let bytes = EvidenceBytes { event_log, ..world.bytes() };
    world.verify_bytes(bytes).unwrap().replay().map(|_| ())
}

fn position(events: &[Event], name: &str) -> usize {
    events.iter().position(|event| event.event == name).unwrap()
}

#[test]
fn the_log_of_a_boot_replays() {
    // [EVLOG-5] The registers are computed by the machine, not by this crate.
    assert!(measured(World::new().domain.events().to_vec()).is_ok());
}

#[test]
fn what_is_no_log_is_refused() {
    // [EVLOG-1] Neither an array nor a register that exists.
    let world = World::new();
    let with_log = |event_log: String| {
        let bytes = EvidenceBytes { event_log, ..world.bytes() };
        world.verify_bytes(bytes).unwrap().replay()
    };
    assert!(matches!(with_log("{}".to_owned()), Err(ReplayError::Json(_))));
    let other_register = world.domain.event_log().replacen(r#""imr":0"#, r#""imr":4"#, 1);
    assert!(matches!(
        with_log(other_register),
        Err(ReplayError::UnknownRegister { index: 0, register: 4 })
    ));
}

#[test]
fn a_digest_of_another_length_is_refused() {
    // [EVLOG-2] One byte less; none at all where nothing else gives it.
    for digest in ["00".repeat(47), String::new()] {
        let bytes = digest.len() / 2;
        let result = written_over(|events| events[0].digest = digest);
        assert!(matches!(
            result,
            Err(ReplayError::DigestLength { index: 0, bytes: found }) if found == bytes
        ));
    }
}

#[test]
fn a_log_with_another_event_does_not_replay() {
    // [EVLOG-5] The digest is that of the new payload; only RTMR3 tells.
    let result = written_over(|events| {
        let at = position(events, "compose-hash");
        events[at] = Event::runtime("compose-hash", &[7; 32]);
    });
    assert!(matches!(result, Err(ReplayError::Mismatch { register: 3 })));
}

#[test]
fn a_log_that_leaves_out_an_event_does_not_replay() {
    // [EVLOG-5]
    let result = written_over(|events| {
        let at = position(events, "storage-fs");
        events.remove(at);
    });
    assert!(matches!(result, Err(ReplayError::Mismatch { register: 3 })));
}

#[test]
fn a_log_in_another_order_does_not_replay() {
    // [EVLOG-5]
    let result = written_over(|events| {
        let last = events.len() - 1;
        events.swap(last, last - 1);
    });
    assert!(matches!(result, Err(ReplayError::Mismatch { register: 3 })));
}

#[test]
fn an_event_of_the_firmware_that_differs_does_not_replay() {
    // [EVLOG-5] RTMR0, RTMR1 and RTMR2, one each.
    for register in 0..3 {
        let result = written_over(|events| {
            let event = events.iter_mut().find(|event| event.imr == register).unwrap();
            event.digest = "00".repeat(48);
        });
        let register = register as usize;
        assert!(matches!(result, Err(ReplayError::Mismatch { register: r }) if r == register));
    }
}

#[test]
fn a_log_without_the_firmwares_events_replays() {
    // [EVLOG-5] dstack may strip them: the quote signs those registers all the same.
    assert!(written_over(|events| events.retain(|event| event.imr == 3)).is_ok());
}

#[test]
fn a_payload_that_is_not_the_digests_is_refused() {
    // [EVLOG-3] The digest still replays; the payload is a lie.
    let result = written_over(|events| {
        let at = position(events, "app-id");
        events[at].event_payload = "bb".repeat(20);
    });
    assert!(matches!(result, Err(ReplayError::FalseDigest { .. })));
}

#[test]
fn an_event_may_come_without_its_digest() {
    // [EVLOG-3] It is recomputed; a lie about its payload then does not replay.
    let strip = |events: &mut Vec<Event>| {
        events.iter_mut().filter(|event| event.imr == 3).for_each(|event| event.digest.clear());
    };
    assert!(written_over(strip).is_ok());
    let result = written_over(|events| {
        strip(events);
        let at = position(events, "app-id");
        events[at].event_payload = "bb".repeat(20);
    });
    assert!(matches!(result, Err(ReplayError::Mismatch { register: 3 })));
}

#[test]
fn a_second_unique_event_is_refused() {
    // [EVLOG-6] The machine measured both: the log replays, and says two things.
    for (name, unique) in [
        ("app-id", UniqueEvent::AppId),
        ("compose-hash", UniqueEvent::ComposeHash),
        ("instance-id", UniqueEvent::InstanceId),
        ("key-provider", UniqueEvent::KeyProvider),
        ("system-ready", UniqueEvent::SystemReady),
    ] {
        let mut events = World::new().domain.events().to_vec();
        events.push(Event::runtime(name, &[7; 32]));
        let result = measured(events);
        assert!(matches!(result, Err(ReplayError::DuplicateEvent(found)) if found == unique));
    }
}

#[test]
fn a_second_unique_event_cannot_hide_behind_another_name() {
    // [EVLOG-4] "compose-hash" ":" payload reads as "compose-hash:…" if the payload has a colon: the same digest.
    let mut events = World::new().domain.events().to_vec();
    let mut payload = [7; 32];
    payload[1] = b':';
    let hidden = Event::runtime("compose-hash", &payload);
    let renamed = Event::runtime("compose-hash:\u{7}", &payload[2..]);
    assert_eq!(hidden.digest, renamed.digest);
    events.push(renamed);
    assert!(matches!(measured(events), Err(ReplayError::AmbiguousName { .. })));
}

#[test]
fn a_second_unique_event_cannot_hide_as_an_opaque_one() {
    // [EVLOG-4] The same digest under a type whose payload nobody reads.
    let mut events = World::new().domain.events().to_vec();
    let mut hidden = Event::runtime("compose-hash", &[7; 32]);
    hidden.event_type = 4;
    events.push(hidden);
    assert!(matches!(measured(events), Err(ReplayError::Misplaced { .. })));
}

#[test]
fn a_boot_without_a_required_event_is_refused() {
    // [EVLOG-7]
    for required in
        ["app-id", "compose-hash", "instance-id", "boot-mr-done", "key-provider", "system-ready"]
    {
        let mut events = World::new().domain.events().to_vec();
        events.retain(|event| event.event != required);
        let result = measured(events);
        assert!(
            matches!(result, Err(ReplayError::MissingEvent(missing)) if missing.name() == required)
        );
    }
}

#[test]
fn an_event_of_the_application_is_no_event_of_the_boot() {
    // [EVLOG-7] compose-hash after system-ready: the application measured it.
    let mut events = World::new().domain.events().to_vec();
    let at = position(&events, "compose-hash");
    let moved = events.remove(at);
    events.push(moved);
    let result = measured(events);
    assert!(matches!(result, Err(ReplayError::OutOfOrder(UniqueEvent::InstanceId))));
}

#[test]
fn an_application_may_measure_events_of_its_own() {
    // [EVLOG-6] The twin: a name that is not the boot's, twice.
    let mut events = World::new().domain.events().to_vec();
    events.push(Event::runtime("release", b"1:2"));
    events.push(Event::runtime("release", b"1:3"));
    assert!(measured(events).is_ok());
}

#[test]
fn a_payload_of_another_length_is_refused() {
    // [EVLOG-8]
    for (name, bytes) in [("app-id", 19), ("app-id", 21), ("compose-hash", 31), ("instance-id", 19)]
    {
        let mut events = World::new().domain.events().to_vec();
        let at = position(&events, name);
        events[at] = Event::runtime(name, &vec![7; bytes]);
        let result = measured(events);
        assert!(matches!(
            result,
            Err(ReplayError::PayloadLength { event, bytes: found }) if event.name() == name && found == bytes
        ));
    }
}
