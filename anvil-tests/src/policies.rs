//! Policies of every kind on a chain without nodes, made by AppRegistry or by nobody.

use abi::{
    AllowlistPolicy, AppRegistry,
    app_registry::AppRegistry::{Holding, PolicySetup},
};
use alloy::{
    primitives::{Address, Bytes, U256},
    sol_types::{SolCall, SolEvent},
};
use anyhow::{Context, Result};
use devnet::{governance::App, harness::BareChain};

/// Replaces an app's policy.
///
/// # Errors
/// If AppRegistry refuses.
pub async fn set_policy(chain: &BareChain, app: &App, policy: Address) -> Result<()> {
    made(chain, AppRegistry::setPolicyCall { appId: app.id, policy }).await.map(drop)
}

/// A list that no event of AppRegistry names, with the app's own code.
///
/// # Errors
/// If AppRegistry refuses.
pub async fn list(chain: &BareChain, app: &App) -> Result<Address> {
    let setup = PolicySetup {
        grantDelaySeconds: 0,
        requireTcbUpToDate: true,
        allowAnyDevice: true,
        composeHash: app.compose_hash,
        uri: String::new(),
        deviceIds: Vec::new(),
        measurements: Vec::new(),
    };
    made(chain, AppRegistry::createPolicyCall { appId: app.id, setup }).await
}

/// Every one of these must allow.
///
/// # Errors
/// If AppRegistry refuses.
pub async fn all_of(chain: &BareChain, app: &App, members: Vec<Address>) -> Result<Address> {
    made(chain, AppRegistry::createAllOfPolicyCall { appId: app.id, grantDelaySeconds: 0, members })
        .await
}

/// A licence without end beside another policy.
///
/// # Errors
/// If AppRegistry refuses.
pub async fn license(chain: &BareChain, app: &App, inner: Address) -> Result<Address> {
    let holding =
        Holding { token: Address::ZERO, licensee: Address::ZERO, leastBalance: U256::ZERO };
    let call = AppRegistry::createLicensePolicyCall {
        appId: app.id,
        grantDelaySeconds: 0,
        inner,
        until: u64::MAX,
        holding,
    };
    made(chain, call).await
}

/// A contract of nobody's that emits whatever it is told: three topics, then data.
///
/// # Errors
/// If it can't be made.
pub async fn liar(chain: &BareChain) -> Result<Address> {
    const RUN: &str = "606036038060605f376040356020355f35835fa300";
    let run: Bytes = RUN.parse()?;
    // Returns what follows these nine bytes.
    let head = [0x60, u8::try_from(run.len())?, 0x80, 0x60, 0x09, 0x5f, 0x39, 0x5f, 0xf3];
    let code = [&head[..], &run].concat();
    let governance = &chain.governance;
    Ok(governance.chain.create(governance.owner, code.into()).await?)
}

/// The liar says that it revoked the app's code.
///
/// # Errors
/// If it can't be told so.
pub async fn say_revoked(chain: &BareChain, liar: Address, app: &App) -> Result<()> {
    let event = AllowlistPolicy::ComposeHashRevoked {
        appId: app.id,
        composeHash: app.compose_hash,
        reason: 2,
        seq: 7,
    };
    let log = event.encode_log_data();
    let topics = log.topics().iter().flat_map(|topic| topic.0);
    let said: Vec<u8> = topics.chain(log.data.iter().copied()).collect();
    let governance = &chain.governance;
    governance.chain.send_bytes(governance.owner, liar, said.into()).await?;
    Ok(())
}

/// The contract whose event comes first: the one that is made.
async fn made(chain: &BareChain, call: impl SolCall) -> Result<Address> {
    let governance = &chain.governance;
    let registry = governance.contracts.app_registry;
    let receipt = governance.chain.send(governance.owner, registry, call).await?;
    Ok(receipt.logs().first().context("no event")?.address())
}
