//! Each page and each resource over a big index: how long it takes, and how heavy it is. [EXP-9]
//!
//!     cargo run --release -p bench --bin page_time [EVENTS] [sqlite|postgres]
//!
//! A real chain with four apps is indexed: one lost its code, and one has ten thousand approvals. Then a million issuances are put
//! into the database beside it, in the blocks that are there: half of them of one app, the rest of a thousand others, all of the
//! same code. They are of no contract that has a trail, so that nothing but reading is measured.

use alloy::primitives::hex;
use anyhow::{Context, Result, bail, ensure};
use bench::approver::Approver;
use devnet::{harness::BareChain, postgres::OwnPostgres};
use serde_json::Value;
use sqlx::{Connection, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::time::{Duration, Instant};

const BLOCKS: usize = 500;
const APPROVED: u64 = 20_000;
const RUNS: usize = 100;
/// What none should take, and no page should weigh.
const GOAL_MS: f64 = 50.0;
const GOAL_KB: f64 = 100.0;

#[tokio::main]
async fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let events: u32 = words.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let postgres = match words.next().as_deref() {
        None | Some("sqlite") => None,
        Some("postgres") => Some(OwnPostgres::start_with(&[])?),
        Some(other) => bail!("{other}: sqlite or postgres"),
    };
    let chain = BareChain::up(1).await?;
    let (first, gone) = (chain.create_app(1).await?, chain.create_app(2).await?);
    chain.create_app(3).await?;
    chain.governance.revoke(&gone).await?;
    let approver = Approver::new(&chain).await?;
    approver.make(APPROVED).await?;
    chain.governance.chain.mine(BLOCKS).await?;
    let network = chain.folder().join("network.toml");
    std::fs::write(&network, chain.network.to_toml())?;
    let database = match &postgres {
        Some(server) => server.database("pages")?,
        None => chain.folder().join("pages.sqlite").to_string_lossy().into_owned(),
    };
    let config = indexer::Config {
        network,
        database: database.clone(),
        listen: ([127, 0, 0, 1], 0).into(),
        poll_milliseconds: 1000,
        audit_milliseconds: 600_000,
        proofs: true,
        checkpoint: None,
        ready_file: None,
        texts: indexer::TextLimits::default(),
    };
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let running = indexer::run(config.clone()).await?;
    until_ready(&http, &running).await?;
    running.shutdown().await;
    let begun = Instant::now();
    let (app, code) = (first.id.as_slice(), first.compose_hash.as_slice());
    match &postgres {
        Some(_) => fill_postgres(&database, events, app, code).await?,
        None => fill_sqlite(&database, events, app, code).await?,
    }
    eprintln!("{events} events put in, {:.0} s", begun.elapsed().as_secs_f64());

    let running = indexer::run(config).await?;
    until_ready(&http, &running).await?;
    let base = format!("http://{}", running.listen);
    let ask = Ask { http, base };
    let app = format!("0x{}", hex::encode(first.id));
    let long = format!("0x{}", hex::encode(approver.app));
    let mut missed = 0;
    let heads = ["p50 ms", "p99 ms", "kB"];
    println!("{:<52} {:>8} {:>8} {:>8}", "page", heads[0], heads[1], heads[2]);
    for path in ask.pages(&app, &long, &first.compose_hash.to_string()).await? {
        missed += usize::from(!ask.measure(&path, GOAL_KB).await?);
    }
    println!("{:<52} {:>8} {:>8} {:>8}", "resource", heads[0], heads[1], heads[2]);
    for path in ask.resources(&app, &long).await? {
        missed += usize::from(!ask.measure(&path, f64::INFINITY).await?);
    }
    running.shutdown().await;
    ensure!(missed == 0, "{missed} take more than {GOAL_MS} ms or weigh more than {GOAL_KB} kB");
    Ok(())
}

