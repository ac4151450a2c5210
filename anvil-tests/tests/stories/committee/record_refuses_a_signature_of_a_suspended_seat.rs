//! A suspended seat's signature stops counting in the same block, even one that it gave before; its node neither authorizes
//! nor releases. The other four go on (A12). [AUTH-4] [REL-3]

use anvil_tests::story;
use devnet::harness::{Network, Options};
use wire::request::Code;

#[test]
fn holds() {
    story(async || {
        let network = Network::up(Options::default()).await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-c").await?;
        let expected = network.boot_to_key(&enclave).await?;
        let mut ask = network.ask(&enclave).await?;
        network.authorize_by(&mut ask, &[0, 1, 2]).await?;

        let suspended = network.member(1)?.seat;
        network.governance.suspend_seat(suspended).await?;
        let error = network.record(&ask.record_request()?).await.unwrap_err();
        let name = error.revert().map(|revert| revert.name());
        assert_eq!(name, Some("SeatNotAuthorizing"), "{error}");

        network.settle_head().await?;
        let other = network.ask(&enclave).await?;
        let refusal = network.authorize(1, other.pending.request()).await.unwrap_err();
        assert_eq!(refusal.code(), Some(Code::NoShare), "{refusal}");
        assert_eq!(network.boot_to_key(&enclave).await?, expected);

        network.governance.unsuspend_seat(suspended).await?;
        network.record(&ask.record_request()?).await?;
        network.settle_head().await?;
        network.release_by(&mut ask, 1).await?;
        network.down().await
    });
}
