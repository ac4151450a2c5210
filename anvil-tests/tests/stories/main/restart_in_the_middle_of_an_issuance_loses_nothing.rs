//! Every node restarts between authorize and record, and again between record and release. Asked again, each gives the
//! authorization that it gave before, and the key comes.

use anvil_tests::story;
use devnet::harness::{Network, Options};

#[test]
fn holds() {
    story(async || {
        let network = Network::up(Options::default()).await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        let mut ask = network.ask(&enclave).await?;
        network.authorize_by(&mut ask, &[0, 1, 2]).await?;
        let first = network.authorize(0, ask.pending.request()).await?;

        restart_all(&network).await?;
        let again = network.authorize(0, ask.pending.request()).await?;
        assert_eq!(again, first, "what was signed once is what counts");
        network.record(&ask.record_request()?).await?;

        restart_all(&network).await?;
        for node in [0, 1, 4] {
            network.release_by(&mut ask, node).await?;
        }
        ask.pending.try_combine(3)?;
        network.down().await
    });
}

async fn restart_all(network: &Network) -> anyhow::Result<()> {
    for node in 0..5 {
        network.stop_node(node).await?;
        network.restart_node(node).await?;
    }
    Ok(())
}
