//! What the events come to: pure folds of rows into resources that API and pages tell alike. Spec: docs/spec/explorer.md.
//!
//! Trusts: the index, which `audit` compares with the chain. A view never asks an endpoint, so whoever has the events reaches
//! the same answer. Driven by: `routes` (JSON) and `pages` (HTML), once per request.

pub(crate) mod app;
pub(crate) mod app_policy;
pub(crate) mod committee;
pub(crate) mod event;
pub(crate) mod issuance;
pub(crate) mod judges;
pub(crate) mod members;
pub(crate) mod moment;
pub(crate) mod overview;
pub(crate) mod proposal;
pub(crate) mod revocation;
pub(crate) mod roots;
pub(crate) mod routes;
pub(crate) mod says;
pub(crate) mod text;
pub(crate) mod trail;
pub(crate) mod verified;

pub(crate) use event::{Event, Place};
pub(crate) use moment::{AsOf, Moment};
