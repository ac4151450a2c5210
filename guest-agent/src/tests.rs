//! The phases after the quote, against HTTP servers that answer with real shares and signatures. Evidence, policy and chain
//! are the stories' part.

#[path = "../../crates/kms-client/tests/support/mod.rs"]
mod support;

mod server;

use crate::{
    BootError, Event, Reason,
    boot::{Attempt, Session},
    nodes::Nodes,
    record::Recorder,
    report::Clock,
};
use kms_client::{KeyRequestDraft, Keys, SECP256K1, Suspicion};
use server::{Behaviour, Servers};
use std::{collections::BTreeSet, time::Duration};
use support::{APP, Network, derive, evidence, rng};
use tokio::time::Instant;
use wire::{Scope, request::Code};

struct Run {
    outcome: Result<Keys, BootError>,
    events: Vec<Event>,
    /// The request and whom it went to, if it came so far.
    attempt: Option<Attempt>,
}

/// Runs everything behind the quote.
async fn run(network: Network, behaviours: [Behaviour; 5], timeout: Duration) -> Run {
    let pinned = network.pinned();
    let servers = Servers::start(network, behaviours).await;
    let session = Session {
        nodes: Nodes::new(&servers.urls).unwrap(),
        pinned,
        deadline: Instant::now() + timeout,
    };
    let committee = match session.committee(&BTreeSet::new()).await {
        Ok(agreed) => agreed.committee,
        Err(error) => return Run { outcome: Err(error), events: Vec::new(), attempt: None },
    };
    let wanted = vec![derive(Scope::App)];
    let draft = KeyRequestDraft::new(&session.pinned, &committee, APP, wanted, &mut rng()).unwrap();
    let pending = draft.with_evidence(evidence(), &mut rng()).unwrap();
    let mut attempt = Attempt::new(pending, committee).unwrap();
    let mut events = Vec::new();
    let outcome = behind_the_quote(&session, &servers, &mut attempt, &mut events).await;
    Run { outcome, events, attempt: Some(attempt) }
}

async fn behind_the_quote(
    session: &Session,
    servers: &Servers,
    attempt: &mut Attempt,
    events: &mut Vec<Event>,
) -> Result<Keys, BootError> {
    let (mut recorder, mut clock) = (Recorder::default(), Clock::start());
    let mut tell = |event: Event| {
        if matches!(event, Event::SendYourself { .. }) {
            servers.record(); // somebody sends it
        }
        events.push(event);
    };
    session.authorize(attempt, &mut recorder, &mut clock, &mut tell).await?;
    session.release(attempt, &mut recorder, &mut clock, &mut tell).await
}

const LONG: Duration = Duration::from_secs(20);

use Behaviour::{
    Behind, Dead, Denies, DeniesUnsigned, Honest, LiesInPartials, NamesNoBlock, Refuses, Slow,
};

#[tokio::test]
async fn two_dead_nodes_change_nothing() {
    let run = run(Network::new(), [Honest, Dead, Honest, Dead, Honest], LONG).await;
    let keys = run.outcome.unwrap();
    assert_eq!(keys.seats(0).unwrap(), [1, 3, 5]);
    assert!(matches!(run.events.as_slice(), [Event::Sent { .. }]), "{:?}", run.events);
}

#[tokio::test]
async fn one_lying_node_changes_nothing() {
    // [REQ-11] A16: with two nodes dead or lying, three honest ones are needed and enough.
    let behaviours = [LiesInPartials, Honest, Honest, Dead, Honest];
    let run = run(Network::new(), behaviours, LONG).await;
    let keys = run.outcome.unwrap();
    assert_eq!(keys.seats(0).unwrap(), [2, 3, 5]);
    for suspect in keys.suspects() {
        assert_eq!(suspect.seat, 1);
        assert!(matches!(suspect.suspicion, Suspicion::Discarded { .. }));
    }
    assert!(keys.subkey(0, "a", "b", SECP256K1).is_ok());
}

