use super::*;
use crate::{
    decode::Catalogue,
    store::{NewBlock, NewEvent},
};
use alloy::consensus::Header;
use alloy_primitives::{B256, LogData};
use light_client::{BlockRef, SealedHeader};

const COMMITTEE: Address = Address::repeat_byte(0xC0);
const OURS: (Address, Address) = (Address::repeat_byte(0xA1), Address::repeat_byte(0x11));
const THEIRS: (Address, Address) = (Address::repeat_byte(0xA2), Address::repeat_byte(0x12));

fn set((app_registry, issuance_log): Pair, effective_at: u64) -> LogData {
    ContractsSet {
        appRegistry: app_registry,
        issuanceLog: issuance_log,
        effectiveAt: effective_at,
        seq: 1,
    }
    .encode_log_data()
}

fn cancel((app_registry, issuance_log): Pair) -> LogData {
    ContractsChangeCancelled {
        appRegistry: app_registry,
        issuanceLog: issuance_log,
        reason: 1,
        seq: 1,
    }
    .encode_log_data()
}

/// What is not followed after these blocks, of a time each and with an event or none.
async fn after(blocks: &[(u64, Option<LogData>)]) -> Vec<Address> {
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().join("index.sqlite").display().to_string();
    let start = BlockRef::new(0, B256::repeat_byte(1));
    let store = Store::open(&url, B256::ZERO, 31337, start).await.unwrap();
    let contracts =
        [(COMMITTEE, Kind::KmsCommittee), (OURS.0, Kind::AppRegistry), (OURS.1, Kind::IssuanceLog)];
    store.watch_from_start(&contracts).await.unwrap();
    let (catalogue, mut parent) = (Catalogue::new().unwrap(), start);
    for (timestamp, log) in blocks {
        let header = Header {
            number: parent.number + 1,
            parent_hash: parent.hash,
            timestamp: *timestamp,
            ..Header::default()
        };
        let header = SealedHeader::of(header).unwrap();
        parent = header.block();
        let event = |log: &LogData| NewEvent {
            block: parent,
            tx_index: 0,
            log_index: 0,
            contract: COMMITTEE,
            kind: Kind::KmsCommittee,
            decoded: catalogue.decode(Kind::KmsCommittee, log),
            log: log.clone(),
        };
        let events = log.iter().map(event).collect();
        let new = NewBlock { header, watched: Vec::new(), events, receipts: Vec::new() };
        store.append(&[new]).await.unwrap();
    }
    not_followed(&store).await.unwrap()
}

#[tokio::test]
async fn what_is_in_force_and_not_followed_is_named_from_its_time_on() {
    // [IDX-16]
    let first = (100, Some(set(OURS, 100)));
    let none: [Address; 0] = [];
    assert_eq!(after(&[]).await, none, "nothing was set yet");
    assert_eq!(after(std::slice::from_ref(&first)).await, none);
    let change = (200, Some(set(THEIRS, 500)));
    assert_eq!(after(&[first.clone(), change.clone(), (499, None)]).await, none, "not yet");
    let both = [THEIRS.0, THEIRS.1];
    assert_eq!(after(&[first.clone(), change.clone(), (500, None)]).await, both);
    let log_only = (200, Some(set((OURS.0, THEIRS.1), 500)));
    assert_eq!(after(&[first.clone(), log_only, (500, None)]).await, [THEIRS.1]);
    let cancelled = (300, Some(cancel(THEIRS)));
    assert_eq!(after(&[first.clone(), change.clone(), cancelled, (500, None)]).await, none);
    let again = (600, Some(set(OURS, 900)));
    assert_eq!(after(&[first.clone(), change.clone(), again.clone(), (899, None)]).await, both);
    assert_eq!(after(&[first, change, again, (900, None)]).await, none, "it is back");
}
