//! A quote that is true in every part, under a root that the registry never opened, whatever its vendor calls itself (A22).
//! [AUTH-2]

use anvil_tests::{shared, story};
use devnet::harness::Enclave;
use soft_tee::Authority;
use wire::request::Code;

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        let stranger = Authority::from_seed([7; 32], "soft-a");
        let domain = enclave.domain_under(&stranger);
        let ask = network.ask_by(&app, network.agreed(&app).await?, |report_data| {
            Enclave::evidence_of(&domain, &stranger, report_data)
        })?;
        for node in 0..5 {
            let refusal = network.authorize(node, ask.pending.request()).await.unwrap_err();
            assert_eq!(refusal.code(), Some(Code::QuoteInvalid), "{refusal}");
            assert!(refusal.detail().contains("is not open"), "{refusal}");
        }
        // Its quote with an open root's collateral stands under no root at all.
        let ask = network.ask_by(&app, network.agreed(&app).await?, |report_data| {
            Enclave::evidence_of(&domain, &enclave.authority(), report_data)
        })?;
        let refusal = network.authorize(0, ask.pending.request()).await.unwrap_err();
        assert_eq!(refusal.code(), Some(Code::QuoteInvalid), "{refusal}");
        Ok(())
    });
}
