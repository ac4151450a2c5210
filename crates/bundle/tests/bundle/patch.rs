//! What a case changes in a bundle: operations as in RFC 6902; a value may come from a file beside the case.

use super::world::{folder, text};
use bundle::{Bundle, Trusted};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operation {
    op: String,
    path: String,
    from: Option<String>,
    file: Option<String>,
    pointer: Option<String>,
    value: Option<Value>,
}

/// The changed bundle in its canonical text; what is no bundle any more in some text.
pub(crate) fn changed(bundle: &str, operations: &[Operation]) -> String {
    let mut value: Value = serde_json::from_str(bundle).unwrap();
    for operation in operations {
        apply(&mut value, operation);
    }
    let is_strict = serde_json::from_value::<Bundle>(value.clone());
    // A field that the format does not have stays in the text.
    match is_strict {
        Ok(strict) if serde_json::to_value(&strict).unwrap() == value => strict.to_text(),
        _ => format!("{value}\n"),
    }
}

fn apply(value: &mut Value, operation: &Operation) {
    let (parents, last) = operation.path.rsplit_once('/').unwrap();
    let new = match (&operation.from, &operation.file) {
        (Some(from), _) => value.pointer(from).unwrap().clone(),
        (None, Some(file)) => {
            let part: Value = serde_json::from_str(&text(file)).unwrap();
            part.pointer(operation.pointer.as_deref().unwrap_or_default()).unwrap().clone()
        }
        (None, None) => operation.value.clone().unwrap_or(Value::Null),
    };
    if operation.op == "move" {
        let (parents, last) = operation.from.as_ref().unwrap().rsplit_once('/').unwrap();
        let list = value.pointer_mut(parents).unwrap().as_array_mut().unwrap();
        list.remove(last.parse().unwrap());
    }
    let target = value.pointer_mut(parents).unwrap();
    match (operation.op.as_str(), target) {
        ("remove", Value::Array(list)) => drop(list.remove(last.parse().unwrap())),
        ("remove", Value::Object(map)) => drop(map.remove(last).unwrap()),
        ("add" | "move", Value::Array(list)) if last == "-" => list.push(new),
        ("add" | "move", Value::Array(list)) => list.insert(last.parse().unwrap(), new),
        ("replace", Value::Array(list)) => list[last.parse::<usize>().unwrap()] = new,
        ("add" | "replace", Value::Object(map)) => drop(map.insert(last.to_owned(), new)),
        (op, _) => panic!("{op} at {}", operation.path),
    }
}

/// With `BLESS_CASES=1` writes a case: the good bundle, what makes this one of it, and the name that it fails by.
#[expect(clippy::disallowed_methods, reason = "whoever blesses says so in the environment")]
pub(crate) fn bless(kind: &str, expect: &str, cheat: &str, bundle: &Bundle, trusted: &Trusted) {
    if std::env::var_os("BLESS_CASES").is_none() {
        return;
    }
    // What makes the good one of its file comes first.
    let good: Value = serde_json::from_str(&text(&format!("{kind}.json"))).unwrap();
    let file = good["bundle"].as_str().unwrap();
    let mut change = good["change"].as_array().cloned().unwrap_or_default();
    let operations: Vec<Operation> = serde_json::from_value(change.clone().into()).unwrap();
    let good: Value = serde_json::from_str(&changed(&text(file), &operations)).unwrap();
    differ(&good, &serde_json::to_value(bundle).unwrap(), "", &mut change);
    let case = json!({
        "cheat": cheat,
        "bundle": file,
        "change": change,
        "trusted": { "block": trusted.block, "network": trusted.network },
        "expect": expect,
    });
    let name = cheat.replace(", ", "-").replace(' ', "-");
    std::fs::write(folder().join(format!("{kind}.{name}.json")), format!("{case:#}\n")).unwrap();
}

fn differ(old: &Value, new: &Value, path: &str, change: &mut Vec<Value>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(old), Value::Object(new)) if old.keys().eq(new.keys()) => {
            for (key, value) in old {
                differ(value, &new[key], &format!("{path}/{key}"), change);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (at, (old, new)) in old.iter().zip(new).enumerate() {
                differ(old, new, &format!("{path}/{at}"), change);
            }
        }
        // What goes is removed from the end, what comes is put where it stands.
        (Value::Array(old), Value::Array(new)) if old.starts_with(new) => {
            for at in (new.len()..old.len()).rev() {
                change.push(json!({ "op": "remove", "path": format!("{path}/{at}") }));
            }
        }
        (Value::Array(old), Value::Array(new)) if new.len() == old.len() + 1 => {
            let at = new.iter().zip(old).position(|(new, old)| new != old).unwrap_or(old.len());
            assert!(new[at + 1..] == old[at..], "{path}");
            change.push(json!({ "op": "add", "path": format!("{path}/{at}"), "value": new[at] }));
        }
        _ => change.push(json!({ "op": "replace", "path": path, "value": new })),
    }
}
