//! For each kind of proof, one false value that an endpoint tells (A4): refused by name. Nothing of it is kept.

mod support;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, U256};
use light_client::{
    BlockRef, ForgedHeader, Missing, ProofError, ProofRequest, ProvenState, RawAccountProof,
    WalkError,
};
use policy::{FactsError, ReadFacts, Verdict, decide, with_facts};
use std::collections::BTreeSet;
use support::*;

const CODE: B256 = B256::repeat_byte(0xc0);

/// One way to change a true answer.
type Lie<'a> = Box<dyn Fn(&mut RawAccountProof) + 'a>;

/// A state at the head, and the true answer for the registry with the slots that a decision reads.
struct Told {
    world: World,
    state: ProvenState,
    request: ProofRequest,
    truth: RawAccountProof,
}

fn told() -> Told {
    let mut world = World::new();
    world.approve(CODE);
    let mut chain = world.node.chain();
    world.decide_on(&mut chain, CODE).expect("a verdict");
    let request = chain
        .head()
        .wanted()
        .into_iter()
        .find(|request| request.address == world.registry)
        .expect("the registry was read");
    let block = chain.headers().head();
    let truth = world.rpc().read_proof(block, &request).expect("an answer");
    assert!(truth.storage_proof.iter().any(|slot| slot.value == U256::ONE));
    let state = world.node.state(block);
    Told { world, state, request, truth }
}

impl Told {
    /// Refused, with nothing kept; the error.
    fn refused(&self, lie: impl FnOnce(&mut RawAccountProof)) -> ProofError {
        let mut answer = self.truth.clone();
        lie(&mut answer);
        let mut state = self.state.clone();
        let error = state.insert_proof(&self.request, &answer).expect_err("a lie is refused");
        assert_eq!(
            state.account(self.request.address),
            Err(Missing::Account(self.request.address))
        );
        error
    }
}

#[test]
fn the_truth_is_taken() {
    let told = told();
    let mut state = told.state.clone();
    assert_eq!(state.insert_proof(&told.request, &told.truth), Ok(()));
}

#[test]
fn forged_account_fields_are_refused() {
    // [CHAIN-10] [CHAIN-11] A4: balance, nonce, code hash, storage root, absence, another account's proof, a cut proof.
    let told = told();
    let lies: [fn(&mut RawAccountProof); 8] = [
        |answer| answer.balance += U256::ONE,
        |answer| answer.nonce += U64::from(1),
        |answer| answer.code_hash = B256::repeat_byte(1),
        |answer| answer.storage_hash = B256::repeat_byte(1),
        |answer| {
            answer.balance = U256::ZERO;
            answer.nonce = U64::ZERO;
            answer.code_hash = KECCAK256_EMPTY;
            answer.storage_hash = alloy_primitives::b256!(
                "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
            );
        },
        |answer| {
            answer.account_proof.pop();
        },
        |answer| answer.account_proof.clear(),
        |answer| {
            let leaf = answer.account_proof.pop().expect("a leaf");
            let mut bytes = leaf.to_vec();
            *bytes.last_mut().expect("a byte") ^= 1;
            answer.account_proof.push(bytes.into());
        },
    ];
    for (index, lie) in lies.into_iter().enumerate() {
        assert!(
            matches!(
                told.refused(lie),
                ProofError::ForgedAccount { address, block, .. }
                    if address == told.world.registry && block == told.state.block()
            ),
            "lie {index}"
        );
    }
    // The whole true answer of another account.
    let block = told.state.block();
    let other = told
        .world
        .rpc()
        .read_proof(block, &ProofRequest::account(told.world.caller))
        .expect("an answer");
    let mut state = told.state.clone();
    let request = ProofRequest::account(told.world.registry);
    assert!(matches!(state.insert_proof(&request, &other), Err(ProofError::ForgedAccount { .. })));
}

