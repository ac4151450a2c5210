//! A call over proven state answers what the chain answers, and needs exactly the facts that it reads.

mod support;

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use light_client::{FactLimits, HeaderChain, Hints, Missing, ProvenChain};
use policy::{
    CallError, FactKind, FactsError, READ_LIMITS, ReadError, TooManyFacts, ViewCall, call, read,
    with_facts,
};
use support::*;
use wire::limits::POLICY_GAS;

const CODE: B256 = B256::repeat_byte(0xc0);
const OTHER: B256 = B256::repeat_byte(0x0c);

fn view_call(world: &World, data: Vec<u8>) -> ViewCall {
    ViewCall {
        caller: world.caller,
        to: world.registry,
        data: data.into(),
        gas: POLICY_GAS,
        limits: READ_LIMITS,
    }
}

/// Runs over the proven head, with whatever it needs proven on the way.
fn run(
    world: &World,
    chain: &mut ProvenChain,
    view: &ViewCall,
) -> Result<Bytes, FactsError<CallError, String>> {
    let rules = rules();
    with_facts(chain, &mut world.rpc(), MAX_FETCHES, |chain| call(&rules, chain.head(), view))
}

#[test]
fn proven_calls_equal_eth_call() {
    // [POL-1] [POL-2] [CHAIN-10] [CHAIN-11] [CHAIN-12] [CHAIN-13] Block, storage, present and absent accounts, code, hashes.
    let mut world = World::new();
    world.approve(CODE);
    let mut chain = world.node.chain();
    let head = chain.headers().head();
    let mut calls = vec![
        Registry::environmentCall {}.abi_encode(),
        Registry::allowedCall { composeHash: CODE }.abi_encode(),
        Registry::allowedCall { composeHash: OTHER }.abi_encode(),
    ];
    for account in [world.caller, world.registry, Address::repeat_byte(0x77)] {
        calls.push(Registry::lookCall { account }.abi_encode());
    }
    for number in [0, head.number - 1, head.number, head.number + 1] {
        let number = U256::from(number);
        calls.push(Registry::hashOfCall { number }.abi_encode());
    }
    for data in calls {
        let told = world.rpc().eth_call(world.caller, world.registry, &data, head);
        let told: Bytes = serde_json::from_value(told).expect("an answer");
        let proven = run(&world, &mut chain, &view_call(&world, data)).expect("an answer");
        assert_eq!(proven, told);
    }
}

#[test]
fn gas_is_that_of_the_chain_to_the_unit() {
    // [POL-3] A17: warm and cold accesses cost what they cost behind IssuanceLog's STATICCALL.
    let mut world = World::new();
    let mut chain = world.node.chain();
    let head = chain.headers().head();
    let told =
        world.rpc().view(world.caller, &Caller::gasProbeCall { registry: world.registry }, head);
    let view = view_call(&world, Registry::gasProbeCall {}.abi_encode());
    let proven = run(&world, &mut chain, &view).expect("an answer");
    let proven = Registry::gasProbeCall::abi_decode_returns(&proven).expect("decodes");
    assert_eq!((proven.caller, proven.gas), (told.caller, told.gas));
    assert_eq!(proven.caller, world.caller);
}

#[test]
fn nothing_is_answered_before_it_is_proven() {
    // [POL-1] Account, code and slot are asked for in the order in which the run needs them, and nothing else is.
    let mut world = World::new();
    world.approve(CODE);
    let mut chain = world.node.chain();
    let view = view_call(&world, Registry::allowedCall { composeHash: CODE }.abi_encode());
    let mut asked = Vec::new();
    while let Err(error) = call(&rules(), chain.head(), &view) {
        let CallError::Missing(missing) = error else {
            panic!("{error}");
        };
        assert_eq!(missing.block, chain.headers().head());
        asked.push(missing.missing);
        let before = asked.len();
        let mut once = before;
        let _ = with_facts(&mut chain, &mut world.rpc(), 1, |chain| {
            once += 1;
            call(&rules(), chain.head(), &view)
        });
        assert!(asked.len() < 5, "asks without end: {asked:?}");
    }
    assert!(
        matches!(
            asked[..],
            [
                Missing::Account(account),
                Missing::Code { address, .. },
                Missing::Slot(owner, _)
            ] if account == world.registry && address == world.registry && owner == world.registry
        ),
        "{asked:?}"
    );
}

