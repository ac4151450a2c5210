//! The endpoint tells other code than the one whose hash is proven. A node asks for code once, so this one begins anew. P1.

use anvil_tests::{caught::caught_after_restart, story};
use devnet::harness::RpcLie;

#[test]
fn holds() {
    story(async || caught_after_restart(RpcLie::Code, "forged code").await);
}
