//! An approved app quotes 64 bytes that an outsider chose: without our tag such a quote is no key request, and one request's
//! quote is none for another (A2). [EV-5]

use anvil_tests::{shared, story};
use wire::request::Code;

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        let outsiders = [0x41; 64];
        let of_another = network.ask(&enclave).await?.pending.request().evidence.clone();
        for (evidence, expected) in [
            (enclave.evidence(&outsiders), "report_data carries no quorate tag"),
            (of_another, "report_data does not bind these fields"),
        ] {
            let ask = network.ask_by(&app, network.agreed(&app).await?, |_| evidence)?;
            for node in 0..5 {
                let refusal = network.authorize(node, ask.pending.request()).await.unwrap_err();
                assert_eq!(refusal.code(), Some(Code::QuoteInvalid), "{refusal}");
                assert!(refusal.detail().contains(expected), "{refusal}");
            }
        }
        Ok(())
    });
}
