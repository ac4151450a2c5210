//! The trail of a contract, recomputed from events. Spec: docs/spec/trail.md [TRAIL-1].

pub(crate) use bundle::Trail;
