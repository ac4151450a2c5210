//! What a key belongs to, byte for byte as `vectors/verify.py` and the curve's own vectors have it. [DERIVE-1]
#![allow(clippy::disallowed_methods, reason = "reads the vectors")]

use alloy_primitives::{Address, B256, Bytes};
use serde::Deserialize;
use std::fs;
use wire::{
    Scope,
    statements::{Input, derive_input},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    app_id: Address,
    key_version: u32,
    keyset_id: B256,
    scope_kind: u8,
    scope_value: B256,
    x: Bytes,
}

fn vector(name: &str) -> Vector {
    let path = format!("{}/../../vectors/derive/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_scope_gives_the_x_of_its_vector() {
    for name in ["app-scope", "code-scope", "instance-scope"] {
        let vector = vector(name);
        let scope = match vector.scope_kind {
            1 => Scope::App,
            2 => Scope::Code(vector.scope_value),
            _ => Scope::Instance(Address::from_word(vector.scope_value)),
        };
        assert_eq!(
            (scope.kind(), scope.value()),
            (vector.scope_kind, vector.scope_value),
            "{name}"
        );
        let input = Input {
            kind: 1,
            scopeKind: scope.kind(),
            scopeValue: scope.value(),
            keyVersion: vector.key_version,
            secretId: B256::ZERO,
            ciphertextHash: B256::ZERO,
        };
        assert_eq!(derive_input(vector.keyset_id, vector.app_id, &input), vector.x, "{name}");
    }
}

#[test]
fn another_key_version_is_another_x() {
    let vector = vector("app-scope");
    let input = Input {
        kind: 1,
        scopeKind: 1,
        scopeValue: B256::ZERO,
        keyVersion: vector.key_version + 1,
        secretId: B256::ZERO,
        ciphertextHash: B256::ZERO,
    };
    assert_ne!(derive_input(vector.keyset_id, vector.app_id, &input), vector.x);
}
