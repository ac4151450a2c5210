//! The vocabulary of the protocol: encodings, identifiers, limits, and every signed or hashed statement.
//!
//! Spec: docs/spec/wire.md. Trusts: nothing. Everything here is a pure function of its arguments.
//! `statements` is the one table of what is signed; `report_data` of what a quote binds;
//! `request` of what travels over HTTP; `network` of what describes a network.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod enc;
pub mod ids;
pub mod limits;
pub mod network;
pub mod reason;
pub mod report_data;
pub mod request;
pub mod statements;

pub use enc::Enc;
pub use ids::{
    InputKind, KeyVersion, ReleaseAt, Scope, SealingKind, SeatId, UnixSeconds, instance_scope_value,
};
