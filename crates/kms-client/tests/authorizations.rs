//! What counts as an authorization, and as a refusal: each check with its negative twin.

mod support;

use alloy_primitives::{Address, B256, U256};
use kms_client::{Fault, Member, NodeId, NotSigned, RejectedAuthorization, RejectedDenial};
use support::{DOMAIN, LOG, Network, THRESHOLD, derive, issuance};
use wire::{
    Scope,
    statements::{Issuance, SeatSignature},
};

fn differs(change: impl Fn(&mut Issuance), field: &'static str) {
    let network = Network::new();
    let mut pending = network.request(vec![derive(Scope::Code(support::CODE))]);
    let node = &network.nodes[0];
    let mut changed = issuance(pending.request());
    change(&mut changed);
    let mut authorization = node.authorize_as(changed);
    authorization.issuance_id = pending.issuance_id();
    let rejected = pending.authorize(&node.member(), authorization).unwrap_err();
    assert_eq!(rejected, RejectedAuthorization::Differs { field });
    assert_eq!(rejected.fault(), Fault::Node);
    assert!(pending.progress().seats.is_empty());
}

#[test]
fn every_field_must_be_as_asked() {
    // [REQ-8] A11: one field changed at a time, validly signed.
    differs(|one| one.keysetId = B256::ZERO, "keyset");
    differs(|one| one.reportData[1] = B256::ZERO, "report_data");
    differs(|one| one.releaseAt = 2, "releaseAt");
    differs(|one| one.anchor.number += 1, "anchor");
    differs(|one| one.anchor.hash = B256::ZERO, "anchor");
    differs(|one| one.sessionKey = Address::ZERO, "session key");
    differs(|one| one.evidenceHash = B256::ZERO, "evidence hash");
    differs(|one| one.attested.boot.appId = Address::ZERO, "app id");
    differs(|one| one.inputs[0].keyVersion = 2, "inputs");
    differs(|one| one.inputs.clear(), "inputs");
    differs(|one| one.inputs.push(one.inputs[0].clone()), "inputs");
    differs(|one| one.attested.boot.composeHash = B256::ZERO, "attested scope");
}

#[test]
fn another_issuance_does_not_count() {
    // [REQ-8] a true authorization of another request, and of another log.
    let network = Network::new();
    let mut pending = network.request(vec![derive(Scope::App)]);
    let other = network.request(vec![derive(Scope::App)]);
    let node = &network.nodes[0];
    let foreign = node.authorize(other.request());
    let expected = RejectedAuthorization::OtherIssuance {
        expected: pending.issuance_id(),
        actual: other.issuance_id(),
    };
    assert_eq!(pending.authorize(&node.member(), foreign), Err(expected));

    let mut own = node.authorize(pending.request());
    let report_data = own.issuance.reportData;
    own.issuance_id = wire::statements::issuance_id(1, LOG, report_data);
    let rejected = pending.authorize(&node.member(), own).unwrap_err();
    assert!(matches!(rejected, RejectedAuthorization::OtherIssuance { .. }), "{rejected}");
}

#[test]
fn only_the_seats_signer_counts() {
    // [REQ-7]
    let network = Network::new();
    let mut pending = network.request(vec![derive(Scope::App)]);
    let (node, other) = (&network.nodes[0], &network.nodes[1]);
    let good = node.authorize(pending.request());

    let not_signed = |member: &Member, signature: SeatSignature| {
        let mut pending = network.request(vec![derive(Scope::App)]);
        let mut authorization = node.authorize(pending.request());
        let replaced = signature != good.signature;
        if replaced {
            authorization.signature = signature;
        }
        match pending.authorize(member, authorization) {
            Err(RejectedAuthorization::NotSigned(why)) => why,
            other => panic!("{other:?}"),
        }
    };
    let seat = not_signed(&other.member(), good.signature);
    assert_eq!(seat, NotSigned::OtherSeat { expected: 2, actual: 1 });
    let member = Member { signer: other.key.address(), ..node.member() };
    let expected =
        NotSigned::OtherSigner { expected: other.key.address(), actual: node.key.address() };
    assert_eq!(not_signed(&member, good.signature), expected);
    let none = SeatSignature { seat: 1, r: B256::ZERO, vs: B256::ZERO };
    assert_eq!(not_signed(&node.member(), none), NotSigned::Malformed);
    assert!(pending.authorize(&node.member(), good).is_ok());
}

#[test]
fn a_high_s_does_not_count() {
    // [REQ-7] EIP-2: the chain would refuse it.
    let network = Network::new();
    let mut pending = network.request(vec![derive(Scope::App)]);
    let node = &network.nodes[0];
    let mut authorization = node.authorize(pending.request());
    let order = U256::from_str_radix(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        16,
    )
    .unwrap();
    let mut s = U256::from_be_bytes(authorization.signature.vs.0);
    let parity = s.bit(255);
    s.set_bit(255, false);
    let mut high = order - s;
    high.set_bit(255, !parity);
    authorization.signature.vs = high.into();
    let digest = DOMAIN.digest(&authorization.issuance);
    assert_ne!(authorization.signature.signer(digest), Some(node.key.address()));
    assert!(pending.authorize(&node.member(), authorization).is_err());
}

