//! Texts by their hash, on both databases.

use super::*;
use crate::{
    config::TextLimits,
    views::text::{Room, room_for},
};
use abi::{AllowlistPolicy, QuorateGovernor};

const GOVERNOR: Address = Address::repeat_byte(0x60);
const HASH: B256 = B256::repeat_byte(0xab);

fn told(
    header: &SealedHeader,
    log_index: u64,
    kind: Kind,
    contract: Address,
    log: LogData,
) -> NewEvent {
    let decoded = Catalogue::new().unwrap().decode(kind, &log);
    assert!(decoded.name.is_some());
    NewEvent { block: header.block(), tx_index: 0, log_index, contract, kind, log, decoded }
}

/// A block with an approval and a proposal, whose text names `HASH` in capitals.
fn block_of_governor() -> NewBlock {
    let header = header(START, 7);
    let approval = AllowlistPolicy::ComposeHashApproved {
        appId: Address::repeat_byte(1),
        composeHash: B256::repeat_byte(0xcd),
        effectiveAt: 1,
        uri: String::new(),
        seq: 1,
    };
    let proposal = QuorateGovernor::ProposalCreated {
        proposalId: U256::from(5),
        proposer: Address::repeat_byte(2),
        targets: Vec::new(),
        values: Vec::new(),
        signatures: Vec::new(),
        calldatas: Vec::new(),
        voteStart: U256::from(1),
        voteEnd: U256::from(2),
        description: format!("# Up\n{}", HASH.to_string().to_uppercase()),
    };
    let vote = QuorateGovernor::VoteCast {
        voter: Address::repeat_byte(3),
        proposalId: U256::from(5),
        support: 1,
        weight: U256::from(9),
        reason: String::new(),
    };
    let extended = |id: u64| QuorateGovernor::ProposalExtended {
        proposalId: U256::from(id),
        extendedDeadline: 9,
    };
    let events = vec![
        told(&header, 0, Kind::Policy, CONTRACT, approval.encode_log_data()),
        told(&header, 1, Kind::Governor, GOVERNOR, proposal.encode_log_data()),
        told(&header, 2, Kind::Governor, GOVERNOR, vote.encode_log_data()),
        told(&header, 3, Kind::Governor, GOVERNOR, extended(5).encode_log_data()),
        told(&header, 4, Kind::Governor, GOVERNOR, extended(6).encode_log_data()),
    ];
    NewBlock { header, watched: Vec::new(), events, receipts: Vec::new() }
}

#[test]
fn a_text_is_kept_once_and_over_a_restart() {
    // [API-6]
    on_both("texts", async |url| {
        let first = store(url).await;
        assert_eq!(first.text(HASH).await.unwrap(), None);
        first.keep_text(HASH, Sort::AppCompose, None, "{}\n").await.unwrap();
        first.keep_text(HASH, Sort::AppCompose, None, "{}\n").await.unwrap();
        first.close().await;
        drop(first);
        let again = store(url).await;
        assert_eq!(again.text(HASH).await.unwrap().as_deref(), Some("{}\n"));
        assert_eq!(again.fetch(Query::new("SELECT hash FROM texts")).await.unwrap().len(), 1);
    });
}

#[test]
fn what_names_a_text_counts_while_its_block_is_canonical() {
    // [API-6] [EXP-11]
    on_both("named", async |url| {
        let store = store(url).await;
        store
            .watch_from_start(&[(CONTRACT, Kind::IssuanceLog), (GOVERNOR, Kind::Governor)])
            .await
            .unwrap();
        store.append(&[block_of_governor()]).await.unwrap();
        let named = Namers { is_governance: false, apps: vec![Address::repeat_byte(1)] };
        assert_eq!(store.namers_of(B256::repeat_byte(0xcd)).await.unwrap(), named);
        assert_eq!(store.namers_of(HASH).await.unwrap(), Namers::default());
        assert_eq!(store.proposals_with(HASH).await.unwrap().len(), 1);
        assert!(store.proposals_with(B256::repeat_byte(0xcd)).await.unwrap().is_empty());
        let id = B256::from(U256::from(5));
        assert_eq!(store.of_proposal(id, 10).await.unwrap().len(), 2);
        assert!(store.of_proposal(B256::from(U256::from(6)), 10).await.unwrap().is_empty());
        assert_eq!(store.extensions_of(id).await.unwrap().len(), 1);
        assert_eq!(store.of_governor("VoteCast", 10).await.unwrap().len(), 1);
        // A reorg takes all of it away.
        append(&store, START, 8, 2).await;
        let nobody = store.namers_of(B256::repeat_byte(0xcd)).await.unwrap();
        assert_eq!(nobody, Namers::default());
        assert!(store.proposals_with(HASH).await.unwrap().is_empty());
        assert!(store.of_proposal(id, 10).await.unwrap().is_empty());
    });
}

