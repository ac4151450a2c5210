//! What every story about a lying endpoint comes to: the node with that endpoint names the lie in its log and gives nothing,
//! the others go on, and so does this node once the endpoint tells the truth.

use crate::{Watched, watched};
use anyhow::{Result, ensure};
use devnet::harness::{Enclave, Mark, Network, RpcLie, log_mark, logged_since};
use std::time::Duration;
use wire::request::Code;

const LIMIT: Duration = Duration::from_secs(90);

/// The node is told `lie` while it serves.
///
/// # Errors
/// If the node is not told it, believes it, or does not call it `name`.
pub async fn caught(lie: RpcLie, name: &str) -> Result<()> {
    let watched = watched().await?;
    let enclave = enclave(watched.network).await?;
    gives(watched.network, &enclave).await?;
    let (mark, told) = (log_mark(), watched.rpc.told());
    watched.rpc.tell(Some(lie));
    let refusals = [Code::HeadStale, Code::AnchorInvalid];
    nothing_but(&watched, &enclave, &refusals, mark, name).await?;
    ensure!(watched.rpc.told() > told, "nobody asked for it");
    watched.network.boot(&enclave).await?;
    watched.rpc.tell(None);
    gives(watched.network, &enclave).await
}

/// The node is told `lie` from its start on.
///
/// # Errors
/// As [`caught`].
pub async fn caught_after_restart(lie: RpcLie, name: &str) -> Result<()> {
    let watched = watched().await?;
    let enclave = enclave(watched.network).await?;
    let (mark, told) = (log_mark(), watched.rpc.told());
    watched.network.stop_node(Watched::NODE).await?;
    watched.rpc.tell(Some(lie));
    watched.network.start_node(Watched::NODE).await?;
    let chain = &watched.network.governance.chain;
    chain
        .until("somebody to ask for it", LIMIT, async || {
            Ok((watched.rpc.told() > told).then_some(()))
        })
        .await?;
    let refusals = [Code::HeadStale];
    nothing_but(&watched, &enclave, &refusals, mark, name).await?;
    watched.network.boot(&enclave).await?;
    watched.rpc.tell(None);
    gives(watched.network, &enclave).await
}

async fn enclave(network: &Network) -> Result<Enclave> {
    let app = network.create_app().await?;
    network.enclave(&app, "soft-a").await
}

/// The node authorizes a fresh request, sooner or later.
async fn gives(network: &Network, enclave: &Enclave) -> Result<()> {
    let chain = &network.governance.chain;
    chain
        .until("the node to authorize", LIMIT, async || {
            let ask = network.ask(enclave).await?;
            Ok(network.authorize_at_once(Watched::NODE, ask.pending.request()).await.map(Some)?)
        })
        .await
        .map(drop)
}

/// The node calls the lie `name`, and from then on refuses fresh requests, with one of these codes.
async fn nothing_but(
    watched: &Watched,
    enclave: &Enclave,
    codes: &[Code],
    mark: Mark,
    name: &str,
) -> Result<()> {
    let network = watched.network;
    let chain = &network.governance.chain;
    chain
        .until(&format!("the log to say {name:?}"), LIMIT, async || {
            Ok(logged_since(mark).contains(name).then_some(()))
        })
        .await?;
    let code = chain
        .until("the node to refuse", LIMIT, async || {
            let ask = network.ask(enclave).await?;
            let answer = network.authorize_at_once(Watched::NODE, ask.pending.request()).await;
            Ok(answer.err().map(|refusal| refusal.code()))
        })
        .await?;
    ensure!(code.is_some_and(|code| codes.contains(&code)), "it says {code:?}");
    Ok(())
}
