//! Judges what RPC endpoints say about the chain: headers and proofs in, proven state out.
//!
//! Spec: docs/spec/chain.md. Trusts: one checkpoint, and a [`HeadSource`] under assumption A0; no endpoint by itself.
//! No I/O, no clock: a service fetches, this crate judges. How it is driven, once per new block:
//!
//! ```text
//! 1  claims: Vec<EndpointClaim>      what each endpoint says is latest and finalized
//! 2  HeadSource::agree(&claims)   -> Agreed { head, finalized, dissents }
//! 3  HeaderChain::walk(&agreed)   -> Walk; while let Some(block) = walk.wanted() {
//!                                        walk.accept(header of block.hash)?  }   // backwards, by hash
//! 4  walk.finish()                -> (HeaderChain, Followed)
//! 5  HeaderChain::open(header, …) -> ProvenState, one at the head and one at the finalized block
//! 6  Hints::wanted()              -> for each ProofRequest: eth_getProof at the block *hash*, ProvenState::insert_proof
//! 7  ProvenChain::new(…)          -> policy::decide, policy::read; what is missing is fetched, inserted, run again
//! 8  Hints::learn(&state)         what this block's runs touched, for step 6 of the next one
//! ```
//!
//! An answer that does not hold is an error that names the account, slot, code or header: [`ProofError`],
//! [`ForgedHeader`]. Whoever sent it lied or is broken; ask another endpoint.
//!
//! A sync-committee source (head = attested header with at least 2/3 of 512 signatures) is a second variant of
//! [`HeadSource`]; everything below step 2 stays as it is, because it takes only block hashes.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod code;
mod head_source;
mod header;
mod header_chain;
mod hints;
mod proof;
mod proven_chain;
mod proven_state;

pub use code::Code;
pub use head_source::{
    AgreeError, Agreed, AgreementError, Dissent, EndpointClaim, EndpointId, HeadSource,
};
pub use header::{BlockRef, ForgedHeader, RawHeader, SealedHeader};
pub use header_chain::{Followed, HeaderChain, NotOnChain, WINDOW_BLOCKS, Walk, WalkError};
pub use hints::{Hints, ProofRequest};
pub use proof::{ProofError, ProvenAccount, RawAccountProof, RawSlotProof};
pub use proven_chain::{AgeLimits, AnchorError, HeadStale, ProvenChain, WrongBlock};
pub use proven_state::{FactLimits, Missing, MissingAt, ProvenState};
