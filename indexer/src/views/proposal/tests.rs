use super::*;
use crate::{decode::Kind, views::Moment, views::app::tests::event};
use abi::AllowlistPolicy;
use alloy_primitives::LogData;
use light_client::BlockRef;
use proposal::{Draft, columns, describe};
use serde_json::json;

const START: u64 = 1_700_000_000;
const POLICY: Address = Address::repeat_byte(1);

fn approve(hash: B256) -> Call {
    Call::new(
        POLICY,
        &AllowlistPolicy::approveComposeHashCall { composeHash: hash, uri: String::new() },
    )
}

fn created(calls: &[Call], description: &str) -> EventRow {
    let (targets, values, calldatas) = columns(calls);
    let event = QuorateGovernor::ProposalCreated {
        proposalId: proposal_id(calls, description),
        proposer: Address::repeat_byte(7),
        signatures: vec![String::new(); targets.len()],
        targets,
        values,
        calldatas,
        voteStart: U256::from(START),
        voteEnd: U256::from(START + 100),
        description: description.to_owned(),
    };
    EventRow {
        block: BlockRef::new(1, B256::repeat_byte(1)),
        block_time: START - 10,
        canonical: true,
        tx_index: 0,
        log_index: 0,
        contract: Address::repeat_byte(9),
        kind: Kind::Governor,
        standing: "outside".into(),
        name: Some("ProposalCreated".into()),
        app_id: None,
        seq: None,
        log: event.encode_log_data(),
        args: None,
    }
}

fn at(time: u64) -> Moment {
    Moment { block: BlockRef::new(5, B256::repeat_byte(5)), time }
}

fn vote(support: u64, weight: &str) -> Event {
    let args = json!({"voter": Address::repeat_byte(3), "support": support, "weight": weight, "reason": ""});
    event(Kind::Governor, POLICY, "VoteCast", args, 2)
}

fn poll(events: &[Event], time: u64) -> Poll {
    let hash = B256::repeat_byte(0xab);
    let content = content_of(&created(&[approve(hash)], &format!("# Up\n{hash}"))).unwrap();
    Poll::fold(&content, events, Some(50), &at(time)).unwrap()
}

#[test]
fn a_vote_goes_from_pending_to_its_end() {
    // [EXP-11]
    let of = |name: &str, args| event(Kind::Governor, POLICY, name, args, 3);
    let queued = of("ProposalQueued", json!({"etaSeconds": (START + 300).to_string()}));
    let (yes, no) = (vote(1, "3"), vote(0, "2"));
    assert_eq!(poll(&[], START).state, State::Pending);
    assert_eq!(poll(&[], START + 1).state, State::Open);
    assert_eq!(poll(&[], START + 100).state, State::Open);
    assert_eq!(poll(&[], START + 101).state, State::Defeated, "nobody voted");
    let tie = [vote(1, "2"), no.clone()];
    assert_eq!(poll(&tie, START + 101).state, State::Defeated);
    let passed = [yes.clone(), no.clone()];
    let ended = poll(&passed, START + 101);
    assert_eq!((ended.state, ended.effect_not_before), (State::Ended, Some(START + 150)));
    let with = |more: &[Event], time| poll(&[&passed[..], more].concat(), time);
    let waiting = with(std::slice::from_ref(&queued), START + 299);
    assert_eq!((waiting.state, waiting.effect_not_before), (State::Queued, Some(START + 300)));
    assert_eq!(with(std::slice::from_ref(&queued), START + 300).state, State::Executable);
    let executed = of("ProposalExecuted", json!({}));
    assert_eq!(with(&[queued.clone(), executed], START + 400).state, State::Executed);
    let vetoed = with(&[queued, of("ProposalCanceled", json!({}))], START + 400);
    assert_eq!((vetoed.state, vetoed.effect_not_before), (State::Cancelled, None));
    let extended = of("ProposalExtended", json!({"extendedDeadline": START + 200}));
    assert_eq!(poll(&[extended], START + 150).state, State::Open);
}

#[test]
fn votes_are_counted_by_option_and_the_heaviest_comes_first() {
    let poll = poll(&[vote(1, "3"), vote(0, "100000000000000000000"), vote(1, "4")], START + 1);
    let told: Vec<(Support, U256, usize)> =
        poll.ballots.iter().map(|b| (b.support, b.weight, b.voters)).collect();
    let heavy = U256::from(100_000_000_000_000_000_000_u128);
    assert_eq!(told[0], (Support::For, U256::from(7), 2));
    assert_eq!(told[1], (Support::Against, heavy, 1));
    assert_eq!(told[2], (Support::Abstain, U256::ZERO, 0));
    assert_eq!(poll.votes[0].weight, heavy);
}

fn told(calls: &[Call], description: &str) -> Proposal {
    let row = created(calls, description);
    let as_of = AsOf {
        latest: BlockRef::new(5, B256::repeat_byte(5)),
        latest_time: START,
        safe: 0,
        finalized: BlockRef::new(0, B256::ZERO),
        chain_id: 1,
    };
    let content = content_of(&row).unwrap();
    let poll = Poll::fold(&content, &[], None, &as_of.now()).unwrap();
    Proposal::new(content, &row, &as_of, poll)
}

#[test]
fn the_text_is_held_against_the_calls() {
    // [EXP-11]
    let (new, other) = (B256::repeat_byte(0xab), B256::repeat_byte(0xcd));
    let draft = Draft { title: "Upgrade".into(), simulation: Some(other), ..Draft::default() };
    let text = describe(&draft, &[approve(new)]).unwrap();
    let honest = told(&[approve(new)], &text);
    assert_eq!((honest.text_mismatch.as_deref(), honest.is_its_content), (None, true));
    assert_eq!((honest.title.as_str(), honest.simulation), ("Upgrade", Some(other)));
    assert_eq!(honest.approves[0].hash, new);
    let hostile = told(&[approve(other)], &text);
    assert!(hostile.text_mismatch.is_some());
    let unknown = Call { calldata: vec![1, 2, 3, 4].into(), ..approve(new) };
    assert!(told(&[unknown], "# What").has_unknown_calls() && !honest.has_unknown_calls());
}

#[test]
fn content_that_is_not_of_the_id_is_said() {
    // [GOV-22]
    let mut row = created(&[approve(B256::ZERO)], "# A");
    let mut data = row.log.data.to_vec();
    data[31] ^= 1;
    row.log = LogData::new_unchecked(row.log.topics().to_vec(), data.into());
    let content = content_of(&row).unwrap();
    assert_ne!(proposal_id(&content.calls, &content.description), content.id);
}

#[test]
fn a_title_is_the_first_heading() {
    for (text, title) in [
        ("# Upgrade\n\nwords", "Upgrade"),
        ("\n\n  ## Up ", "Up"),
        ("words", "words"),
        ("", "(without a title)"),
        ("#", "(without a title)"),
    ] {
        assert_eq!(title_of(text), title, "{text:?}");
    }
    assert!(title_of(&"é".repeat(500)).chars().count() == 141);
}
