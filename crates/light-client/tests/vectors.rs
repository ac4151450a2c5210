//! vectors/chain: a real block, a real `eth_getProof` answer and real code, and twins with one thing changed.

use alloy_primitives::{Address, Bytes, U256};
use light_client::{
    FactLimits, ForgedHeader, HeaderChain, Hints, ProofError, ProofRequest, RawAccountProof,
    RawHeader,
};
use serde_json::Value;
use std::{fs, path::PathBuf};

fn field<T: serde::de::DeserializeOwned>(vector: &Value, name: &str) -> T {
    serde_json::from_value(vector[name].clone()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The slots' values, or the name of the error.
fn judge(vector: &Value) -> Result<Vec<U256>, &'static str> {
    let forged_header = |error: ForgedHeader| match error {
        ForgedHeader::Hash { .. } | ForgedHeader::Fields { .. } => "forged-header",
    };
    let header = field::<RawHeader>(vector, "header").seal().map_err(forged_header)?;
    let mut state = HeaderChain::new(header.block())
        .open(header, FactLimits::STATE, &Hints::new())
        .expect("the checkpoint");
    let (address, slots): (Address, Vec<U256>) = (field(vector, "address"), field(vector, "slots"));
    let request = ProofRequest { address, slots: slots.iter().copied().collect() };
    let name = |error| match error {
        ProofError::ForgedAccount { .. } => "forged-account",
        ProofError::ForgedSlot { .. } => "forged-slot",
        ProofError::ForgedCode { .. } => "forged-code",
        ProofError::NotAnswered { .. } => "not-answered",
        ProofError::TooLarge { .. } => "too-large",
        ProofError::AccountNotProven { .. } => "account-not-proven",
        ProofError::Full { .. } => "full",
    };
    let raw: RawAccountProof = field(vector, "proof");
    state.insert_proof(&request, &raw).map_err(name)?;
    let code: Bytes = field(vector, "code");
    state.insert_code(address, code.clone()).map_err(name)?;
    assert_eq!(state.code(address).map(|proven| proven.bytes().clone()), Ok(code));
    let value = |slot: &U256| state.slot(address, *slot).expect("proven");
    Ok(slots.iter().map(value).collect())
}

#[test]
fn every_vector_gives_what_it_expects() {
    // [CHAIN-1] [CHAIN-10] [CHAIN-11] [CHAIN-12] [CHAIN-13] [CHAIN-14]
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/chain");
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("vectors/chain") {
        let path = entry.expect("a file").path();
        let text = fs::read_to_string(&path).expect("text");
        let vector: Value = serde_json::from_str(&text).expect("JSON");
        let outcome = judge(&vector);
        let expected = vector["expect"].as_str().expect("expect");
        assert_eq!(outcome.clone().err().unwrap_or("ok"), expected, "{path:?}");
        if let Ok(values) = outcome {
            assert_eq!(values, field::<Vec<U256>>(&vector, "values"), "{path:?}");
        }
        count += 1;
    }
    assert!(count >= 14, "vectors are missing: {count}");
}
