//! The bindings say what the rest of the house relies on: names of types, selectors, creation code.

use abi::IssuanceLog::{Attested, Issuance, SeatSignature};
use abi::{
    AllOfPolicy, AllowlistPolicy, AppRegistry, AttestationRegistry, IssuanceLog, KmsCommittee,
    LicensePolicy, QuorateGovernor,
};
use alloy_primitives::{hex, keccak256};
use alloy_sol_types::{SolCall, SolError, SolEvent};

#[test]
fn structs_lie_in_the_module_of_their_contract() {
    let issuance = Issuance { attested: Attested::default(), ..Issuance::default() };
    let call = IssuanceLog::recordCall {
        issuances: vec![issuance],
        signatures: vec![vec![SeatSignature::default()]],
    };
    assert_eq!(IssuanceLog::recordCall::abi_decode(&call.abi_encode()), Ok(call));
}

#[test]
fn policies_answer_dstack() {
    assert_eq!(AllowlistPolicy::isAppAllowedCall::SELECTOR, hex!("1e079198"));
    assert_eq!(AllOfPolicy::isAppAllowedCall::SELECTOR, hex!("1e079198"));
    assert_eq!(LicensePolicy::isAppAllowedCall::SELECTOR, hex!("1e079198"));
    assert_eq!(AppRegistry::deployAndRegisterApp_0Call::SELECTOR, hex!("8618169d"));
    assert_eq!(AppRegistry::deployAndRegisterApp_1Call::SELECTOR, hex!("9cb9c31f"));
    assert_eq!(AllowlistPolicy::addComposeHashCall::SELECTOR, hex!("dfc77223"));
}

#[test]
fn events_and_errors_have_their_names() {
    assert_eq!(
        IssuanceLog::KeyIssued::SIGNATURE_HASH,
        keccak256(
            "KeyIssued(address,bytes32,bytes32,uint8,bytes32,uint32,uint64,bytes32,bytes32,address,uint64,uint64)"
        )
    );
    assert_eq!(
        KmsCommittee::VendorHoldsTooManySeats::SIGNATURE,
        "VendorHoldsTooManySeats(bytes32,uint256,uint256)"
    );
}

#[test]
fn the_governor_emits_what_indexers_key_on() {
    assert_eq!(
        QuorateGovernor::ProposalCreated::SIGNATURE,
        "ProposalCreated(uint256,address,address[],uint256[],string[],bytes[],uint256,uint256,string)"
    );
}

#[test]
fn creation_code_is_here() {
    assert!(AttestationRegistry::BYTECODE.len() > 1_000);
    assert!(KmsCommittee::BYTECODE.len() > 20_000);
}
