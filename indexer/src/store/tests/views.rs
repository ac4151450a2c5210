//! What views read of apps with much more history than a page shows. [EXP-5] [EXP-9] [EXP-20]

use super::*;
use crate::views::{
    AsOf, Event,
    app::{App, MOST_FOLDED},
    judges::{self as judges_of, Judges},
    revocation::Revocation,
};
use serde_json::json;

const APP: Address = Address::repeat_byte(0xA0);
const OTHER: Address = Address::repeat_byte(0xA1);
const REGISTRY: Address = Address::repeat_byte(0xB0);
const POLICY: Address = Address::repeat_byte(0xA0);

/// Events of three blocks, each at the next place.
struct Script {
    store: Store,
    blocks: Vec<BlockRef>,
    rows: Vec<Vec<Value>>,
}

impl Script {
    async fn new(url: &str) -> Self {
        let store = store(url).await;
        let contracts =
            [(CONTRACT, Kind::IssuanceLog), (REGISTRY, Kind::AppRegistry), (POLICY, Kind::Policy)];
        store.watch_from_start(&contracts).await.unwrap();
        append(&store, START, 1, 3).await;
        let hashes = store.hashes(1, 3).await.unwrap();
        let blocks = hashes.into_iter().map(|(number, hash)| BlockRef::new(number, hash)).collect();
        Self { store, blocks, rows: Vec::new() }
    }

    /// In block 1, 2 or 3; `words` are the indexed arguments after the app.
    fn say(
        &mut self,
        block: usize,
        who: (Kind, Address),
        name: &str,
        app: Address,
        words: &[B256],
    ) {
        self.say_with(block, who, name, app, words, json!({}));
    }

    fn say_with(
        &mut self,
        block: usize,
        (kind, contract): (Kind, Address),
        name: &str,
        app: Address,
        words: &[B256],
        args: serde_json::Value,
    ) {
        let block = self.blocks[block - 1];
        let topics = [&[B256::ZERO, app.into_word()], words].concat();
        self.rows.push(vec![
            31337u64.into(),
            block.hash.into(),
            (self.rows.len() as u64 + 100).into(),
            block.number.into(),
            0u64.into(),
            contract.into(),
            kind.word().into(),
            "outside".into(),
            Some(name.to_owned()).into(),
            Some(app).into(),
            None::<u64>.into(),
            topics.concat().into(),
            Vec::new().into(),
            Some(args.to_string()).into(),
        ]);
    }

    fn approve(&mut self, block: usize, app: Address, code: B256) {
        let args = json!({"composeHash": code, "effectiveAt": 1, "uri": ""});
        let who = (Kind::Policy, POLICY);
        self.say_with(block, who, "ComposeHashApproved", app, &[code], args);
    }

    fn enter(&mut self) {
        let args =
            json!({"grantDelaySeconds": 0, "requireTcbUpToDate": true, "allowAnyDevice": true});
        let (policy, registry) = ((Kind::Policy, POLICY), (Kind::AppRegistry, REGISTRY));
        self.say_with(1, policy, "PolicyInitialized", APP, &[], args);
        let args = json!({"mrSystem": B256::repeat_byte(5), "effectiveAt": 1});
        self.say_with(1, policy, "MeasurementApproved", APP, &[], args);
        let words = [POLICY.into_word(), OTHER.into_word()];
        let args = json!({"policy": POLICY, "owner": OTHER, "guardian": OTHER, "isForeign": false,
            "vendors": [B256::repeat_byte(b'v')]});
        self.say_with(1, registry, "AppEntered", APP, &words, args);
    }

    async fn write(&mut self) -> AsOf {
        let mut write = self.store.write().await.unwrap();
        write.insert(&EVENTS, std::mem::take(&mut self.rows)).await.unwrap();
        write.commit().await.unwrap();
        AsOf::load(&self.store).await.unwrap()
    }
}

fn code(number: u32) -> B256 {
    B256::from(alloy_primitives::U256::from(number) + alloy_primitives::U256::from(1u128 << 100))
}

