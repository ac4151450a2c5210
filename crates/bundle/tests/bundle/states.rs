//! Bundles whose parts all hold, under states that no chain had: each is refused for one reason alone. With `BLESS_CASES=1` they
//! become cases of vectors/bundle, for verify.py as well.

use super::{
    patch::bless,
    tries::{End, set_absent, set_code, set_slot, with_state_of},
    world::{good, log_of},
};
use alloy_consensus::Header;
use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_rlp::Decodable;
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use bundle::{Bundle, Trusted, verify};
use wire::statements::{Domain, SeatSignature};

/// Whose event it is.
fn emitter(bundle: &Bundle) -> Address {
    log_of(bundle).address
}

fn word(bundle: &Bundle, trusted: &Trusted) -> &'static str {
    verify(&bundle.to_text(), trusted).word()
}

#[test]
fn a_state_made_anew_without_a_change_is_as_good() {
    for kind in ["issuance", "revocation"] {
        let (mut bundle, mut trusted) = good(kind);
        with_state_of(&mut bundle, &mut trusted, End::Event);
        assert_eq!(word(&bundle, &trusted), "ok", "{kind}");
        assert_eq!(trusted.block, good(kind).1.block);
    }
}

#[test]
fn a_policy_that_the_registry_did_not_make_proves_nothing() {
    // [BUN-8] The one slot that says so.
    let (bundle, trusted) = good("revocation");
    let mut refused = Vec::new();
    for account in &bundle.at_event {
        for slot in account.slots.iter().filter(|slot| slot.value == U256::from(1)) {
            let (mut bundle, mut trusted) = (bundle.clone(), trusted);
            set_slot(&mut bundle.at_event, account.address, slot.slot, U256::ZERO);
            with_state_of(&mut bundle, &mut trusted, End::Event);
            if word(&bundle, &trusted) == "foreign-policy" {
                bless(
                    "revocation",
                    "foreign-policy",
                    "policy that another made",
                    &bundle,
                    &trusted,
                );
                refused.push((account.address, slot.slot));
            }
        }
    }
    assert_eq!(refused.len(), 1, "{refused:?}");
}

#[test]
fn a_contract_before_its_deployment_answers_nothing() {
    // [BUN-8] It is proven that there was none in the state of the event's block.
    let (mut bundle, mut trusted) = good("issuance");
    let log = emitter(&bundle);
    set_absent(&mut bundle.at_event, log);
    with_state_of(&mut bundle, &mut trusted, End::Event);
    assert_eq!(word(&bundle, &trusted), "no-answer");
    bless("issuance", "no-answer", "contract before its deployment, proven", &bundle, &trusted);
}

#[test]
fn a_contract_whose_code_halts_answers_nothing() {
    // [BUN-8]
    let (mut bundle, mut trusted) = good("revocation");
    let committee = bundle.network.kms_committee;
    let halts = Bytes::from_static(&[0xfe]);
    set_code(&mut bundle.at_event, committee, &halts);
    bundle.codes.push(halts);
    bundle.codes.sort_by_cached_key(|code| keccak256(code));
    with_state_of(&mut bundle, &mut trusted, End::Event);
    assert_eq!(word(&bundle, &trusted), "no-answer");
    bless("revocation", "no-answer", "contract that halts", &bundle, &trusted);
}

