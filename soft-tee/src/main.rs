//! The process: one machine of a software authority with one booted app.

use anyhow::{Context, ensure};
use clap::Parser;
use soft_tee::Config;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};
use tokio::signal::unix::{SignalKind, signal};

/// Serves the socket of a dstack guest and a PCCS, in software. Whoever has the seed can make any quote.
///
/// Example: soft-tee --seed-file seed.hex --authority-label soft-a --machine-id m1 --compose app-compose.json
/// --os-image 0000000000000000000000000000000000000000000000000000000000000001 --socket ./dstack.sock
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// File with 32 bytes as hex: the seed of authority and machine.
    #[arg(long)]
    seed_file: PathBuf,
    /// Which authority of the seed; machines of one label share a root.
    #[arg(long)]
    authority_label: String,
    /// Which machine of the authority.
    #[arg(long)]
    machine_id: String,
    /// app-compose.json, taken byte for byte.
    #[arg(long)]
    compose: PathBuf,
    /// The app's id, 20 bytes; without it, dstack's default: the first 20 bytes of the compose hash.
    #[arg(long, value_parser = bytes::<20>)]
    app_id: Option<[u8; 20]>,
    /// The seed of the OS image, 32 bytes; the ready file has the hash that registries approve.
    #[arg(long, value_parser = bytes::<32>)]
    os_image: [u8; 32],
    /// Where the dstack socket goes.
    #[arg(long)]
    socket: PathBuf,
    /// Where the PCCS listens.
    #[arg(long, default_value = "127.0.0.1:0")]
    pccs_listen: SocketAddr,
    /// Written, as JSON, once both serve.
    #[arg(long)]
    ready_file: Option<PathBuf>,
    /// Issue collateral for this time (Unix seconds), never anew.
    #[arg(long)]
    collateral_issued: Option<u64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let soft_tee = soft_tee::run(config(arguments)?).await?;
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    soft_tee.shutdown().await
}

fn config(arguments: Arguments) -> anyhow::Result<Config> {
    let Arguments {
        seed_file,
        authority_label,
        machine_id,
        compose,
        app_id,
        os_image,
        socket,
        pccs_listen,
        ready_file,
        collateral_issued,
    } = arguments;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    ensure!(
        !authority_label.is_empty() && authority_label.bytes().all(plain),
        "--authority-label: letters, digits and dashes are allowed"
    );
    let seed = String::from_utf8(read(&seed_file)?).context("the seed file is not text")?;
    Ok(Config {
        seed: bytes(seed.trim())
            .map_err(anyhow::Error::msg)
            .with_context(|| seed_file.display().to_string())?,
        authority_label,
        machine_id,
        compose: read(&compose)?,
        app_id,
        os_image,
        socket,
        pccs_listen,
        ready_file,
        collateral_issued,
    })
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| path.display().to_string())
}

/// Exactly `N` bytes of hex, with or without 0x.
fn bytes<const N: usize>(text: &str) -> Result<[u8; N], String> {
    let bytes = hex::decode(text.strip_prefix("0x").unwrap_or(text)).map_err(|e| e.to_string())?;
    bytes.try_into().map_err(|bytes: Vec<u8>| format!("{} bytes, {N} are asked for", bytes.len()))
}