#[test]
fn forged_slots_are_refused() {
    // [CHAIN-12] A4: an approval made up, an approval hidden, a neighbour's proof, a cut proof.
    let told = told();
    let set = |answer: &RawAccountProof| {
        answer.storage_proof.iter().position(|slot| slot.value == U256::ONE).expect("the approval")
    };
    let unset = |answer: &RawAccountProof| {
        answer
            .storage_proof
            .iter()
            .position(|slot| slot.value == U256::ZERO)
            .expect("a slot never set")
    };
    let lies: [Lie; 6] = [
        Box::new(|answer| {
            let slot = set(answer);
            answer.storage_proof[slot].value = U256::from(2);
        }),
        Box::new(|answer| {
            let slot = set(answer);
            answer.storage_proof[slot].value = U256::ZERO;
        }),
        Box::new(|answer| {
            let slot = unset(answer);
            answer.storage_proof[slot].value = U256::ONE;
        }),
        Box::new(|answer| {
            let (set, unset) = (set(answer), unset(answer));
            answer.storage_proof[unset].value = U256::ONE;
            answer.storage_proof[unset].proof = answer.storage_proof[set].proof.clone();
        }),
        Box::new(|answer| {
            let slot = set(answer);
            answer.storage_proof[slot].proof.pop();
        }),
        Box::new(|answer| {
            let slot = set(answer);
            answer.storage_proof[slot].value = U256::ZERO;
            answer.storage_proof[slot].proof.clear();
        }),
    ];
    for (index, lie) in lies.iter().enumerate() {
        assert!(
            matches!(
                told.refused(lie),
                ProofError::ForgedSlot { address, .. } if address == told.world.registry
            ),
            "lie {index}"
        );
    }
}

#[test]
fn an_answer_that_leaves_a_slot_out_or_is_too_large_is_refused() {
    // [CHAIN-14] Neither keeps the node busy: both are errors of the endpoint, not reasons to ask it again for ever.
    let told = told();
    let error = told.refused(|answer| answer.storage_proof.clear());
    assert!(matches!(error, ProofError::NotAnswered { .. }), "{error}");
    let error = told.refused(|answer| {
        let node = answer.account_proof[0].clone();
        answer.account_proof.extend(vec![node; 65]);
    });
    assert!(matches!(error, ProofError::TooLarge { .. }), "{error}");
    let error = told.refused(|answer| answer.account_proof[0] = vec![0; 1025].into());
    assert!(matches!(error, ProofError::TooLarge { .. }), "{error}");
}

#[test]
fn old_proofs_are_refused_at_a_newer_block() {
    // [CHAIN-10] P5: an answer that was true before a revocation proves nothing after it.
    let mut told = told();
    told.world.revoke(CODE);
    told.world.node.follow();
    let mut state = told.world.node.state(told.world.node.headers.head());
    assert!(matches!(
        state.insert_proof(&told.request, &told.truth),
        Err(ProofError::ForgedAccount { .. })
    ));
}

#[test]
fn forged_code_is_refused() {
    // [CHAIN-13] A4: another contract's code, one bit, none; and code of an account that is not proven yet.
    let told = told();
    let (registry, caller) = (told.world.registry, told.world.caller);
    let block = told.state.block();
    let code = told.world.rpc().read_code(block, registry).expect("code");
    let other = told.world.rpc().read_code(block, caller).expect("code");
    let mut state = told.state.clone();
    assert_eq!(
        state.insert_code(registry, code.clone()),
        Err(ProofError::AccountNotProven { address: registry })
    );
    state.insert_proof(&ProofRequest::account(registry), &told.truth).expect("the truth");
    let mut bit = code.to_vec();
    bit[0] ^= 1;
    for lie in [other, bit.into(), Bytes::new()] {
        assert!(matches!(
            state.insert_code(registry, lie),
            Err(ProofError::ForgedCode { address, .. }) if address == registry
        ));
    }
    assert_eq!(state.insert_code(registry, code), Ok(()));
}

#[test]
fn a_state_holds_no_more_than_its_limits() {
    // [CHAIN-14] Slots, accounts, code bytes.
    let told = told();
    let mut world = told.world;
    world.node.follow();
    let block = world.node.headers.head();
    let header = world.rpc().header_of(block);
    let limits = light_client::FactLimits { accounts: 1, slots: 1, code_bytes: 1 };
    let mut state =
        world.node.headers.open(header, limits, &world.node.hints).expect("on the chain");
    let truth = |request: &ProofRequest| world.rpc().read_proof(block, request).expect("proof");
    let two =
        ProofRequest { address: world.registry, slots: BTreeSet::from([U256::ONE, U256::from(2)]) };
    let full = |what| Err(ProofError::Full { what, limit: 1 });
    assert_eq!(state.insert_proof(&two, &truth(&two)), full("slots"));
    let one = ProofRequest { address: world.registry, slots: BTreeSet::from([U256::ONE]) };
    assert_eq!(state.insert_proof(&one, &truth(&one)), Ok(()));
    assert_eq!(state.insert_proof(&one, &truth(&one)), Ok(()), "known facts take no room");
    let other = ProofRequest::account(Address::repeat_byte(9));
    assert_eq!(state.insert_proof(&other, &truth(&other)), full("accounts"));
    let code = world.rpc().read_code(block, world.registry).expect("code");
    assert_eq!(state.insert_code(world.registry, code), full("code bytes"));
}