#[tokio::test]
async fn a_denial_is_signed_and_ends_the_boot() {
    // [REQ-7] three of five deny: nobody waits for the deadline.
    let started = Instant::now();
    let run = run(Network::new(), [Denies, Honest, Denies, Honest, Denies], LONG).await;
    let Err(BootError::Denied { reasons, issuance_id }) = run.outcome else { panic!() };
    assert!(started.elapsed() < LONG / 2);
    assert_eq!(issuance_id, run.attempt.unwrap().pending.issuance_id());
    assert_eq!(reasons.len(), 3);
    for reason in reasons {
        let Reason::Denied(denial) = reason.reason else { panic!("{reason}") };
        assert_eq!(denial.statement.reason, "compose hash not allowed");
    }
    assert!(run.events.is_empty());
}

#[tokio::test]
async fn whoever_denies_a_block_behind_the_others_is_asked_again() {
    // [REQ-14] Three of five have not seen the block yet that the app is registered in.
    let run = run(Network::new(), [Behind, Honest, Behind, Honest, Behind], LONG).await;
    assert!(run.outcome.is_ok(), "{:?}", run.outcome.err());
}

#[tokio::test]
async fn who_named_an_anchor_that_nodes_refuse_does_not_name_the_next() {
    // [REQ-3]
    let short = Duration::from_secs(2);
    let behaviours = [NamesNoBlock, Honest, NamesNoBlock, Behind, Dead];
    let run = run(Network::new(), behaviours, short).await;
    let Err(error) = run.outcome else { panic!() };
    assert!(error.refuses_anchor() && error.wants_another_quote(), "{error:?}");
    let committee = run.attempt.unwrap().committee;
    assert_eq!((committee.anchor.number, committee.anchor_by.len(), committee.newest), (1, 2, 100));
}

#[tokio::test]
async fn an_unsigned_denial_denies_nothing() {
    // [REQ-7]
    let behaviours = [DeniesUnsigned, Honest, DeniesUnsigned, Honest, DeniesUnsigned];
    let run = run(Network::new(), behaviours, LONG).await;
    let Err(BootError::NotAuthorized { authorized: 2, threshold: 3, reasons }) = run.outcome else {
        panic!()
    };
    assert!(reasons.iter().all(|one| matches!(one.reason, Reason::FalseDenial(_))));
}

#[tokio::test]
async fn t_minus_one_nodes_are_not_enough() {
    let short = Duration::from_secs(2);
    let run = run(Network::new(), [Honest, Dead, Honest, Dead, Dead], short).await;
    let Err(BootError::NoCommittee { source, reasons }) = run.outcome else { panic!() };
    assert_eq!((source.agreeing, source.needed), (2, 3));
    assert_eq!(reasons.len(), 3);
}

#[tokio::test]
async fn a_set_that_the_chain_refuses_is_replaced() {
    // [REQ-9] every relay refuses what seat 1 signed; with one more authorization there is another set.
    let behaviours = [Honest, Honest, Honest, Slow, Dead];
    let started = run(Network::new(), behaviours, LONG);
    let run = server::REFUSED_SEAT.scope(1, started).await;
    assert!(run.outcome.is_ok());
    let pending = run.attempt.unwrap().pending;
    assert_eq!(pending.progress().seats, [1, 2, 3, 4]);
}

#[tokio::test]
async fn what_the_chain_refuses_is_not_recorded() {
    // [REQ-9] three authorize, every set of theirs is refused, nobody else will: the relays' words come back.
    let started = run(Network::new(), [Honest, Honest, Honest, Denies, Denies], LONG);
    let run = server::REFUSED_SEAT.scope(1, started).await;
    let Err(BootError::NotRecorded { reasons }) = run.outcome else { panic!() };
    assert_eq!(reasons.len(), 5);
    assert!(reasons.iter().all(|one| one.code() == Some(Code::Reverted)));
}

#[tokio::test]
async fn where_nobody_pays_anyone_may_send() {
    // [REQ-9]
    let run = run(Network::new(), [Refuses; 5], LONG).await;
    assert!(run.outcome.is_ok());
    assert!(matches!(run.events.as_slice(), [Event::SendYourself { .. }]), "{:?}", run.events);
}
