//! Real events, as many as a bench wants: an app's owner, a contract of 60 bytes, approves compose hashes in a loop; two events
//! each, one of them in the policy's trail.

use abi::{AppRegistry, app_registry::AppRegistry as registry};
use alloy::{
    primitives::{Address, B256, Bytes, TxKind, U256},
    providers::Provider,
    rpc::types::{TransactionReceipt, TransactionRequest},
    sol_types::SolValue,
};
use anyhow::{Context, Result, ensure};
use devnet::harness::BareChain;
use std::time::{Duration, Instant};

/// Approvals of one transaction, which is a block: below EIP-7825's limit of gas.
pub const APPROVALS: u64 = 200;
const GAS: u64 = 16_000_000;
const PATIENCE: Duration = Duration::from_secs(600);
/// `addComposeHash(start..start + count)` on a policy, each by a call: (policy, start, count).
const LOOP: &str = "603c8060093d393df363dfc7722360e01b60005260203560403581015b816004526000600060246000600060003\
                    55af1602f5760006000fd5b9060010190808210601357\
                    00";

/// Owner of an app, who approves in a loop.
#[derive(Debug)]
pub struct Approver<'a> {
    chain: &'a BareChain,
    owner: Address,
    /// The app; its policy has the same address.
    pub app: Address,
}

impl<'a> Approver<'a> {
    /// Makes the app.
    ///
    /// # Errors
    /// If a contract refuses it.
    pub async fn new(chain: &'a BareChain) -> Result<Self> {
        let governance = &chain.governance;
        let code = alloy::primitives::hex::decode(LOOP.replace(char::is_whitespace, ""))?;
        let create = TransactionRequest {
            to: Some(TxKind::Create),
            ..TransactionRequest::default().from(governance.owner).input(Bytes::from(code).into())
        };
        let sent = governance.chain.provider().send_transaction(create).await?;
        let receipt = mined(chain, *sent.tx_hash()).await?;
        let owner = receipt.contract_address.context("the loop is not there")?;
        let salt = B256::repeat_byte(0xBE);
        let sender = governance.owner;
        let predict = AppRegistry::predictAppIdCall { sender, salt };
        let app = governance.chain.view(governance.contracts.app_registry, predict).await?;
        let new = registry::NewApp {
            salt,
            owner,
            guardian: owner,
            vendors: Vec::new(),
            lockPolicy: false,
            policy: registry::PolicySetup {
                grantDelaySeconds: 0,
                requireTcbUpToDate: true,
                allowAnyDevice: true,
                composeHash: B256::repeat_byte(1),
                uri: String::new(),
                deviceIds: Vec::new(),
                measurements: Vec::new(),
            },
        };
        let call = AppRegistry::createAppCall { app: new };
        governance.chain.send(sender, governance.contracts.app_registry, call).await?;
        Ok(Self { chain, owner, app })
    }

    /// At least `events` events, in blocks of twice [`APPROVALS`]. Says how many they are.
    ///
    /// # Errors
    /// If a contract refuses it.
    pub async fn make(&self, events: u64) -> Result<u64> {
        let mut approved = 0;
        while approved * 2 < events {
            self.approve(approved, APPROVALS).await?;
            approved += APPROVALS;
        }
        self.chain.governance.chain.mine(4).await?;
        Ok(approved * 2)
    }

    /// One transaction in one block.
    ///
    /// # Errors
    /// If the policy refuses it.
    pub async fn approve(&self, first: u64, count: u64) -> Result<()> {
        let start = (U256::from(1) << 128) + U256::from(first);
        let input = (self.app, start, U256::from(count)).abi_encode();
        let request = TransactionRequest::default()
            .from(self.chain.governance.owner)
            .to(self.owner)
            .gas_limit(GAS)
            .input(Bytes::from(input).into());
        let provider = self.chain.governance.chain.provider();
        let sent = provider.send_transaction(request).await?;
        let receipt = mined(self.chain, *sent.tx_hash()).await?;
        ensure!(receipt.status(), "an approval failed");
        Ok(())
    }
}

/// Anvil makes a block of each transaction as it comes.
async fn mined(chain: &BareChain, hash: B256) -> Result<TransactionReceipt> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let provider = chain.governance.chain.provider();
        if let Some(receipt) = provider.get_transaction_receipt(hash).await? {
            return Ok(receipt);
        }
        ensure!(Instant::now() < deadline, "no block took the transaction");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
