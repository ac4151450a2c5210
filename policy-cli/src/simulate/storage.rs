//! Names of storage slots, where the layout is ours: `_composeHash[0x…]`, `_settings.grantDelay`. Elsewhere slots stay raw.
//!
//! Spec: docs/spec/simulate.md [SIM-8]. For people alone: nothing is decided by a name. A key of a mapping is found among the
//! words that the run has used; one that is not among them leaves its slot raw.

use alloy::primitives::{Address, B256, U256, keccak256};
use policy::SlotChange;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

const LAYOUTS: &str = include_str!("layouts.json");
/// Words that are tried as keys; more are left out.
const MAX_WORDS: usize = 512;
const WORD_BITS: usize = 256;

#[derive(Deserialize)]
struct Layout {
    storage: Vec<Variable>,
    types: BTreeMap<String, Type>,
}

#[derive(Deserialize)]
struct Variable {
    label: String,
    slot: u64,
    offset: usize,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Type {
    encoding: String,
    bytes: u64,
    label: String,
    value: Option<String>,
    #[serde(default)]
    members: Vec<Variable>,
}

/// A variable, or the part of one that shares a slot with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) path: String,
    pub(crate) before: String,
    pub(crate) after: String,
}

/// Names for the slots of contracts whose layout is ours.
pub(crate) struct Names {
    layouts: BTreeMap<String, Layout>,
    contracts: BTreeMap<Address, &'static str>,
    words: BTreeSet<B256>,
}

impl Names {
    /// `contracts` says whose layout each address has; `words` are tried as keys.
    pub(crate) fn new(
        contracts: BTreeMap<Address, &'static str>,
        words: impl Iterator<Item = B256>,
    ) -> Self {
        let small = (0..8u64).map(|number| B256::from(U256::from(number)));
        let words = small.chain(words).take(MAX_WORDS).collect();
        Self { layouts: serde_json::from_str(LAYOUTS).unwrap_or_default(), contracts, words }
    }

    pub(crate) fn contract(&self, address: Address) -> Option<&'static str> {
        self.contracts.get(&address).copied()
    }

    /// The fields in the slot that changed; none if nobody knows its name.
    pub(crate) fn fields(&self, change: &SlotChange) -> Vec<Field> {
        let layout = self.contract(change.address).and_then(|name| self.layouts.get(name));
        let Some(layout) = layout else { return Vec::new() };
        let mut search = Search { layout, words: &self.words, wanted: change.slot, found: vec![] };
        for variable in &layout.storage {
            search.variable(variable, U256::ZERO, "", 0);
        }
        search
            .found
            .into_iter()
            .filter_map(|Place { path, offset, bytes, label }| {
                let [before, after] =
                    [change.before, change.after].map(|word| part(word, offset, bytes));
                (before != after).then(|| Field {
                    path,
                    before: shown(before, &label),
                    after: shown(after, &label),
                })
            })
            .collect()
    }
}

struct Place {
    path: String,
    offset: usize,
    bytes: usize,
    label: String,
}

struct Search<'a> {
    layout: &'a Layout,
    words: &'a BTreeSet<B256>,
    wanted: U256,
    found: Vec<Place>,
}

impl Search<'_> {
    fn variable(&mut self, variable: &Variable, base: U256, before: &str, depth: usize) {
        let slot = base.wrapping_add(U256::from(variable.slot));
        let path = match before {
            "" => variable.label.clone(),
            before => format!("{before}.{}", variable.label),
        };
        self.at(&variable.kind, slot, variable.offset, &path, depth);
    }

    fn at(&mut self, kind: &str, slot: U256, offset: usize, path: &str, depth: usize) {
        let Some(kind) = self.layout.types.get(kind) else { return };
        if let Some(value) = &kind.value {
            // Two keys deep: no mapping of ours has three.
            if depth < 2 {
                self.mapping(value, slot, path, depth);
            }
        } else if !kind.members.is_empty() {
            for member in &kind.members {
                self.variable(member, slot, path, depth);
            }
        } else if slot == self.wanted {
            let whole = kind.encoding != "inplace";
            let bytes = if whole { 32 } else { usize::try_from(kind.bytes).unwrap_or(32) };
            let label = if whole { format!("{} (slot)", kind.label) } else { kind.label.clone() };
            self.found.push(Place { path: path.to_owned(), offset, bytes, label });
        }
    }

    fn mapping(&mut self, value: &str, slot: U256, path: &str, depth: usize) {
        for key in self.words {
            let base = keccak256([key.0, slot.to_be_bytes()].concat());
            let key = short(*key);
            self.at(value, base.into(), 0, &format!("{path}[{key}]"), depth + 1);
        }
    }
}

/// A key as people write it: a small number, an address, or the word.
fn short(key: B256) -> String {
    let number = U256::from_be_bytes(key.0);
    match u64::try_from(number) {
        Ok(number) => number.to_string(),
        Err(_) if number < U256::from(1) << 160 => Address::from_word(key).to_checksum(None),
        Err(_) => key.to_string(),
    }
}

fn part(word: U256, offset: usize, bytes: usize) -> U256 {
    let shifted = word >> (offset * 8);
    let bits = bytes * 8;
    if bits >= WORD_BITS { shifted } else { shifted & ((U256::from(1) << bits) - U256::from(1)) }
}

fn shown(value: U256, label: &str) -> String {
    match label {
        "bool" => if value.is_zero() { "no" } else { "yes" }.to_owned(),
        "bytes32" => B256::from(value).to_string(),
        label if label.starts_with("uint") || label.starts_with("enum") => value.to_string(),
        label if label == "address" || label.starts_with('I') => {
            Address::from_word(B256::from(value)).to_checksum(None)
        }
        _ => format!("{value:#x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_of_our_layouts_have_names_and_others_do_not() {
        // [SIM-8]
        let policy = Address::repeat_byte(1);
        let hash = B256::repeat_byte(0xaa);
        let contracts = BTreeMap::from([(policy, "AllowlistPolicy")]);
        let names = Names::new(contracts, [hash].into_iter());
        let slot = U256::from_be_bytes(keccak256([hash.0, U256::from(3).to_be_bytes()].concat()).0);
        let (before, after) = (U256::ZERO, U256::from(1_700_000_000u64));
        let change = SlotChange { address: policy, slot, before, after };
        let fields = names.fields(&change);
        assert_eq!(fields.len(), 1);
        assert_eq!(fields[0].path, format!("_composeHash[{hash}]"));
        assert_eq!((fields[0].before.as_str(), fields[0].after.as_str()), ("0", "1700000000"));

        // Two fields of one slot; only the one that changed is named.
        let change =
            SlotChange { slot: U256::from(1), after: U256::from(3600u64) << 160, ..change };
        assert_eq!(names.fields(&change)[0].path, "_settings.grantDelay");
        assert_eq!(names.fields(&change).len(), 1);

        let unknown_key = SlotChange { slot: slot + U256::from(1), ..change };
        assert!(names.fields(&unknown_key).is_empty());
        let another = SlotChange { address: Address::ZERO, ..change };
        assert!(names.fields(&another).is_empty());
    }
}
