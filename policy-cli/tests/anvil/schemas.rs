//! The shape of every `--json` answer, held against policy-cli/json.md: a field that is new, gone or of another type fails.
//! `TRYCMD=overwrite` writes the file anew from the answers of this run; the diff is a reviewed decision.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

/// What may stand in a field, and whether every answer of its schema has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Field {
    types: BTreeSet<String>,
    is_optional: bool,
}

type Schemas = BTreeMap<String, BTreeMap<String, Field>>;

/// Objects whose keys are others': arguments by the names of an interface, Safe's own format.
const OPAQUE: [&str; 2] = ["arguments", "safeBatch"];
/// The first line below the text that people write.
const MARK: &str = "<!-- fields, by policy-cli/tests/anvil/schemas.rs -->\n";

/// What every verb that sends says of its call, written once.
const SENT: &str = "of every verb that sends";
const OF_A_CALL: [&str; 11] = [
    "call",
    "dryRun",
    "gas",
    "reverts",
    "error",
    "events",
    "transaction",
    "proposalId",
    "description",
    "next",
    "safeBatch",
];

static WRITTEN: LazyLock<Mutex<Schemas>> = LazyLock::new(|| Mutex::new(Schemas::new()));

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("json.md")
}

/// Panics if an answer has not the shape that its schema has in json.md.
pub(crate) fn check(answer: &Value) {
    let schema = answer["schema"].as_str().unwrap().to_owned();
    let mut found = BTreeMap::new();
    shape("", answer, &mut found);
    if found.contains_key("dryRun") {
        let of_a_call = |path: &str| {
            let first = path.split(['.', '[']).next().unwrap_or_default();
            OF_A_CALL.contains(&first)
        };
        let (call, own) = found.into_iter().partition(|(path, _)| of_a_call(path));
        hold(SENT.to_owned(), call);
        found = own;
    }
    hold(schema, found);
}

fn hold(schema: String, found: BTreeMap<String, Field>) {
    if std::env::var("TRYCMD").is_ok_and(|value| value == "overwrite") {
        return enter(schema, found);
    }
    let text = std::fs::read_to_string(file()).unwrap_or_default();
    let told = read(&text);
    let Some(fields) = told.get(&schema) else { panic!("json.md does not know {schema}") };
    for (path, field) in &found {
        let Some(known) = fields.get(path) else { panic!("{schema}: json.md has no {path}") };
        assert!(field.types.is_subset(&known.types), "{schema}: {path} is {field:?}");
    }
    for (path, _) in fields.iter().filter(|(_, field)| !field.is_optional) {
        assert!(found.contains_key(path), "{schema}: {path} is missing");
    }
}

/// Every value's path and type. What stands in a list may be missing: the list may be empty.
fn shape(path: &str, value: &Value, found: &mut BTreeMap<String, Field>) {
    let ty = match value {
        Value::Null => "null",
        Value::Bool(_) => "yes or no",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    if !path.is_empty() && !path.ends_with("[]") {
        let field = found.entry(path.to_owned()).or_default();
        field.types.insert(ty.to_owned());
        field.is_optional = path.contains("[]");
    }
    let name = path.rsplit('.').next().unwrap_or_default();
    // A call carries calls, and so on.
    if OPAQUE.contains(&name) || path.ends_with("calls[].calls") {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                shape(&format!("{path}{dot}{key}"), value, found);
            }
        }
        Value::Array(items) => {
            items.iter().for_each(|item| shape(&format!("{path}[]"), item, found));
        }
        _ => {}
    }
}

/// Overwriting: what one answer has and another has not becomes optional.
fn enter(schema: String, found: BTreeMap<String, Field>) {
    let mut all = WRITTEN.lock().unwrap();
    match all.get_mut(&schema) {
        None => drop(all.insert(schema, found)),
        Some(known) => {
            for (path, field) in known.iter_mut() {
                field.is_optional |= !found.contains_key(path);
            }
            for (path, field) in found {
                let fresh = Field { is_optional: true, ..Field::default() };
                known.entry(path).or_insert(fresh).types.extend(field.types);
            }
        }
    }
    let text = std::fs::read_to_string(file()).unwrap_or_default();
    let head = text.split(MARK).next().unwrap_or_default();
    std::fs::write(file(), format!("{head}{MARK}{}", write(&all))).unwrap();
}

fn write(all: &Schemas) -> String {
    let mut text = String::new();
    for (schema, fields) in all {
        text.push_str(&format!("\n## {schema}\n\n| field | is |\n|---|---|\n"));
        for (path, Field { types, is_optional }) in fields {
            let types = types.iter().cloned().collect::<Vec<_>>().join(", ");
            let sometimes = if *is_optional { ", not always there" } else { "" };
            text.push_str(&format!("| `{path}` | {types}{sometimes} |\n"));
        }
    }
    text
}

fn read(text: &str) -> Schemas {
    let (mut all, mut schema) = (Schemas::new(), String::new());
    for line in text.split(MARK).nth(1).unwrap_or_default().lines() {
        if let Some(name) = line.strip_prefix("## ") {
            schema = name.to_owned();
        } else if let Some((path, is)) =
            line.strip_prefix("| `").and_then(|row| row.split_once("` | "))
        {
            let is = is.trim_end_matches(" |");
            let types = is.strip_suffix(", not always there");
            let field = Field {
                types: types.unwrap_or(is).split(", ").map(str::to_owned).collect(),
                is_optional: types.is_some(),
            };
            all.entry(schema.clone()).or_default().insert(path.to_owned(), field);
        }
    }
    all
}

#[test]
fn a_shape_is_read_as_it_was_written() {
    let mut all = Schemas::new();
    for answer in [r#"{"a":{"b":1},"list":[{"c":null}]}"#, r#"{"a":null,"list":[]}"#] {
        let mut found = BTreeMap::new();
        shape("", &serde_json::from_str(answer).unwrap(), &mut found);
        let known = all.entry("quorate.x".to_owned()).or_default();
        for (path, field) in found {
            let known: &mut Field = known.entry(path).or_default();
            known.types.extend(field.types);
            known.is_optional |= field.is_optional;
        }
    }
    assert_eq!(read(&format!("words\n{MARK}{}", write(&all))), all);
    let fields = &all["quorate.x"];
    assert!(fields["list[].c"].is_optional && !fields["list"].is_optional);
    assert_eq!(fields["a"].types.len(), 2);
}
