//! The whole path: boot, quote, authorize, record, release, combine. A second machine, of another vendor, gets the same key;
//! another app does not. P1, P2, P4. [AUTH-7]

use anvil_tests::{shared, story};

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let app = network.create_app().await?;
        let first = network.boot(&network.enclave(&app, "soft-a").await?).await?;
        let report = &first.report;
        assert_eq!(report.seats.len(), 3);
        assert_ne!(network.recorded(report.issuance_id).await?, 0, "no key without a record (P2)");

        let second = network.boot(&network.enclave(&app, "soft-c").await?).await?;
        assert_eq!(second.report.subkey, report.subkey);
        assert_ne!(second.report.issuance_id, report.issuance_id);

        let other = network.create_app().await?;
        let other = network.boot(&network.enclave(&other, "soft-a").await?).await?;
        assert_ne!(other.report.subkey.public_key, report.subkey.public_key);
        Ok(())
    });
}
