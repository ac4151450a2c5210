use super::*;
use crate::{
    audit::{Fold, Verdict},
    decode::Catalogue,
    trail::Trail,
};
use abi::IssuanceLog;
use alloy::{consensus::Header, sol_types::SolEvent};
use alloy_primitives::U256;
use devnet::postgres::OwnPostgres;
use std::sync::{Arc, Mutex, PoisonError, Weak};

mod delivered;
mod evidence;
mod texts;
mod views;

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

/// One server for the tests that run at the same time; the last one stops it.
static SERVER: Mutex<Weak<OwnPostgres>> = Mutex::new(Weak::new());

fn server() -> Arc<OwnPostgres> {
    let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let server = Arc::new(OwnPostgres::start().unwrap());
        *shared = Arc::downgrade(&server);
        server
    })
}

/// Runs a test on a SQLite file and on a Postgres database, both empty, each given by its URL.
fn on_both(name: &str, test: impl AsyncFn(&str)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = format!("sqlite://{}", folder.path().join("index.sqlite").display());
    runtime.block_on(test(&path));
    let server = server();
    let url = server.database(name).unwrap();
    runtime.block_on(test(&url));
    drop(runtime);
}

async fn store(url: &str) -> Store {
    let store = Store::open(url, B256::repeat_byte(9), 31337, START).await.unwrap();
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
        store.append(std::slice::from_ref(&new)).await.unwrap();
        parent = new.header.block();
    }
    parent
}

#[test]
fn a_reorg_orphans_and_keeps_and_the_same_blocks_come_back_once() {
    // [IDX-4]
    on_both("reorg", async |url| {
        let store = store(url).await;
        let common = append(&store, START, 1, 2).await;
        append(&store, common, 1, 3).await;
        let first = dump(url).await.unwrap();
        append(&store, common, 2, 1).await;
        assert_eq!(rows(&store).await.len(), 3);
        let orphaned = Filter { orphaned: true, limit: 100, ..Filter::default() };
        assert_eq!(store.events(&orphaned).await.unwrap().len(), 3);
        let times = "SELECT hash FROM blocks WHERE (orphaned_at IS NULL) <> (canonical = 1)";
        assert!(store.fetch(Query::new(times)).await.unwrap().is_empty());
        assert_eq!(store.cursor().await.unwrap().head.number, 3);
        append(&store, common, 1, 3).await;
        assert_eq!(dump(url).await.unwrap(), first);
        assert!(store.fetch(Query::new(times)).await.unwrap().is_empty());
        assert_eq!(store.events(&orphaned).await.unwrap().len(), 1);
    });
}

#[test]
fn many_blocks_at_once_are_the_same_as_one_by_one() {
    // [IDX-4] More than one SQLite statement holds.
    on_both("many", async |url| {
        let store = store(url).await;
        let mut blocks = vec![block(START, 1, 1)];
        while blocks.len() < 150 {
            let parent = blocks[blocks.len() - 1].header.block();
            blocks.push(block(parent, 1, parent.number + 1));
        }
        store.append(&blocks).await.unwrap();
        let at_once = dump(url).await.unwrap();
        assert_eq!(at_once.lines().filter(|line| line.starts_with("event ")).count(), 150);
        store.append(&blocks[10..]).await.unwrap();
        assert_eq!(dump(url).await.unwrap(), at_once);
        let torn = [blocks[10].clone(), blocks[12].clone()];
        assert!(store.append(&torn).await.is_err());
        assert_eq!(dump(url).await.unwrap(), at_once);
    });
}

#[test]
fn what_does_not_follow_or_replaces_finality_is_not_stored() {
    // [IDX-4]
    on_both("follows", async |url| {
        let store = store(url).await;
        let two = append(&store, START, 1, 2).await;
        let stranger = BlockRef::new(2, B256::repeat_byte(8));
        assert!(store.append(&[block(stranger, 1, 3)]).await.is_err());
        assert!(store.append(&[block(BlockRef::new(3, two.hash), 1, 4)]).await.is_err());
        store.set_finality(2, two).await.unwrap();
        assert!(store.append(&[block(START, 2, 1)]).await.is_err());
        assert_eq!(rows(&store).await.len(), 2);
    });
}

