//! `quorate verify`: checks that need nobody's word. Offline, as far as the verb below says so.

pub(crate) mod bundle;
pub(crate) mod source;

use clap::Subcommand;

const AFTER: &str = "Example:
  quorate verify bundle --help";

/// Checks a file or a contract without trusting who made it
#[derive(Subcommand)]
#[command(disable_help_subcommand = true, after_help = AFTER)]
pub(crate) enum Verify {
    Bundle(bundle::VerifyBundle),
    Source(source::Source),
}
