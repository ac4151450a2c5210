//! The built programs as processes; two nodes of five are killed (SIGKILL) once the record is sent: the key comes from the
//! other three. Killed nodes come back with their shares.

use anvil_tests::story;
use devnet::harness::{Network, Options};
use kms_client::SECP256K1;

#[test]
fn holds() {
    story(async || {
        let network = Network::up(Options { as_processes: true, ..Options::default() }).await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        let expected = network.boot_to_key(&enclave).await?;

        let mut ask = network.ask(&enclave).await?;
        network.authorize_by(&mut ask, &[0, 1, 2]).await?;
        network.record(&ask.record_request()?).await?;
        network.stop_node(0).await?;
        network.stop_node(1).await?;
        for node in [2, 3, 4] {
            network.release_by(&mut ask, node).await?;
        }
        let keys = ask.pending.try_combine(3)?;
        let public = keys.subkey(0, "quorate/demo", "demo", SECP256K1)?.secp256k1().public();
        assert_eq!(expected, public.to_bytes().to_vec());

        // A whole boot with the same two dead, then with them back and two others dead.
        assert_eq!(network.boot_to_key(&enclave).await?, expected);
        network.restart_node(0).await?;
        network.restart_node(1).await?;
        network.stop_node(2).await?;
        network.stop_node(3).await?;
        assert_eq!(network.boot_to_key(&enclave).await?, expected);
        network.down().await
    });
}
