//! The whole path in memory: five seats of a real ceremony, three of which must cooperate.

mod support;

use kms_client::{
    Keys, NodeId, NotYetCause, PendingRequest, SECP256K1, Suspicion,
    liars::{Lie, ProvenSeat},
};
use support::{APP, CODE, INSTANCE, Network, Node, THRESHOLD, derive, unseal};
use threshold::combine::{CombineError, DiscardReason};
use wire::Scope;

fn boot(network: &Network, answering: &[usize]) -> Keys {
    let mut pending = network.request(vec![derive(Scope::App)]);
    record(network, &mut pending, answering);
    answer(network, &mut pending, answering);
    pending.try_combine(THRESHOLD).unwrap()
}

fn record(network: &Network, pending: &mut PendingRequest, answering: &[usize]) {
    for node in pick(network, answering) {
        let authorization = node.authorize(pending.request());
        pending.authorize(&node.member(), authorization).unwrap();
    }
    let record = pending.record_requests(THRESHOLD).remove(0);
    assert_eq!(record.signatures.len(), usize::from(THRESHOLD));
}

fn answer(network: &Network, pending: &mut PendingRequest, answering: &[usize]) {
    for node in pick(network, answering) {
        let release = node.release(pending.request());
        pending.accept(&node.member(), release).unwrap();
    }
}

fn pick<'a>(network: &'a Network, at: &[usize]) -> Vec<&'a Node> {
    at.iter().map(|at| &network.nodes[*at]).collect()
}

fn root(keys: &Keys) -> [u8; 32] {
    *keys.root(0).unwrap().expose_secret()
}

#[test]
fn any_t_seats_give_the_same_key() {
    // [REQ-11] and a second boot, with another r, gives it again.
    let network = Network::new();
    let first = boot(&network, &[0, 1, 2]);
    let second = boot(&network, &[4, 2, 3]);
    assert_eq!(root(&first), root(&second));
    assert_eq!(first.seats(0).unwrap(), [1, 2, 3]);
    assert_eq!(first.app_id(), APP);
    assert!(first.suspects().is_empty());
    assert_ne!(first.issuance_id(), second.issuance_id());
}

#[test]
fn two_missing_nodes_change_nothing() {
    // [REQ-11]
    let network = Network::new();
    let keys = boot(&network, &[0, 2, 4]);
    assert_eq!(keys.seats(0).unwrap(), [1, 3, 5]);
    assert_eq!(root(&keys), root(&boot(&network, &[0, 1, 2, 3, 4])));
}

#[test]
fn t_minus_one_is_not_enough() {
    // [REQ-9] [REQ-11] neither for a record nor for a key, whatever t is said to be.
    let network = Network::new();
    let mut pending = network.request(vec![derive(Scope::App)]);
    for node in pick(&network, &[0, 1]) {
        let authorization = node.authorize(pending.request());
        pending.authorize(&node.member(), authorization).unwrap();
    }
    assert!(pending.record_requests(THRESHOLD).is_empty());
    answer(&network, &mut pending, &[0, 1]);
    let not_yet = pending.try_combine(THRESHOLD).unwrap_err();
    assert_eq!(not_yet.cause, NotYetCause::TooFew { threshold: 3, answered: 2 });
    for told in [0, 1, 2] {
        let cause = pending.try_combine(told).unwrap_err().cause;
        let no_subset = matches!(
            cause,
            NotYetCause::Input { index: 0, source: CombineError::NoSubset { tried: 1, .. } }
        );
        assert!(no_subset, "{cause:?}");
    }
}

#[test]
fn every_scope_and_version_is_another_key() {
    let network = Network::new();
    let wanted = vec![
        derive(Scope::App),
        derive(Scope::Code(CODE)),
        derive(Scope::Instance(INSTANCE)),
        kms_client::Wanted::Derive { scope: Scope::App, key_version: 2 },
    ];
    let mut pending = network.request(wanted);
    record(&network, &mut pending, &[0, 1, 2]);
    answer(&network, &mut pending, &[0, 1, 2]);
    let keys = pending.try_combine(THRESHOLD).unwrap();
    let roots: std::collections::BTreeSet<_> =
        (0..4).map(|index| *keys.root(index).unwrap().expose_secret()).collect();
    assert_eq!(roots.len(), 4);
}

#[test]
fn a_sealed_secret_opens_beside_a_key() {
    // [REQ-5] [REQ-12]
    let network = Network::new();
    let sealed = network.seal(b"swordfish");
    let mut pending = network.request(vec![derive(Scope::App), unseal(sealed)]);
    record(&network, &mut pending, &[0, 1, 2]);
    answer(&network, &mut pending, &[1, 2, 3]);
    let keys = pending.try_combine(THRESHOLD).unwrap();
    assert_eq!(keys.secret(1).unwrap(), b"swordfish");
    assert_eq!(root(&keys), root(&boot(&network, &[0, 1, 2])));
    assert!(keys.secret(0).is_err() && keys.root(1).is_err() && keys.root(2).is_err());
}

#[test]
fn a_swapped_body_opens_nothing_and_blames_no_node() {
    // A20: the key beside it still comes out.
    let network = Network::new();
    let mut sealed = network.seal(b"swordfish");
    sealed.body = network.seal(b"haddock").body;
    let mut pending = network.request(vec![unseal(sealed), derive(Scope::App)]);
    answer(&network, &mut pending, &[0, 1, 2]);
    let keys = pending.try_combine(THRESHOLD).unwrap();
    assert!(keys.secret(0).is_err() && keys.root(1).is_ok());
    assert!(pending.name_liars(1, &network.proven()).is_empty());
}

