//! A list revokes code before it is the app's policy, and again once it is: the indexer keeps a bundle of the second revocation,
//! says of the first that none can be made, and of an event that is neither issuance nor revocation that none is. [BUN-17]

use abi::{
    AllowlistPolicy, AppRegistry, AppRegistry::createPolicyCall,
    app_registry::AppRegistry::PolicySetup,
};
use alloy::primitives::B256;
use anvil_tests::{Index, story};
use anyhow::{Context, Result, ensure};
use devnet::harness::BareChain;
use serde_json::Value;

const REASON: u8 = 2;

#[test]
fn holds() {
    story(async || {
        let bare = BareChain::up(1).await?;
        let app = bare.create_app(1).await?;
        let (chain, owner) = (&bare.governance.chain, bare.governance.owner);
        let registry = bare.governance.contracts.app_registry;
        let setup = PolicySetup {
            grantDelaySeconds: 0,
            requireTcbUpToDate: true,
            allowAnyDevice: true,
            composeHash: app.compose_hash,
            uri: String::new(),
            deviceIds: Vec::new(),
            measurements: Vec::new(),
        };
        let receipt =
            chain.send(owner, registry, createPolicyCall { appId: app.id, setup }).await?;
        let list = receipt.logs().first().context("the list that was made")?.address();
        let revoke =
            |hash| AllowlistPolicy::revokeComposeHashCall { composeHash: hash, reason: REASON };
        chain.send(owner, list, revoke(app.compose_hash)).await?;
        chain
            .send(owner, registry, AppRegistry::setPolicyCall { appId: app.id, policy: list })
            .await?;
        let later = B256::repeat_byte(7);
        let approve = AllowlistPolicy::addComposeHashCall { composeHash: later };
        chain.send(owner, list, approve).await?;
        chain.send(owner, list, revoke(later)).await?;
        chain.mine(5).await?;
        let index = Index::start(&bare.network, bare.folder(), "index").await?;
        let path =
            format!("/v1/events?contract={}&finality=finalized", list.to_string().to_lowercase());
        let is_all = |_, body: &Value| of(body, "ComposeHashRevoked").len() == 2;
        let body = index.until(&path, is_all).await?;
        let revoked = of(&body, "ComposeHashRevoked");
        index.until(&bundle(&revoked[1]), |status, _| status == 200).await?;
        let says = |words: &'static str| {
            move |status, body: &Value| status == 404 && body.to_string().contains(words)
        };
        let body_of = index.until(&bundle(&revoked[0]), says("none can be")).await?;
        ensure!(body_of.to_string().contains("policy"), "{body_of}");
        let approved = of(&body, "ComposeHashApproved");
        index.until(&bundle(&approved[0]), says("one proves an issuance or a revocation")).await?;
        Result::Ok(())
    });
}

/// Events of this name, in the chain's order.
fn of(body: &Value, name: &str) -> Vec<Value> {
    let all = body["events"].as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|event| event["name"] == name).collect()
}

fn bundle(event: &Value) -> String {
    let block = event["block_hash"].as_str().unwrap_or_default();
    format!("/v1/events/{block}/{}/bundle", event["log_index"])
}
