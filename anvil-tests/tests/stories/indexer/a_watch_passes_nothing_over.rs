//! `quorate watch` sees an event that a reorg puts where it has looked already, and believes no endpoint about who is a policy: of a
//! contract that is told to be one by a changed event nothing is taken. [BUN-15]

use abi::{AllowlistPolicy, AppRegistry};
use alloy::providers::Provider;
use anvil_tests::{policies, quorate, story};
use anyhow::{Context, Result, ensure};
use devnet::harness::{BareChain, LyingRpc, RpcLie};
use policy_cli::Exit;
use serde_json::json;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
/// Far below the reorg here.
const SLOTS_IN_AN_EPOCH: u64 = 16;

#[test]
fn holds() {
    story(async || {
        let chain = BareChain::up(SLOTS_IN_AN_EPOCH).await?;
        let rpc = LyingRpc::start(chain.governance.chain.url()).await?;
        let mut network = chain.network.clone();
        network.chain.endpoints = vec![rpc.url().to_owned()];
        let file = chain.folder().join("watched.toml");
        std::fs::write(&file, network.to_toml())?;
        let file = file.to_str().context("a path in UTF-8")?;
        let watch = async |more: &[&str]| {
            let watch = ["watch", "--network", file, "--rpc", rpc.url()];
            quorate(&[&watch, more].concat()).await
        };
        a_reorg_moves_the_event(&chain, &rpc, &watch).await?;
        a_policy_is_forged(&chain, &rpc, &watch).await
    });
}

async fn a_reorg_moves_the_event(
    chain: &BareChain,
    rpc: &LyingRpc,
    watch: &impl AsyncFn(&[&str]) -> Result<(Exit, serde_json::Value)>,
) -> Result<()> {
    let (app, governance) = (chain.create_app(1).await?, &chain.governance);
    let fork = governance.chain.block_number().await?;
    let provider = governance.chain.provider();
    let snapshot: String = provider.raw_request("evm_snapshot".into(), [(); 0]).await?;
    governance.chain.mine(3).await?;
    let (from, looks) = ((fork + 1).to_string(), rpc.looks());
    let moved = async {
        // It asks who is a policy, then for the events of the three blocks.
        let looked = async || Ok((rpc.looks() >= looks + 2).then_some(()));
        until("a look", looked).await?;
        let reverted: bool = provider.raw_request("evm_revert".into(), json!([snapshot])).await?;
        ensure!(reverted, "anvil has no such snapshot");
        let freeze = AppRegistry::freezeCall { appId: app.id, reason: 2 };
        let registry = governance.contracts.app_registry;
        let receipt = governance.chain.send(governance.owner, registry, freeze).await?;
        ensure!(receipt.block_number <= Some(fork + 3), "it is in a block that nobody looked at");
        // The chain is longer than the one that was looked at.
        governance.chain.mine(3).await?;
        Ok(receipt)
    };
    let arguments = ["--from", &from, "--event", "AppFrozen", "--timeout", "30"];
    let (watched, receipt) = tokio::join!(watch(&arguments), moved);
    let ((exit, answer), receipt) = (watched?, receipt?);
    ensure!(exit == Exit::Ok && answer["event"]["name"] == "AppFrozen", "{answer}");
    ensure!(answer["blockNumber"] == json!(receipt.block_number), "{answer}");
    ensure!(answer["blockHash"] == json!(receipt.block_hash), "{answer}");
    Ok(())
}

async fn a_policy_is_forged(
    chain: &BareChain,
    rpc: &LyingRpc,
    watch: &impl AsyncFn(&[&str]) -> Result<(Exit, serde_json::Value)>,
) -> Result<()> {
    let app = chain.create_app(2).await?;
    let liar = policies::liar(chain).await?;
    policies::set_policy(chain, &app, liar).await?;
    policies::say_revoked(chain, liar, &app).await?;
    let id = app.id.to_string();
    let arguments =
        ["--from", "0", "--app", &id, "--event", "ComposeHashRevoked", "--timeout", "1"];
    let (exit, answer) = watch(&arguments).await?;
    ensure!(exit == Exit::NotFound, "a foreign contract says so: {answer}");
    rpc.tell(Some(RpcLie::OtherPolicy));
    let (exit, answer) = watch(&arguments).await?;
    ensure!(exit == Exit::Network, "{answer}");
    let message = answer["error"]["message"].as_str().context("a message")?;
    ensure!(message.contains("that the block's receipts don't hold"), "{message}");

    // The list that is named in truth, by an event that is proven as well as its own.
    rpc.tell(None);
    let list = policies::list(chain, &app).await?;
    policies::set_policy(chain, &app, list).await?;
    let governance = &chain.governance;
    let revoke =
        AllowlistPolicy::revokeComposeHashCall { composeHash: app.compose_hash, reason: 2 };
    governance.chain.send(governance.owner, list, revoke).await?;
    let (exit, answer) = watch(&arguments).await?;
    ensure!(exit == Exit::Ok, "{answer}");
    ensure!(answer["address"] == list.to_string().to_lowercase(), "{answer}");
    Ok(())
}

/// Looks until it is so.
async fn until(what: &str, mut look: impl AsyncFnMut() -> Result<Option<()>>) -> Result<()> {
    let deadline = std::time::Instant::now() + LIMIT;
    while look().await?.is_none() {
        ensure!(std::time::Instant::now() < deadline, "waited {LIMIT:?} for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