#[test]
fn subkeys_are_derived_offline() {
    // [REQ-12] the public part belongs to the secret part; secrets are not printed.
    let network = Network::new();
    let keys = boot(&network, &[0, 1, 2]);
    let subkey = keys.subkey(0, "quorate/demo", "signing", SECP256K1).unwrap().secp256k1();
    assert_eq!(keys.public_key(0, "quorate/demo", "signing").unwrap(), subkey.public());
    assert_ne!(keys.public_key(0, "quorate/demo", "other").unwrap(), subkey.public());
    assert!(format!("{keys:?}").contains("REDACTED"));
}

#[test]
fn a_lying_partial_is_left_out_and_its_seat_named() {
    // [REQ-11] [REQ-13] P9, A16: seat 2 answers with a share of its own making, and says so with a proof that holds.
    let (network, stranger) = (Network::new(), Network::new());
    let mut pending = network.request(vec![derive(Scope::App)]);
    let liar = &network.nodes[1];
    let lie = liar.release_with(pending.request(), &stranger.nodes[1].shares);
    pending.accept(&liar.member(), lie).unwrap();
    answer(&network, &mut pending, &[0, 2]);
    let not_yet = pending.try_combine(THRESHOLD).unwrap_err();
    assert!(matches!(not_yet.cause, NotYetCause::Input { index: 0, .. }), "{not_yet:?}");

    answer(&network, &mut pending, &[3]);
    let keys = pending.try_combine(THRESHOLD).unwrap();
    assert_eq!(root(&keys), root(&boot(&network, &[0, 1, 2])));
    let suspects: Vec<_> = keys.suspects().iter().map(|one| (one.seat, one.suspicion)).collect();
    let reason = DiscardReason::ShareKeyDisagrees;
    assert_eq!(suspects, [(2, Suspicion::Discarded { index: 0, reason })]);

    let liars = pending.name_liars(1, &network.proven());
    assert_eq!(liars.len(), 1);
    assert_eq!((liars[0].seat, liars[0].lie), (2, Lie::VerificationShare { index: 0 }));
    assert_eq!(liars[0].release.signature.seat, 2);
}

#[test]
fn a_false_proof_under_the_true_share_key_is_named() {
    // [REQ-13]
    let network = Network::new();
    let mut pending = network.request(vec![derive(Scope::App), derive(Scope::Code(CODE))]);
    let liar = &network.nodes[0];
    let mut partials = liar.release(pending.request()).partials;
    let first = partials[0].partial.clone();
    partials[1].partial = first; // a true partial, of the other input
    let lie = liar.release_as(pending.request(), partials);
    pending.accept(&liar.member(), lie).unwrap();
    answer(&network, &mut pending, &[1, 2, 3]);
    let keys = pending.try_combine(THRESHOLD).unwrap();
    assert_eq!(keys.suspects().len(), 1);
    let liars = pending.name_liars(1, &network.proven());
    assert_eq!((liars[0].seat, liars[0].lie), (1, Lie::Partial { index: 1 }));
}

#[test]
fn an_honest_node_is_not_blamed_for_what_a_relay_made_up() {
    // [REQ-13] A16: the relay replaces what node 1 says of itself and its whole answer, under its own key and secret.
    let (network, mut relay) = (Network::new(), Network::new());
    let mut pending = network.request(vec![derive(Scope::App)]);
    let forger = &mut relay.nodes[0];
    forger.key = alloy_signer_local::PrivateKeySigner::from_slice(&[0x66; 32]).unwrap();
    let forged = forger.release(pending.request());
    pending.accept(&forger.member(), forged).unwrap();
    answer(&network, &mut pending, &[1, 2, 3]);
    let keys = pending.try_combine(THRESHOLD).unwrap();
    assert_eq!(keys.suspects()[0].seat, 1);
    assert!(pending.name_liars(1, &network.proven()).is_empty());
}

#[test]
fn nobody_is_named_without_proof() {
    // [REQ-13] another epoch's list, or none, names nobody; nor does a list name an honest seat.
    let (network, stranger) = (Network::new(), Network::new());
    let mut pending = network.request(vec![derive(Scope::App)]);
    let liar = &network.nodes[1];
    let lie = liar.release_with(pending.request(), &stranger.nodes[1].shares);
    pending.accept(&liar.member(), lie).unwrap();
    answer(&network, &mut pending, &[0]);
    assert!(pending.name_liars(2, &network.proven()).is_empty());
    assert!(pending.name_liars(1, &[]).is_empty());
    let honest: Vec<ProvenSeat> = network.proven().into_iter().take(1).collect();
    assert!(pending.name_liars(1, &honest).is_empty());
}

#[test]
fn a_seat_that_two_nodes_claim_counts_once() {
    // [REQ-11] a copied answer under another node id is no second seat.
    let network = Network::new();
    let mut pending = network.request(vec![derive(Scope::App)]);
    answer(&network, &mut pending, &[0, 1]);
    let copied = network.nodes[1].release(pending.request());
    let copier = kms_client::Member { node: NodeId(9), ..network.nodes[1].member() };
    pending.accept(&copier, copied).unwrap();
    let cause = pending.try_combine(THRESHOLD).unwrap_err().cause;
    assert_eq!(cause, NotYetCause::TooFew { threshold: 3, answered: 2 });
}