#[test]
fn a_committee_that_signs_for_another_enclave_than_the_evidence_shows_is_refused() {
    // [BUN-11] Its members are ours: signatures and record hold.
    let (mut bundle, mut trusted) = good("issuance");
    let contract = emitter(&bundle);
    let domain = Domain::IssuanceLog { chain_id: bundle.network.chain_id, contract };
    let proof = bundle.issuance.clone().unwrap();
    let before = domain.digest(&proof.statement);
    let mut statement = proof.statement;
    statement.attested.boot.instanceId = Address::repeat_byte(7);
    let after = domain.digest(&statement);
    let mut signatures = Vec::new();
    for signature in &proof.signatures {
        let member = signature.signer(before).unwrap();
        let secret = keccak256(signature.seat.to_be_bytes());
        let ours = PrivateKeySigner::from_slice(secret.as_slice()).unwrap();
        let low_160 = |value: U256| Address::from_word(value.into());
        let slot_of = |slots: &[bundle::SlotFacts]| {
            slots
                .iter()
                .find(|slot| low_160(slot.value) == member)
                .map(|slot| (slot.slot, slot.value))
        };
        let committee = bundle.network.kms_committee;
        let facts = bundle.at_event.iter().find(|account| account.address == committee).unwrap();
        let (slot, value) = slot_of(&facts.slots).unwrap();
        let other = (value >> 160 << 160) | U256::from_be_slice(ours.address().as_slice());
        set_slot(&mut bundle.at_event, committee, slot, other);
        let signed = ours.sign_hash_sync(&after).unwrap();
        signatures.push(SeatSignature::new(signature.seat, &signed));
    }
    with_state_of(&mut bundle, &mut trusted, End::Event);
    let issuance = bundle.issuance.as_mut().unwrap();
    issuance.signatures = signatures;
    assert_eq!(word(&bundle, &trusted), "signature-invalid", "they signed the changed one");
    bundle.issuance.as_mut().unwrap().statement = statement;
    assert_eq!(word(&bundle, &trusted), "other-enclave");
    bless(
        "issuance",
        "other-enclave",
        "evidence of another enclave, signed for",
        &bundle,
        &trusted,
    );
}

#[test]
fn a_trail_value_of_a_later_block_is_refused() {
    // [BUN-6] [BUN-7] The reader names a block before the later events; slot and events are those after them.
    let (mut bundle, mut trusted) = good("issuance");
    let state_of = |bytes: &Bytes| Header::decode(&mut bytes.as_ref()).unwrap().state_root;
    let last = state_of(bundle.headers.last().unwrap());
    let earlier = bundle.headers.iter().rposition(|header| state_of(header) != last).unwrap();
    bundle.headers.truncate(earlier + 1);
    trusted.block = keccak256(bundle.headers.last().unwrap());
    assert_eq!(word(&bundle, &trusted), "fact-forged");
    bless("issuance", "fact-forged", "trail value of a later block", &bundle, &trusted);
}

#[test]
fn a_header_of_an_orphaned_block_is_not_linked() {
    // [BUN-3] A block of the same height on the same parent, whose receipt and state hold as well.
    let (mut bundle, mut trusted) = good("issuance");
    let mut header = Header::decode(&mut bundle.headers[0].as_ref()).unwrap();
    header.extra_data = Bytes::from_static(b"orphan");
    bundle.headers[0] = alloy_rlp::encode(&header).into();
    assert_eq!(word(&bundle, &trusted), "header-not-linked");
    bless(
        "issuance",
        "header-not-linked",
        "header of a sibling that was orphaned",
        &bundle,
        &trusted,
    );
    let (whole, named) = (bundle.clone(), trusted.block);
    bundle.headers.truncate(1);
    bundle.at_block = bundle.at_event.clone();
    trusted.block = keccak256(&whole.headers[1]);
    assert_ne!(trusted.block, named);
    assert_eq!(word(&bundle, &trusted), "other-block");
}

#[test]
fn a_node_that_is_cut_by_a_byte_is_refused() {
    // [BUN-4] [BUN-7]
    let cut = |node: &mut Bytes| *node = node.slice(..node.len() - 1);
    let (mut bundle, trusted) = good("issuance");
    cut(bundle.receipt.nodes.last_mut().unwrap());
    assert_eq!(word(&bundle, &trusted), "receipt-not-proven");
    bless("issuance", "receipt-not-proven", "receipt node cut by a byte", &bundle, &trusted);
    let (mut bundle, trusted) = good("issuance");
    cut(bundle.at_event[0].nodes.last_mut().unwrap());
    assert_eq!(word(&bundle, &trusted), "fact-forged");
    bless("issuance", "fact-forged", "account node cut by a byte", &bundle, &trusted);
}
