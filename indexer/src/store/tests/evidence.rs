//! Whom to ask for evidence, who signs in an epoch, and what is tried when, on both databases.

use super::*;
use crate::store::{Kept, Quorum};
use abi::{AllowlistPolicy::ComposeHashRevoked, IssuanceLog::KeyIssued, KmsCommittee as Committee};

const COMMITTEE: Address = Address::repeat_byte(0xCC);

/// A block with these events, in order.
fn block_of(events: Vec<(Kind, LogData)>) -> NewBlock {
    let header = header(START, 7);
    let told = |(at, (kind, log)): (usize, (Kind, LogData))| {
        let decoded = Catalogue::new().unwrap().decode(kind, &log);
        assert!(decoded.name.is_some());
        let contract = if kind == Kind::KmsCommittee { COMMITTEE } else { CONTRACT };
        let (block, log_index) = (header.block(), at as u64);
        NewEvent { block, tx_index: 0, log_index, contract, kind, log, decoded }
    };
    let events = events.into_iter().enumerate().map(told).collect();
    NewBlock { header, watched: Vec::new(), events, receipts: Vec::new() }
}

fn signer(seat: u16) -> Address {
    Address::repeat_byte(seat as u8)
}

fn admitted(seat: u16, seq: u64) -> LogData {
    let event = Committee::SeatAdmitted {
        seat,
        signer: signer(seat),
        candidateId: B256::ZERO,
        operator: B256::ZERO,
        root: B256::ZERO,
        seq,
    };
    event.encode_log_data()
}

fn posted(seat: u16, endpoint: &str, seq: u64) -> LogData {
    let candidate = Committee::Candidate {
        signer: signer(seat),
        operator: B256::ZERO,
        endpoint: endpoint.to_owned(),
        sealing: 1,
        root: B256::ZERO,
        osImageHash: B256::ZERO,
        composeHash: B256::ZERO,
        checkpoint: Committee::Anchor { number: 1, hash: B256::ZERO },
        headSource: String::new(),
        evidenceHash: B256::ZERO,
    };
    let event = Committee::CandidatePosted {
        signer: signer(seat),
        candidateId: B256::ZERO,
        operator: B256::ZERO,
        candidate,
        evidence: Bytes::new(),
        seq,
    };
    event.encode_log_data()
}

async fn with(url: &str, events: Vec<(Kind, LogData)>) -> Store {
    let store = Store::open(url, B256::repeat_byte(9), 31337, START).await.unwrap();
    let watched = [(CONTRACT, Kind::IssuanceLog), (COMMITTEE, Kind::KmsCommittee)];
    store.watch_from_start(&watched).await.unwrap();
    store.append(&[block_of(events)]).await.unwrap();
    store
}

#[test]
fn evidence_is_asked_of_seats_that_are_held_where_they_serve_now() {
    // [BUN-16]
    on_both("nodes", async |url| {
        let removed = Committee::SeatRemoved { seat: 2, reason: 1, seq: 8 };
        let logs = vec![
            posted(1, "http://old", 1),
            posted(2, "http://two", 2),
            posted(3, "http://three", 3),
            posted(4, "http://nobody", 4),
            admitted(1, 5),
            admitted(2, 6),
            admitted(3, 7),
            removed.encode_log_data(),
            posted(1, "http://new", 9),
        ];
        let events = logs.into_iter().map(|log| (Kind::KmsCommittee, log)).collect();
        let store = with(url, events).await;
        assert_eq!(store.node_endpoints().await.unwrap(), ["http://new", "http://three"]);
    });
}

#[test]
fn members_of_an_epoch_are_those_that_activated_it() {
    // [BUN-10] [BUN-17]
    on_both("quorum", async |url| {
        let session = B256::repeat_byte(5);
        let opened = |session, epoch, t, seq| {
            Committee::EpochOpened { session, epoch, t, seats: vec![1, 2, 3], seq }
                .encode_log_data()
        };
        let outcome = Committee::Outcome {
            recipients: vec![1, 2, 3],
            dealers: vec![1, 2, 3],
            verificationShares: Bytes::new(),
            derivePublicKey: Bytes::new(),
            unsealPublicKey: Bytes::new(),
        };
        let activated = Committee::EpochActivated {
            epoch: 1,
            session,
            keysetId: B256::ZERO,
            transcript: B256::ZERO,
            members: vec![1, 3],
            outcome,
            seq: 6,
        };
        let logs = vec![
            admitted(1, 1),
            admitted(2, 2),
            admitted(3, 3),
            opened(B256::ZERO, 1, 3, 4),
            opened(session, 1, 2, 5),
            activated.encode_log_data(),
        ];
        let events = logs.into_iter().map(|log| (Kind::KmsCommittee, log)).collect();
        let store = with(url, events).await;
        let signers = [(1, signer(1)), (3, signer(3))].into();
        assert_eq!(store.quorum(1).await.unwrap(), Some(Quorum { threshold: 2, signers }));
        assert_eq!(store.quorum(2).await.unwrap(), None);
    });
}

#[test]
fn revocations_come_first_and_what_was_begun_is_not_new() {
    // [BUN-17]
    on_both("unbundled", async |url| {
        let issued = KeyIssued {
            appId: Address::repeat_byte(1),
            issuanceId: B256::repeat_byte(2),
            composeHash: B256::repeat_byte(3),
            kind: 1,
            input: B256::ZERO,
            keyVersion: 1,
            epoch: 1,
            root: B256::ZERO,
            evidenceHash: B256::ZERO,
            sessionKey: Address::ZERO,
            anchor: 1,
            seq: 1,
        };
        let revoked = ComposeHashRevoked {
            appId: Address::repeat_byte(1),
            composeHash: B256::repeat_byte(3),
            reason: 1,
            seq: 1,
        };
        let events = vec![
            (Kind::IssuanceLog, issued.encode_log_data()),
            (Kind::Policy, revoked.encode_log_data()),
        ];
        let store = with(url, events).await;
        let new = async |issuances| store.unbundled(issuances, 0, 9, 9).await.unwrap();
        let again = async |finalized| store.unbundled_again(finalized, 9).await.unwrap();
        let (issued, revoked) = (new(true).await[0].clone(), new(false).await[0].clone());
        assert_eq!((new(true).await.len(), new(false).await.len()), (1, 1));
        // What ends the process in the middle is not begun with again.
        store.begin_bundle(&issued, 1).await.unwrap();
        store.begin_bundle(&revoked, 1).await.unwrap();
        assert!(new(true).await.is_empty() && new(false).await.is_empty());
        assert!(again(1).await.is_empty());
        assert_eq!(again(2).await, [revoked.clone(), issued.clone()]);
        store.begin_bundle(&issued, 2).await.unwrap();
        assert_eq!(again(3).await, std::slice::from_ref(&revoked));
        store.note_unbundled(&issued, "no answer").await.unwrap();
        assert_eq!(again(4).await, [revoked.clone(), issued.clone()]);
        store.note_unprovable(&revoked, "another policy").await.unwrap();
        assert_eq!(again(1 << 60).await, std::slice::from_ref(&issued));
        let kept = async |of: &EventRow| store.bundle(of.block.hash, of.log_index).await.unwrap();
        assert_eq!(kept(&issued).await, Kept::Failed("no answer".into()));
        assert_eq!(kept(&revoked).await, Kept::Failed("none can be: another policy".into()));
    });
}
