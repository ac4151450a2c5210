use super::*;
use crate::{
    audit::{Verdict, judge},
    decode::Catalogue,
    trail::Trail,
};
use abi::IssuanceLog;
use alloy::{consensus::Header, sol_types::SolEvent};
use alloy_primitives::U256;

const CONTRACT: Address = Address::repeat_byte(0xC0);
const START: BlockRef = BlockRef::new(0, B256::repeat_byte(0x50));

fn header(parent: BlockRef, branch: u64) -> SealedHeader {
    let number = parent.number + 1;
    let header =
        Header { number, parent_hash: parent.hash, timestamp: branch, ..Header::default() };
    SealedHeader::of(header).unwrap()
}

/// A block with one event, which carries `seq`.
fn block(parent: BlockRef, branch: u64, seq: u64) -> NewBlock {
    let header = header(parent, branch);
    let event = IssuanceLog::KeyReleasedOffRecord {
        appId: Address::repeat_byte(1),
        issuanceId: B256::repeat_byte(2),
        composeHash: B256::repeat_byte(3),
        epoch: 1,
        seat: 4,
        blockNumber: 5,
        blockHash: B256::repeat_byte(6),
        evidenceHash: B256::repeat_byte(7),
        seq,
    };
    let log = event.encode_log_data();
    let decoded = Catalogue::new().unwrap().decode(Kind::IssuanceLog, &log);
    assert_eq!(decoded.seq, Some(seq));
    let event = NewEvent {
        block: header.block(),
        tx_index: 0,
        log_index: 0,
        contract: CONTRACT,
        kind: Kind::IssuanceLog,
        log,
        decoded,
    };
    NewBlock { header, watched: Vec::new(), events: vec![event], receipts: Vec::new() }
}

async fn store(folder: &Path) -> Store {
    let path = folder.join("index.sqlite");
    let store = Store::open(&path, B256::repeat_byte(9), 31337, START).await.unwrap();
    store.watch_from_start(&[(CONTRACT, Kind::IssuanceLog)]).await.unwrap();
    store
}

async fn rows(store: &Store) -> Vec<EventRow> {
    store.events(&Filter { limit: 100, ..Filter::default() }).await.unwrap()
}

/// `count` blocks of a branch on `parent`.
async fn append(store: &Store, mut parent: BlockRef, branch: u64, count: u64) -> BlockRef {
    for _ in 0..count {
        let new = block(parent, branch, parent.number + 1);
        store.append(&new).await.unwrap();
        parent = new.header.block();
    }
    parent
}

#[tokio::test]
async fn a_reorg_orphans_and_keeps_and_the_same_blocks_come_back_once() {
    // [IDX-4]
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let common = append(&store, START, 1, 2).await;
    append(&store, common, 1, 3).await;
    let first = dump(&folder.path().join("index.sqlite")).await.unwrap();
    append(&store, common, 2, 1).await;
    assert_eq!(rows(&store).await.len(), 3);
    let orphaned = Filter { orphaned: true, limit: 100, ..Filter::default() };
    assert_eq!(store.events(&orphaned).await.unwrap().len(), 3);
    assert_eq!(store.cursor().await.unwrap().head.number, 3);
    append(&store, common, 1, 3).await;
    assert_eq!(dump(&folder.path().join("index.sqlite")).await.unwrap(), first);
}

#[tokio::test]
async fn what_does_not_follow_or_replaces_finality_is_not_stored() {
    // [IDX-4]
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let two = append(&store, START, 1, 2).await;
    let stranger = BlockRef::new(2, B256::repeat_byte(8));
    assert!(store.append(&block(stranger, 1, 3)).await.is_err());
    assert!(store.append(&block(BlockRef::new(3, two.hash), 1, 4)).await.is_err());
    store.set_finality(2, two).await.unwrap();
    assert!(store.append(&block(START, 2, 1)).await.is_err());
    assert_eq!(rows(&store).await.len(), 2);
}

#[tokio::test]
async fn a_database_belongs_to_one_network() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path()).await.close().await;
    let path = folder.path().join("index.sqlite");
    assert!(Store::open(&path, B256::repeat_byte(8), 31337, START).await.is_err());
    let elsewhere = BlockRef::new(5, B256::ZERO);
    assert!(Store::open(&path, B256::repeat_byte(9), 31337, elsewhere).await.is_err());
}

#[tokio::test]
async fn a_row_that_is_deleted_changed_or_added_is_named_by_its_seq() {
    // [IDX-6]
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    append(&store, START, 1, 5).await;
    let catalogue = Catalogue::new().unwrap();
    let rows = rows(&store).await;
    let first = Trail::first(31337, CONTRACT);
    let mut proven = first;
    for row in &rows {
        catalogue.decode(row.kind, &row.log).enter(&mut proven);
    }
    let verdict = |rows: &[EventRow], proven| judge(&catalogue, first, proven, rows);
    assert_eq!(verdict(&rows, proven), Verdict::Complete);
    let mut less = rows.clone();
    less.remove(2);
    assert_eq!(verdict(&less, proven), Verdict::Missing(3));
    assert_eq!(verdict(&rows[..4], proven), Verdict::Missing(5));
    let before = Trail { seq: 4, ..proven };
    assert_eq!(verdict(&rows, before), Verdict::Surplus(5));
    let mut twice = rows.clone();
    twice.insert(2, rows[1].clone());
    assert_eq!(verdict(&twice, proven), Verdict::Surplus(2));
    let mut words = rows.clone();
    words[3].args = Some("{}".into());
    assert_eq!(verdict(&words, proven), Verdict::Changed(Some(4)));
    let other = Trail { head: proven.head ^ U256::from(1), ..proven };
    assert_eq!(verdict(&rows, other), Verdict::Changed(None));
}
