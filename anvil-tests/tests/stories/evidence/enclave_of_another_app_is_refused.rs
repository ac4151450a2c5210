//! The host starts approved code under another app's id: what was measured counts, not what the request says (A28).

use anvil_tests::{shared, story};
use devnet::harness::Enclave;
use soft_tee::App;
use wire::request::Code;

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let (app, other) = (network.create_app().await?, network.create_app().await?);
        let enclave = network.enclave(&app, "soft-a").await?;
        let measured_as_other = App { compose: app.compose.clone(), app_id: other.id.into_array() };
        let domain = enclave.machine().boot(measured_as_other);
        let ask = network.ask_by(&app, network.agreed(&app).await?, |report_data| {
            Enclave::evidence_of(&domain, &enclave.authority(), report_data)
        })?;
        for node in 0..5 {
            let refusal = network.authorize(node, ask.pending.request()).await.unwrap_err();
            assert_eq!(refusal.code(), Some(Code::QuoteInvalid), "{refusal}");
            assert!(refusal.detail().contains("the enclave is measured as"), "{refusal}");
        }
        // Measured as itself, by its own id instead of the one that the compose hash gives.
        let itself = App { compose: app.compose.clone(), app_id: app.id.into_array() };
        let domain = enclave.machine().boot(itself);
        let ask = network.ask_by(&app, network.agreed(&app).await?, |report_data| {
            Enclave::evidence_of(&domain, &enclave.authority(), report_data)
        })?;
        network.authorize(0, ask.pending.request()).await?;
        Ok(())
    });
}