#[test]
fn forged_headers_are_refused() {
    // [CHAIN-1] [CHAIN-3] A4: a changed state root, time or height; the header of another block.
    let mut world = World::new();
    let rpc = world.rpc();
    world.node.follow();
    rpc.mine(3);
    let latest = rpc.raw_header("latest");
    assert!(latest.clone().seal().is_ok());
    let lies: [fn(&mut light_client::RawHeader); 4] = [
        |raw| raw.header.state_root = B256::repeat_byte(1),
        |raw| raw.header.timestamp += 1,
        |raw| raw.header.number -= 1,
        |raw| raw.header.parent_hash = B256::repeat_byte(1),
    ];
    for lie in lies {
        let mut raw = latest.clone();
        lie(&mut raw);
        assert!(
            matches!(raw.seal(), Err(ForgedHeader::Hash { claimed, .. }) if claimed == latest.hash)
        );
    }
    let mut walk = world.node.headers.walk(&rpc.agreed()).expect("fits");
    let other = rpc.header_of(rpc.block("0x1"));
    assert_eq!(
        walk.accept(&other),
        Err(WalkError::UnexpectedHeader { wanted: walk.wanted(), got: other.block() })
    );
    // A lie that hashes as it claims is another block, and is not the one that the walk wants.
    let mut forged = latest.header;
    forged.state_root = B256::repeat_byte(1);
    let forged = light_client::SealedHeader::of(forged).expect("a header");
    assert!(matches!(walk.accept(&forged), Err(WalkError::UnexpectedHeader { .. })));
}

/// An endpoint that answers, and changes what it answers.
struct Liar<F> {
    rpc: Rpc,
    lie: F,
}

impl<F: FnMut(&mut RawAccountProof)> ReadFacts for Liar<F> {
    type Error = String;

    fn read_proof(
        &mut self,
        block: BlockRef,
        request: &ProofRequest,
    ) -> Result<RawAccountProof, String> {
        let mut answer = self.rpc.read_proof(block, request)?;
        (self.lie)(&mut answer);
        Ok(answer)
    }

    fn read_code(&mut self, block: BlockRef, address: Address) -> Result<Bytes, String> {
        self.rpc.read_code(block, address)
    }
}

#[test]
fn a_lying_endpoint_ends_the_run_and_an_honest_one_completes_it() {
    // [POL-10] A4: a revoked code told as approved. The lie is named, nothing of it stays, and the truth still fits.
    let mut world = World::new();
    world.approve(CODE);
    world.revoke(CODE);
    world.rpc().mine(3);
    let mut chain = world.node.chain();
    let (rules, gates, attested) = (rules(), world.gates(), attested(CODE));
    let run = |chain: &light_client::ProvenChain| decide(&rules, &gates, &attested, chain);
    let mut liar = Liar {
        rpc: world.rpc(),
        lie: |answer: &mut RawAccountProof| {
            for slot in &mut answer.storage_proof {
                slot.value = U256::ONE;
            }
        },
    };
    assert!(matches!(
        with_facts(&mut chain, &mut liar, MAX_FETCHES, run),
        Err(FactsError::Proof(ProofError::ForgedSlot { .. }))
    ));
    assert!(matches!(
        with_facts(&mut chain, &mut world.rpc(), MAX_FETCHES, run),
        Ok(Verdict::Deny { .. })
    ));
}

#[test]
fn a_run_fetches_no_more_than_it_may() {
    // [POL-10] One fetch below what it needs: the missing fact is named. The twin has just enough.
    let mut world = World::new();
    world.approve(CODE);
    world.rpc().mine(3);
    let (rules, gates, attested) = (rules(), world.gates(), attested(CODE));
    let mut outcome = |limit| {
        let mut chain = world.node.chain();
        with_facts(&mut chain, &mut world.rpc(), limit, |chain| {
            decide(&rules, &gates, &attested, chain)
        })
        .map(|verdict| matches!(verdict, Verdict::Permit(_)))
    };
    // At each block: the registry, its code, mode, count, and whether the code is allowed.
    assert!(matches!(outcome(10), Ok(true)));
    assert!(matches!(outcome(9), Err(FactsError::NotSupplied { .. })));
    assert!(matches!(outcome(0), Err(FactsError::NotSupplied { .. })));
}
