//! Deployed code against what sources compile to, explained: immutables, libraries, metadata.
//!
//! Spec: docs/spec/simulate.md [SIM-13]. Pure. Trusts: nothing. A match is exact if all bytes but the immutables and library
//! addresses are those of the sources, metadata included: it holds a hash over every source and setting.

use alloy::primitives::{Address, B256, hex};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What sources compile to.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Compiled {
    pub(crate) source: String,
    pub(crate) name: String,
    /// 0x-hex, with placeholders where libraries are not linked.
    pub(crate) object: String,
    pub(crate) immutables: Vec<Vec<Place>>,
    pub(crate) libraries: BTreeMap<String, Vec<Place>>,
}

/// Bytes within a code.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Place {
    pub(crate) start: usize,
    pub(crate) length: usize,
}

/// How far a code is that of its sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every byte, and the hash over sources and settings.
    Exact,
    /// Every instruction; another comment, name or setting that leaves no trace in the code.
    Partial,
    /// Another contract.
    Different,
}

/// A comparison, explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub(crate) verdict: Verdict,
    /// The value of each immutable; `None` if its places do not hold one and the same.
    pub(crate) immutables: Vec<Option<B256>>,
    /// The address of each library; `None` if its places do not hold one and the same.
    pub(crate) libraries: Vec<(String, Option<Address>)>,
    /// The metadata at the end: on the chain, and of the sources.
    pub(crate) metadata: [Option<Metadata>; 2],
    /// The first byte that differs beside metadata; lengths that differ count as the shorter one's end.
    pub(crate) first_difference: Option<usize>,
}

/// What solc writes behind the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// The IPFS multihash over the metadata, which holds the hash of every source.
    pub(crate) ipfs: Option<String>,
    pub(crate) solc: Option<String>,
}

/// The implementation behind an EIP-1167 clone.
pub(crate) fn clone_of(code: &[u8]) -> Option<Address> {
    let address = code
        .strip_prefix(&hex!("363d3d373d3d3d363d73"))?
        .strip_suffix(&hex!("5af43d82803e903d91602b57fd5bf3"))?;
    Address::try_from(address).ok()
}

/// Holds the code of the chain against the sources'.
pub(crate) fn compare(chain: &[u8], compiled: &Compiled) -> Comparison {
    let mut expected = object(compiled);
    let mut actual = chain.to_vec();
    let immutables: Vec<Option<B256>> =
        compiled.immutables.iter().map(|places| one(&actual, places)).collect();
    let libraries = compiled.libraries.iter().map(|(name, places)| {
        let address = same(&actual, places).and_then(|bytes| Address::try_from(bytes).ok());
        (name.clone(), address)
    });
    let libraries: Vec<(String, Option<Address>)> = libraries.collect();
    let places = compiled.immutables.iter().chain(compiled.libraries.values()).flatten();
    for place in places {
        blank(&mut actual, place);
        blank(&mut expected, place);
    }
    let (actual_code, actual_metadata) = split(&actual);
    let (expected_code, expected_metadata) = split(&expected);
    let first_difference = difference(actual_code, expected_code);
    let is_one = immutables.iter().all(Option::is_some)
        && libraries.iter().all(|(_, address)| address.is_some());
    let verdict = match first_difference {
        Some(_) => Verdict::Different,
        None if !is_one => Verdict::Different,
        None if actual == expected => Verdict::Exact,
        None => Verdict::Partial,
    };
    let metadata = [actual_metadata.map(metadata), expected_metadata.map(metadata)];
    Comparison { verdict, immutables, libraries, metadata, first_difference }
}

/// The bytes; a library that is not linked is zero.
fn object(compiled: &Compiled) -> Vec<u8> {
    let mut text = compiled.object.trim_start_matches("0x").to_owned();
    for Place { start, length } in compiled.libraries.values().flatten() {
        let (from, to) = (start.saturating_mul(2), start.saturating_add(*length).saturating_mul(2));
        if text.get(from..to).is_some() {
            text.replace_range(from..to, &"0".repeat(to.saturating_sub(from)));
        }
    }
    hex::decode(text).unwrap_or_default()
}

fn at<'a>(code: &'a [u8], place: &Place) -> Option<&'a [u8]> {
    code.get(place.start..place.start.saturating_add(place.length))
}

/// What all places hold, if it is the same.
fn same<'a>(code: &'a [u8], places: &[Place]) -> Option<&'a [u8]> {
    let mut values = places.iter().map(|place| at(code, place));
    let first = values.next()??;
    values.all(|value| value == Some(first)).then_some(first)
}

fn one(code: &[u8], places: &[Place]) -> Option<B256> {
    same(code, places).and_then(|bytes| B256::try_from(bytes).ok())
}

fn blank(code: &mut [u8], place: &Place) {
    if let Some(bytes) = code.get_mut(place.start..place.start.saturating_add(place.length)) {
        bytes.fill(0);
    }
}

