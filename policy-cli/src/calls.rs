//! Calls from the command line and from batch files.

use crate::{
    exit::Exit,
    file::{self, FileError},
    send::{Call, checksum},
    values,
};
use alloy::primitives::{Address, B256, Bytes, U256};
use serde::Deserialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Why there are no calls.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallsError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{}: no batch of Safe's Transaction Builder: {source}", path.display())]
    NotABatch { path: PathBuf, source: serde_json::Error },
    #[error("{}: its checksum is {stated}, its content has {actual}", path.display())]
    Checksum { path: PathBuf, stated: String, actual: String },
    #[error("{}: for chain {actual}, the network is on chain {expected}", path.display())]
    OtherChain { path: PathBuf, expected: u64, actual: String },
    #[error("{}: transaction {number} has no data: only raw bytes are read", path.display())]
    NoData { path: PathBuf, number: usize },
    #[error("{}: no call approves its hash, {hash}", path.display())]
    NotApproved { path: PathBuf, hash: B256 },
}

impl CallsError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::File(error) => error.exit(),
            Self::NotABatch { .. } | Self::OtherChain { .. } | Self::NoData { .. } => Exit::Usage,
            Self::Checksum { .. } | Self::NotApproved { .. } => Exit::Denied,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::File(error) => error.hints(),
            Self::Checksum { .. } => vec!["somebody changed the file after it was written".into()],
            Self::NotABatch { .. } => vec!["--out safe-batch=FILE writes one".into()],
            Self::OtherChain { .. } | Self::NoData { .. } | Self::NotApproved { .. } => Vec::new(),
        }
    }
}

/// `ADDRESS:CALLDATA`
pub(crate) fn call(word: &str) -> Result<Call, String> {
    let (to, calldata) = word.split_once(':').ok_or("an address, a colon, and calldata in hex")?;
    let to = values::address(to).map_err(|wrong| wrong.to_string())?;
    let calldata: Bytes = calldata.parse().map_err(|_| "the calldata is no hex".to_owned())?;
    Ok(Call { to, value: U256::ZERO, calldata })
}

/// What we read of a batch: the raw bytes, which are what counts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    chain_id: String,
    transactions: Vec<Transaction>,
}

#[derive(Deserialize)]
struct Transaction {
    to: Address,
    value: String,
    data: Option<Bytes>,
}

/// The calls of a batch file for this chain, whose checksum holds.
pub(crate) fn batch(path: &Path, chain_id: u64) -> Result<Vec<Call>, CallsError> {
    let batch = read(path)?;
    if batch.chain_id != chain_id.to_string() {
        let (expected, actual) = (chain_id, batch.chain_id);
        return Err(CallsError::OtherChain { path: path.into(), expected, actual });
    }
    batch.calls(path)
}

/// The calls of a batch file, whatever chain it is for.
pub(crate) fn batch_of_any_chain(path: &Path) -> Result<Vec<Call>, CallsError> {
    read(path)?.calls(path)
}

fn read(path: &Path) -> Result<Batch, CallsError> {
    let wrong = |source| CallsError::NotABatch { path: path.into(), source };
    let value: Value = serde_json::from_slice(&file::read(path)?).map_err(wrong)?;
    if let Some(stated) = value["meta"]["checksum"].as_str() {
        let actual = checksum(&value);
        if stated != actual {
            let stated = stated.to_owned();
            return Err(CallsError::Checksum { path: path.into(), stated, actual });
        }
    }
    serde_json::from_value(value).map_err(wrong)
}

impl Batch {
    fn calls(self, path: &Path) -> Result<Vec<Call>, CallsError> {
        let transactions = self.transactions.into_iter().enumerate();
        transactions.map(|(index, transaction)| transaction.read(path, index)).collect()
    }
}

impl Transaction {
    fn read(self, path: &Path, index: usize) -> Result<Call, CallsError> {
        let no_data = || CallsError::NoData { path: path.into(), number: index.saturating_add(1) };
        let calldata = self.data.ok_or_else(no_data)?;
        let value = self.value.parse::<U256>().map_err(|_| CallsError::NotABatch {
            path: path.into(),
            source: serde::de::Error::custom("a value is no number"),
        })?;
        Ok(Call { to: self.to, value, calldata })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TO: &str = "0x0101010101010101010101010101010101010101";

    fn file(change: impl FnOnce(&mut Value)) -> Result<Vec<Call>, CallsError> {
        let mut batch = json!({
            "version": "1.0", "chainId": "31337", "createdAt": 1, "meta": { "name": "x" },
            "transactions": [{ "to": TO, "value": "7", "data": "0x0102" }],
        });
        batch["meta"]["checksum"] = json!(checksum(&batch));
        change(&mut batch);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), batch.to_string()).unwrap();
        super::batch(file.path(), 31337)
    }

    #[test]
    fn a_batch_is_its_raw_bytes() {
        let calls = file(|_| {}).unwrap();
        let expected =
            Call { to: TO.parse().unwrap(), value: U256::from(7), calldata: vec![1, 2].into() };
        assert_eq!(calls, [expected]);
        // Its name is not under the checksum, as the builder has it.
        assert!(file(|batch| batch["meta"]["name"] = json!("y")).is_ok());
    }

    /// [GOV-23]
    #[test]
    fn a_batch_that_was_changed_or_is_for_elsewhere_is_refused() {
        let refused = file(|batch| batch["transactions"][0]["data"] = json!("0x0103"));
        assert!(matches!(refused, Err(CallsError::Checksum { .. })));
        let renewed = |batch: &mut Value, key: &str, value: Value| {
            match key {
                "chainId" => batch["chainId"] = value,
                other => batch["transactions"][0][other] = value,
            }
            batch["meta"]["checksum"] = json!(checksum(batch));
        };
        let refused = file(|batch| renewed(batch, "chainId", json!("1")));
        assert!(matches!(refused, Err(CallsError::OtherChain { .. })));
        let refused = file(|batch| renewed(batch, "data", Value::Null));
        assert!(matches!(refused, Err(CallsError::NoData { number: 1, .. })));
        let refused = file(|batch| renewed(batch, "value", json!("much")));
        assert!(matches!(refused, Err(CallsError::NotABatch { .. })));
    }

    #[test]
    fn a_call_is_an_address_and_bytes() {
        assert_eq!(call(&format!("{TO}:0x01")).unwrap().calldata.as_ref(), [1]);
        for wrong in ["", TO, "0x01:0x01", &format!("{TO}:xx")] {
            assert!(call(wrong).is_err(), "{wrong}");
        }
    }
}
