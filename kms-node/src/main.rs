//! `kms-node --config node.toml`

use anyhow::{Context, Result};
use clap::Parser;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// A KMS node of a Quorate committee.
#[derive(Debug, Parser)]
#[command(version, after_help = "Example:\n  kms-node --config /etc/quorate/node.toml")]
struct Arguments {
    /// What the host configures; see docs/operate.md.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let path = arguments.config;
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let config = kms_node::Config::parse(&text).with_context(|| path.display().to_string())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let node = kms_node::run(config).await?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    node.shutdown().await;
    Ok(())
}
