//! Authorized by every node and recorded by nobody: no node releases. Recorded, it does; and once the release window is over,
//! none does any more. P2. [REL-1] [REL-2]

use anvil_tests::story;
use devnet::harness::{Network, Options};
use wire::request::Code;

#[test]
fn holds() {
    story(async || {
        let network = Network::up(Options::default()).await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        let mut ask = network.ask(&enclave).await?;
        network.authorize_by(&mut ask, &[0, 1, 2, 3, 4]).await?;
        for node in 0..5 {
            let refusal = network.release(node, ask.pending.request()).await.unwrap_err();
            assert_eq!(refusal.code(), Some(Code::NotRecorded), "{refusal}");
        }

        network.record(&ask.record_request()?).await?;
        network.settle_head().await?;
        network.release_by(&mut ask, 0).await?;

        let window = network.committee.network.limits.release_window_blocks;
        network.governance.chain.mine(usize::try_from(window)? + 1).await?;
        network.settle_head().await?;
        for node in 0..5 {
            let refusal = network.release(node, ask.pending.request()).await.unwrap_err();
            assert_eq!(refusal.code(), Some(Code::WindowClosed), "{refusal}");
        }
        network.down().await
    });
}
