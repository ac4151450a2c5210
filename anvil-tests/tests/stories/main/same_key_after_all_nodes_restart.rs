//! Every node stops and comes back with its sealed shares: the same key (P4, A7).

use anvil_tests::story;
use devnet::harness::{Network, Options};

#[test]
fn holds() {
    story(async || {
        let network = Network::up(Options::default()).await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        let before = network.boot_to_key(&enclave).await?;
        for node in 0..5 {
            network.stop_node(node).await?;
        }
        assert!(network.boot_with(&enclave, Vec::new(), |_| {}).await.is_err());
        for node in 0..5 {
            network.restart_node(node).await?;
        }
        assert_eq!(network.boot_to_key(&enclave).await?, before);
        network.down().await
    });
}
