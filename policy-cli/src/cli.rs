//! The command line's frame: global flags, and the verbs. Each verb's own flags are in `cmd/<verb>.rs`.

use crate::cmd::{
    app, approve, audit, completions, compose, decode, delegate, diff, epoch, hash, image, listed,
    man, node_code, operator, propose, proposed, publish, revoke, root, seat, simulate, status,
    verify, vote, watch,
};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

const ABOUT: &str = "Governs and audits the keys of a Quorate network.

Verbs that send are dry runs until --broadcast: they print the decoded call, its calldata and what the chain would answer.
stdout is data, stderr is talk.";

const AFTER: &str = "Exit codes:
  0 done   1 internal   2 usage   3 not found   4 denied, or a check failed
  5 network or RPC   6 the chain reverts   7 nothing was signed   10 differences (--exit-code)

Example:
  quorate hash app-compose.json";

#[derive(Parser)]
#[command(name = "quorate", version, about = "Governs and audits the keys of a Quorate network", long_about = ABOUT)]
#[command(after_help = AFTER, disable_help_subcommand = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Flags of every verb.
#[derive(Args, Default)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The network's network.toml, with [contracts]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "QUORATE_NETWORK",
        hide_env_values = true
    )]
    pub(crate) network: Option<PathBuf>,
    /// RPC endpoint, instead of the file's
    #[arg(
        long,
        visible_alias = "rpc",
        global = true,
        value_name = "URL",
        env = "ETH_RPC_URL",
        hide_env_values = true
    )]
    pub(crate) rpc_url: Option<String>,
    /// Answer with one JSON object on stdout, errors too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress on stderr; warnings and what is about to be signed stay
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// No colours [env: NO_COLOR]
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
}

#[derive(Subcommand)]
pub(crate) enum Verb {
    #[command(subcommand)]
    App(app::App),
    Approve(approve::Approve),
    Revoke(revoke::Revoke),
    Hash(hash::Hash),
    Compose(compose::Compose),
    Status(status::Status),
    #[command(subcommand)]
    Measurement(listed::Measurement),
    #[command(subcommand)]
    Device(listed::Device),
    #[command(subcommand)]
    Root(root::Root),
    #[command(subcommand)]
    Image(image::Image),
    #[command(subcommand)]
    Seat(seat::Seat),
    #[command(subcommand)]
    NodeCode(node_code::NodeCode),
    #[command(subcommand)]
    Operator(operator::Operator),
    #[command(subcommand)]
    Epoch(epoch::Epoch),
    Propose(Box<propose::Propose>),
    Publish(publish::Publish),
    Vote(vote::Vote),
    Delegate(delegate::Delegate),
    Queue(proposed::Queue),
    Execute(proposed::Execute),
    Cancel(proposed::Cancel),
    Veto(proposed::Veto),
    Decode(decode::Decode),
    Man(man::Man),
    Simulate(Box<simulate::Simulate>),
    Diff(diff::Diff),
    #[command(subcommand)]
    Verify(verify::Verify),
    Audit(audit::Audit),
    Watch(watch::Watch),
    Completions(completions::Completions),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Command, CommandFactory, error::ErrorKind};

    /// A verb and all below it, each with its help's last line.
    fn examples(command: &Command, found: &mut Vec<String>) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let (_, example) = help.rsplit_once("Example:\n  ").unwrap_or_else(|| {
            panic!("the help of {} does not end with an example", command.get_name())
        });
        found.push(example.to_owned());
        command.get_subcommands().for_each(|verb| examples(verb, found));
    }

    /// As a shell splits it: what stands in double quotes is one word.
    fn words(line: &str) -> Vec<String> {
        let parts = line.split('"').enumerate();
        parts
            .flat_map(|(index, part)| match index % 2 {
                0 => part.split_whitespace().map(str::to_owned).collect(),
                _ => vec![part.to_owned()],
            })
            .collect()
    }

    #[test]
    fn every_help_ends_with_an_example_that_parses() {
        let mut found = Vec::new();
        examples(&Cli::command(), &mut found);
        assert_eq!(found.len(), 64);
        for example in found {
            let line = example.split(" > ").next().unwrap_or_default();
            assert!(!line.contains('\n'), "{line}");
            match Cli::try_parse_from(words(line)) {
                Ok(_) => {}
                Err(help) if help.kind() == ErrorKind::DisplayHelp => {}
                Err(wrong) => panic!("{line}\n{wrong}"),
            }
        }
    }

    /// Verbs whose answer has another verb's name.
    const ANSWERS_AS: [(&str, &str); 1] = [(".app.show", ".status.app")];

    /// A verb without verbs below it, as its schema is named.
    fn leaves(command: &Command, path: &str, found: &mut Vec<String>) {
        if !command.has_subcommands() {
            found.push(path.to_owned());
        }
        for verb in command.get_subcommands() {
            leaves(verb, &format!("{path}.{}", verb.get_name()), found);
        }
    }

    /// Every word in quotes that is a schema's name.
    fn schemas_in(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                schemas_in(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let is_name = |word: &&str| {
                    let letters = |byte: u8| byte.is_ascii_lowercase() || b".-".contains(&byte);
                    word.strip_prefix("quorate.").is_some_and(|rest| !rest.is_empty())
                        && word.bytes().all(letters)
                };
                found.extend(text.split('"').filter(is_name).map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_verb_and_every_schema_has_its_section_in_json_md() {
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(here.join("json.md")).unwrap();
        let sections: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("## quorate.")).collect();
        let (mut verbs, mut schemas) = (Vec::new(), Vec::new());
        leaves(&Cli::command(), "", &mut verbs);
        schemas_in(&here.join("src"), &mut schemas);
        assert!(verbs.len() > 40 && schemas.len() > 60, "{verbs:?} {schemas:?}");
        for verb in verbs {
            let other = ANSWERS_AS.iter().find(|(name, _)| *name == verb);
            let name = other.map_or(verb.as_str(), |(_, answer)| answer);
            let name = name.trim_start_matches('.');
            // `decode` answers as decode.calls, decode.event and others.
            let is_its = |section: &&str| {
                section
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            assert!(
                sections.iter().any(is_its),
                "json.md does not know what quorate{verb} answers"
            );
        }
        for schema in schemas {
            let name = schema.strip_prefix("quorate.").unwrap();
            assert!(sections.contains(&name), "json.md has no section {schema}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