#[test]
fn records_have_exactly_t_signatures_in_order() {
    // [REQ-9] whatever the order of the answers; with more than t there is a choice, should one be false.
    let network = Network::new();
    let mut pending = network.request(vec![derive(Scope::App)]);
    for at in [4, 0, 2, 3] {
        let node = &network.nodes[at];
        let authorization = node.authorize(pending.request());
        pending.authorize(&node.member(), authorization).unwrap();
    }
    let records = pending.record_requests(THRESHOLD);
    let seats: Vec<Vec<u16>> = records
        .iter()
        .map(|record| record.signatures.iter().map(|one| one.seat).collect())
        .collect();
    assert_eq!(seats, [[1, 3, 4], [1, 3, 5], [1, 4, 5], [3, 4, 5]]);
    for record in &records {
        assert_eq!(record.issuance, issuance(pending.request()));
    }
}

#[test]
fn only_identical_issuances_add_up() {
    // [REQ-9] two nodes still see the old epoch: three and two are not five.
    let network = Network::new();
    let mut pending = network.request(vec![derive(Scope::App)]);
    for (at, node) in network.nodes.iter().enumerate() {
        let mut found = issuance(pending.request());
        found.epoch = if at < 2 { 1 } else { 2 };
        pending.authorize(&node.member(), node.authorize_as(found)).unwrap();
    }
    assert_eq!(pending.progress().epoch, 2);
    assert_eq!(pending.progress().seats, [3, 4, 5]);
    assert_eq!(pending.record_requests(3).len(), 1);
    assert!(pending.record_requests(4).is_empty());
}

#[test]
fn a_node_that_answers_often_counts_once() {
    // [REQ-9] its last answer counts.
    let network = Network::new();
    let mut pending = network.request(vec![derive(Scope::App)]);
    let node = &network.nodes[0];
    for epoch in 1..10 {
        let mut found = issuance(pending.request());
        found.epoch = epoch;
        pending.authorize(&node.member(), node.authorize_as(found)).unwrap();
    }
    assert_eq!((pending.progress().epoch, pending.progress().seats), (9, vec![1]));
    assert!(pending.record_requests(0).is_empty());
}

#[test]
fn one_seat_under_two_nodes_counts_once() {
    // [REQ-9]
    let network = Network::new();
    let mut pending = network.request(vec![derive(Scope::App)]);
    for at in [0, 1] {
        let node = &network.nodes[at];
        let authorization = node.authorize(pending.request());
        pending.authorize(&node.member(), authorization).unwrap();
    }
    let impostor = alloy_signer_local::PrivateKeySigner::from_slice(&[0x66; 32]).unwrap();
    let member = Member { node: NodeId(9), seat: 1, signer: impostor.address() };
    let found = issuance(pending.request());
    let signature =
        alloy_signer::SignerSync::sign_hash_sync(&impostor, &DOMAIN.digest(&found)).unwrap();
    let mut authorization = network.nodes[0].authorize_as(found);
    authorization.signature = SeatSignature::new(1, &signature);
    let progress = pending.authorize(&member, authorization).unwrap();
    assert_eq!(progress.seats, [1, 2]);
    assert!(pending.record_requests(THRESHOLD).is_empty());

    let third = &network.nodes[2];
    let authorization = third.authorize(pending.request());
    pending.authorize(&third.member(), authorization).unwrap();
    assert_eq!(pending.record_requests(THRESHOLD).len(), 2); // one for each of the two who claim seat 1
}

#[test]
fn only_a_signed_refusal_of_this_request_is_one() {
    // [REQ-7]
    let network = Network::new();
    let pending = network.request(vec![derive(Scope::App)]);
    let other = network.request(vec![derive(Scope::App)]);
    let (node, neighbour) = (&network.nodes[0], &network.nodes[1]);
    let denial = node.deny(pending.request(), "compose hash not allowed");
    assert_eq!(pending.check_denial(&node.member(), &denial), Ok(()));

    let foreign = node.deny(other.request(), "compose hash not allowed");
    let rejected = pending.check_denial(&node.member(), &foreign).unwrap_err();
    assert!(matches!(rejected, RejectedDenial::OtherIssuance { .. }), "{rejected}");
    let rejected = pending.check_denial(&neighbour.member(), &denial).unwrap_err();
    assert_eq!(rejected, RejectedDenial::OtherSeat { expected: 2, actual: 1 });
    let mut invented = denial;
    invented.statement.reason = "because".into();
    let rejected = pending.check_denial(&node.member(), &invented).unwrap_err();
    assert!(matches!(rejected, RejectedDenial::NotSigned(_)), "{rejected}");
    assert_eq!(rejected.fault(), Fault::Node);
}
