//! The endpoint tells every account's balance one higher, with true proofs: no account counts. P1.

use anvil_tests::{caught::caught, story};
use devnet::harness::RpcLie;

#[test]
fn holds() {
    story(async || caught(RpcLie::Balance, "forged account").await);
}
