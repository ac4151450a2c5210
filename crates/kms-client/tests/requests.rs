//! Whom is asked, and what a request is made of.

mod support;

use alloy_primitives::{Address, B256};
use kms_client::{
    Committee, DraftError, Fault, KeyRequestDraft, NodeId, Pinned, PinnedError, WantedError,
    WhyStranger,
};
use std::collections::BTreeSet;
use support::{APP, LOG, Network, derive, evidence, rng, unseal};
use threshold::tdh2::CheckCiphertextError;
use wire::{
    ReleaseAt, Scope,
    limits::{MAX_INPUTS, MAX_QUOTE_BYTES},
    request::Info,
};

#[test]
fn two_different_points_are_pinned() {
    // [REQ-1]
    let network = Network::new();
    let mut agent = network.agent.clone();
    assert!(Pinned::new(&agent).is_ok());
    agent.derive_public_key = agent.unseal_public_key.clone();
    assert_eq!(Pinned::new(&agent), Err(PinnedError::OneKeyForBoth));
    for wrong in [vec![], vec![0; 33], vec![4; 65]] {
        agent.derive_public_key = wrong.into();
        let error = Pinned::new(&agent).unwrap_err();
        assert!(matches!(error, PinnedError::PublicKey { .. }), "{error}");
        assert_eq!(error.fault(), Fault::Local);
    }
}

/// Changes what node 0 says, and returns why it is not asked.
fn stranger(change: impl Fn(&mut Info)) -> WhyStranger {
    let network = Network::new();
    let mut infos = network.infos();
    change(&mut infos[0].1);
    let agreed = Committee::agree(&network.pinned(), &infos).unwrap();
    let members: Vec<NodeId> = agreed.committee.members.iter().map(|one| one.node).collect();
    assert_eq!(members, [NodeId(1), NodeId(2), NodeId(3), NodeId(4)]);
    assert_eq!((agreed.committee.threshold, agreed.committee.issuance_log), (3, LOG));
    agreed.strangers[0].why
}

#[test]
fn whoever_contradicts_the_pinned_or_the_most_is_not_asked() {
    // [REQ-2]
    let keyset = |info: &mut Info, change: fn(&mut wire::request::KeysetInfo)| {
        change(info.keyset.as_mut().unwrap());
    };
    use WhyStranger as W;
    assert_eq!(stranger(|info| info.network_hash = B256::ZERO), W::OtherNetwork);
    assert_eq!(stranger(|info| info.keyset = None), W::NoKeyset);
    assert_eq!(stranger(|info| keyset(info, |one| one.id = B256::ZERO)), W::OtherKeyset);
    let swapped: fn(&mut wire::request::KeysetInfo) =
        |one| std::mem::swap(&mut one.derive_public_key, &mut one.unseal_public_key);
    assert_eq!(stranger(|info| keyset(info, swapped)), W::OtherKeyset);
    assert_eq!(stranger(|info| info.seat = None), W::NoSeat);
    assert_eq!(stranger(|info| info.seat = Some(0)), W::NoSeat);
    assert_eq!(stranger(|info| info.head = None), W::NoHead);
    assert_eq!(stranger(|info| info.chain_id = 1), W::Contradicts);
    assert_eq!(stranger(|info| info.issuance_log = Address::ZERO), W::Contradicts);
    assert_eq!(stranger(|info| keyset(info, |one| one.epoch = 9)), W::Contradicts);
    assert_eq!(stranger(|info| keyset(info, |one| one.threshold = 1)), W::Contradicts);
}

#[test]
fn fewer_than_t_seats_are_no_committee() {
    // [REQ-2] nor is one seat under many names.
    let network = Network::new();
    let mut infos = network.infos();
    infos.truncate(2);
    let error = Committee::agree(&network.pinned(), &infos).unwrap_err();
    assert_eq!((error.agreeing, error.needed, error.fault()), (2, 3, Fault::Committee));

    let one = network.infos().remove(0).1;
    let names: Vec<_> = (0..9).map(|name| (NodeId(name), one.clone())).collect();
    assert_eq!(Committee::agree(&network.pinned(), &names).unwrap_err().agreeing, 1);
    assert_eq!(Committee::agree(&network.pinned(), &[]).unwrap_err().agreeing, 0);
}

#[test]
fn the_anchor_is_the_head_that_most_name() {
    // [REQ-3] of several, the oldest: whoever is ahead knows it too.
    let network = Network::new();
    let anchor = |numbers: [u64; 5]| {
        let mut infos = network.infos();
        for ((_, info), number) in infos.iter_mut().zip(numbers) {
            let head = info.head.as_mut().unwrap();
            (head.number, head.hash) = (number, B256::with_last_byte(number as u8));
        }
        let committee = Committee::agree(&network.pinned(), &infos).unwrap().committee;
        assert_eq!(committee.anchor.hash, B256::with_last_byte(committee.anchor.number as u8));
        committee.anchor.number
    };
    assert_eq!(anchor([7, 7, 8, 8, 8]), 8);
    assert_eq!(anchor([7, 7, 8, 8, 1]), 7);
    assert_eq!(anchor([5, 4, 3, 2, 1]), 1);
}