/// Code and metadata: the last two bytes say how long the latter is.
fn split(code: &[u8]) -> (&[u8], Option<&[u8]>) {
    let whole = || {
        let (rest, length) = code.split_last_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (code, metadata) = rest.split_at_checked(rest.len().checked_sub(length)?)?;
        // A CBOR map of one to three entries.
        matches!(metadata.first(), Some(0xa1..=0xa3)).then_some((code, metadata))
    };
    match whole() {
        Some((code, metadata)) => (code, Some(metadata)),
        None => (code, None),
    }
}

fn difference(actual: &[u8], expected: &[u8]) -> Option<usize> {
    let common = actual.iter().zip(expected).position(|(a, b)| a != b);
    common.or((actual.len() != expected.len()).then(|| actual.len().min(expected.len())))
}

fn metadata(cbor: &[u8]) -> Metadata {
    let after = |key: &[u8], length: usize| {
        let at = cbor.windows(key.len()).position(|window| window == key)?;
        let from = at.saturating_add(key.len());
        cbor.get(from..from.saturating_add(length))
    };
    // text(4) "ipfs", bytes(34); text(4) "solc", bytes(3)
    let ipfs = after(b"\x64ipfs\x58\x22", 34).map(hex::encode_prefixed);
    let solc = after(b"\x64solc\x43", 3).and_then(|version| match version {
        [major, minor, patch] => Some(format!("{major}.{minor}.{patch}")),
        _ => None,
    });
    Metadata { ipfs, solc }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAIL: &[u8] = b"\xa2\x64ipfs\x58\x22\x12\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x64solc\x43\x00\x08\x25\x00\x33";

    /// PUSH32 immutable, PUSH20 library, STOP, metadata.
    fn compiled() -> (Compiled, Vec<u8>) {
        let object = format!(
            "0x7f{}73__$0123456789abcdef0123456789abcdef01$__00{}",
            "00".repeat(32),
            hex::encode(TAIL)
        );
        let places = |start, length| vec![Place { start, length }];
        let libraries = BTreeMap::from([("L".to_owned(), places(34, 20))]);
        let compiled = Compiled {
            source: "A.sol".into(),
            name: "A".into(),
            object,
            immutables: vec![places(1, 32)],
            libraries,
        };
        let chain = [&[0x7f][..], &[7; 32], &[0x73], &[9; 20], &[0], TAIL].concat();
        (compiled, chain)
    }

    #[test]
    fn immutables_and_libraries_may_differ_and_are_told() {
        // [SIM-13]
        let (compiled, chain) = compiled();
        let found = compare(&chain, &compiled);
        assert_eq!(found.verdict, Verdict::Exact);
        assert_eq!(found.immutables, [Some(B256::repeat_byte(7))]);
        assert_eq!(found.libraries, [("L".to_owned(), Some(Address::repeat_byte(9)))]);
        let metadata = found.metadata[0].clone().unwrap();
        assert_eq!(metadata.solc.as_deref(), Some("0.8.37"));
        assert!(metadata.ipfs.unwrap().starts_with("0x1220"));
    }

    #[test]
    fn another_source_hash_is_partial_and_another_instruction_is_different() {
        let (compiled, mut chain) = compiled();
        let in_metadata = chain.len() - 20;
        chain[in_metadata] ^= 1;
        assert_eq!(compare(&chain, &compiled).verdict, Verdict::Partial);
        chain[54] ^= 1;
        let found = compare(&chain, &compiled);
        assert_eq!((found.verdict, found.first_difference), (Verdict::Different, Some(54)));
        assert_eq!(compare(&[], &compiled).verdict, Verdict::Different);
    }

    #[test]
    fn an_immutable_with_two_values_is_another_contract() {
        let (mut compiled, chain) = compiled();
        compiled.immutables[0].push(Place { start: 0, length: 32 });
        assert_eq!(compare(&chain, &compiled).verdict, Verdict::Different);
    }

    #[test]
    fn a_library_with_two_addresses_is_another_contract() {
        // [SIM-13]
        let (mut compiled, chain) = compiled();
        let second = Place { start: 2, length: 20 };
        compiled.libraries.get_mut("L").unwrap().push(second);
        compiled.immutables.clear();
        let one = [&[0x7f][..], &[7; 1], &[9; 20], &[0; 11], &chain[33..]].concat();
        let source = compiled.object.replacen(&"00".repeat(32), &hex::encode(&one[1..33]), 1);
        compiled.object = source;
        assert_eq!(compare(&one, &compiled).verdict, Verdict::Exact);
        let mut two = one;
        two[2] = 8;
        let found = compare(&two, &compiled);
        assert_eq!(found.verdict, Verdict::Different);
        assert_eq!(found.first_difference, None);
        assert_eq!(found.libraries, [("L".to_owned(), None)]);
    }

    #[test]
    fn only_the_exact_clone_is_a_clone() {
        let code = hex!(
            "363d3d373d3d3d363d7311111111111111111111111111111111111111115af43d82803e903d91602b57fd5bf3"
        );
        assert_eq!(clone_of(&code), Some(Address::repeat_byte(0x11)));
        assert_eq!(clone_of(&code[..44]), None);
        assert_eq!(clone_of(&[&code[..], &[0]].concat()), None);
    }
}
