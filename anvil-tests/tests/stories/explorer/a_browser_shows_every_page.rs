//! Chromium opens every page of a network with a boot, a revocation, a grant that waits, a foreign policy and a freeze: each
//! renders, in light and dark, on a phone and on paper, with and without scripts; filters, search and links work; axe finds
//! nothing serious and the console says nothing. [EXP-1] [EXP-3] [EXP-6] [EXP-7] [EXP-8]

use anvil_tests::{explored::explored, story};

#[test]
fn holds() {
    story(async || explored().await?.look("pages.mjs").await);
}
