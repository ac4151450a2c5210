//! A relay has sent a record, and the base fee rises above what it pays: no block takes it. It is sent again at higher fees, under
//! the same nonce, and the enclave's request is released. [REC-9]

use alloy::{
    consensus::Transaction,
    primitives::{B256, U128, U256},
    providers::Provider,
};
use anvil_tests::story;
use anyhow::{Context, Result, bail, ensure};
use devnet::harness::{Network, Options};
use serde_json::{Value, json};
use std::time::Duration;
use wire::request::RecordReply;

/// Far above what anvil asks for.
const BASE_FEE: u64 = 100_000_000_000;
const LIMIT: Duration = Duration::from_secs(90);

#[test]
fn holds() {
    story(async || {
        let network = Network::up(Options::default()).await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        let mut ask = network.ask(&enclave).await?;
        network.authorize_by(&mut ask, &[0, 1, 2]).await?;
        let (request, relay) = (ask.record_request()?, network.member(0)?);

        let chain = &network.governance.chain;
        let set = async |method: &'static str, value: Value| -> Result<()> {
            let _: Value = chain.provider().raw_request(method.into(), value).await?;
            Ok(())
        };
        set("evm_setAutomine", json!([false])).await?;
        let sent = async { Ok(network.post::<RecordReply>(relay, "/v1/record", &request).await?) };
        let outgrown = async {
            let (first, paid, nonce) = waiting(&network).await?;
            ensure!(paid < u128::from(BASE_FEE), "it pays {paid} from the start");
            set("anvil_setNextBlockBaseFeePerGas", json!([U256::from(BASE_FEE)])).await?;
            // Blocks come until it is in one.
            let look = async || {
                let receipt = chain.provider().get_transaction_receipt(first).await?;
                ensure!(receipt.is_none(), "a block has taken it below its base fee");
                Ok((network.recorded(ask.pending.issuance_id()).await? != 0).then_some(()))
            };
            chain.until("the record", LIMIT, look).await?;
            Ok::<_, anyhow::Error>((first, nonce))
        };
        let (reply, (first, nonce)) = tokio::try_join!(sent, outgrown)?;
        let RecordReply::Sent { transaction } = reply else { bail!("{reply:?}") };
        ensure!(transaction != first);
        let mined = chain.provider().get_transaction_by_hash(transaction).await?;
        let mined = mined.context("the relay names a transaction of the chain")?;
        ensure!(mined.nonce() == nonce, "it was not replaced");
        set("evm_setAutomine", json!([true])).await?;
        network.settle_head().await?;
        network.release_by(&mut ask, 0).await?;
        network.down().await
    });
}

/// The only transaction in the pool: its hash, the most that it pays for gas, and its nonce.
async fn waiting(network: &Network) -> Result<(B256, u128, u64)> {
    let look = async || -> Result<Option<(B256, u128, u64)>> {
        let provider = network.governance.chain.provider();
        let pool: Value = provider.raw_request("txpool_content".into(), json!([])).await?;
        let senders = pool["pending"].as_object().context("a pool")?;
        let queues = senders.values().filter_map(Value::as_object);
        let Some(found) = queues.flat_map(|queue| queue.values()).next() else { return Ok(None) };
        let number = |field: &str| serde_json::from_value::<U128>(found[field].clone());
        let (paid, nonce) = (number("maxFeePerGas")?.to::<u128>(), number("nonce")?.to::<u64>());
        Ok(Some((serde_json::from_value(found["hash"].clone())?, paid, nonce)))
    };
    for _ in 0..900 {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the relay has sent nothing")
}
