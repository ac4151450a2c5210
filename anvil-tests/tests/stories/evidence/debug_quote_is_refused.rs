//! A trust domain in debug mode shows its memory to its host: every node refuses its quote. [EV-6] [AUTH-2]

use anvil_tests::{shared, story};
use devnet::harness::Enclave;
use soft_tee::Attributes;
use wire::request::Code;

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        let td = Attributes::SEPT_VE_DISABLE | Attributes::DEBUG;
        let domain = enclave.domain().with_attributes(Attributes { td, ..Attributes::default() });
        let ask = network.ask_by(&app, network.agreed(&app).await?, |report_data| {
            Enclave::evidence_of(&domain, &enclave.authority(), report_data)
        })?;
        for node in 0..5 {
            let refusal = network.authorize(node, ask.pending.request()).await.unwrap_err();
            assert_eq!(refusal.code(), Some(Code::QuoteInvalid), "{refusal}");
            assert!(refusal.detail().contains("the enclave runs in debug mode"), "{refusal}");
        }
        // The same machine without the bit.
        let honest = network.ask(&enclave).await?;
        network.authorize(0, honest.pending.request()).await?;
        Ok(())
    });
}
