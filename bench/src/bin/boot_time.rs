//! How long an enclave waits for its key on a devnet: milliseconds, and in block times of one second.
//!
//!     cargo run --release -p bench --bin boot_time
//!
//! The record has to be in a block, and each node has to see that block: about one block time is the chain's, the rest ours.

use anyhow::Result;

const BOOTS: usize = 15;
const BLOCK_MILLISECONDS: u64 = 1000;

#[tokio::main]
async fn main() -> Result<()> {
    let bench = bench::network().await?;
    let mut reports = Vec::new();
    for _ in 0..BOOTS {
        reports.push(bench.boot_again().await?.timings);
    }
    println!("{BOOTS} boots, one after another; blocks every {BLOCK_MILLISECONDS} ms");
    println!("{:<12} {:>8} {:>8} {:>8}", "phase", "min", "median", "max");
    let row = |name: &str, of: &dyn Fn(&guest_agent::Timings) -> u64| {
        let mut times: Vec<u64> = reports.iter().map(of).collect();
        times.sort_unstable();
        let at = |index: usize| times.get(index).copied().unwrap_or_default();
        println!("{name:<12} {:>5} ms {:>5} ms {:>5} ms", at(0), at(BOOTS / 2), at(BOOTS - 1));
        at(BOOTS / 2)
    };
    row("info", &|t| t.info_ms);
    row("evidence", &|t| t.evidence_ms);
    row("authorize", &|t| t.authorize_ms);
    row("record", &|t| t.record_ms);
    row("release", &|t| t.release_ms);
    row("combine", &|t| t.combine_ms);
    let total = row("total", &|t| t.total_ms);
    let hundredths = total * 100 / BLOCK_MILLISECONDS;
    println!("median total: {}.{:02} block times", hundredths / 100, hundredths % 100);
    bench.stop().await
}
