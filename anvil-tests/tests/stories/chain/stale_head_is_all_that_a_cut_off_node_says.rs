//! A node whose endpoint is silent answers `head_stale` once its head is too old, and nothing else; the others go on, and so
//! does this one when the endpoint comes back.

use anvil_tests::story;
use devnet::harness::{Network, Options, RpcLie};
use std::time::Duration;
use wire::request::Code;

const MAX_AGE_SECONDS: u64 = 8;

#[test]
fn holds() {
    story(async || {
        let mut options = Options { lying_rpc_for: Some(4), ..Options::default() };
        options.limits.max_head_age_seconds = MAX_AGE_SECONDS;
        options.limits.max_finality_age_seconds = MAX_AGE_SECONDS;
        let network = Network::up(options).await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        let _mining = network.mining();
        let ask = network.ask(&enclave).await?;
        network.authorize(4, ask.pending.request()).await?;

        let rpc = network.rpc.as_ref().expect("the network has such an endpoint");
        rpc.tell(Some(RpcLie::Silence));
        let chain = &network.governance.chain;
        // Even what it authorized before is not given again.
        let limit = Duration::from_secs(MAX_AGE_SECONDS + 100);
        chain
            .until("the cut off node to notice", limit, async || {
                let answer = network.authorize_at_once(4, ask.pending.request()).await;
                Ok(answer.err().filter(|refusal| refusal.code() == Some(Code::HeadStale)))
            })
            .await?;
        let refusal = network.release(4, ask.pending.request()).await.unwrap_err();
        assert_eq!(refusal.code(), Some(Code::HeadStale), "{refusal}");
        network.boot(&enclave).await?;

        rpc.tell(None);
        chain
            .until("the node to follow again", limit, async || {
                Ok(network.authorize_at_once(4, ask.pending.request()).await.ok())
            })
            .await?;
        network.down().await
    });
}
