//! `quorate`, run inside this process.

use anyhow::{Context, Result};
use serde_json::Value;

/// Runs it with `--json`: its exit code and its answer.
///
/// # Errors
/// If it does not answer one JSON object.
pub async fn quorate(arguments: &[&str]) -> Result<(policy_cli::Exit, Value)> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let streams = policy_cli::Streams {
        out: &mut out,
        err: &mut err,
        err_is_terminal: false,
        can_ask: false,
    };
    let words = ["quorate", "--json", "--quiet"].iter().chain(arguments);
    let exit = policy_cli::run(words, streams).await;
    let answer = serde_json::from_slice(&out)
        .with_context(|| format!("{exit:?}: {}", String::from_utf8_lossy(&out)))?;
    Ok((exit, answer))
}
