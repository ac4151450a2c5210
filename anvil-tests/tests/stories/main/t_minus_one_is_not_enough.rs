//! Two of three signatures record nothing, two of three partials are no key; the third makes both. A0, P2, P3.

use anvil_tests::{shared, story};
use guest_agent::BootError;

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;

        let two = network.committee.urls()[..2].to_vec();
        let error = network.boot_with(&enclave, two, |_| {}).await.unwrap_err();
        assert!(matches!(error, BootError::NoCommittee { .. }), "{error}");

        let mut ask = network.ask(&enclave).await?;
        network.authorize_by(&mut ask, &[0, 1, 2]).await?;
        let three = ask.record_request()?;
        let two = ask.record_request_with(three.signatures[..2].to_vec())?;
        let error = network.record(&two).await.unwrap_err();
        assert_eq!(error.revert().map(|revert| revert.name()), Some("BelowThreshold"), "{error}");
        assert_eq!(network.recorded(ask.pending.issuance_id()).await?, 0);
        network.record(&three).await?;

        network.release_by(&mut ask, 0).await?;
        network.release_by(&mut ask, 1).await?;
        assert!(ask.pending.try_combine(3).is_err());
        assert!(
            ask.pending.try_combine(2).is_err(),
            "whoever claims that t is 2 gets no key either"
        );
        network.release_by(&mut ask, 2).await?;
        ask.pending.try_combine(3)?;
        Ok(())
    });
}
