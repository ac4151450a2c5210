//! Seats ascend strictly, so that one signature counts once (A23).

use anvil_tests::{shared, story};

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let app = network.create_app().await?;
        let mut ask = network.ask(&network.enclave(&app, "soft-a").await?).await?;
        network.authorize_by(&mut ask, &[0, 1, 2]).await?;
        let honest = ask.record_request()?;
        let [first, second, third] = honest.signatures[..] else { panic!("three signatures") };
        for signatures in [vec![first, first, second], vec![second, first, third]] {
            let request = ask.record_request_with(signatures)?;
            let error = network.record(&request).await.unwrap_err();
            let name = error.revert().map(|revert| revert.name());
            assert_eq!(name, Some("SeatsNotAscending"), "{error}");
        }
        network.record(&honest).await?;
        let error = network.record(&honest).await.unwrap_err();
        assert_eq!(error.revert().map(|revert| revert.name()), Some("AlreadyRecorded"), "{error}");
        Ok(())
    });
}
