//! Three nodes authorize; two others, who see the request for the first time at release, judge the evidence themselves.
//! [REL-6]

use anvil_tests::{shared, story};
use kms_client::SECP256K1;

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-b").await?;
        let mut ask = network.ask(&enclave).await?;
        network.authorize_by(&mut ask, &[0, 1, 2]).await?;
        network.record(&ask.record_request()?).await?;
        for node in [3, 4, 0] {
            network.release_by(&mut ask, node).await?;
        }
        let keys = ask.pending.try_combine(3)?;
        assert_eq!(keys.seats(0)?.len(), 3);

        let booted = network.boot(&enclave).await?;
        let by_hand = keys.subkey(0, "quorate/demo", "demo", SECP256K1)?.secp256k1().public();
        assert_eq!(booted.report.subkey.public_key, by_hand.to_bytes().to_vec());
        Ok(())
    });
}