#[test]
fn a_policy_with_more_acts_than_are_folded_says_from_where_on() {
    // [EXP-20]
    on_both("long", async |url| {
        let mut script = Script::new(url).await;
        script.enter();
        let old = B256::repeat_byte(0xAB);
        script.approve(1, APP, old);
        for number in 0..MOST_FOLDED {
            script.approve(2, APP, code(number));
        }
        let as_of = script.write().await;
        let app = App::load(&script.store, &as_of, APP, as_of.now()).await.unwrap().unwrap();
        let list = app.allowlist.as_ref().unwrap();
        assert_eq!(list.told_from.unwrap().block_number, 2);
        assert_eq!(list.codes.len(), MOST_FOLDED as usize);
        assert!(list.any_device.is_any, "the first event is read, however long ago");
        assert!(!list.any_measurement.is_any, "it began with a list of measurements");
        assert!(list.measurements.is_empty(), "it was not read whether that was revoked");
        assert!(app.says().starts_with("At least 1000 codes may boot"), "{}", app.says());
        // One code is found behind all that, as it is asked for alone.
        let approval = app.approval(&script.store, &as_of, old).await.unwrap().unwrap();
        assert_eq!(approval.approved.block_number, 1);
        let nobody = app.approval(&script.store, &as_of, code(MOST_FOLDED)).await.unwrap();
        assert!(nobody.is_none());
        let history = App::history(&script.store, &as_of, APP, as_of.now(), 7).await.unwrap();
        assert_eq!((history.0.len(), history.1), (7, false));
    });
}

#[test]
fn a_policy_whose_acts_are_all_folded_leaves_nothing_out() {
    on_both("short", async |url| {
        let mut script = Script::new(url).await;
        script.enter();
        // Two of the policy's events are above.
        for number in 2..MOST_FOLDED {
            script.approve(2, APP, code(number));
        }
        let as_of = script.write().await;
        let app = App::load(&script.store, &as_of, APP, as_of.now()).await.unwrap().unwrap();
        let list = app.allowlist.as_ref().unwrap();
        assert!(list.told_from.is_none() && app.told_from.is_none());
        assert_eq!((list.codes.len(), list.measurements.len()), (998, 1));
        assert!(app.says().starts_with("998 codes may boot"), "{}", app.says());
    });
}

#[test]
fn a_registry_that_said_more_than_is_folded_still_tells_that_the_app_entered() {
    on_both("offers", async |url| {
        let mut script = Script::new(url).await;
        script.enter();
        let offer = json!({"pendingOwner": OTHER});
        let registry = (Kind::AppRegistry, REGISTRY);
        for _ in 0..MOST_FOLDED {
            script.say_with(2, registry, "OwnershipOffered", APP, &[], offer.clone());
        }
        // Whoever speaks of the app elsewhere pushes nothing out.
        for _ in 0..MOST_FOLDED {
            script.say_with(
                3,
                (Kind::ForeignPolicy, OTHER),
                "OwnershipOffered",
                APP,
                &[],
                offer.clone(),
            );
        }
        let as_of = script.write().await;
        let app = App::load(&script.store, &as_of, APP, as_of.now()).await.unwrap().unwrap();
        assert_eq!((app.entered.block_number, app.told_from.unwrap().block_number), (1, 2));
        assert!(
            App::registered(&script.store, &as_of, OTHER, as_of.now()).await.unwrap().is_none()
        );
    });
}

#[test]
fn a_revocation_finds_its_records_among_those_of_other_apps() {
    // [EXP-5] More of them than any look around would read.
    on_both("records", async |url| {
        let mut script = Script::new(url).await;
        let (log, shared) = ((Kind::IssuanceLog, CONTRACT), code(1));
        let record = |script: &mut Script, block, app| {
            script.say(block, log, "KeyIssued", app, &[B256::ZERO, shared]);
        };
        record(&mut script, 1, APP);
        (0..300).for_each(|_| record(&mut script, 2, OTHER));
        let args = json!({"composeHash": shared, "reason": 1});
        script.say_with(2, (Kind::Policy, POLICY), "ComposeHashRevoked", APP, &[shared], args);
        (0..300).for_each(|_| record(&mut script, 2, OTHER));
        // A foreign contract may say that a key went out, and another policy may approve the code.
        let foreign = (Kind::ForeignPolicy, OTHER);
        script.say(2, foreign, "KeyIssued", APP, &[B256::ZERO, shared]);
        script.say(2, (Kind::Policy, OTHER), "ComposeHashApproved", APP, &[shared]);
        let as_of = script.write().await;
        let load = async |script: &Script| {
            let wanted = Newest { names: &["ComposeHashRevoked"], limit: 1, ..Newest::default() };
            let rows = script.store.newest(&wanted).await.unwrap();
            let event = Event::all(&rows, &as_of).remove(0);
            Revocation::load(&script.store, &as_of, event, 250).await.unwrap()
        };
        let named = Watched {
            address: OTHER,
            kind: Kind::ForeignPolicy,
            since: BlockRef::new(script.blocks[0].number, script.blocks[0].hash),
            since_log: 0,
            depth: 0,
            back: LookBack::none(script.blocks[0].number),
        };
        let mut write = script.store.write().await.unwrap();
        write.insert(&WATCHED, vec![watched_row(&named)]).await.unwrap();
        write.commit().await.unwrap();
        let told = load(&script).await;
        assert_eq!(told.last_record.unwrap().place.block_number, 1);
        assert!(told.next_record.is_none() && told.granted_again.is_none());
        // Places go on from here.
        script.rows = Vec::with_capacity(1);
        let who = (Kind::Policy, POLICY);
        let args = json!({"composeHash": shared, "effectiveAt": 1, "uri": ""});
        script.say_with(3, who, "ComposeHashApproved", APP, &[shared], args);
        script.say(3, log, "KeyIssued", APP, &[B256::ZERO, shared]);
        script.write().await;
        let told = load(&script).await;
        assert_eq!(told.next_record.unwrap().place.block_number, 3);
        assert_eq!(told.granted_again.unwrap().block_number, 3);
    });
}

