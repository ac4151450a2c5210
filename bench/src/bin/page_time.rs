//! Each page of the explorer over a big index: how long it takes, and how heavy it is. [EXP-9]
//!
//! A real chain with three apps is indexed; then a million issuances are put into the database beside it, in the blocks that are
//! there, half of them of one app. They are of no contract that has a trail, so that nothing but the pages is measured.

use alloy::primitives::hex;
use anyhow::{Context, Result};
use devnet::harness::BareChain;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::time::{Duration, Instant};

const BLOCKS: usize = 500;
const RUNS: usize = 15;
/// What no page should take.
const GOAL_MS: f64 = 50.0;

#[tokio::main]
async fn main() -> Result<()> {
    let events: u32 = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let chain = BareChain::up(1).await?;
    let mut apps = Vec::new();
    for number in 1..=3 {
        apps.push(chain.create_app(number).await?);
    }
    chain.governance.chain.mine(BLOCKS).await?;
    let network = chain.folder().join("network.toml");
    std::fs::write(&network, chain.network.to_toml())?;
    let database = chain.folder().join("pages.sqlite");
    let config = indexer::Config {
        network,
        database: database.to_string_lossy().into_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        poll_milliseconds: 1000,
        audit_milliseconds: 600_000,
        proofs: true,
        checkpoint: None,
        ready_file: None,
    };
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let running = indexer::run(config.clone()).await?;
    until_ready(&http, &running).await?;
    running.shutdown().await;
    let first = apps.first().context("three apps")?;
    let begun = Instant::now();
    fill(&database, events, first.id.as_slice(), first.compose_hash.as_slice()).await?;
    eprintln!("{events} events put in, {:.0} s", begun.elapsed().as_secs_f64());

    let running = indexer::run(config).await?;
    until_ready(&http, &running).await?;
    let base = format!("http://{}", running.listen);
    let one = issuance(&http, &base).await?;
    let app = format!("0x{}", hex::encode(first.id));
    let mut slow = 0;
    println!("{:<44} {:>9} {:>9} {:>8}", "page", "median ms", "worst ms", "kB");
    for path in [
        "/".to_owned(),
        "/events".to_owned(),
        "/events?act=revocation".to_owned(),
        "/events?act=grant".to_owned(),
        format!("/events?app={app}"),
        format!("/events?app={app}&act=committee"),
        "/events?finality=finalized&name=KeyIssued".to_owned(),
        format!("/events/{}/{}", one.block, one.log),
        "/apps".to_owned(),
        format!("/apps/{app}"),
        format!("/apps/{app}?at=100"),
        "/issuances".to_owned(),
        format!("/issuances/{}", one.id),
        "/revocations".to_owned(),
        "/committee".to_owned(),
        "/roots".to_owned(),
        "/contracts".to_owned(),
        format!("/search?q={}", first.compose_hash),
        format!("/blocks/{}", one.block),
        "/export".to_owned(),
        "/verify".to_owned(),
    ] {
        let mut times = Vec::new();
        let mut weight = 0;
        for _ in 0..RUNS {
            let begun = Instant::now();
            let answer = http.get(format!("{base}{path}")).send().await?.error_for_status()?;
            weight = answer.bytes().await?.len();
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        let median = times.get(RUNS / 2).copied().unwrap_or_default();
        let worst = times.last().copied().unwrap_or_default();
        let kilobytes = weight as f64 / 1000.0;
        let shown: String = path.chars().take(44).collect();
        println!("{shown:<44} {median:>9.1} {worst:>9.1} {kilobytes:>8.1}");
        slow += usize::from(median > GOAL_MS);
    }
    running.shutdown().await;
    anyhow::ensure!(slow == 0, "{slow} pages take more than {GOAL_MS} ms");
    Ok(())
}

async fn until_ready(http: &reqwest::Client, running: &indexer::Running) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(120);
    let ready = format!("http://{}/readyz", running.listen);
    while !http.get(&ready).send().await?.status().is_success() {
        anyhow::ensure!(Instant::now() < deadline, "the index does not become ready");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// An issuance in the middle of the index.
struct One {
    block: String,
    log: u64,
    id: String,
}

async fn issuance(http: &reqwest::Client, base: &str) -> Result<One> {
    let list = format!("{base}/v1/issuances?limit=200");
    let list: serde_json::Value = http.get(list).send().await?.json().await?;
    let event = list["issuances"].get(150).context("issuances")?;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    Ok(One {
        block: text(&event["block_hash"]),
        log: event["log_index"].as_u64().unwrap_or_default(),
        id: text(&event["args"]["issuanceId"]),
    })
}

/// `KeyIssued` in the blocks that are there, each of its own id; every other one of `app`, the rest of a thousand others.
async fn fill(database: &std::path::Path, events: u32, app: &[u8], code: &[u8]) -> Result<()> {
    let options = SqliteConnectOptions::new().filename(database);
    let mut database = SqliteConnection::connect_with(&options).await?;
    let nobody = [0xEEu8; 20];
    sqlx::query(
        "INSERT INTO watched SELECT $1, 'foreign-policy', start_hash, start_number, -1 FROM cursor",
    )
    .bind(nobody.as_slice())
    .execute(&mut database)
    .await?;
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
    .bind(nobody.as_slice())
    .bind(code)
    .execute(&mut database)
    .await?;
    database.close().await?;
    Ok(())
}
