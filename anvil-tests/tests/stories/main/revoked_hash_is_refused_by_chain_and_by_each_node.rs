//! After the owner revokes the compose hash: IssuanceLog refuses what t nodes authorized before, every node refuses a new
//! request, and every node refuses to release what was recorded before. P5. [AUTH-6] [AUTH-8] [REL-4]

use anvil_tests::{shared, story};
use guest_agent::{BootError, Reason};
use wire::request::Code;

const WHY: &str = "Compose hash not allowed";

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        network.boot(&enclave).await?;

        let mut recorded = network.ask(&enclave).await?;
        network.authorize_by(&mut recorded, &[0, 1, 2]).await?;
        network.record(&recorded.record_request()?).await?;
        let mut authorized = network.ask(&enclave).await?;
        network.authorize_by(&mut authorized, &[0, 1, 2]).await?;

        network.governance.revoke(&app).await?;
        let error = network.record(&authorized.record_request()?).await.unwrap_err();
        assert_eq!(error.revert().map(|revert| revert.name()), Some("NotAllowed"), "{error}");
        assert!(error.to_string().contains(WHY), "{error}");

        network.settle_head().await?;
        for node in 0..5 {
            let refusal = network.release(node, recorded.pending.request()).await.unwrap_err();
            assert_eq!(refusal.code(), Some(Code::Denied), "{refusal}");
            assert_eq!(refusal.detail(), WHY);
        }

        let error = network.boot(&enclave).await.unwrap_err();
        let BootError::Denied { reasons, .. } = &error else { panic!("{error}") };
        let denied = |reason: &&guest_agent::NodeReason| match &reason.reason {
            Reason::Denied(denial) => denial.statement.reason == WHY,
            _ => false,
        };
        assert_eq!(reasons.iter().filter(denied).count(), 5, "{reasons:?}");
        Ok(())
    });
}