#[test]
fn a_database_belongs_to_one_network() {
    on_both("network", async |url| {
        store(url).await.close().await;
        let open = async |network, start| Store::open(url, network, 31337, start).await.map(drop);
        assert!(open(B256::repeat_byte(8), START).await.is_err());
        assert!(open(B256::repeat_byte(9), BlockRef::new(5, B256::ZERO)).await.is_err());
        assert!(open(B256::repeat_byte(9), START).await.is_ok());
    });
}

#[test]
fn two_indexers_never_write_one_database() {
    // [IDX-10]
    on_both("writers", async |url| {
        let first = store(url).await;
        let open = async || Store::open(url, B256::repeat_byte(9), 31337, START).await;
        let refused = format!("{:#}", open().await.unwrap_err());
        assert!(refused.contains("another indexer follows into it"), "{refused}");
        // Reading is free.
        let reader = Store::connect(url).await.unwrap();
        assert_eq!(reader.cursor().await.unwrap(), first.cursor().await.unwrap());
        assert!(reader.write().await.is_err());
        first.close().await;
        drop(first);
        open().await.unwrap();
    });
}

#[test]
fn a_moment_does_not_see_what_comes_after_it() {
    on_both("moment", async |url| {
        let store = store(url).await;
        append(&store, START, 1, 2).await;
        let moment = store.moment().await.unwrap();
        let cursor = moment.cursor().await.unwrap();
        append(&store, cursor.head, 1, 1).await;
        assert_eq!(moment.cursor().await.unwrap(), cursor);
        assert_eq!((rows(&moment).await.len(), rows(&store).await.len()), (2, 3));
    });
}

#[test]
fn a_filter_binds_whatever_it_is_given() {
    on_both("filter", async |url| {
        let store = store(url).await;
        append(&store, START, 1, 5).await;
        let count = async |filter: Filter| store.events(&filter).await.unwrap().len();
        let all = Filter { limit: 100, ..Filter::default() };
        assert_eq!(count(Filter { contract: Some(CONTRACT), ..all.clone() }).await, 5);
        assert_eq!(count(Filter { app: Some(Address::repeat_byte(1)), ..all.clone() }).await, 5);
        assert_eq!(count(Filter { app: Some(Address::ZERO), ..all.clone() }).await, 0);
        let injection = Some("x' OR '1' = '1".to_owned());
        assert_eq!(count(Filter { name: injection, ..all.clone() }).await, 0);
        assert_eq!(count(Filter { up_to: Some(3), ..all.clone() }).await, 3);
        assert_eq!(count(Filter { above: Some(3), ..all.clone() }).await, 2);
        let rows = rows(&store).await;
        let after = Some((rows[1].block, rows[1].log_index));
        assert_eq!(count(Filter { after, ..all.clone() }).await, 3);
        let nowhere = Some((BlockRef::new(u64::MAX, B256::ZERO), u64::MAX));
        assert_eq!(count(Filter { after: nowhere, ..all.clone() }).await, 0);
        assert_eq!(store.hash_at(u64::MAX).await.unwrap(), None);
    });
}

#[test]
fn verdicts_come_back_with_their_proof() {
    on_both("verdicts", async |url| {
        let store = store(url).await;
        let verdict = |kind, contract| VerdictRow {
            contract: Address::repeat_byte(contract),
            kind,
            finalized: START,
            proven_seq: 7,
            proven_head: U256::from(8),
            verdict: "missing".to_owned(),
            wrong_seq: Some(3),
            proof: TrailProof {
                header: Bytes::from_static(&[0xC0]),
                slot: Some(B256::ZERO),
                account: vec![Bytes::from_static(&[1])],
                storage: vec![Bytes::from_static(&[2]), Bytes::from_static(&[3])],
            },
        };
        let mut two = vec![verdict(Kind::AppRegistry, 2), verdict(Kind::IssuanceLog, 1)];
        two[1].proof = TrailProof { header: two[1].proof.header.clone(), ..TrailProof::default() };
        store.keep_verdicts(&two).await.unwrap();
        store.keep_verdicts(&two).await.unwrap();
        for one in &two {
            assert_eq!(store.verdict_of(one.contract).await.unwrap().as_ref(), Some(one));
        }
        // Of all of them only the words are read: those that are not complete first, and not one too many.
        let mut words = two.clone();
        words.iter_mut().for_each(|one| one.proof = TrailProof::default());
        assert_eq!(store.verdicts(10).await.unwrap(), words);
        assert_eq!(store.count_verdicts().await.unwrap(), 2);
        two[0].verdict = "complete".to_owned();
        store.keep_verdicts(&two).await.unwrap();
        assert_eq!(store.verdicts(1).await.unwrap(), words[1..]);
        assert_eq!(store.wrong_verdicts(10).await.unwrap(), words[1..]);
        two[1].verdict = "being-read".to_owned();
        store.keep_verdicts(&two).await.unwrap();
        assert_eq!(store.wrong_verdicts(10).await.unwrap(), []);
    });
}

