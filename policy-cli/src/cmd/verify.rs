//! `quorate verify`: checks that need nobody's word. Offline, as far as the verb below says so.

pub(crate) mod bundle;

use clap::Subcommand;

const AFTER: &str = "Example:
  quorate verify bundle --help";

/// Checks a file or a contract without trusting who made it
#[derive(Subcommand)]
#[command(after_help = AFTER)]
pub(crate) enum Verify {
    Bundle(bundle::VerifyBundle),
}
