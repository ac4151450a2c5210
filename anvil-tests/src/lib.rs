//! How a story runs: on one runtime for all, on a network of its own or one that several share, within a time limit.
//!
//! Without anvil a story says so and passes, or fails if `REQUIRE_ANVIL` is set, as CI sets it.

pub mod caught;
pub mod explored;
mod index;
pub mod policies;
mod quorate;
mod refused;
pub mod safe;
pub mod sse;
pub mod voted;

pub use index::Index;
pub use quorate::quorate;
pub use refused::refused_by_all;

use anyhow::{Context, Result};
use devnet::{
    governance::App,
    harness::{BareChain, LyingRpc, Mark, Network, Options, log_mark, logged_since},
    leash::program,
    plan::find_repository,
};
use std::{sync::LazyLock, time::Duration};
use tokio::{
    runtime::Runtime,
    sync::{Mutex, MutexGuard, OnceCell},
    time::timeout,
};

/// What no story needs: above it, something waits for ever.
const LIMIT: Duration = Duration::from_secs(300);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
static SHARED: OnceCell<Network> = OnceCell::const_new();
static WATCHED: OnceCell<Network> = OnceCell::const_new();
static GOVERNED: OnceCell<Network> = OnceCell::const_new();
static BARE: OnceCell<BareChain> = OnceCell::const_new();
static WATCHED_TURN: Mutex<()> = Mutex::const_new(());

/// Runs a story.
///
/// # Panics
/// If the story fails, or takes too long.
pub fn story(body: impl AsyncFnOnce() -> Result<()>) {
    story_within(LIMIT, body);
}

/// Runs a story that may take this long.
///
/// # Panics
/// If the story fails, or takes too long.
pub fn story_within(limit: Duration, body: impl AsyncFnOnce() -> Result<()>) {
    if let Err(missing) = anvil() {
        let required = std::env::var_os("REQUIRE_ANVIL").is_some_and(|value| value == "1");
        assert!(!required, "{missing:#}");
        eprintln!("skipped: {missing:#}");
        return;
    }
    let begun = log_mark();
    let outcome = RUNTIME.block_on(async { timeout(limit, body()).await });
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(error)) => panic!("{error:?}\n{}", last_words(begun)),
        Err(_) => panic!("not done after {limit:?}\n{}", last_words(begun)),
    }
}

/// The end of what was logged, for the report of a failure.
fn last_words(begun: Mark) -> String {
    let logged = logged_since(begun);
    let lines: Vec<&str> = logged.lines().collect();
    lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n")
}

fn anvil() -> Result<()> {
    let repository = find_repository(&std::env::current_dir()?)?;
    program("anvil", &repository).map(drop)
}

/// The network of all stories that leave it as they found it. Each makes an app of its own.
///
/// # Errors
/// If it can't be brought up.
pub async fn shared() -> Result<&'static Network> {
    SHARED.get_or_try_init(|| Network::up(Options::default())).await
}

/// The network of stories about votes: a DAO of five has it. Each makes an app of its own.
///
/// # Errors
/// If it can't be brought up.
pub async fn governed() -> Result<&'static Network> {
    let options = || Options { dao: true, ..Options::default() };
    GOVERNED.get_or_try_init(|| Network::up(options())).await
}

/// Other code for an app: the same docker compose file with one line more.
///
/// # Errors
/// If it can't be made.
pub fn new_code(network: &Network, app: &App, name: &str) -> Result<App> {
    let text = "services:\n  web:\n    image: nginx@sha256:\
                0000000000000000000000000000000000000000000000000000000000000002\n";
    network.governance.upgrade(app, name, text)
}

/// Writes an app's code where `quorate` reads it.
///
/// # Errors
/// If it can't be written.
pub fn compose_file(network: &Network, app: &App) -> Result<String> {
    let file = network.folder().join(format!("{}.json", app.compose_hash));
    std::fs::write(&file, &app.compose)?;
    Ok(file.display().to_string())
}

/// A chain with three apps and no nodes, for stories about what reads it and leaves it as it is.
///
/// # Errors
/// If it can't be brought up.
pub async fn bare() -> Result<&'static BareChain> {
    BARE.get_or_try_init(async || {
        let chain = BareChain::up(1).await?;
        for number in 1..=3 {
            chain.create_app(number).await?;
        }
        chain.governance.chain.mine(4).await?;
        Ok(chain)
    })
    .await
}

/// A network with five honest nodes, the last of which has only a lying endpoint.
#[derive(Debug)]
pub struct Watched {
    /// The network.
    pub network: &'static Network,
    /// The endpoint. It tells the truth again when this is dropped.
    pub rpc: &'static LyingRpc,
    _turn: MutexGuard<'static, ()>,
}

impl Watched {
    /// The node with the lying endpoint.
    pub const NODE: usize = 4;
    /// The others.
    pub const OTHERS: [usize; 4] = [0, 1, 2, 3];
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.rpc.tell(None);
    }
}

/// The network of stories about endpoints, one at a time.
///
/// # Errors
/// If it can't be brought up.
pub async fn watched() -> Result<Watched> {
    let _turn = WATCHED_TURN.lock().await;
    let options = Options { lying_rpc_for: Some(Watched::NODE), ..Options::default() };
    let network = WATCHED.get_or_try_init(|| Network::up(options)).await?;
    let rpc = network.rpc.as_ref().context("the network has such an endpoint")?;
    Ok(Watched { network, rpc, _turn })
}
