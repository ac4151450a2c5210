//! The verify page, in Chromium: yes for a true event and an endpoint that has its block; "this server's word" without an
//! endpoint; no where event, proof or block were tampered with on their way. [EXP-10]

use anvil_tests::{explored::explored, story};

#[test]
fn holds() {
    story(async || explored().await?.look("verify.mjs").await);
}
