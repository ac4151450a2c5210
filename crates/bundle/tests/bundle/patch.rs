//! What a case changes in a bundle: operations as in RFC 6902; a value may come from a file beside the case.

use super::world::text;
use bundle::Bundle;
use serde::Deserialize;
use serde_json::Value;

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