/// Who says, in the events of an app's history.
async fn speakers(script: &Script, as_of: &AsOf) -> Vec<Address> {
    let history = App::history(&script.store, as_of, APP, as_of.now(), 50).await.unwrap();
    assert!(!history.1);
    history.0.iter().map(|event| event.contract).collect()
}

#[test]
fn what_a_policy_says_counts_for_the_app_that_named_it_or_one_that_asks_it() {
    // [EXP-22] `asked` three steps below the app's policy, `beyond` one more.
    on_both("judges", async |url| {
        let mut script = Script::new(url).await;
        script.enter();
        let policy = Address::repeat_byte;
        let [stranger, asking, asked, beyond] = [1, 2, 3, 4].map(policy);
        let [mine, second] = [5, 6].map(policy);
        let all = [stranger, asking, asked, beyond, mine, second];
        let since = BlockRef::new(script.blocks[0].number, script.blocks[0].hash);
        let rows = all.map(|address| {
            let back = LookBack::none(since.number);
            watched_row(&Watched {
                address,
                kind: Kind::Policy,
                since,
                since_log: 0,
                depth: 0,
                back,
            })
        });
        let mut write = script.store.write().await.unwrap();
        write.insert(&WATCHED, rows.into()).await.unwrap();
        write.commit().await.unwrap();
        for contract in all {
            let args = json!({"composeHash": code(1), "effectiveAt": 1, "uri": ""});
            let who = (Kind::Policy, contract);
            script.say_with(2, who, "ComposeHashApproved", APP, &[code(1)], args);
        }
        let registry = (Kind::AppRegistry, REGISTRY);
        let set = |script: &mut Script, block, app: Address, policy: Address| {
            let words = [policy.into_word()];
            script.say_with(block, registry, "PolicySet", app, &words, json!({}));
        };
        let ask = |script: &mut Script, asking: Address, member: Address| {
            script.say(3, (Kind::Policy, asking), "MemberAdded", APP, &[member.into_word()]);
        };
        // Another app names the stranger; the app names `mine`, which asks two more down, and a fourth that is too deep.
        set(&mut script, 1, OTHER, stranger);
        set(&mut script, 3, APP, mine);
        ask(&mut script, mine, second);
        ask(&mut script, second, asking);
        script.say(3, (Kind::Policy, asking), "LicenseInitialized", APP, &[asked.into_word()]);
        ask(&mut script, asked, beyond);
        // Whoever asks the app's policy is not asked by the app.
        ask(&mut script, stranger, POLICY);
        // A policy that says it is AppRegistry is not.
        let words = [stranger.into_word()];
        script.say_with(3, (Kind::Policy, stranger), "PolicySet", APP, &words, json!({}));
        let as_of = script.write().await;
        let said = speakers(&script, &as_of).await;
        for judge in [POLICY, mine, second, asking, asked] {
            assert!(said.contains(&judge), "{judge} judges the app");
        }
        for other in [stranger, beyond] {
            assert!(!said.contains(&other), "{other} judges nothing of it");
        }
        let wanted = Newest { names: &["ComposeHashApproved"], limit: 9, ..Newest::default() };
        let rows = script.store.newest(&wanted).await.unwrap();
        let told = async |up_to| -> Vec<(Address, Option<bool>)> {
            let mut events = Event::all(&rows, &as_of);
            judges_of::tell(&script.store, &mut events, up_to).await.unwrap();
            events.iter().map(|event| (event.contract, event.judges_app)).collect()
        };
        for (contract, judges) in told(None).await {
            assert_eq!(judges, Some(said.contains(&contract)), "{contract}");
        }
        // Before it was named it did not judge.
        assert!(told(Some(2)).await.iter().all(|(_, judges)| *judges == Some(false)));
    });
}

