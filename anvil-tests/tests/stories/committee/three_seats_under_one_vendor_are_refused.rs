//! With t = 3, a vendor may hold two seats: KmsCommittee refuses to open an epoch with three of one (P7, A8).

use anvil_tests::story;
use devnet::harness::{Network, Options};

#[test]
fn holds() {
    story(async || {
        let vendors = vec!["soft-a", "soft-a", "soft-a", "soft-b", "soft-c"];
        let error = Network::up(Options { vendors, ..Options::default() }).await.unwrap_err();
        let expected = "VendorHoldsTooManySeats(vendor soft-a, seats 3, at most 2)";
        assert!(format!("{error:#}").contains(expected), "{error:#}");
        Ok(())
    });
}
