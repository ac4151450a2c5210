//! The committed artefacts are what the checked-out sources compile to.

use check_artifacts::creation_code;
use serde::Deserialize;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artefact {
    contract_name: String,
    source_name: String,
    bytecode: Bytecode,
}

#[derive(Deserialize)]
struct Bytecode {
    object: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn committed() -> Vec<Artefact> {
    let folder = root().join("contracts/artifacts");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .filter(|path| !path.to_string_lossy().ends_with(".input.json"))
        .map(|path| serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap())
        .collect()
}

#[test]
fn artefacts_are_what_the_sources_compile_to() {
    let artefacts = committed();
    assert!(artefacts.len() >= 6, "contracts/artifacts is not whole");
    let sources: Vec<String> = artefacts.iter().map(|found| found.source_name.clone()).collect();
    let compiled = creation_code(&root(), &sources).unwrap_or_else(|error| panic!("{error}"));
    for artefact in artefacts {
        let name = artefact.contract_name;
        let key = (artefact.source_name, name.clone());
        let code = compiled.get(&key).unwrap_or_else(|| panic!("{key:?} is not compiled"));
        assert!(
            *code == artefact.bytecode.object,
            "{name}: contracts/artifacts is not what its source compiles to; run script/export-artifacts"
        );
    }
}

/// The negative twin: one comment more is other code, because the metadata hash binds the sources.
#[test]
fn one_comment_more_is_other_code() {
    let elsewhere = tempfile::tempdir().unwrap();
    let root = elsewhere.path().canonicalize().unwrap();
    for path in ["foundry.toml", "contracts/src", "contracts/tools", OPENZEPPELIN] {
        copy(path, &root);
    }
    std::os::unix::fs::symlink(
        self::root().join("contracts/node_modules/solc"),
        root.join("contracts/node_modules/solc"),
    )
    .unwrap();
    let trail = root.join("contracts/src/Trail.sol");
    let text = std::fs::read_to_string(&trail).unwrap();
    std::fs::write(&trail, format!("{text}// one comment more\n")).unwrap();

    let registry =
        committed().into_iter().find(|found| found.contract_name == "AttestationRegistry");
    let registry = registry.unwrap();
    let compiled = creation_code(&root, std::slice::from_ref(&registry.source_name)).unwrap();
    let code = &compiled[&(registry.source_name, registry.contract_name)];
    assert!(*code != registry.bytecode.object);
    assert_eq!(code.len(), registry.bytecode.object.len());
}

const OPENZEPPELIN: &str = "contracts/node_modules/@openzeppelin/contracts";

fn copy(path: &str, root: &Path) {
    let to = root.join(path);
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    let copied =
        std::process::Command::new("cp").arg("-r").arg(self::root().join(path)).arg(to).status();
    assert!(copied.unwrap().success());
}

#[test]
fn without_node_modules_it_says_what_to_run() {
    let empty = tempfile::tempdir().unwrap();
    std::fs::copy(root().join("foundry.toml"), empty.path().join("foundry.toml")).unwrap();
    let error = creation_code(empty.path(), &[]).unwrap_err().to_string();
    assert!(error.ends_with("node_modules is missing: run script/setup"), "{error}");
}