#[test]
fn who_named_an_anchor_that_was_refused_does_not_choose_the_next() {
    // [REQ-3] Two liars win a tie of honest heads once.
    let network = Network::new();
    let mut infos = network.infos();
    for (info, number) in infos.iter_mut().zip([9, 9, 8, 1, 1]) {
        let head = info.1.head.as_mut().unwrap();
        (head.number, head.hash) = (number, B256::with_last_byte(number as u8));
    }
    let agree = |doubted: &BTreeSet<NodeId>| {
        let agreed = Committee::agree_doubting(&network.pinned(), &infos, doubted);
        agreed.unwrap().committee
    };
    let first = agree(&BTreeSet::new());
    assert_eq!((first.anchor.number, first.newest), (1, 9));
    assert_eq!(first.anchor_by, [infos[3].0, infos[4].0]);
    let second = agree(&first.anchor_by.into_iter().collect());
    assert_eq!((second.anchor.number, second.members.len()), (9, 5));
    // Doubting everybody is doubting nobody.
    let all = infos.iter().map(|(node, _)| *node).collect();
    assert_eq!(agree(&all).anchor.number, 1);
}

#[test]
fn everything_is_fresh_in_every_draft() {
    // [REQ-4] B, session key and report_data, for the same wish.
    let network = Network::new();
    let [first, second] = [(); 2].map(|()| network.request(vec![derive(Scope::App)]));
    assert_ne!(first.request().inputs[0].blinded, second.request().inputs[0].blinded);
    assert_ne!(first.request().session_key, second.request().session_key);
    assert_ne!(first.issuance_id(), second.issuance_id());
    assert_eq!(first.session_key().address(), first.request().session_key);
}

#[test]
fn the_quote_binds_what_the_request_says() {
    // [REQ-5] [REQ-6] what a node computes from the body is what the enclave quoted; its proofs hold for that alone.
    let network = Network::new();
    let sealed = network.seal(b"swordfish");
    let draft = network.draft(vec![derive(Scope::App), unseal(sealed)]);
    let quoted = draft.report_data();
    let pending = draft.with_evidence(evidence(), &mut rng()).unwrap();
    assert_eq!(support::report_data(pending.request()), quoted);
    assert_eq!(support::id_of(pending.request()), pending.issuance_id());
    let mut moved = pending.request().clone();
    moved.release_at = ReleaseAt::Finalized;
    assert_ne!(support::report_data(&moved), quoted);
    // The support node verifies each proof of r for the base that it makes itself.
    assert_eq!(network.nodes[0].release(pending.request()).partials.len(), 2);
}

#[test]
fn the_session_key_signs() {
    // A19: what bindKey will check.
    let network = Network::new();
    let pending = network.request(vec![derive(Scope::App)]);
    let digest = B256::repeat_byte(7);
    let [r, vs] = pending.session_key().sign(digest).unwrap();
    let signer = wire::statements::recover_compact(digest, r, vs);
    assert_eq!(signer, Some(pending.request().session_key));
    let address = pending.request().session_key;
    assert_eq!(pending.into_session_key().address(), address);
}

#[test]
fn a_draft_has_one_to_eight_inputs() {
    // [REQ-5]
    let network = Network::new();
    let draft = |count| {
        let wanted = vec![derive(Scope::App); count];
        KeyRequestDraft::new(&network.pinned(), &network.committee(), APP, wanted, &mut rng())
            .map(|_| ())
    };
    assert_eq!(draft(0), Err(DraftError::Count { count: 0 }));
    assert_eq!(draft(MAX_INPUTS), Ok(()));
    let error = draft(MAX_INPUTS + 1).unwrap_err();
    assert_eq!(error, DraftError::Count { count: MAX_INPUTS + 1 });
    assert_eq!(error.fault(), Fault::Local);
}

#[test]
fn what_no_node_would_answer_is_not_asked() {
    // [REQ-5] A20: a secret that was sealed to another app, or another keyset; an empty instance.
    let network = Network::new();
    let refused = |app_id, pinned: &Pinned, wanted| {
        KeyRequestDraft::new(pinned, &network.committee(), app_id, vec![wanted], &mut rng())
            .unwrap_err()
    };
    let pinned = network.pinned();
    let instance = refused(APP, &pinned, derive(Scope::Instance(Address::ZERO)));
    let source = WantedError::EmptyInstance;
    assert_eq!(instance, DraftError::Wanted { index: 0, source });

    let sealed = network.seal(b"swordfish");
    let other_app = refused(Address::ZERO, &pinned, unseal(sealed.clone()));
    let source = WantedError::Ciphertext(CheckCiphertextError::AppMismatch);
    assert_eq!(other_app, DraftError::Wanted { index: 0, source });
    let mut agent = network.agent.clone();
    agent.keyset_id = B256::ZERO;
    let other_keyset = refused(APP, &Pinned::new(&agent).unwrap(), unseal(sealed));
    let source = WantedError::Ciphertext(CheckCiphertextError::KeysetMismatch);
    assert_eq!(other_keyset, DraftError::Wanted { index: 0, source });
}

#[test]
fn too_large_evidence_is_not_sent() {
    // [WIRE-4]
    let network = Network::new();
    let mut large = evidence();
    large.quote = vec![0; MAX_QUOTE_BYTES + 1].into();
    let draft = network.draft(vec![derive(Scope::App)]);
    assert_eq!(draft.with_evidence(large, &mut rng()).unwrap_err().part, "quote");
}

#[test]
fn nothing_secret_is_printed() {
    // [REQ-12]
    let network = Network::new();
    let draft = network.draft(vec![derive(Scope::App)]);
    assert!(format!("{draft:?}").contains("REDACTED"));
    let pending = draft.with_evidence(evidence(), &mut rng()).unwrap();
    let printed = format!("{pending:?}");
    assert!(!printed.contains("asked") && printed.contains("SessionKey(0x"), "{printed}");
}
