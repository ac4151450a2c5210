//! `indexer --config indexer.toml`

use anyhow::{Context, Result};
use clap::Parser;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// Follows a Quorate network's events and proves that none is missing.
#[derive(Debug, Parser)]
#[command(version, after_help = "Example:\n  indexer --config /etc/quorate/indexer.toml")]
struct Arguments {
    /// Network file, database, listener; see docs/spec/index.md.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_writer(std::io::stderr)
        .init();
    let path = Arguments::parse().config;
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let config = indexer::Config::parse(&text).with_context(|| path.display().to_string())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let running = indexer::run(config).await?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    running.shutdown().await;
    Ok(())
}
