//! stdout is data, stderr is talk. With `--json` stdout is one object, whatever happens.

use crate::{Streams, cli::Global, exit::Exit, failure::Failure};
use proposal::Sorted;
use serde_json::{Map, Value, json};
use std::{ffi::OsString, io};

/// The version of every JSON answer. A field that goes or changes its meaning raises it; a new one does not.
const VERSION: u32 = 1;

/// Where a verb writes.
pub(crate) struct Output<'a> {
    streams: Streams<'a>,
    json: bool,
    quiet: bool,
    colour: bool,
}

impl<'a> Output<'a> {
    pub(crate) fn new(global: &Global, streams: Streams<'a>) -> Self {
        Self {
            colour: streams.err_is_terminal && !global.no_color,
            json: global.json,
            quiet: global.quiet,
            streams,
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    pub(crate) fn can_ask(&self) -> bool {
        self.streams.can_ask
    }

    /// The answer: `fields` as one object with `--json`, else `text`.
    pub(crate) fn answer(&mut self, schema: &str, fields: Value, text: &str) -> io::Result<()> {
        if self.json {
            let object = versioned(schema, fields);
            writeln!(self.streams.out, "{object}")
        } else {
            self.streams.out.write_all(text.as_bytes())
        }?;
        self.streams.out.flush()
    }

    /// What must be seen, even with `--quiet`: decoded calls before they are signed, questions.
    pub(crate) fn show(&mut self, text: &str) -> io::Result<()> {
        self.streams.err.write_all(text.as_bytes())?;
        self.streams.err.flush()
    }

    /// Progress.
    pub(crate) fn talk(&mut self, line: &str) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        writeln!(self.streams.err, "{line}")
    }

    pub(crate) fn warn(&mut self, line: &str) -> io::Result<()> {
        let label = paint(self.colour, "33", "warning:");
        writeln!(self.streams.err, "{label} {line}")
    }

    /// An `error:` line and its `hint:` lines.
    pub(crate) fn complain(&mut self, message: &str, hints: &[String]) -> io::Result<()> {
        let label = paint(self.colour, "31", "error:");
        writeln!(self.streams.err, "{label} {}", message.trim_end())?;
        let label = paint(self.colour, "36", "hint:");
        hints.iter().try_for_each(|hint| writeln!(self.streams.err, "{label} {hint}"))
    }

    /// Says why the run ends, and gives its exit code.
    pub(crate) fn failure(&mut self, failure: &Failure) -> Exit {
        let (exit, message, hints) = (failure.exit(), failure.to_string(), failure.hints());
        // Where not even this can be written, the exit code is all that is left.
        let _ = if self.json {
            let fields = json!({ "error": error_object(exit, &message, &hints) });
            self.answer("quorate.error", fields, "")
        } else {
            self.complain(&message, &hints)
        };
        exit
    }
}

/// The `error` of a JSON answer.
pub(crate) fn error_object(exit: Exit, message: &str, hints: &[String]) -> Value {
    let hint = (!hints.is_empty()).then(|| hints.join("\n"));
    json!({ "code": exit.code(), "message": message.trim_end(), "hint": hint })
}

/// Help, version and wrong usage: clap's text, or an error object if `--json` stands among the arguments.
pub(crate) fn usage(refusal: clap::Error, args: &[OsString], streams: Streams<'_>) -> Exit {
    let text = refusal.render().to_string();
    if !refusal.use_stderr() {
        return match streams.out.write_all(text.as_bytes()) {
            Ok(()) => Exit::Ok,
            Err(_) => Exit::Internal,
        };
    }
    let _ = if args.iter().any(|arg| arg == "--json") {
        let message = text.trim_start_matches("error: ").trim_end();
        let hint = "For more information, try '--help'.";
        let message = message.trim_end_matches(hint).trim_end();
        let fields = json!({ "error": error_object(Exit::Usage, message, &[hint.into()]) });
        writeln!(streams.out, "{}", versioned("quorate.error", fields))
    } else {
        streams.err.write_all(text.as_bytes())
    };
    Exit::Usage
}

/// One line, keys in alphabetical order.
fn versioned(schema: &str, fields: Value) -> String {
    let mut object = Map::new();
    object.insert("schema".into(), json!(schema));
    object.insert("version".into(), json!(VERSION));
    if let Value::Object(fields) = fields {
        object.extend(fields);
    }
    // A map of strings, numbers and lists has no reason to fail.
    serde_json::to_string(&Sorted::from(Value::Object(object))).unwrap_or_default()
}

fn paint(colour: bool, code: &str, label: &str) -> String {
    if colour { format!("\u{1b}[1;{code}m{label}\u{1b}[0m") } else { label.to_owned() }
}
