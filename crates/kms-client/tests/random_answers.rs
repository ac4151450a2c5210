//! Answers that nobody meant: they are refused, never believed, and never panic.

mod support;

use alloy_primitives::B256;
use kms_client::Committee;
use proptest::prelude::*;
use std::sync::OnceLock;
use support::{Network, THRESHOLD, derive, issuance};
use wire::{
    Scope,
    request::{Authorization, PartialBody, RecordReply, Release, SignedDenial},
    statements::{Denied, Released, SeatSignature},
};

fn network() -> &'static Network {
    static NETWORK: OnceLock<Network> = OnceLock::new();
    NETWORK.get_or_init(Network::new)
}

prop_compose! {
    fn any_signature()(seat in 0u16..7, r: [u8; 32], vs: [u8; 32]) -> SeatSignature {
        SeatSignature { seat, r: r.into(), vs: vs.into() }
    }
}

prop_compose! {
    fn any_partial()(input: [u8; 32], share: Vec<u8>, partial: Vec<u8>) -> PartialBody {
        PartialBody { input: input.into(), verification_share: share.into(), partial: partial.into() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// [REQ-7] [REQ-10] a random signature never counts, over the right words or others.
    #[test]
    fn random_signatures_do_not_count(signature in any_signature(), epoch: u64, reason: String) {
        let network = network();
        let mut pending = network.request(vec![derive(Scope::App)]);
        let member = network.nodes[0].member();
        let mut found = issuance(pending.request());
        found.epoch = epoch;
        let authorization =
            Authorization { issuance_id: pending.issuance_id(), issuance: found, signature };
        prop_assert!(pending.authorize(&member, authorization).is_err());
        let mut release = network.nodes[0].release(pending.request());
        release.signature = signature;
        prop_assert!(pending.accept(&member, release).is_err());
        let statement = Denied {
            issuanceId: pending.issuance_id(),
            seat: 1,
            blockNumber: epoch,
            blockHash: B256::ZERO,
            reason,
        };
        let denial = SignedDenial { statement, signature };
        prop_assert!(pending.check_denial(&member, &denial).is_err());
        prop_assert!(pending.record_requests(THRESHOLD).is_empty());
        prop_assert!(pending.try_combine(THRESHOLD).is_err());
    }

    /// [REQ-10] [REQ-11] random bytes that every seat signs give no key, and no panic.
    #[test]
    fn random_partials_give_no_key(
        partials in prop::collection::vec(prop::collection::vec(any_partial(), 0..3), 5),
        inputs_match: bool,
        threshold in 0u16..8,
    ) {
        let network = network();
        let mut pending = network.request(vec![derive(Scope::App)]);
        for (node, mut partials) in network.nodes.iter().zip(partials) {
            let truth = node.release(pending.request()).partials;
            for (body, truth) in partials.iter_mut().zip(truth) {
                if inputs_match {
                    body.input = truth.input;
                    body.verification_share = truth.verification_share;
                }
            }
            let release = node.release_as(pending.request(), partials);
            prop_assert!(pending.accept(&node.member(), release).is_err());
        }
        prop_assert!(pending.try_combine(threshold).is_err());
        prop_assert_eq!(pending.name_liars(1, &network.proven()).len(), 5);
    }

    /// [REQ-2] whatever nodes say of themselves, the pinned facts stand.
    #[test]
    fn random_infos_never_panic(seats: [Option<u16>; 5], epochs: [u64; 5], thresholds: [u16; 5], heads: [u64; 5]) {
        let network = network();
        let mut infos = network.infos();
        for (at, (_, info)) in infos.iter_mut().enumerate() {
            info.seat = seats[at];
            let keyset = info.keyset.as_mut().unwrap();
            (keyset.epoch, keyset.threshold) = (epochs[at] % 3, thresholds[at] % 4);
            info.head.as_mut().unwrap().number = heads[at];
        }
        if let Ok(agreed) = Committee::agree(&network.pinned(), &infos) {
            prop_assert!(agreed.committee.members.len() >= usize::from(agreed.committee.threshold).max(2));
        }
    }

    /// Bytes from outside are refused or read.
    #[test]
    fn random_bodies_never_panic(bytes: Vec<u8>) {
        let _ = serde_json::from_slice::<Authorization>(&bytes);
        let _ = serde_json::from_slice::<Release>(&bytes);
        let _ = serde_json::from_slice::<RecordReply>(&bytes);
    }
}

#[test]
fn an_empty_release_is_none() {
    // [REQ-10]
    let network = network();
    let mut pending = network.request(vec![derive(Scope::App)]);
    let released = Released {
        issuanceId: pending.issuance_id(),
        epoch: 0,
        seat: 0,
        blockNumber: 0,
        blockHash: B256::ZERO,
        partialsHash: B256::ZERO,
    };
    let signature = SeatSignature { seat: 0, r: B256::ZERO, vs: B256::ZERO };
    let release = Release { released, signature, partials: Vec::new() };
    assert!(pending.accept(&network.nodes[0].member(), release).is_err());
}
