use super::*;
use alloy_primitives::keccak256;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The CBOR that solc appends, up to the hash, and from there on to the compiler's version.
const CBOR: (&str, &str) = ("a2646970667358221220", "64736f6c6343");

/// A file of one chunk as IPFS hashes it: UnixFS in a node of the Merkle DAG, SHA-256.
fn ipfs(file: &[u8]) -> String {
    let length = varint(file.len());
    let unixfs = [&[0x08, 2, 0x12], &length[..], file, &[0x18], &length].concat();
    let node = [&[0x0a], &varint(unixfs.len())[..], &unixfs].concat();
    hex::encode(Sha256::digest(node))
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        bytes.push(low | if number > 0 { 0x80 } else { 0 });
        if number == 0 {
            return bytes;
        }
    }
}

#[test]
fn the_metadata_is_the_one_that_the_code_names() {
    // [API-5]
    let builds = Builds::new().unwrap();
    assert_eq!(builds.all.len(), 12);
    for build in &builds.all {
        assert!(build.metadata.len() < 262_144, "one chunk");
        let named = format!("{}{}{}", CBOR.0, ipfs(build.metadata.as_bytes()), CBOR.1);
        let code = hex::encode(&build.code);
        assert!(code.contains(&named), "{}: the code names other metadata", build.name);
        let other = ipfs(format!("{} ", build.metadata).as_bytes());
        assert!(!code.contains(&other));
    }
}

#[test]
fn every_source_is_the_one_that_the_metadata_names() {
    // [API-5]
    for build in &Builds::new().unwrap().all {
        let metadata: Value = serde_json::from_str(build.metadata).unwrap();
        let sources = metadata["sources"].as_object().unwrap();
        assert!(!sources.is_empty());
        for (path, source) in sources {
            let content = build.source(path).unwrap();
            let hash = keccak256(&content).to_string();
            assert_eq!(source["keccak256"], hash.as_str(), "{}: {path}", build.name);
            assert!(build.source(&path.replace('@', "_")).is_some());
        }
        for other in ["", "..", "../../../etc/passwd", "contracts/src"] {
            assert_eq!(build.source(other), None);
        }
    }
}

#[test]
fn code_is_known_whatever_its_immutables_are_and_other_code_is_not() {
    // [API-5]
    let builds = Builds::new().unwrap();
    let registry = builds.all.iter().position(|build| build.name == "AppRegistry").unwrap();
    let mut code = builds.all[registry].code.clone();
    let (start, length) = builds.all[registry].immutables[0];
    code[start..start + length].fill(7);
    assert_eq!(builds.identify(&code), Code::Build(registry));
    let mut other = code.clone();
    other[10] ^= 1;
    assert_eq!(builds.identify(&other), Code::Foreign);
    code.pop();
    assert_eq!(builds.identify(&code), Code::Foreign);
    assert_eq!(builds.identify(&[]), Code::Foreign);
}

#[test]
fn a_clone_says_what_it_runs() {
    let builds = Builds::new().unwrap();
    let implementation = Address::repeat_byte(9);
    let code = [&CLONE.0[..], implementation.as_slice(), &CLONE.1].concat();
    assert_eq!(builds.identify(&code), Code::CloneOf(implementation));
    assert_eq!(builds.identify(&code[1..]), Code::Foreign);
}
