//! The judgement of evidence through its public API: what passes, and beside it each thing that does not, alone.

mod app_identity;
mod event_logs;
mod random_bytes;
mod real_quotes;
mod refused_quotes;
mod worked_examples;
mod world;
