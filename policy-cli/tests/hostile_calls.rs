//! Calls within calls that are made to take for ever: `quorate decode` says soon that it can't read them. [GOV-21]

use alloy::primitives::U256;
use serde_json::json;
use std::process::Command;
use std::time::{Duration, Instant};

/// `multicall(bytes[])` of OpenZeppelin's AccessManager.
const MULTICALL: [u8; 4] = [0xac, 0x96, 0x50, 0xd8];

/// A multicall whose offsets all lead to one element, a multicall like it, and so on.
fn nested(depth: usize, length: usize) -> Vec<u8> {
    let word = |number: usize| U256::from(number).to_be_bytes::<32>();
    let count = length / 32 / (depth + 1);
    let inner = match depth {
        0 => return vec![0xee; length],
        _ => nested(depth - 1, length - 32 * count),
    };
    let mut call = [&MULTICALL[..], &word(32), &word(count)].concat();
    (0..count).for_each(|_| call.extend(word(count * 32)));
    call.extend(word(inner.len()));
    call.extend(&inner);
    call.resize(call.len().next_multiple_of(32) + 4, 0);
    call
}

#[test]
fn calls_without_end_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let batch = |data: &[u8]| {
        let file = folder.path().join("batch.json");
        let data = alloy::primitives::hex::encode_prefixed(data);
        let to = "0x0101010101010101010101010101010101010101";
        let batch = json!({ "version": "1.0", "chainId": "1",
            "transactions": [{ "to": to, "value": "0", "data": data }] });
        std::fs::write(&file, batch.to_string()).unwrap();
        let begin = Instant::now();
        let told = Command::new(env!("CARGO_BIN_EXE_quorate")).arg("decode").arg(file).output();
        let told = told.unwrap();
        let said = String::from_utf8_lossy(&told.stderr).into_owned();
        (told.status.code(), said, begin.elapsed())
    };
    let (code, said, time) = batch(&nested(4, 64 << 10));
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("has the selector of multicall(bytes[]) and does not decode"), "{said}");
    assert!(time < Duration::from_secs(10), "{time:?}");
    // The same bytes once each are read.
    let word = |number: usize| U256::from(number).to_be_bytes::<32>();
    let empty = [&MULTICALL[..], &word(32), &word(0)].concat();
    assert_eq!(batch(&empty).0, Some(0));
}
