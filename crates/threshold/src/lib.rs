//! Threshold evaluation over secp256k1: how n nodes that hold shares give an enclave its key, and see none themselves.
//!
//! Spec: docs/spec/derive.md [DERIVE-n], docs/spec/ceremony.md [CER-n]; the argument: docs/spec/security.md.
//! Trusts: nothing. Everything is a pure function of bytes and of the randomness that is passed in.
//!
//! How a key is made, by file:
//! 1. [`input`]: the enclave and each node hash x to a point, H(x); [`tdh2`] gives u in its place for a sealed secret;
//! 2. [`blind`]: the enclave makes B = r·H(x), puts B into its quote, then proves r; a node verifies that proof;
//! 3. [`partial`]: node i answers Z_i = s_i·B with a proof that the s_i of Y_i = s_i·G made it;
//! 4. [`combine`]: the enclave adds t partials whose Y_i sum up to the pinned public key: K = r⁻¹ Σ λ_i Z_i;
//! 5. [`mod@derive`]: root and subkeys from K; or [`tdh2`]: the sealed secret from K.
//!
//! [`ceremony`] makes the shares. A keyset is two independent secrets, [`SecretKind::Derive`] and
//! [`SecretKind::Unseal`]; no type of one passes for the other.
//!
//! Symbols, used in this crate only: `t` threshold, `n` members, `i` seat (the Shamir x-coordinate), `s_i` share,
//! `Y_i = s_i·G` share key, `r` blinding factor, `B` blinded point, `Z_i` partial, `λ_i` Lagrange coefficient, `K` combined key.
//!
//! Whatever touches a secret runs in constant time; a call that doesn't has `_vartime` in its name and takes public
//! values only. Points are canonical, on the curve and not the identity; curve types are in no public signature.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod aead;
pub mod blind;
pub mod ceremony;

pub mod combine;
mod decode;
pub mod derive;
mod dleq;
pub mod input;
mod labels;
mod lagrange;
pub mod partial;
mod point;
mod scalar;
mod schnorr;
mod share;
pub mod tdh2;
mod transcript;

pub use decode::DecodeError;
pub use point::{DecodePointError, POINT_BYTES, Point};
pub use schnorr::{KNOWLEDGE_PROOF_BYTES, KnowledgeProof};
pub use share::{KeyShare, KeyShareError, NodeShares, SecretKind};
