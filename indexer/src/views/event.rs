//! One event as pages and views read it: its place, its arguments by name, what sort of act it is.

use super::{AsOf, says::Act};
use crate::{
    decode::Kind,
    http::{Row, shape},
    store::EventRow,
};
use alloy_primitives::{Address, B256};
use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Where an event stands in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Place {
    pub(crate) block_number: u64,
    #[schema(schema_with = shape::hash_schema)]
    pub(crate) block_hash: B256,
    /// Seconds since 1970.
    pub(crate) block_time: u64,
    pub(crate) tx_index: u64,
    /// In the block.
    pub(crate) log_index: u64,
    #[schema(value_type = shape::Finality)]
    pub(crate) finality: &'static str,
}

/// An event, and what sort of act it is.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = EventOfView)]
pub(crate) struct Event {
    #[serde(flatten)]
    pub(crate) place: Place,
    #[schema(schema_with = shape::address_schema)]
    pub(crate) contract: Address,
    /// What the contract is.
    #[serde(serialize_with = "kind_word")]
    #[schema(schema_with = shape::kind_schema)]
    pub(crate) kind: Kind,
    #[schema(schema_with = shape::standing_schema)]
    pub(crate) standing: String,
    pub(crate) name: Option<String>,
    #[schema(inline)]
    pub(crate) act: Act,
    #[schema(schema_with = shape::optional_address_schema)]
    pub(crate) app_id: Option<Address>,
    /// Of what a policy says of an app: whether the app ever named that policy, or one that asks it. Null: it is no policy's, or
    /// it is not known.
    pub(crate) judges_app: Option<bool>,
    /// Its place in the trail, from 1.
    pub(crate) seq: Option<u64>,
    /// Arguments by name.
    #[schema(value_type = Object)]
    pub(crate) args: Args,
    /// Indexed arguments as the chain has them: by these the index finds more.
    #[serde(skip)]
    pub(crate) indexed: Vec<B256>,
}

/// Arguments by name, as `decode` wrote them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct Args(pub(crate) Map<String, Value>);

impl Event {
    pub(crate) fn new(row: &EventRow, as_of: &AsOf) -> Self {
        let args = row.args.as_deref().and_then(|args| serde_json::from_str(args).ok());
        Self {
            place: Place {
                block_number: row.block.number,
                block_hash: row.block.hash,
                block_time: row.block_time,
                tx_index: row.tx_index,
                log_index: row.log_index,
                finality: as_of.finality(row.block.number, row.canonical),
            },
            contract: row.contract,
            kind: row.kind,
            standing: row.standing.clone(),
            act: Act::of(row.name.as_deref().unwrap_or_default()),
            name: row.name.clone(),
            app_id: row.app_id,
            judges_app: None,
            seq: row.seq,
            args: Args(args.unwrap_or_default()),
            indexed: row.log.topics().iter().skip(1).copied().collect(),
        }
    }

    /// Whether a search for this hash or address finds something: it is indexed, or a root.
    pub(crate) fn is_findable(&self, name: &str, text: &str) -> bool {
        let word = match text.parse::<Address>() {
            Ok(address) => Some(address.into_word()),
            Err(_) => text.parse().ok(),
        };
        name == "root" || word.is_some_and(|word| self.indexed.contains(&word))
    }

    pub(crate) fn all(rows: &[EventRow], as_of: &AsOf) -> Vec<Self> {
        rows.iter().map(|row| Self::new(row, as_of)).collect()
    }

    /// Whether it is of a policy that is nothing to the app that it names. [EXP-22]
    pub(crate) fn is_nothing_to_app(&self) -> bool {
        self.judges_app == Some(false)
    }

    /// Empty for an event that we do not know.
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
}

impl Row for Event {
    const COLUMNS: &'static [&'static str] = &[
        "block_number",
        "block_hash",
        "block_time",
        "tx_index",
        "log_index",
        "finality",
        "contract",
        "kind",
        "standing",
        "name",
        "act",
        "app_id",
        "judges_app",
        "seq",
        "args",
    ];
}

impl Args {
    fn get(&self, name: &str) -> Result<&Value> {
        self.0.get(name).with_context(|| format!("an event without {name}"))
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str> {
        self.get(name)?.as_str().with_context(|| format!("{name} is no text"))
    }

    /// A number, or decimal text where JSON's numbers end.
    pub(crate) fn number(&self, name: &str) -> Result<u64> {
        number(self.get(name)?).with_context(|| format!("{name} is no number"))
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool> {
        self.get(name)?.as_bool().with_context(|| format!("{name} is no bool"))
    }

    pub(crate) fn hash(&self, name: &str) -> Result<B256> {
        self.text(name)?.parse().with_context(|| format!("{name} is no hash"))
    }

    pub(crate) fn address(&self, name: &str) -> Result<Address> {
        self.text(name)?.parse().with_context(|| format!("{name} is no address"))
    }

    pub(crate) fn numbers(&self, name: &str) -> Result<Vec<u64>> {
        let list = self.get(name)?.as_array().with_context(|| format!("{name} is no list"))?;
        list.iter().map(|value| number(value).context("a list of numbers")).collect()
    }

    pub(crate) fn hashes(&self, name: &str) -> Result<Vec<B256>> {
        let list = self.get(name)?.as_array().with_context(|| format!("{name} is no list"))?;
        let hash = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
        list.iter().map(|value| hash(value).context("a list of hashes")).collect()
    }

    /// A struct among the arguments.
    pub(crate) fn inner(&self, name: &str) -> Result<Self> {
        let inner = self.get(name)?.as_object();
        Ok(Self(inner.with_context(|| format!("{name} is no struct"))?.clone()))
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn kind_word<S: serde::Serializer>(kind: &Kind, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(kind.word())
}

/// A 32-byte label: ASCII, left-aligned; hex if it is anything else.
pub(crate) fn label(word: B256) -> String {
    let end = word.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    let text = word.get(..end).unwrap_or_default();
    match !text.is_empty() && text.iter().all(|byte| byte.is_ascii_graphic()) {
        true => String::from_utf8_lossy(text).into_owned(),
        false => word.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_text_or_hex() {
        let mut word = B256::ZERO;
        word[..5].copy_from_slice(b"intel");
        assert_eq!(label(word), "intel");
        assert_eq!(label(B256::ZERO), B256::ZERO.to_string());
        word[1] = 7;
        assert!(label(word).starts_with("0x69"));
    }

    #[test]
    fn numbers_above_json_are_text() {
        let args: Map<String, Value> =
            serde_json::from_str(r#"{"a": 7, "b": "18446744073709551615", "c": true}"#).unwrap();
        let args = Args(args);
        assert_eq!(args.number("a").unwrap(), 7);
        assert_eq!(args.number("b").unwrap(), u64::MAX);
        assert!(args.number("c").is_err() && args.number("d").is_err());
    }
}
