//! One node signs a false partial: the key comes from the others, and its own signature names it against the proven Y_i (P9).
//! Behind a relay that changes a partial without the node's key, nobody is named (A16). [REL-5]

use anvil_tests::{shared, story};
use kms_client::liars::Lie;
use wire::request::Release;

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        let expected = network.boot_to_key(&enclave).await?;
        let (liar, honest) = (network.lying_node(1).await?, network.committee.urls());

        // The liar answers first: three answers, of which two count; the fourth helps.
        let mut ask = network.ask(&enclave).await?;
        network.authorize_by(&mut ask, &[0, 1, 2]).await?;
        network.record(&ask.record_request()?).await?;
        network.release_by(&mut ask, 0).await?;
        network.settle_head().await?;
        let mut lying = network.member(1)?.clone();
        lying.url = liar.url().to_owned();
        let lie: Release = network.post(&lying, "/v1/release", ask.pending.request()).await?;
        ask.pending.accept(&ask.member(1)?, lie)?;
        network.release_by(&mut ask, 2).await?;
        assert!(ask.pending.try_combine(3).is_err(), "two true partials are no key");
        network.release_by(&mut ask, 3).await?;
        assert_eq!(ask.pending.try_combine(3)?.seats(0)?.len(), 3);

        let epoch = network.committee.keyset.epoch;
        let liars = ask.pending.name_liars(epoch, &network.proven_seats().await?);
        let named: Vec<_> = liars.iter().map(|liar| (liar.seat, liar.lie)).collect();
        assert_eq!(named, [(network.member(1)?.seat, Lie::Partial { index: 0 })]);

        // A change that the node did not sign is no answer, so it blames nobody.
        let mut forged = network.release(4, ask.pending.request()).await?;
        forged.partials[0].partial = forged.partials[0].verification_share.clone();
        assert!(ask.pending.accept(&ask.member(4)?, forged).is_err());
        assert_eq!(ask.pending.name_liars(epoch, &network.proven_seats().await?).len(), 1);

        // The agent gets the same key with the liar among those that it asks.
        let mut nodes = honest;
        nodes[1] = liar.url().to_owned();
        let booted = network.boot_with(&enclave, nodes, |_| {}).await?;
        assert_eq!(booted.report.subkey.public_key, expected);
        Ok(())
    });
}
