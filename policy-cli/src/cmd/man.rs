//! `quorate man`: manual pages.

use crate::{cli::Cli, exit::Exit, failure::Failure, output::Output};
use clap::{Args, Command, CommandFactory};
use serde_json::json;

const AFTER: &str = "Example:
  quorate man revoke > quorate-revoke.1";

/// Prints the manual page of quorate, or of a verb
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Man {
    /// A verb, and the verb below it
    #[arg(value_name = "VERB")]
    verbs: Vec<String>,
}

/// There is no such verb.
#[derive(Debug, thiserror::Error)]
#[error("quorate has no verb {0:?}")]
pub(crate) struct NoVerb(String);

impl Man {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<Exit, Failure> {
        let mut root = Cli::command();
        // Makes every verb's usage line and its global options.
        root.build();
        let mut command: &Command = &root;
        for verb in &self.verbs {
            command = command.find_subcommand(verb).ok_or_else(|| NoVerb(verb.clone()))?;
        }
        let name = [&["quorate".to_owned()], self.verbs.as_slice()].concat().join("-");
        let mut page = Vec::new();
        clap_mangen::Man::new(command.clone()).title(name).render(&mut page)?;
        let page = String::from_utf8_lossy(&page);
        output.answer("quorate.man", json!({ "page": page }), &page)?;
        Ok(Exit::Ok)
    }
}
