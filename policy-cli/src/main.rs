//! `quorate`: see `policy_cli::run`.

use std::io::{IsTerminal, stderr, stdin, stdout};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // One TLS provider in the tree, named before the first connection. Err: it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (mut out, mut err) = (stdout(), stderr());
    let err_is_terminal = err.is_terminal();
    policy_cli::run(
        std::env::args_os(),
        policy_cli::Streams {
            out: &mut out,
            err: &mut err,
            err_is_terminal,
            can_ask: stdin().is_terminal() && err_is_terminal,
        },
    )
    .await
    .into()
}
