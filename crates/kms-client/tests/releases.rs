//! What counts as a node's partials: each check with its negative twin.

mod support;

use kms_client::{
    Fault, MAX_ANSWERS_PER_NODE, NotSigned, NotYetCause, PendingRequest, RejectedRelease,
    Suspicion, liars::Lie,
};
use support::{CODE, Network, THRESHOLD, derive};
use wire::{
    Scope,
    request::{PartialBody, Release},
};

fn asked(network: &Network) -> PendingRequest {
    network.request(vec![derive(Scope::App), derive(Scope::Code(CODE))])
}

/// What is not the node's signed word is refused and not kept.
fn refused(change: impl Fn(&mut Release)) -> RejectedRelease {
    let network = Network::new();
    let mut pending = asked(&network);
    let node = &network.nodes[0];
    let mut release = node.release(pending.request());
    change(&mut release);
    let rejected = pending.accept(&node.member(), release).unwrap_err();
    assert_eq!(pending.releases().count(), 0);
    assert_eq!(rejected.fault(), Fault::Node);
    rejected
}

/// What the node signed and can't be read is refused, kept as proof, and names it.
fn signed_nonsense(change: impl Fn(&mut Vec<PartialBody>)) -> (RejectedRelease, Lie) {
    let network = Network::new();
    let mut pending = asked(&network);
    let node = &network.nodes[0];
    let mut partials = node.release(pending.request()).partials;
    change(&mut partials);
    let release = node.release_as(pending.request(), partials);
    let rejected = pending.accept(&node.member(), release).unwrap_err();
    let not_yet = pending.try_combine(THRESHOLD).unwrap_err();
    assert_eq!(not_yet.cause, NotYetCause::TooFew { threshold: 3, answered: 0 });
    assert_eq!(not_yet.suspects[0].suspicion, Suspicion::Malformed);
    let liars = pending.name_liars(1, &network.proven());
    assert_eq!(liars[0].seat, 1);
    (rejected, liars[0].lie)
}

#[test]
fn only_the_nodes_signed_word_is_an_answer() {
    // [REQ-7] [REQ-10] A16: one thing changed at a time.
    use RejectedRelease as R;
    use alloy_primitives::B256;
    let rejected = refused(|one| one.released.issuanceId = B256::ZERO);
    assert!(matches!(rejected, R::OtherIssuance { .. }), "{rejected}");
    let rejected = refused(|one| one.released.seat = 2);
    assert_eq!(rejected, R::OtherSeat { expected: 1, actual: 2 });
    let rejected = refused(|one| one.signature.seat = 2);
    assert_eq!(rejected, R::NotSigned(NotSigned::OtherSeat { expected: 1, actual: 2 }));
    let rejected = refused(|one| one.released.blockNumber += 1);
    assert!(matches!(rejected, R::NotSigned(NotSigned::OtherSigner { .. })), "{rejected}");
    let rejected = refused(|one| one.released.epoch += 1);
    assert!(matches!(rejected, R::NotSigned(NotSigned::OtherSigner { .. })), "{rejected}");
    let rejected = refused(|one| one.signature.r = B256::ZERO);
    assert_eq!(rejected, R::NotSigned(NotSigned::Malformed));
    for change in [
        |one: &mut Release| one.partials.swap(0, 1),
        |one: &mut Release| one.partials.truncate(1),
        |one: &mut Release| one.partials[0].input = B256::ZERO,
        |one: &mut Release| one.partials[0].verification_share = vec![2; 33].into(),
        |one: &mut Release| one.partials[1].partial = Default::default(),
    ] {
        let rejected = refused(change);
        assert!(matches!(rejected, R::OtherPartials { .. }), "{rejected}");
    }
}

#[test]
fn signed_nonsense_is_no_answer_and_names_its_seat() {
    // [REQ-10] [REQ-13]
    use RejectedRelease as R;
    let (rejected, lie) = signed_nonsense(|partials| partials.truncate(1));
    assert_eq!((rejected, lie), (R::Count { expected: 2, actual: 1 }, Lie::Inputs));
    let (rejected, lie) = signed_nonsense(|partials| partials.swap(0, 1));
    assert_eq!((rejected, lie), (R::OtherInput { index: 0 }, Lie::Inputs));
    let (rejected, lie) =
        signed_nonsense(|partials| partials[0].verification_share = vec![9; 33].into());
    assert!(matches!(rejected, R::VerificationShare { index: 0, .. }), "{rejected}");
    assert_eq!(lie, Lie::VerificationShare { index: 0 });
    let (rejected, lie) = signed_nonsense(|partials| partials[1].partial = vec![9; 3].into());
    assert!(matches!(rejected, R::Partial { index: 1, .. }), "{rejected}");
    assert_eq!(lie, Lie::Partial { index: 1 });
}

#[test]
fn a_partial_of_another_request_does_not_count() {
    // [REQ-10] a true answer to another boot of the same app.
    let network = Network::new();
    let (mut pending, other) = (asked(&network), asked(&network));
    let node = &network.nodes[0];
    let foreign = node.release(other.request());
    let rejected = pending.accept(&node.member(), foreign).unwrap_err();
    assert!(matches!(rejected, RejectedRelease::OtherIssuance { .. }), "{rejected}");
}

#[test]
fn the_same_answer_twice_is_one_and_too_many_are_refused() {
    // [REQ-10]
    let network = Network::new();
    let mut pending = asked(&network);
    let node = &network.nodes[0];
    let release = node.release(pending.request());
    for _ in 0..5 {
        pending.accept(&node.member(), release.clone()).unwrap();
    }
    assert_eq!(pending.releases().count(), 1);
    for _ in 1..MAX_ANSWERS_PER_NODE {
        let again = node.release(pending.request()); // another nonce, so other bytes
        pending.accept(&node.member(), again).unwrap();
    }
    let again = node.release(pending.request());
    assert_eq!(pending.accept(&node.member(), again), Err(RejectedRelease::TooMany));
}

#[test]
fn answers_of_two_epochs_are_not_mixed() {
    // [REQ-11] A11: one node answers in epoch 2, whose shares are others.
    let network = Network::new();
    let mut pending = asked(&network);
    for (at, node) in network.nodes.iter().take(3).enumerate() {
        let mut release = node.release(pending.request());
        if at == 0 {
            release.released.epoch = 2;
            release.signature = node.sign(&release.released);
        }
        pending.accept(&node.member(), release).unwrap();
    }
    let not_yet = pending.try_combine(THRESHOLD).unwrap_err();
    assert_eq!(not_yet.epoch, 1);
    assert_eq!(not_yet.cause, NotYetCause::TooFew { threshold: 3, answered: 2 });
    assert_eq!(not_yet.fault(), Fault::Committee);
    for node in &network.nodes[3..] {
        let release = node.release(pending.request());
        pending.accept(&node.member(), release).unwrap();
    }
    assert_eq!(pending.try_combine(THRESHOLD).unwrap().seats(0).unwrap(), [2, 3, 4]);
}
