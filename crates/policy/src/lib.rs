//! Runs the contracts' own policy over proven state: `AppRegistry.isAllowed`, exactly as the chain would, whatever the
//! policy contract is; and every other view that a node needs.
//!
//! Spec: docs/spec/policy.md. Trusts: what `light-client` has proven, and revm to be the EVM. No I/O, no clock.
//! A run either has every fact that it reads, or ends in [`Missing`], which the service proves and runs again:
//!
//! ```text
//! let verdict = with_facts(&mut chain, &mut endpoint, limit, |chain| decide(&rules, gates, &attested, chain))?;
//! //  = loop { match decide(…, &chain) { Err(Missing(m)) => chain.insert(prove(m)), other => return other } }
//! ```
//!
//! [`with_facts`] is that loop for a service that may block; an async one writes the same three lines around
//! [`AsksForFact::missing`]. A hostile contract chooses how many facts it reads, so each run has a gas cap and
//! [`FactLimits`]; the first fetch above them is refused, not made.
//!
//! [`Overlay`] is for simulations alone: state-changing calls over proven state, in memory. No node uses it.
//!
//! [`Missing`]: light_client::Missing
//! [`FactLimits`]: light_client::FactLimits
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod answer;
mod call;
mod database;
mod decide;
mod evm;
mod facts;
mod overlay;
mod read;
mod rules;

pub use call::{CallError, ViewCall, call};
pub use database::{FactKind, TooManyFacts};
pub use decide::{
    DECISION_LIMITS, DecideError, DenyReason, Gate, Gates, Permitted, ReasonText, Verdict, decide,
};
pub use facts::{AsksForFact, FactsError, ReadFacts, with_facts};
pub use overlay::{Executed, Overlay, SIMULATION_GAS, SlotChange, Transaction};
pub use read::{READ_GAS, READ_LIMITS, ReadError, read};
pub use rules::{ChainRules, ForkSchedule};
