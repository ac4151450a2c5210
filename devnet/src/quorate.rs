//! The real `quorate`, as a process, on behalf of an account that anvil has unlocked.

use alloy::primitives::Address;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The program and the network that it speaks to.
#[derive(Clone, Debug)]
pub struct Quorate {
    program: PathBuf,
    network: PathBuf,
}

/// What a run said.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its exit code.
    pub exit: i32,
    /// The one object of `--json`.
    pub json: Value,
    /// Its talk: the decoded call stands there before it is signed.
    pub talk: String,
}

impl Quorate {
    /// The program of `folder`, for the network of this file.
    ///
    /// # Errors
    /// If it is not built.
    pub fn in_folder(folder: &Path, network: &Path) -> Result<Self> {
        let program = folder.join("quorate");
        let missing = || format!("{} is missing: cargo build -p policy-cli", program.display());
        ensure!(program.is_file(), missing());
        Ok(Self { program, network: network.to_owned() })
    }

    /// The network file.
    pub fn network(&self) -> &Path {
        &self.network
    }

    /// What it answers to people, whatever its exit code.
    ///
    /// # Errors
    /// With its talk, if it answers nothing.
    pub async fn says(&self, args: &[&str]) -> Result<String> {
        let output = self.command(args).output().await.context("starting quorate")?;
        let talk = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.stdout.is_empty(), "quorate {args:?} gave no answer:\n{talk}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs it with `--json`, whatever comes of it.
    ///
    /// # Errors
    /// If it answers no JSON.
    pub async fn run(&self, args: &[&str]) -> Result<Answer> {
        let output = self.command(args).arg("--json").output().await.context("starting quorate")?;
        let talk = String::from_utf8_lossy(&output.stderr).into_owned();
        let json = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("quorate {args:?} gave no JSON:\n{talk}"))?;
        Ok(Answer { exit: output.status.code().unwrap_or(-1), json, talk })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).arg("--network").arg(&self.network).env_clear().kill_on_drop(true);
        command
    }

    /// As [`run`](Self::run), signed by `from` and in a block.
    ///
    /// # Errors
    /// With what it said, if it ended with another code than 0.
    pub async fn send(&self, from: Address, args: &[&str]) -> Result<Value> {
        let from = from.to_string();
        let key = ["--broadcast", "--yes", "--unlocked", "--from", &from];
        let answer = self.run(&[args, &key].concat()).await?;
        let said = || format!("quorate {args:?} ended with {}: {}", answer.exit, answer.json);
        ensure!(answer.exit == 0, said());
        Ok(answer.json)
    }
}
