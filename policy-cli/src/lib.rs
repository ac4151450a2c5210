//! quorate: the command line of those who govern and audit keys.
//!
//! Driven by: [`run`], which `main` calls with the process's arguments and streams; tests and devnet call it in-process.
//! Trusts: the RPC endpoint for what it shows, never for what is signed: the bytes that are signed were decoded and shown.
//! `send` holds that order as types: `Call → Plan → Shown → Confirmed → Sent`. `cmd/<verb>.rs` is one verb each.
//! `compose` makes and reads app-compose.json, and is what others may use as a library.

pub mod compose;

mod agent;
mod apps;
mod bytecode;
mod calls;
mod chain;
mod cli;
mod cmd;
mod committee;
mod evidence_file;
mod exit;
mod failure;
mod file;
mod governor;
mod named;
mod network;
mod output;
mod policy_views;
mod poll;
mod proven;
mod reason;
mod replay;
mod search;
mod send;
mod signer;
mod simulate;
mod trail;
mod values;

use clap::Parser;
pub use exit::Exit;
use output::Output;
use proposal::{decode, words};
use std::{ffi::OsString, io::Write};

/// Where a run writes, and what it may ask.
pub struct Streams<'a> {
    /// Data.
    pub out: &'a mut (dyn Write + Send),
    /// Talk: progress, warnings, errors, questions.
    pub err: &'a mut (dyn Write + Send),
    /// Whether `err` may be coloured.
    pub err_is_terminal: bool,
    /// Whether somebody is there to answer a question.
    pub can_ask: bool,
}

/// Runs `quorate` with these arguments, the program's name first.
pub async fn run<I, T>(args: I, streams: Streams<'_>) -> Exit
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let cli = match cli::Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(refusal) => return output::usage(refusal, &args, streams),
    };
    let mut output = Output::new(&cli.global, streams);
    match cmd::run(cli.verb, &cli.global, &mut output).await {
        Ok(exit) => exit,
        Err(failure) => output.failure(&failure),
    }
}
