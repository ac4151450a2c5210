//! `quorate verify`: checks that need nobody's word.

pub(crate) mod source;

use clap::Subcommand;

const AFTER: &str = "Example:
  quorate verify source --help";

/// Checks what others say
#[derive(Subcommand)]
#[command(disable_help_subcommand = true, after_help = AFTER)]
pub(crate) enum Verify {
    Source(source::Source),
}
