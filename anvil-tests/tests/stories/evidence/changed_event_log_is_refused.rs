//! An event log that names approved code beside a quote that measured other code: it does not replay to the quoted register.
//! [EVLOG-4] [AUTH-2]

use anvil_tests::{shared, story};
use soft_tee::Event;
use wire::request::Code;

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let app = network.create_app().await?;
        let other = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        let changed = |event: &Event| match event.event.as_str() {
            "compose-hash" => Event::runtime("compose-hash", other.compose_hash.as_slice()),
            _ => event.clone(),
        };
        let events: Vec<Event> = enclave.domain().events().iter().map(changed).collect();
        let ask = network.ask_by(&app, network.agreed(&app).await?, |report_data| {
            let mut evidence = enclave.evidence(report_data);
            evidence.event_log = serde_json::to_string(&events).expect("strings and numbers");
            evidence
        })?;
        for node in 0..5 {
            let refusal = network.authorize(node, ask.pending.request()).await.unwrap_err();
            assert_eq!(refusal.code(), Some(Code::QuoteInvalid), "{refusal}");
            assert!(refusal.detail().contains("does not replay to RTMR3"), "{refusal}");
        }
        Ok(())
    });
}
