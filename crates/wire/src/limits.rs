//! Upper bounds of everything that comes from outside. What is above a bound is refused before it is parsed.

/// Bytes of one attestation quote. A TDX v4 quote with its certificate chain has about 5 kB.
pub const MAX_QUOTE_BYTES: usize = 16 * 1024;
/// Bytes of an event log, as JSON.
pub const MAX_EVENT_LOG_BYTES: usize = 64 * 1024;
/// Bytes of the collateral of a quote, as JSON.
pub const MAX_COLLATERAL_BYTES: usize = 128 * 1024;
/// Bytes of one HTTP request body. Hex doubles the quote; JSON escapes log and collateral.
pub const MAX_BODY_BYTES: usize = 512 * 1024;
/// Inputs of one key request.
pub const MAX_INPUTS: usize = 8;
/// Seats of one epoch.
pub const MAX_SEATS: usize = 128;
/// Advisory ids that one attested identity may carry, and bytes of each.
pub const MAX_ADVISORY_IDS: usize = 64;
/// Bytes of one advisory id.
pub const MAX_ADVISORY_ID_BYTES: usize = 32;
/// Bytes of a contract's reason for a refusal that are copied; the rest is cut.
pub const MAX_REASON_BYTES: usize = 128;
/// Gas that a policy decision may use, on chain and in a node alike. [POL-3]
pub const POLICY_GAS: u64 = 250_000;
/// Age in blocks beyond which an anchor is refused: what BLOCKHASH still answers, less one. [REC-3]
pub const MAX_ANCHOR_AGE_BLOCKS: u64 = 255;
