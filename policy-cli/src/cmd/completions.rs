//! `quorate completions`: a completion script for a shell.

use crate::{cli::Cli, exit::Exit, failure::Failure, output::Output};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;

/// Prints a completion script for a shell
#[derive(Args)]
#[command(after_help = "Example:\n  quorate completions bash > quorate.bash")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "quorate", &mut script);
        let script = String::from_utf8_lossy(&script);
        output.answer("quorate.completions", json!({ "script": script }), &script)?;
        Ok(Exit::Ok)
    }
}
