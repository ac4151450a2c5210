//! An approval that stands at the head and not yet at the finalized block gives nothing: a reorg could still drop it. A denial
//! at the head counts at once. P5, A18. [AUTH-6] [AUTH-8]

use abi::AllowlistPolicy;
use anvil_tests::story;
use devnet::harness::{Network, Options};
use wire::request::Code;

#[test]
fn holds() {
    story(async || {
        // A network of its own: elsewhere the blocks of other stories would make it final.
        let network = Network::up(Options::default()).await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        let governance = &network.governance;
        governance.revoke(&app).await?;
        network.settle().await?;
        let ask = network.ask(&enclave).await?;
        let refusal = network.authorize(0, ask.pending.request()).await.unwrap_err();
        assert_eq!(refusal.code(), Some(Code::Denied), "{refusal}");

        let approve = AllowlistPolicy::approveComposeHashCall {
            composeHash: app.compose_hash,
            uri: String::new(),
        };
        governance.chain.send(governance.owner, app.id, approve).await?;
        network.settle_head_without_blocks().await?;
        let ask = network.ask(&enclave).await?;
        let refusal = network.authorize(0, ask.pending.request()).await.unwrap_err();
        assert_eq!(refusal.code(), Some(Code::NotFinal), "{refusal}");

        network.settle().await?;
        network.authorize(0, ask.pending.request()).await?;
        network.down().await
    });
}
