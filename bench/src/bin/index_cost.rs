//! What indexing costs: events per second from an empty database to the head, for each database with and without proofs; peak
//! memory; how long after its block an event can be asked for; how long the API takes.
//!
//!     cargo build --release -p bench -p indexer && target/release/index_cost [EVENTS]
//!
//! The events are real ([`bench::approver`]). The indexer is the built program, with its defaults; anvil, databases and indexer share the machine.
//! Postgres runs with the package's settings, so it waits for its disk.

use alloy::primitives::Address;
use anyhow::{Context, Result};
use bench::{approver::Approver, built_index::Index};
use devnet::{harness::BareChain, postgres::OwnPostgres};
use std::time::{Duration, Instant};

const LIVE_BLOCKS: u64 = 200;
const ASKED: usize = 200;

#[tokio::main]
async fn main() -> Result<()> {
    let events: u64 = match std::env::args().nth(1) {
        Some(word) => word.parse().context("EVENTS is a number")?,
        None => 100_000,
    };
    let chain = BareChain::up(1).await?;
    let approver = Approver::new(&chain).await?;
    let begun = Instant::now();
    let events = approver.make(events).await?;
    let head = chain.governance.chain.block_number().await?;
    println!("{events} events in {head} blocks, made in {:.0?}", begun.elapsed());
    let postgres = OwnPostgres::start_with(&[])?;

    println!(
        "{:<28} {:>9} {:>10} {:>12} {:>9}",
        "backfill", "seconds", "events/s", "all compared", "peak MB"
    );
    let mut at_head = Vec::new();
    for (name, proofs) in
        [("sqlite", false), ("sqlite-proofs", true), ("postgres", false), ("postgres-proofs", true)]
    {
        let database = match name.starts_with("sqlite") {
            true => chain.folder().join(format!("{name}.sqlite")).display().to_string(),
            false => postgres.database(&format!("index-{name}"))?,
        };
        let mut index = Index::start(&chain, name, &database, proofs)?;
        index.until_head(head).await?;
        let seconds = index.begun.elapsed().as_secs_f64();
        index.until_ready().await?;
        let compared = index.begun.elapsed().as_secs_f64();
        let rate = events as f64 / seconds;
        let peak = index.peak_megabytes()?;
        println!("{name:<28} {seconds:>9.2} {rate:>10.0} {compared:>10.2} s {peak:>9}");
        if proofs {
            at_head.push((name, database));
        }
    }
    for (name, database) in at_head {
        let mut index = Index::start(&chain, name, &database, true)?;
        index.until_ready().await?;
        live(&chain, &approver, &mut index, name).await?;
        api(&mut index, name, approver.app).await?;
        println!("{:<28} {:>9} MB peak", format!("{name}, all of that"), index.peak_megabytes()?);
    }
    Ok(())
}

/// From the moment anvil has the block to the moment the API has it.
async fn live(
    chain: &BareChain,
    approver: &Approver<'_>,
    index: &mut Index,
    name: &str,
) -> Result<()> {
    let mut lags = Vec::new();
    for block in 0..LIVE_BLOCKS {
        // Not in step with the indexer's looks.
        tokio::time::sleep(Duration::from_millis(block * 37 % 500)).await;
        let first = chain.governance.chain.block_number().await? << 32;
        approver.approve(first, 1).await?;
        let mined = Instant::now();
        index.until_head(chain.governance.chain.block_number().await?).await?;
        lags.push(mined.elapsed());
    }
    report(&format!("{name}, head to queryable"), lags);
    Ok(())
}

async fn api(index: &mut Index, name: &str, app: Address) -> Result<()> {
    let first = index.get("/v1/events?limit=100").await?;
    let place = &first["events"][50];
    let place = format!(
        "/v1/events/{}/{}",
        place["block_hash"].as_str().context("a hash")?,
        place["log_index"]
    );
    let deep = index.get("/v1/events?name=ComposeHashApproved&limit=1000").await?;
    let cursor = deep["next_cursor"].as_str().context("a cursor")?;
    for (what, path) in [
        ("first page of 100", "/v1/events?limit=100".to_owned()),
        ("page of an app", format!("/v1/events?app={app}&name=ComposeHashApproved&limit=100")),
        ("page after a cursor", format!("/v1/events?cursor={cursor}&limit=100")),
        ("one event", place.clone()),
        ("its proof", format!("{place}/proof")),
        ("status", "/v1/status".to_owned()),
    ] {
        let mut times = Vec::new();
        for _ in 0..ASKED {
            let begun = Instant::now();
            index.get(&path).await?;
            times.push(begun.elapsed());
        }
        report(&format!("{name}, {what}"), times);
    }
    Ok(())
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |hundredths: usize| {
        let place = (times.len() * hundredths / 100).min(times.len().saturating_sub(1));
        times.get(place).copied().unwrap_or_default().as_secs_f64() * 1000.0
    };
    println!("{what:<42} p50 {:>8.2} ms   p99 {:>8.2} ms", at(50), at(99));
}