#[test]
fn an_app_with_policies_without_end_says_that_it_was_not_looked_through() {
    // [EXP-22]
    on_both("policies_without_end", async |url| {
        let mut script = Script::new(url).await;
        script.enter();
        let policy = |number: u32| Address::from_word(code(number));
        for number in 0..256 {
            let words = [policy(number).into_word()];
            script.say(2, (Kind::AppRegistry, REGISTRY), "PolicySet", APP, &words);
        }
        script.write().await;
        let judges = Judges::load(&script.store, APP, None).await.unwrap();
        assert_eq!((judges.policies.len(), judges.is_cut), (256, true));
        assert!(judges.policies.contains(&policy(255)), "the newest are told");
        assert!(!judges.policies.contains(&POLICY));
        let before = Judges::load(&script.store, APP, Some(1)).await.unwrap();
        assert_eq!((before.policies.len(), before.is_cut), (1, false));
    });
}

#[test]
fn a_block_is_read_in_parts() {
    // [EXP-9]
    on_both("parts", async |url| {
        let mut script = Script::new(url).await;
        (0..10).for_each(|number| script.approve(2, APP, code(number)));
        script.write().await;
        let block = script.blocks[1].hash;
        let part = async |from, limit| -> Vec<u64> {
            let rows = script.store.events_in(block, from, limit).await.unwrap();
            rows.iter().map(|row| row.log_index).collect()
        };
        assert_eq!(part(0, 3).await, [0, 100, 101]);
        assert_eq!(part(101, 3).await, [101, 102, 103]);
        assert_eq!(part(109, 3).await, [109]);
        assert!(part(u64::MAX, 3).await.is_empty());
    });
}

#[tokio::test]
async fn queries_walk_the_index_that_is_made_for_them() {
    // [EXP-9] On an empty database SQLite has nothing to go by but the text.
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder.path().join("index.sqlite").to_string_lossy()).await;
    let walks = async |query: Query, index: &str| {
        let text = format!("EXPLAIN QUERY PLAN {}", query.text);
        let plan = store.fetch(Query { text, values: query.values }).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.text("detail").unwrap()).collect();
        assert!(plan[0].starts_with(&format!("SEARCH e USING INDEX {index} (")), "{plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
    };
    let before = Some((START, 7));
    let by_name = Newest { app: Some(APP), up_to: Some(9), limit: 3, ..Newest::default() };
    for contract in [None, Some(POLICY)] {
        for before in [None, before] {
            let newest = Newest { contract, before, ..by_name.clone() };
            walks(newest.query(Some("KeyIssued")), "events_app_name").await;
        }
    }
    let third = Some((Topic::Third, B256::ZERO));
    let second = Some((Topic::Second, B256::ZERO));
    for (word, index) in
        [(None, "events_app_name"), (second, "events_second"), (third, "events_app_third")]
    {
        for contract in [None, Some(POLICY)] {
            let names = &["KeyIssued"];
            let about = About { app: APP, kind: Kind::Policy, contract, word, names };
            walks(about.query(Side::Before(9, 9), 1), index).await;
            walks(about.query(Side::After(9, 9), 1), index).await;
        }
    }
    for (query, index) in crate::store::texts::namers_queries(B256::ZERO)
        .into_iter()
        .zip(["second", "second", "third"])
    {
        let text = format!("EXPLAIN QUERY PLAN {}", query.text);
        let plan = store.fetch(Query { text, values: query.values }).await.unwrap();
        let first = plan[0].text("detail").unwrap();
        assert!(first.starts_with(&format!("SEARCH e USING INDEX events_{index} (")), "{first}");
    }
    for up_to in [None, Some(9)] {
        walks(judges::query(&[POLICY], up_to, 3), "events_asked").await;
    }
}
