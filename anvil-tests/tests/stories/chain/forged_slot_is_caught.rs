//! The endpoint tells every slot one higher, with true proofs: no slot counts, and the node answers nothing else. P1.

use anvil_tests::{caught::caught, story};
use devnet::harness::RpcLie;

#[test]
fn holds() {
    story(async || caught(RpcLie::Slot, "forged slot").await);
}
