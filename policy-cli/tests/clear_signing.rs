//! The clear-signing files (ERC-7730) of docs/clear-signing: every selector and every field that they show exists in the
//! committed interfaces and statements, and nothing of a call stays unshown. [GOV-24]

use alloy::json_abi::{Function, JsonAbi, Param};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(prefix: &str) -> Vec<(String, Value)> {
    let folder = std::fs::read_dir(root().join("docs/clear-signing")).unwrap();
    let mut files: Vec<(String, Value)> = folder
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix))
        .map(|path| {
            let text = std::fs::read(&path).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap()[prefix.len()..].to_owned();
            (name, serde_json::from_slice(&text).unwrap())
        })
        .collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(!files.is_empty());
    files
}

fn abi(contract: &str) -> JsonAbi {
    let file = root().join(format!("contracts/artifacts/{contract}.json"));
    let artefact: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    serde_json::from_value(artefact["abi"].clone()).unwrap()
}

/// Every value below these parameters, by the path that a file names it with.
fn paths(params: &[Param], prefix: &str, found: &mut BTreeSet<String>) {
    for param in params {
        let list = if param.ty.ends_with(']') { ".[]" } else { "" };
        let path = format!("{prefix}{}{list}", param.name);
        match param.components.is_empty() {
            true => drop(found.insert(path)),
            false => paths(&param.components, &format!("{path}."), found),
        }
    }
}

/// The paths that a format shows, each with a label; its parameters lead somewhere too.
fn shown(format: &Value, file: &Value) -> BTreeSet<String> {
    assert!(format["intent"].as_str().is_some_and(|intent| !intent.is_empty()), "{format}");
    let fields = format["fields"].as_array().unwrap();
    let mut found = BTreeSet::new();
    for field in fields {
        assert!(field["label"].as_str().is_some_and(|label| !label.is_empty()), "{field}");
        if let Some(reference) = field["params"]["$ref"].as_str() {
            let name = reference.strip_prefix("$.metadata.enums.").unwrap();
            assert!(file["metadata"]["enums"][name].is_object(), "{reference}");
        }
        assert!(found.insert(field["path"].as_str().unwrap().to_owned()), "twice: {field}");
    }
    for field in fields {
        if let Some(callee) = field["params"]["calleePath"].as_str() {
            assert!(found.contains(callee), "{field}");
        }
    }
    found
}

fn named(function: &Function) -> String {
    fn ty(param: &Param) -> String {
        if param.components.is_empty() {
            return param.ty.clone();
        }
        let suffix = param.ty.strip_prefix("tuple").unwrap();
        format!("({}){suffix}", list(&param.components))
    }
    fn list(params: &[Param]) -> String {
        let items = params.iter().map(|param| format!("{} {}", ty(param), param.name));
        items.collect::<Vec<_>>().join(",")
    }
    format!("{}({})", function.name, list(&function.inputs))
}

/// [GOV-24]
#[test]
fn every_selector_and_field_exists_and_nothing_of_a_call_is_unshown() {
    for (contract, file) in files("calldata-") {
        assert_eq!(file["context"]["$id"], contract);
        let abi = abi(&contract);
        for (signature, format) in file["display"]["formats"].as_object().unwrap() {
            let function = abi.functions().find(|function| named(function) == *signature);
            let function = function.unwrap_or_else(|| panic!("{contract} has no {signature}"));
            let mut all = BTreeSet::new();
            paths(&function.inputs, "", &mut all);
            assert_eq!(shown(format, &file), all, "{contract}.{signature}");
        }
    }
}

/// What a wallet may be asked to sign for these has words: no function was forgotten.
#[test]
fn every_function_that_changes_a_registry_has_words() {
    for contract in ["AllowlistPolicy", "AppRegistry", "AttestationRegistry"] {
        let files = files("calldata-");
        let (_, file) = files.iter().find(|(name, _)| name == contract).unwrap();
        let formats = file["display"]["formats"].as_object().unwrap();
        for function in abi(contract).functions() {
            let view = matches!(
                function.state_mutability,
                alloy::json_abi::StateMutability::View | alloy::json_abi::StateMutability::Pure
            );
            // Only AppRegistry can call the one, only KmsCommittee the other.
            if view || matches!(function.name.as_str(), "initialize" | "takeOver") {
                continue;
            }
            assert!(formats.contains_key(&named(function)), "{contract}.{}", named(function));
        }
    }
}

/// [GOV-24]
#[test]
fn every_statement_is_shown_field_by_field() {
    let statements = std::fs::read_to_string(root().join("crates/wire/statements.txt")).unwrap();
    for (contract, file) in files("eip712-") {
        for (encoded, format) in file["display"]["formats"].as_object().unwrap() {
            // A Governor's ballots are OpenZeppelin's.
            if contract != "QuorateGovernor" {
                assert!(statements.contains(&format!("  type    {encoded}\n")), "{encoded}");
            }
            let types: Vec<(&str, &str)> =
                encoded.split_terminator(')').map(|part| part.split_once('(').unwrap()).collect();
            let mut all = BTreeSet::new();
            members(&types, types[0].0, "", &mut all);
            assert_eq!(shown(format, &file), all, "{encoded}");
        }
    }
}

fn members(types: &[(&str, &str)], name: &str, prefix: &str, found: &mut BTreeSet<String>) {
    let (_, list) = types.iter().find(|(found, _)| *found == name).unwrap();
    for member in list.split(',') {
        let (ty, member) = member.split_once(' ').unwrap();
        let base = ty.split('[').next().unwrap();
        let path = format!("{prefix}{member}{}", if ty.ends_with(']') { ".[]" } else { "" });
        match types.iter().any(|(found, _)| *found == base) {
            true => members(types, base, &format!("{path}."), found),
            false => drop(found.insert(path)),
        }
    }
}
