//! A batch for the Transaction Builder of Safe's web app, and its checksum.
//!
//! Each transaction has its raw bytes and, for people, the method with its arguments. What counts are the bytes.

use super::Call;
use crate::{chain::Chain, decode::Interfaces};
use alloy::dyn_abi::DynSolValue;
use alloy::primitives::{Address, hex, keccak256};
use proposal::Sorted;
use serde_json::{Map, Value, json};

/// The builder reads files of this format.
const FORMAT: &str = "1.0";
/// The builder whose format this is.
const BUILDER: &str = "1.18.2";

/// The file's content. `createdAt` is the head's time: time is block time.
pub(super) fn safe_batch(
    chain: &Chain,
    interfaces: &Interfaces,
    safe: Address,
    calls: &[Call],
) -> Value {
    let mut batch = json!({
        "version": FORMAT,
        "chainId": chain.network.chain.id.to_string(),
        "createdAt": chain.head.time.saturating_mul(1000),
        "meta": {
            "name": format!("quorate: {}", name(interfaces, calls)),
            "description": format!("network {}", chain.network.name),
            "txBuilderVersion": BUILDER,
            "createdFromSafeAddress": safe.to_checksum(None),
            "createdFromOwnerAddress": "",
        },
        "transactions": calls.iter().map(|call| transaction(interfaces, call)).collect::<Vec<_>>(),
    });
    batch["meta"]["checksum"] = json!(checksum(&batch));
    batch
}

fn name(interfaces: &Interfaces, calls: &[Call]) -> String {
    let names = calls.iter().filter_map(|call| interfaces.call(&call.calldata));
    names.map(|call| call.name).collect::<Vec<_>>().join(", ")
}

fn transaction(interfaces: &Interfaces, call: &Call) -> Value {
    let mut transaction = json!({
        "to": call.to.to_checksum(None),
        "value": call.value.to_string(),
        "data": call.calldata,
        "contractMethod": null,
        "contractInputsValues": null,
    });
    if let Some((_, function, values)) = interfaces.function(&call.calldata) {
        transaction["contractMethod"] = json!({
            "inputs": function.inputs,
            "name": function.name,
            "payable": !call.value.is_zero(),
        });
        let named = function.inputs.iter().zip(&values);
        let inputs: Map<String, Value> =
            named.map(|(input, value)| (input.name.clone(), json!(text(value)))).collect();
        transaction["contractInputsValues"] = Value::Object(inputs);
    }
    transaction
}

/// A value as the builder's form has it: lists and structs as JSON within the string.
fn text(value: &DynSolValue) -> String {
    match nested(value) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn nested(value: &DynSolValue) -> Value {
    match value {
        DynSolValue::Bool(yes) => json!(yes.to_string()),
        DynSolValue::Address(address) => json!(address.to_checksum(None)),
        DynSolValue::FixedBytes(word, size) => json!(hex::encode_prefixed(&word[..*size])),
        DynSolValue::Uint(number, _) => json!(number.to_string()),
        DynSolValue::Int(number, _) => json!(number.to_string()),
        DynSolValue::String(text) => json!(text),
        DynSolValue::Bytes(bytes) => json!(hex::encode_prefixed(bytes)),
        DynSolValue::Function(function) => json!(function),
        DynSolValue::Array(items)
        | DynSolValue::FixedArray(items)
        | DynSolValue::Tuple(items)
        | DynSolValue::CustomStruct { tuple: items, .. } => items.iter().map(nested).collect(),
    }
}

/// keccak256 over the builder's own writing of the file, in which the name is null and there is no checksum.
pub(crate) fn checksum(batch: &Value) -> String {
    let mut batch = batch.clone();
    if let Some(meta) = batch.get_mut("meta").and_then(Value::as_object_mut) {
        meta.insert("name".into(), Value::Null);
        meta.remove("checksum");
    }
    let mut written = String::new();
    write(&Sorted::from(batch), &mut written);
    keccak256(written).to_string()
}

/// An object is its keys in order as a list, then each value and a comma.
fn write(value: &Sorted, written: &mut String) {
    match value {
        Sorted::Leaf(leaf) => written.push_str(&leaf.to_string()),
        Sorted::List(items) => {
            written.push('[');
            for (index, item) in items.iter().enumerate() {
                if index != 0 {
                    written.push(',');
                }
                write(item, written);
            }
            written.push(']');
        }
        Sorted::Object(map) => {
            written.push('{');
            written.push_str(&json!(map.keys().collect::<Vec<_>>()).to_string());
            for item in map.values() {
                write(item, written);
                written.push(',');
            }
            written.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{B256, U256};
    use alloy::sol_types::SolCall;

    /// A file that Safe's web app wrote, with its checksum.
    fn of_the_web_app() -> Value {
        json!({
            "version": "1.0",
            "chainId": "1",
            "createdAt": 1_761_326_849_944_u64,
            "meta": {
                "name": "Transactions Batch",
                "description": "",
                "txBuilderVersion": "1.18.2",
                "createdFromSafeAddress": "0xA77DE01e157f9f57C7c4A326eeE9C4874D0598b6",
                "createdFromOwnerAddress": "",
                "checksum": "0x8b5032f716845c8b08bab3d63dbd9ba92e056f3557793cd041e59b84e16aa989"
            },
            "transactions": [{
                "to": "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
                "value": "0",
                "data": null,
                "contractMethod": {
                    "inputs": [
                        { "internalType": "address", "name": "spender", "type": "address" },
                        { "internalType": "uint256", "name": "value", "type": "uint256" }
                    ],
                    "name": "approve",
                    "payable": false
                },
                "contractInputsValues": {
                    "spender": "0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8",
                    "value": "100000000000"
                }
            }]
        })
    }

    #[test]
    fn the_checksum_is_the_web_apps() {
        let file = of_the_web_app();
        assert_eq!(file["meta"]["checksum"], checksum(&file));
        let mut changed = file.clone();
        changed["transactions"][0]["contractInputsValues"]["value"] = json!("100000000001");
        assert_ne!(file["meta"]["checksum"], checksum(&changed));
    }

    #[test]
    fn a_transaction_has_its_bytes_and_its_words() {
        let call = abi::AppRegistry::freezeCall { appId: Address::repeat_byte(1), reason: 2 };
        let written = transaction(&Interfaces::ours(), &Call::new(Address::repeat_byte(9), &call));
        assert_eq!(written["data"], json!(hex::encode_prefixed(call.abi_encode())));
        assert_eq!(written["contractMethod"]["name"], "freeze");
        assert_eq!(written["contractMethod"]["inputs"][1]["type"], "uint8");
        assert_eq!(written["contractInputsValues"]["reason"], "2");
        let unknown = Call {
            to: Address::repeat_byte(9),
            value: U256::ZERO,
            calldata: vec![1, 2, 3, 4].into(),
        };
        assert_eq!(transaction(&Interfaces::ours(), &unknown)["contractMethod"], Value::Null);
    }

    #[test]
    fn lists_are_json_within_a_string() {
        let list = DynSolValue::Array(vec![
            DynSolValue::FixedBytes(B256::repeat_byte(1), 32),
            DynSolValue::Tuple(vec![DynSolValue::Bool(true), DynSolValue::Uint(U256::from(7), 8)]),
        ]);
        assert_eq!(text(&list), format!("[\"{}\",[\"true\",\"7\"]]", B256::repeat_byte(1)));
    }
}
