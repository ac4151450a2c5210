//! The committed artefacts were made from the sources that are checked out now. No compiler: `script/check-artifacts`
//! compiles and compares.

use alloy_primitives::keccak256;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Every artefact with its standard-JSON input.
fn artefacts() -> Vec<(Value, Value)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join("contracts/artifacts")).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().ends_with(".input.json") {
            found.push((read(&path), read(&path.with_extension("input.json"))));
        }
    }
    found
}

#[test]
fn sources_have_the_hashes_in_the_artefacts() {
    for (artefact, _) in artefacts() {
        for (source, hash) in artefact["sources"].as_object().unwrap() {
            match fs::read(root().join(source)) {
                Ok(text) => assert_eq!(
                    keccak256(text).to_string(),
                    hash.as_str().unwrap(),
                    "{source} changed: run script/export-artifacts"
                ),
                // Dependencies are compared where they are installed.
                Err(_) => {
                    assert!(source.starts_with("contracts/node_modules/"), "{source} is gone")
                }
            }
        }
    }
}

#[test]
fn inputs_hold_the_sources_of_the_artefacts() {
    for (artefact, input) in artefacts() {
        let sources = artefact["sources"].as_object().unwrap();
        assert_eq!(input["sources"].as_object().unwrap().len(), sources.len());
        for (source, hash) in sources {
            let content = input["sources"][source]["content"].as_str().unwrap();
            assert_eq!(keccak256(content).to_string(), hash.as_str().unwrap(), "{source}");
        }
    }
}

#[test]
fn every_contract_fits_the_limit_of_the_chain() {
    for (artefact, _) in artefacts() {
        let code = artefact["deployedBytecode"]["object"].as_str().unwrap();
        assert!((code.len() - 2) / 2 <= 24_576, "{}", artefact["contractName"]);
    }
}
