//! schemathesis asks everything that the API's description allows, and much that it doesn't: every answer is as described. [API-1]
//! [API-4]

use anvil_tests::{Index, bare, story};
use anyhow::{Context, ensure};
use devnet::plan::find_repository;
use tokio::process::Command;

/// Seconds that it may look for more.
const MAX_SECONDS: &str = "25";

#[test]
fn holds() {
    story(async || {
        let chain = bare().await?;
        let repository = find_repository(&std::env::current_dir()?)?;
        let program = repository.join("target/python/bin/schemathesis");
        if !program.is_file() {
            let required = std::env::var_os("REQUIRE_ANVIL").is_some_and(|value| value == "1");
            ensure!(!required, "{} is missing: run script/python", program.display());
            eprintln!("skipped: {} is missing", program.display());
            return Ok(());
        }
        let index = Index::start(&chain.network, chain.folder(), "described").await?;
        index.until_ready().await?;
        let folder = tempfile::tempdir()?;
        let output = Command::new(program)
            .arg("run")
            .arg(format!("{}/v1/openapi.json", index.url()?))
            // Its answer has no end; a_stream_takes_back_what_a_reorg_took reads it.
            .args(["--exclude-path", "/v1/stream"])
            .args(["--checks", "all", "--phases", "examples,coverage,fuzzing"])
            .args(["--max-time", MAX_SECONDS, "--seed", "1", "--no-color"])
            .current_dir(folder.path())
            .kill_on_drop(true)
            .output()
            .await
            .context("running schemathesis")?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        ensure!(said.contains("Operations"), "it did nothing: {said}");
        Ok(())
    });
}
