//! One byte after a true quote would make a second evidence of one boot (A11). [AUTH-2]

use anvil_tests::{shared, story};
use wire::request::Code;

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        let ask = network.ask_by(&app, network.agreed(&app).await?, |report_data| {
            let mut evidence = enclave.evidence(report_data);
            evidence.quote = [&evidence.quote[..], &[0]].concat().into();
            evidence
        })?;
        for node in 0..5 {
            let refusal = network.authorize(node, ask.pending.request()).await.unwrap_err();
            assert_eq!(refusal.code(), Some(Code::QuoteInvalid), "{refusal}");
            assert!(refusal.detail().contains("1 bytes follow the quote"), "{refusal}");
        }
        Ok(())
    });
}
