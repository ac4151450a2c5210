//! An anvil of our own: a free port, killed when it is dropped.

use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use alloy::signers::local::PrivateKeySigner;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// anvil's own mnemonic; everybody knows it.
pub(crate) const MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Its first keys: deployer, owner, guardian, stranger.
pub(crate) const KEYS: [&str; 4] = [
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
];

pub(crate) fn keys() -> [PrivateKeySigner; 4] {
    KEYS.map(|key| key.parse().unwrap())
}

pub(crate) fn accounts() -> [String; 4] {
    keys().map(|key| key.address().to_checksum(None))
}

/// From the moment it runs, whatever fails after that.
struct KilledOnDrop(Child);

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) struct Devchain {
    _anvil: KilledOnDrop,
    pub(crate) url: String,
    pub(crate) provider: DynProvider,
}

impl Devchain {
    /// `None` if no anvil is installed.
    pub(crate) fn start() -> Option<Self> {
        let mut anvil = Command::new(tool("anvil"))
            .args(["--port", "0", "--prune-history", "300", "--slots-in-an-epoch", "1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()
            .map(KilledOnDrop)?;
        let mut lines = BufReader::new(anvil.0.stdout.take()?).lines();
        // The pipe is closed after this line: a full one would hang anvil.
        let listening =
            lines.find_map(|line| line.ok()?.strip_prefix("Listening on ").map(str::to_owned));
        let url = format!("http://{}", listening.expect("anvil listens"));
        let provider = ProviderBuilder::new()
            .disable_recommended_fillers()
            .connect_http(url.parse().unwrap())
            .erased();
        Some(Self { _anvil: anvil, url, provider })
    }

    /// Sends as an account that anvil has unlocked, and requires success.
    pub(crate) async fn send(&self, to: Option<Address>, input: Bytes) -> TransactionReceipt {
        let mut request =
            TransactionRequest::default().with_from(keys()[0].address()).with_input(input);
        request.to = Some(to.map_or(alloy::primitives::TxKind::Create, Into::into));
        let pending = self.provider.send_transaction(request).await.unwrap();
        let receipt = self.receipt(*pending.tx_hash()).await;
        assert!(receipt.status(), "setup reverted");
        receipt
    }

    /// Sends as any account: anvil is told to impersonate it.
    pub(crate) async fn send_as(
        &self,
        from: Address,
        to: Address,
        call: &impl alloy::sol_types::SolCall,
    ) -> TransactionReceipt {
        let request = TransactionRequest::default()
            .with_from(from)
            .with_to(to)
            .with_input(Bytes::from(call.abi_encode()));
        let pending = self.provider.send_transaction(request).await.unwrap();
        let receipt = self.receipt(*pending.tx_hash()).await;
        assert!(receipt.status(), "reverted");
        receipt
    }

    /// The time of the next block.
    pub(crate) async fn next_block_at(&self, time: u64) {
        let _: serde_json::Value = self
            .provider
            .raw_request("evm_setNextBlockTimestamp".into(), serde_json::json!([time]))
            .await
            .unwrap();
    }

    pub(crate) async fn mine(&self) {
        let _: serde_json::Value =
            self.provider.raw_request("evm_mine".into(), serde_json::json!([])).await.unwrap();
    }

    async fn receipt(&self, hash: B256) -> TransactionReceipt {
        for _ in 0..6000 {
            if let Some(receipt) = self.provider.get_transaction_receipt(hash).await.unwrap() {
                return receipt;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{hash} is not mined");
    }
}

/// A keystore named `guardian`, made by cast, password `tortoise`.
pub(crate) fn cast_keystore(directory: &Path, key: &str) {
    let made = Command::new(tool("cast"))
        .args([
            "wallet",
            "import",
            "guardian",
            "--private-key",
            key,
            "--unsafe-password",
            "tortoise",
            "--keystore-dir",
        ])
        .arg(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// The locked tool if it is installed, else whatever PATH has.
fn tool(name: &str) -> PathBuf {
    let locked =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/foundry/node_modules/.bin").join(name);
    if locked.exists() { locked } else { name.into() }
}