#[test]
fn an_ancestor_outside_the_proven_window_is_not_answered() {
    // [POL-1] A node that started at a late checkpoint knows no older hash; it says so instead of answering zero.
    let world = World::new();
    let rpc = world.rpc();
    let latest = rpc.block("latest");
    let headers = HeaderChain::new(latest);
    let open = || {
        headers
            .open(rpc.header_of(latest), FactLimits::STATE, &Hints::new())
            .expect("the checkpoint")
    };
    let mut chain = ProvenChain::new(headers.clone(), open(), open()).expect("own blocks");
    let number = latest.number - 1;
    let view = Registry::hashOfCall { number: U256::from(number) };
    match run(&world, &mut chain, &view_call(&world, view.abi_encode())) {
        Err(FactsError::NotSupplied { missing }) => {
            assert_eq!(missing.missing, Missing::BlockHash(number));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_slot_set_back_to_zero_is_proven() {
    // [CHAIN-12] anvil keeps a leaf that holds zero; other clients have none. Both are proofs.
    let mut world = World::new();
    world.approve(OTHER);
    world.approve(CODE);
    world.revoke(CODE);
    let mut chain = world.node.chain();
    let view = Registry::allowedCall { composeHash: CODE };
    let answer = run(&world, &mut chain, &view_call(&world, view.abi_encode()));
    assert_eq!(answer.expect("an answer"), U256::ZERO.to_be_bytes_vec());
}

#[test]
fn one_fact_above_the_limit_is_refused_by_name() {
    // [POL-5] Slots, accounts and code, each at its limit and one below.
    let mut world = World::new();
    let caps = |accounts, slots, code_bytes| FactLimits { accounts, slots, code_bytes };
    let code_bytes = {
        let code = world.rpc().ask("eth_getCode", serde_json::json!([world.registry, "latest"]));
        (code.as_str().expect("code").len() - 2) / 2
    };
    let mut chain = world.node.chain();
    let look = Registry::lookCall { account: world.caller };
    let filler = Registry::fillerCall { index: U256::ONE };
    let mut outcome = |data: Vec<u8>, limits| {
        let view = ViewCall { limits, ..view_call(&world, data) };
        run(&world, &mut chain, &view).map_err(|error| match error {
            FactsError::Run(CallError::TooManyFacts(too_many)) => too_many,
            error => panic!("{error:?}"),
        })
    };
    let large = READ_LIMITS.code_bytes;
    assert!(outcome(look.abi_encode(), caps(2, 0, large)).is_ok());
    assert!(outcome(filler.abi_encode(), caps(1, 1, code_bytes)).is_ok());
    let refused = |kind, limit| Err(TooManyFacts { kind, limit });
    assert_eq!(outcome(look.abi_encode(), caps(1, 0, large)), refused(FactKind::Accounts, 1));
    assert_eq!(outcome(filler.abi_encode(), caps(1, 0, large)), refused(FactKind::Slots, 0));
    assert_eq!(
        outcome(filler.abi_encode(), caps(1, 1, code_bytes - 1)),
        refused(FactKind::CodeBytes, code_bytes - 1)
    );
}

#[test]
fn a_view_of_nothing_or_of_something_else_is_an_error_by_name() {
    // [POL-9] No contract; a contract that answers otherwise; and the twin that answers.
    let mut world = World::new();
    let mut chain = world.node.chain();
    let nobody = Address::repeat_byte(0x77);
    let rules = rules();
    let mut ask = |to| {
        with_facts(&mut chain, &mut world.rpc(), MAX_FETCHES, |chain| {
            let view = Registry::fillerCall { index: U256::ONE };
            read(&rules, chain.head(), to, &view)
        })
    };
    assert_eq!(ask(world.registry).expect("an answer"), U256::ZERO);
    assert!(matches!(
        ask(nobody),
        Err(FactsError::Run(ReadError::NoContract { to, .. })) if to == nobody
    ));
    assert!(matches!(
        ask(world.caller),
        Err(FactsError::Run(ReadError::Call { source, .. }))
            if matches!(*source, CallError::Reverted { .. })
    ));
}
