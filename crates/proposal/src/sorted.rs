//! JSON whose bytes depend on its content alone: serde_json keeps or sorts keys as some other crate's feature decides.

use serde_json::Value;
use std::collections::BTreeMap;

/// JSON whose objects are written in the order of their keys, whatever features serde_json was built with.
#[derive(serde::Serialize)]
#[serde(untagged)]
pub enum Sorted {
    /// Neither list nor object.
    Leaf(Value),
    /// In its order.
    List(Vec<Sorted>),
    /// By key.
    Object(BTreeMap<String, Sorted>),
}

impl From<Value> for Sorted {
    fn from(value: Value) -> Self {
        match value {
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(map) => {
                Self::Object(map.into_iter().map(|(key, value)| (key, Self::from(value))).collect())
            }
            leaf => Self::Leaf(leaf),
        }
    }
}
