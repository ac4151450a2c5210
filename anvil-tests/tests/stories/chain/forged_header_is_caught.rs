//! The endpoint tells headers with another state root than the one that their hash covers. P1, A4.

use anvil_tests::{caught::caught, story};
use devnet::harness::RpcLie;

#[test]
fn holds() {
    story(async || caught(RpcLie::Header, "forged header").await);
}
