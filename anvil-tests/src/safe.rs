//! A Safe, of its real contracts: `@safe-global/safe-smart-account`, by lock file, with the bytecode that its package has.

use alloy::{
    primitives::{Address, B256, Bytes, U256, hex},
    sol,
    sol_types::SolCall,
};
use anyhow::{Context, Result};
use devnet::{
    chain::{CallError, Chain},
    harness::Network,
};
use serde_json::Value;

sol! {
    /// The part of Safe that a story uses.
    #[allow(missing_docs)]
    interface ISafe {
        function setup(address[] owners, uint256 threshold, address to, bytes data, address fallbackHandler, address paymentToken, uint256 payment, address paymentReceiver) external;
        function nonce() external view returns (uint256);
        function getTransactionHash(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, uint256 nonce) external view returns (bytes32);
        function approveHash(bytes32 hashToApprove) external;
        function execTransaction(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, bytes signatures) external payable returns (bool);
    }
    /// Makes Safes.
    #[allow(missing_docs)]
    interface ISafeProxyFactory {
        function createProxyWithNonce(address singleton, bytes initializer, uint256 saltNonce) external returns (address);
    }
}

/// A Safe of unlocked accounts.
#[derive(Clone, Debug)]
pub struct Safe {
    /// Its address.
    pub address: Address,
    owners: Vec<Address>,
    chain: Chain,
}

/// A transaction of a Safe.
#[derive(Clone, Debug)]
pub struct Transaction {
    to: Address,
    value: U256,
    data: Bytes,
}

impl Safe {
    /// Makes a Safe: `threshold` of `owners`.
    ///
    /// # Errors
    /// If the package is not installed, or a contract refuses.
    pub async fn make(network: &Network, owners: &[Address], threshold: u64) -> Result<Self> {
        let chain = network.governance.chain.clone();
        let payer = *owners.first().context("a Safe has owners")?;
        let singleton = chain.create(payer, code(network, "Safe.sol/Safe")?).await?;
        let factory = code(network, "proxies/SafeProxyFactory.sol/SafeProxyFactory")?;
        let factory = chain.create(payer, factory).await?;
        let setup = ISafe::setupCall {
            owners: owners.to_vec(),
            threshold: U256::from(threshold),
            to: Address::ZERO,
            data: Bytes::new(),
            fallbackHandler: Address::ZERO,
            paymentToken: Address::ZERO,
            payment: U256::ZERO,
            paymentReceiver: Address::ZERO,
        };
        let create = ISafeProxyFactory::createProxyWithNonceCall {
            singleton,
            initializer: setup.abi_encode().into(),
            saltNonce: U256::ZERO,
        };
        let address = chain.view(factory, create.clone()).await?;
        chain.send(payer, factory, create).await?;
        Ok(Self { address, owners: owners.to_vec(), chain })
    }

    /// The transactions of a batch file for its Transaction Builder: the raw bytes.
    ///
    /// # Errors
    /// If it is none.
    pub fn read_batch(batch: &Value) -> Result<Vec<Transaction>> {
        let transactions = batch["transactions"].as_array().context("no transactions")?;
        let field = |transaction: &Value, key: &str| {
            transaction[key].as_str().map(str::to_owned).with_context(|| format!("no {key}"))
        };
        transactions
            .iter()
            .map(|transaction| {
                Ok(Transaction {
                    to: field(transaction, "to")?.parse()?,
                    value: field(transaction, "value")?.parse()?,
                    data: field(transaction, "data")?.parse()?,
                })
            })
            .collect()
    }

    /// Carries out a transaction with the approvals of the first `count` owners, the last of whom sends it.
    ///
    /// # Errors
    /// If the Safe refuses.
    pub async fn execute(&self, transaction: &Transaction, count: usize) -> Result<(), CallError> {
        let Transaction { to, value, data } = transaction.clone();
        let nonce = self.chain.view(self.address, ISafe::nonceCall {}).await?;
        let call = ISafe::getTransactionHashCall {
            to,
            value,
            data: data.clone(),
            operation: 0,
            safeTxGas: U256::ZERO,
            baseGas: U256::ZERO,
            gasPrice: U256::ZERO,
            gasToken: Address::ZERO,
            refundReceiver: Address::ZERO,
            nonce,
        };
        let hash = self.chain.view(self.address, call).await?;
        let mut approving: Vec<Address> = self.owners.iter().take(count).copied().collect();
        for owner in &approving {
            let approve = ISafe::approveHashCall { hashToApprove: hash };
            self.chain.send(*owner, self.address, approve).await?;
        }
        let sender = approving.last().copied().unwrap_or_default();
        approving.sort_unstable();
        let call = ISafe::execTransactionCall {
            to,
            value,
            data,
            operation: 0,
            safeTxGas: U256::ZERO,
            baseGas: U256::ZERO,
            gasPrice: U256::ZERO,
            gasToken: Address::ZERO,
            refundReceiver: Address::ZERO,
            signatures: approving.iter().flat_map(approval).collect::<Vec<u8>>().into(),
        };
        self.chain.send(sender, self.address, call).await.map(drop)
    }
}

/// What stands for a signature of an owner who has approved the hash on chain: the owner, nothing, and 1.
fn approval(owner: &Address) -> Vec<u8> {
    [B256::left_padding_from(owner.as_slice()).as_slice(), &[0; 32], &[1]].concat()
}

fn code(network: &Network, name: &str) -> Result<Bytes> {
    let file = network
        .repository()
        .join("contracts/node_modules/@safe-global/safe-smart-account/build/artifacts/contracts")
        .join(format!("{name}.json"));
    let text = std::fs::read(&file).with_context(|| file.display().to_string())?;
    let artefact: Value = serde_json::from_slice(&text)?;
    let code = artefact["bytecode"].as_str().context("the artefact has no bytecode")?;
    Ok(hex::decode(code)?.into())
}