async fn until_ready(http: &reqwest::Client, running: &indexer::Running) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(120);
    let ready = format!("http://{}/readyz", running.listen);
    while !http.get(&ready).send().await?.status().is_success() {
        ensure!(Instant::now() < deadline, "the index does not become ready");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Who asks, and whom.
struct Ask {
    http: reqwest::Client,
    base: String,
}

impl Ask {
    /// Asks for it many times. False if that takes too long, or weighs too much.
    async fn measure(&self, path: &str, most_kilobytes: f64) -> Result<bool> {
        let mut times = Vec::new();
        let mut weight = 0;
        for _ in 0..RUNS {
            let begun = Instant::now();
            let answer = self.http.get(format!("{}{path}", self.base)).send().await?;
            weight = answer.error_for_status()?.bytes().await?.len();
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        let at =
            |hundredths: usize| times.get(RUNS * hundredths / 100).copied().unwrap_or(f64::NAN);
        let kilobytes = weight as f64 / 1000.0;
        let is_good = at(50) <= GOAL_MS && kilobytes <= most_kilobytes;
        let shown: String = path.chars().take(52).collect();
        let mark = if is_good { "" } else { "  too much" };
        println!("{shown:<52} {:>8.1} {:>8.1} {kilobytes:>8.1}{mark}", at(50), at(99));
        Ok(is_good)
    }

    async fn json(&self, path: &str) -> Result<Value> {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// `hash/log` of an event of a list.
    async fn place(&self, path: &str, list: &str, number: usize) -> Result<(String, Value)> {
        let answer = self.json(path).await?;
        let event = answer[list].get(number).with_context(|| format!("{path}: too few"))?;
        let hash = event["block_hash"].as_str().context("a hash")?;
        Ok((format!("{hash}/{}", event["log_index"]), event.clone()))
    }

    async fn pages(&self, app: &str, long: &str, code: &str) -> Result<Vec<String>> {
        let (issued, event) = self.place("/v1/issuances?limit=200", "issuances", 150).await?;
        let (revoked, _) = self.place("/v1/revocations", "revocations", 0).await?;
        let id = event["args"]["issuanceId"].as_str().context("an id")?;
        let block = issued.split('/').next().unwrap_or_default();
        let log = event["log_index"].as_u64().context("a place")?;
        Ok(vec![
            "/".to_owned(),
            "/events".to_owned(),
            "/events?act=revocation".to_owned(),
            "/events?act=grant".to_owned(),
            format!("/events?app={app}"),
            format!("/events?app={app}&act=committee"),
            "/events?finality=finalized&name=KeyIssued".to_owned(),
            format!("/events/{issued}"),
            "/apps".to_owned(),
            format!("/apps/{app}"),
            format!("/apps/{app}?at=100"),
            format!("/apps/{long}"),
            "/issuances".to_owned(),
            format!("/issuances?app={app}"),
            format!("/issuances/{id}"),
            "/revocations".to_owned(),
            format!("/revocations/{revoked}"),
            "/committee".to_owned(),
            "/roots".to_owned(),
            "/contracts".to_owned(),
            format!("/search?q={code}"),
            format!("/blocks/{block}"),
            format!("/blocks/{block}?from_log={log}"),
            "/export".to_owned(),
            "/verify".to_owned(),
        ])
    }

    async fn resources(&self, app: &str, long: &str) -> Result<Vec<String>> {
        let (_, event) = self.place("/v1/issuances?limit=200", "issuances", 150).await?;
        let (revoked, _) = self.place("/v1/revocations", "revocations", 0).await?;
        let approvals = format!("/v1/events?app={long}&name=ComposeHashApproved&limit=100");
        let (approved, _) = self.place(&approvals, "events", 50).await?;
        let id = event["args"]["issuanceId"].as_str().context("an id")?;
        let deep = self.json("/v1/events?name=KeyIssued&limit=1000").await?;
        let cursor = deep["next_cursor"].as_str().context("a cursor")?.to_owned();
        Ok(vec![
            "/v1/events?limit=100".to_owned(),
            "/v1/events?limit=100&order=newest".to_owned(),
            "/v1/events?limit=1000&format=csv".to_owned(),
            format!("/v1/events?app={app}&limit=100"),
            "/v1/events?name=KeyIssued&limit=100".to_owned(),
            "/v1/events?finality=finalized&order=newest&limit=100".to_owned(),
            format!("/v1/events?limit=100&name=KeyIssued&cursor={cursor}"),
            format!("/v1/events/{approved}"),
            format!("/v1/events/{approved}/proof"),
            "/v1/apps".to_owned(),
            format!("/v1/apps/{app}"),
            format!("/v1/apps/{app}?at=100"),
            format!("/v1/apps/{long}"),
            "/v1/issuances".to_owned(),
            format!("/v1/issuances?app={app}"),
            format!("/v1/issuances/{id}"),
            "/v1/revocations".to_owned(),
            format!("/v1/revocations/{revoked}"),
            "/v1/committee".to_owned(),
            "/v1/roots".to_owned(),
            "/v1/overview".to_owned(),
            "/v1/contracts".to_owned(),
            "/v1/status".to_owned(),
            "/readyz".to_owned(),
            "/metrics".to_owned(),
        ])
    }
}

/// Nobody's contract, which has no trail.
const NOBODY: [u8; 20] = [0xEE; 20];
const FOLLOW_NOBODY: &str = "INSERT INTO watched SELECT $1, 'foreign-policy', hash, number, 0, 0, number, NULL, NULL FROM blocks WHERE canonical = 1 ORDER BY number LIMIT 1";

/// `KeyIssued` in the blocks that are there, each of its own id; every other one of `app`, the rest of a thousand others.
async fn fill_sqlite(database: &str, events: u32, app: &[u8], code: &[u8]) -> Result<()> {
    let options = SqliteConnectOptions::new().filename(database);
    let mut database = SqliteConnection::connect_with(&options).await?;
    sqlx::query(FOLLOW_NOBODY).bind(NOBODY.as_slice()).execute(&mut database).await?;
    sqlx::query(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1),
            made AS MATERIALIZED (
                SELECT i, randomblob(32) AS id,
                    CASE WHEN i % 2 = 0 THEN $2 ELSE CAST(zeroblob(18) || unhex(printf('%04x', i % 1000)) AS BLOB) END AS app,
                    (SELECT MAX(number) FROM blocks) - i % $3 AS number FROM n)
         INSERT INTO events (chain_id, block_hash, log_index, block_number, tx_index, contract, kind, standing, name,
            app_id, seq, topics, data, args)
         SELECT (SELECT chain_id FROM cursor), b.hash, 100 + i, b.number, 0, $4, 'issuance-log', 'outside', 'KeyIssued',
            app, NULL,
            CAST(unhex('38df60b4584c24166c9172993a7575e3fd4c27b46cc45c2f4b9d79dffdf4c234') || zeroblob(12) || app || id || $5 AS BLOB),
            zeroblob(288),
            json_object('appId', '0x' || lower(hex(app)), 'issuanceId', '0x' || lower(hex(id)),
                'composeHash', '0x' || lower(hex($5)), 'kind', 1, 'input', '0x' || lower(hex(id)), 'keyVersion', 1,
                'epoch', 1, 'root', '0x' || lower(hex(id)), 'evidenceHash', '0x' || lower(hex(id)),
                'sessionKey', '0x' || lower(hex(app)), 'anchor', 7, 'seq', i)
         FROM made JOIN blocks b ON b.number = made.number AND b.canonical = 1",
    )
    .bind(events)
    .bind(app)
    .bind(BLOCKS as i64)
    .bind(NOBODY.as_slice())
    .bind(code)
    .execute(&mut database)
    .await?;
    database.close().await?;
    Ok(())
}

/// The same; the ids are hashes of their numbers.
async fn fill_postgres(database: &str, events: u32, app: &[u8], code: &[u8]) -> Result<()> {
    let mut database = PgConnection::connect(database).await?;
    sqlx::query(FOLLOW_NOBODY).bind(NOBODY.as_slice()).execute(&mut database).await?;
    sqlx::query(
        "WITH made AS MATERIALIZED (
                SELECT i, sha256(int8send(i)) AS id,
                    CASE WHEN i % 2 = 0 THEN $2::BYTEA ELSE decode(lpad(to_hex(i % 1000), 40, '0'), 'hex') END AS app,
                    (SELECT MAX(number) FROM blocks) - i % $3::BIGINT AS number FROM generate_series(0, $1::BIGINT - 1) i)
         INSERT INTO events (chain_id, block_hash, log_index, block_number, tx_index, contract, kind, standing, name,
            app_id, seq, topics, data, args)
         SELECT (SELECT chain_id FROM cursor), b.hash, 100 + i, b.number, 0, $4::BYTEA, 'issuance-log', 'outside', 'KeyIssued',
            app, NULL,
            decode('38df60b4584c24166c9172993a7575e3fd4c27b46cc45c2f4b9d79dffdf4c234' || repeat('00', 12), 'hex')
                || app || id || $5::BYTEA,
            decode(repeat('00', 288), 'hex'),
            json_build_object('appId', '0x' || encode(app, 'hex'), 'issuanceId', '0x' || encode(id, 'hex'),
                'composeHash', '0x' || encode($5::BYTEA, 'hex'), 'kind', 1, 'input', '0x' || encode(id, 'hex'), 'keyVersion', 1,
                'epoch', 1, 'root', '0x' || encode(id, 'hex'), 'evidenceHash', '0x' || encode(id, 'hex'),
                'sessionKey', '0x' || encode(app, 'hex'), 'anchor', 7, 'seq', i)::TEXT
         FROM made JOIN blocks b ON b.number = made.number AND b.canonical = 1",
    )
    .bind(i64::from(events))
    .bind(app)
    .bind(BLOCKS as i64)
    .bind(NOBODY.as_slice())
    .bind(code)
    .execute(&mut database)
    .await?;
    // As the server itself does, after so many rows.
    sqlx::query("ANALYZE").execute(&mut database).await?;
    database.close().await?;
    Ok(())
}
