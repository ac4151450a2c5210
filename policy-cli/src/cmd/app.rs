//! `quorate app`: what concerns an app as a whole.

mod create;

use clap::Subcommand;

const AFTER: &str = "Example:
  quorate app create --help";

/// Creates apps
#[derive(Subcommand)]
#[command(disable_help_subcommand = true, after_help = AFTER)]
pub(crate) enum App {
    Create(create::Create),
}
