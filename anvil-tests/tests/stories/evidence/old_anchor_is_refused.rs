//! A quote is for now: its anchor is at most 255 blocks old, for nodes and for IssuanceLog alike. [REC-3] [AUTH-1]

use anvil_tests::story;
use devnet::harness::{Network, Options};
use wire::{limits::MAX_ANCHOR_AGE_BLOCKS, request::Code};

#[test]
fn holds() {
    story(async || {
        let network = Network::up(Options::default()).await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        let mut ask = network.ask(&enclave).await?;
        network.authorize_by(&mut ask, &[0, 1, 2]).await?;

        network.governance.chain.mine(usize::try_from(MAX_ANCHOR_AGE_BLOCKS)? + 1).await?;
        network.settle_head().await?;
        for node in [3, 4] {
            let refusal = network.authorize(node, ask.pending.request()).await.unwrap_err();
            assert_eq!(refusal.code(), Some(Code::AnchorInvalid), "{refusal}");
        }
        let error = network.record(&ask.record_request()?).await.unwrap_err();
        assert_eq!(error.revert().map(|revert| revert.name()), Some("AnchorTooOld"), "{error}");

        // A fresh anchor, and it goes.
        let fresh = network.ask(&enclave).await?;
        network.authorize(3, fresh.pending.request()).await?;
        network.down().await
    });
}
