//! A stranger's signature counts neither under a seat that does not exist nor under a member's (A23).

use anvil_tests::{shared, story};
use getrandom::{SysRng, rand_core::UnwrapErr};
use kms_core::StatementKey;

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let app = network.create_app().await?;
        let mut ask = network.ask(&network.enclave(&app, "soft-a").await?).await?;
        network.authorize_by(&mut ask, &[0, 1, 2]).await?;
        let honest = ask.record_request()?;
        let stranger = StatementKey::generate(&mut UnwrapErr(SysRng));
        let last_seat = honest.signatures[2].seat;
        for (seat, expected) in [(99, "SeatNotAuthorizing"), (last_seat, "InvalidSeatSignature")] {
            let mut signatures = honest.signatures.clone();
            signatures[2] = stranger.sign(seat, network.issuance_domain(), &honest.issuance)?;
            let request = ask.record_request_with(signatures)?;
            let error = network.record(&request).await.unwrap_err();
            assert_eq!(error.revert().map(|revert| revert.name()), Some(expected), "{error}");
        }
        network.record(&honest).await?;
        Ok(())
    });
}