fn code(number: u64) -> B256 {
    B256::from(U256::from(number + 1))
}

/// A block in which each of these policies approves code for an app: who, for whom, from which number on, how many.
fn block_of_approvals(approvals: &[(Kind, Address, Address, u64, u64)]) -> NewBlock {
    let header = header(START, 7);
    let (mut events, catalogue) = (Vec::new(), Catalogue::new().unwrap());
    for (kind, policy, app, first, count) in approvals {
        for number in *first..first + count {
            let approval = AllowlistPolicy::ComposeHashApproved {
                appId: *app,
                composeHash: code(number),
                effectiveAt: 1,
                uri: String::new(),
                seq: 1,
            };
            let log = approval.encode_log_data();
            events.push(NewEvent {
                block: header.block(),
                tx_index: 0,
                log_index: events.len() as u64,
                contract: *policy,
                kind: *kind,
                decoded: catalogue.decode(*kind, &log),
                log,
            });
        }
    }
    NewBlock { header, watched: Vec::new(), events, receipts: Vec::new() }
}

#[test]
fn what_others_can_have_kept_has_an_end() {
    // [API-8]
    on_both("room", async |url| {
        let store = store(url).await;
        let [foreign, ours, other] = [1, 2, 3].map(Address::repeat_byte);
        let contracts =
            [(foreign, Kind::ForeignPolicy), (ours, Kind::Policy), (other, Kind::Policy)];
        store.watch_from_start(&contracts).await.unwrap();
        let block = block_of_approvals(&[
            (Kind::ForeignPolicy, foreign, foreign, 0, 1000),
            (Kind::Policy, ours, ours, 2000, 5),
            (Kind::Policy, other, other, 2004, 2),
        ]);
        store.append(&[block]).await.unwrap();
        let limits = TextLimits { per_app: 3, total_megabytes: 1 };
        let room = async |number, length| {
            let text = (code(number), Sort::AppCompose, length);
            room_for(&store, limits, text).await.unwrap()
        };
        // A foreign policy names a thousand, and none of them is kept.
        for number in (0..1000).step_by(50) {
            assert_eq!(room(number, 1).await, Room::NotNamed, "{number}");
        }
        for number in 2000..2003 {
            assert_eq!(room(number, 1).await, Room::For(Some(ours)));
            let hash = code(number);
            store.keep_text(hash, Sort::AppCompose, Some(ours), "x").await.unwrap();
        }
        assert_eq!(room(2003, 1).await, Room::AppFull(ours));
        // Another app that names it has room.
        assert_eq!(room(2004, 1).await, Room::For(Some(other)));
        assert_eq!(room(2004, 999_997).await, Room::For(Some(other)));
        assert_eq!(room(2004, 999_998).await, Room::Full);
        // Governance has a share of its own.
        let governance = code(9999);
        store.keep_text(governance, Sort::Simulation, None, &"x".repeat(1000)).await.unwrap();
        assert_eq!(room(2004, 999_997).await, Room::For(Some(other)));
        assert_eq!(store.kept_for(None).await.unwrap(), Share { texts: 1, bytes: 1000 });
        assert_eq!(store.kept_for_apps().await.unwrap(), Share { texts: 3, bytes: 3 });
    });
}
