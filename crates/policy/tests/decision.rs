//! The one question, on a real chain: permitted, denied, not final; and what a hostile policy gets.

mod support;

use alloy_primitives::B256;
use light_client::{AgeLimits, AnchorError, BlockRef, Followed, HeadStale, WalkError};
use policy::{
    DECISION_LIMITS, DecideError, DenyReason, FactKind, FactsError, TooManyFacts, Verdict,
};
use support::*;
use wire::{UnixSeconds, limits::POLICY_GAS};

const CODE: B256 = B256::repeat_byte(0xc0);

fn permits(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Permit(_))
}

fn denial(verdict: Verdict) -> DenyReason {
    match verdict {
        Verdict::Deny { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_approval_counts_when_it_is_final() {
    // [POL-6] [POL-8] A18: allowed at the head alone is not final; two blocks later it is.
    let mut world = World::new();
    world.rpc().mine(3);
    assert_eq!(denial(world.decide(CODE)).to_string(), "compose hash not allowed");
    world.approve(CODE);
    match world.decide(CODE) {
        Verdict::NotFinal { reason, head, finalized } => {
            assert_eq!(reason.to_string(), "compose hash not allowed");
            assert_eq!(head, world.rpc().block("latest"));
            assert_eq!(finalized, world.rpc().block("finalized"));
        }
        other => panic!("{other:?}"),
    }
    world.rpc().mine(2);
    let Verdict::Permit(permitted) = world.decide(CODE) else {
        panic!("allowed at both blocks");
    };
    assert!(permitted.covers(&attested(CODE)));
    assert!(!permitted.covers(&attested(B256::ZERO)));
    assert_eq!(permitted.app_id(), attested(CODE).boot.appId);
    assert_eq!(permitted.head(), world.rpc().block("latest"));
    assert_eq!(permitted.finalized(), world.rpc().block("finalized"));
}

#[test]
fn a_revocation_counts_at_the_next_block() {
    // [POL-7] P5: denied at the head is denied, while the finalized block still allows.
    let mut world = World::new();
    world.approve(CODE);
    world.rpc().mine(3);
    assert!(permits(&world.decide(CODE)));
    world.revoke(CODE);
    match world.decide(CODE) {
        Verdict::Deny { block, reason } => {
            assert_eq!(block, world.rpc().block("latest"));
            assert_eq!(reason.to_string(), "compose hash not allowed");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_grant_inside_the_finality_lag_is_not_granted() {
    // [POL-8] A18: removed and approved again between finalized block and head. The head allows, finality does not.
    let mut world = World::new();
    world.approve(CODE);
    world.revoke(CODE);
    world.rpc().mine(2);
    world.approve(CODE);
    assert!(matches!(world.decide(CODE), Verdict::NotFinal { .. }));
}

#[test]
fn the_node_refuses_where_the_chain_refuses() {
    // [POL-3] [POL-4] A17 A23: at the edge of the gas cap, and for each way to answer badly, node and chain agree.
    let mut world = World::new();
    world.approve(CODE);
    world.rpc().mine(3);
    let agree = |world: &mut World, mode: Mode, count: u64| -> Option<DenyReason> {
        world.behave(mode, count);
        world.rpc().mine(2);
        let verdict = world.decide(CODE);
        let (answered, allowed, reason) = world.ask_on_chain(CODE, world.node.headers.head());
        assert_eq!(permits(&verdict), answered && allowed, "{count}");
        match verdict {
            Verdict::Permit(_) => None,
            Verdict::Deny { reason: told, .. } => {
                if let DenyReason::Refused(text) = &told {
                    assert_eq!(text.as_str(), reason);
                    assert!(answered);
                } else {
                    assert!(!answered);
                }
                Some(told)
            }
            other => panic!("{other:?}"),
        }
    };
    // The exact number of rounds at which the cap is hit, by bisection over real decisions.
    let (mut enough, mut too_many) = (0, 20_000);
    assert_eq!(agree(&mut world, Mode::BurnGas, enough), None);
    let hit = DenyReason::OutOfGas { gas: POLICY_GAS };
    assert_eq!(agree(&mut world, Mode::BurnGas, too_many), Some(hit.clone()));
    while too_many - enough > 1 {
        let middle = (enough + too_many) / 2;
        match agree(&mut world, Mode::BurnGas, middle) {
            None => enough = middle,
            Some(reason) => {
                assert_eq!(reason, hit);
                too_many = middle;
            }
        }
    }
    let long = agree(&mut world, Mode::LongReason, 300).expect("denied");
    assert_eq!(long.to_string(), "x".repeat(128));
    let reverted = agree(&mut world, Mode::Revert, 0).expect("denied");
    assert!(matches!(reverted, DenyReason::Reverted { data } if data.len() == 128));
    let halted = Some(DenyReason::Halted);
    assert_eq!(agree(&mut world, Mode::WriteState, 0), halted);
    assert_eq!(agree(&mut world, Mode::Invalid, 0), halted);
    let no_answer = Some(DenyReason::NoAnswer);
    assert_eq!(agree(&mut world, Mode::NotAnAnswer, 0), no_answer);
    assert_eq!(agree(&mut world, Mode::Honest, 0), None);
}

#[test]
fn a_policy_that_reads_too_much_is_not_judged() {
    // [POL-5] A17: more contracts than a decision may read, within the gas cap. Slots are capped by gas already.
    let mut world = World::new();
    world.approve(CODE);
    let fits = DECISION_LIMITS.accounts as u64 - 1;
    world.behave(Mode::ReadAccounts, fits);
    world.rpc().mine(3);
    assert!(permits(&world.decide(CODE)));
    world.behave(Mode::ReadAccounts, fits + 1);
    world.rpc().mine(3);
    let mut chain = world.node.chain();
    match world.decide_on(&mut chain, CODE) {
        Err(FactsError::Run(DecideError::TooManyFacts { source, block })) => {
            assert_eq!(block, chain.headers().head());
            assert_eq!(
                source,
                TooManyFacts { kind: FactKind::Accounts, limit: DECISION_LIMITS.accounts }
            );
        }
        other => panic!("{other:?}"),
    }
    world.behave(Mode::ReadSlots, 1_000);
    world.rpc().mine(3);
    assert_eq!(denial(world.decide(CODE)), DenyReason::OutOfGas { gas: POLICY_GAS });
}

#[test]
fn the_last_block_tells_what_to_prove_first_at_the_next() {
    // [CHAIN-15] With hints no fact is missing at the next block: one proof per contract, no code.
    let mut world = World::new();
    world.approve(CODE);
    world.rpc().mine(3);
    assert!(permits(&world.decide(CODE)));
    world.rpc().mine(1);
    let mut chain = world.node.chain();
    for state in [chain.head().block(), chain.finalized().block()] {
        for request in world.node.hints.wanted() {
            let answer = policy::ReadFacts::read_proof(&mut world.rpc(), state, &request);
            let answer = answer.expect("an answer");
            for state in chain.states_mut(state) {
                state.insert_proof(&request, &answer).expect("the truth");
            }
        }
    }
    let verdict = policy::decide(&rules(), &world.gates(), &attested(CODE), &chain);
    assert!(permits(&verdict.expect("nothing is missing")));
}

#[test]
fn a_stale_chain_is_refused_by_name() {
    // [CHAIN-17] A18 A4: an old head, old finality, a clock turned back, a head from the future; and the limit itself.
    let mut world = World::new();
    let rpc = world.rpc();
    rpc.mine(3);
    let chain = world.node.chain();
    let head = chain.time();
    let lag = head.since(chain.finalized().header().timestamp());
    let limits = AgeLimits {
        max_head_age_seconds: 30,
        max_finality_age_seconds: lag + 30,
        max_head_ahead_seconds: 5,
    };
    let at = |seconds: i64| UnixSeconds(head.0.checked_add_signed(seconds).expect("a time"));
    assert_eq!(chain.judge_age(at(0), &limits), Ok(()));
    assert_eq!(chain.judge_age(at(30), &limits), Ok(()));
    assert_eq!(chain.judge_age(at(-5), &limits), Ok(()));
    assert_eq!(
        chain.judge_age(at(31), &limits),
        Err(HeadStale::Head { age_seconds: 31, limit_seconds: 30 })
    );
    assert_eq!(
        chain.judge_age(at(-6), &limits),
        Err(HeadStale::Ahead { ahead_seconds: 6, limit_seconds: 5 })
    );
    let strict =
        AgeLimits { max_finality_age_seconds: 10, max_head_ahead_seconds: u64::MAX, ..limits };
    // Time passes on the chain, finality does not: measured from the head, whatever the clock says.
    rpc.ask("evm_increaseTime", serde_json::json!([3600]));
    rpc.mine(1);
    let chain = world.node.chain();
    let age = chain.time().since(chain.finalized().header().timestamp());
    assert!(age >= 3600);
    assert_eq!(
        chain.judge_age(UnixSeconds(0), &strict),
        Err(HeadStale::Finality { age_seconds: age, limit_seconds: 10 })
    );
}

#[test]
fn an_anchor_is_on_the_chain_and_at_most_255_blocks_old() {
    // [CHAIN-18] A23: the zero hash, a made-up block, one too old, one not proven yet.
    let mut world = World::new();
    let rpc = world.rpc();
    rpc.mine(260);
    let chain = world.node.chain();
    let head = chain.headers().head();
    let at = |number: u64| rpc.block(&format!("0x{number:x}"));
    assert_eq!(chain.anchor_age(head), Ok(0));
    assert_eq!(chain.anchor_age(at(head.number - 255)), Ok(255));
    assert!(matches!(
        chain.anchor_age(at(head.number - 256)),
        Err(AnchorError::TooOld { age_blocks: 256, .. })
    ));
    for hash in [B256::ZERO, B256::repeat_byte(1)] {
        let anchor = BlockRef::new(head.number - 1, hash);
        assert_eq!(chain.anchor_age(anchor), Err(AnchorError::Unknown { anchor }));
    }
    rpc.mine(1);
    assert!(matches!(chain.anchor_age(rpc.block("latest")), Err(AnchorError::AboveHead { .. })));
}

#[test]
fn a_reorg_switches_the_branch_and_never_goes_below_finality() {
    // [CHAIN-4] [CHAIN-5] A4: one block deep is followed, and what was on it is gone; below finality raises the alarm.
    let mut world = World::new();
    let rpc = world.rpc();
    rpc.mine(5);
    world.node.follow();
    let fork_point = world.node.headers.head();
    world.approve(CODE);
    assert_eq!(world.node.follow(), Followed::Advanced);
    let dropped = world.node.headers.head();
    rpc.ask("anvil_reorg", serde_json::json!([1, []]));
    rpc.mine(1);
    assert_eq!(world.node.follow(), Followed::Switched { ancestor: fork_point });
    assert!(!world.node.headers.contains(dropped));
    assert!(matches!(world.decide(CODE), Verdict::Deny { .. }));

    let finalized = world.node.headers.finalized();
    rpc.ask("anvil_reorg", serde_json::json!([4, []]));
    let mut walk = world.node.headers.walk(&rpc.agreed()).expect("not known yet");
    let alarm = loop {
        let wanted = walk.wanted().expect("it never meets the proven chain");
        if let Err(error) = walk.accept(&rpc.header_of(wanted)) {
            break error;
        }
    };
    assert!(matches!(
        alarm,
        WalkError::FinalizedReorg { finalized: ours, .. } if ours == finalized
    ));
}