#[test]
fn what_is_being_read_is_not_compared_yet() {
    // [IDX-15] A page that says "complete" says it of all, or names those of which it does not.
    on_both("being_read", async |url| {
        let store = store(url).await;
        store.watch_from_start(&[(CONTRACT, Kind::IssuanceLog)]).await.unwrap();
        let mut verdict = VerdictRow {
            contract: CONTRACT,
            kind: Kind::IssuanceLog,
            finalized: START,
            proven_seq: 7,
            proven_head: U256::from(8),
            verdict: String::new(),
            wrong_seq: None,
            proof: TrailProof::default(),
        };
        for (word, uncompared, wrong) in
            [("", 1, 0), ("complete", 0, 0), ("being-read", 1, 0), ("unproven", 0, 1)]
        {
            if !word.is_empty() {
                verdict.verdict = word.to_owned();
                store.keep_verdicts(std::slice::from_ref(&verdict)).await.unwrap();
            }
            assert_eq!(store.uncompared(10).await.unwrap().len(), uncompared, "{word}");
            assert_eq!(store.wrong_trails(10).await.unwrap().len(), wrong, "{word}");
        }
    });
}

#[test]
fn a_database_with_blocks_keeps_to_its_contracts() {
    // [IDX-16]
    on_both("contracts", async |url| {
        let store = store(url).await;
        let (other, kind) = (Address::repeat_byte(0xC1), Kind::Governor);
        let log = (CONTRACT, Kind::IssuanceLog);
        // Before there is a block anything may be changed.
        store.watch_from_start(&[(other, kind)]).await.unwrap();
        store.watch_from_start(&[log]).await.unwrap();
        assert_eq!(store.watched().await.unwrap().len(), 1);
        append(&store, START, 1, 1).await;
        store.watch_from_start(&[log]).await.unwrap();
        let refused = async |contracts: &[_]| store.watch_from_start(contracts).await.unwrap_err();
        let added = refused(&[log, (other, kind)]).await;
        assert!(matches!(added, WatchError::New { contract, .. } if contract == other), "{added}");
        let gone = refused(&[]).await;
        assert!(matches!(gone, WatchError::Gone { contract, .. } if contract == CONTRACT));
        let another = refused(&[(CONTRACT, Kind::AppRegistry)]).await;
        assert!(matches!(another, WatchError::New { kind: "app-registry", .. }), "{another}");
        assert_eq!(store.watched().await.unwrap().len(), 1, "what is refused changes nothing");
    });
}

#[test]
fn a_url_names_a_database_or_is_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for wrong in ["", "sqlite://", "mysql://x/y", "postgres://["] {
        let refused = runtime.block_on(Store::connect(wrong)).unwrap_err().to_string();
        assert!(refused.starts_with("database: "), "{refused}");
    }
    let secret = runtime.block_on(Store::connect("postgres://a:secret@127.0.0.1:1/b"));
    assert!(!format!("{:?}", secret.unwrap_err()).contains("secret"));
}

#[tokio::test]
async fn a_row_that_is_deleted_changed_or_added_is_named_by_its_seq() {
    // [IDX-6]
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder.path().join("index.sqlite").to_string_lossy()).await;
    append(&store, START, 1, 5).await;
    let catalogue = Catalogue::new().unwrap();
    let rows = rows(&store).await;
    let first = Trail::first(31337, CONTRACT);
    let mut proven = first;
    for row in &rows {
        catalogue.decode(row.kind, &row.log).enter(&mut proven);
    }
    let verdict = |rows: &[EventRow], proven| {
        let mut fold = Fold::from(first);
        // By pages, as the audit reads them.
        let _ = rows.chunks(2).all(|page| fold.enter(&catalogue, page));
        fold.judge(proven)
    };
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
