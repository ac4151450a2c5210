//! A whole network from one file; also the harness of the stories.
//!
//! [`bring_up`] takes a [`plan`] to a committee that serves, over [`anvil`], [`deploy`], [`governance`] and [`hosts`], where
//! nodes and machines run as processes or inside this one. [`up`] is the command; [`harness`] is what stories drive, with
//! endpoints that lie and nodes that can be stopped.
//! [`dao`] hands the network to a Governor, whose voters use the real [`quorate`]. Trusts: nothing that guards keys depends on this crate.
//! **Software.** Machines of a devnet are soft-tee's; their seeds stand in `plan`.

pub mod anvil;
pub mod bring_up;
pub mod chain;
pub mod dao;
pub mod deploy;
pub mod governance;
pub mod harness;
pub mod hosts;
pub mod leash;
pub mod plan;
pub mod postgres;
pub mod quorate;
pub mod revert;
pub mod up;
