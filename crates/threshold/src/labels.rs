//! Every label of a transcript, key derivation or hash-to-curve of this crate. No two uses share one.

/// DST of H(x). [DERIVE-1]
pub(crate) const DST_DERIVE: &[u8] = b"QUORATE-V01-derive-with-secp256k1_XMD:SHA-256_SSWU_RO_";
/// DST of the canary's point. [CER-10]
pub(crate) const DST_CANARY: &[u8] = b"QUORATE-V01-canary-with-secp256k1_XMD:SHA-256_SSWU_RO_";
/// DST of TDH2's second generator. [SEAL-2]
pub(crate) const DST_TDH2_GENERATOR: &[u8] =
    b"QUORATE-V01-tdh2-generator-with-secp256k1_XMD:SHA-256_SSWU_RO_";
/// DST of every Fiat-Shamir challenge; the transcript begins with one of the labels below.
pub(crate) const DST_CHALLENGE: &[u8] = b"QUORATE-V01-challenge-with-secp256k1-order_XMD:SHA-256_";

/// Proof of r, in base H(x) or u.
pub(crate) const BLIND: &str = "quorate/v1/blind";
/// The choice of r.
pub(crate) const BLIND_FACTOR: &str = "quorate/v1/blind-factor";
/// A node's partial.
pub(crate) const PARTIAL: &str = "quorate/v1/partial";
/// A member's canary partial.
pub(crate) const CANARY: &str = "quorate/v1/canary";
/// Info of a subkey.
pub(crate) const SUBKEY: &str = "quorate/v1/subkey";
/// The next candidate where 32 bytes are no secp256k1 secret key.
pub(crate) const SUBKEY_RETRY: &str = "quorate/v1/subkey-retry";
/// The label of a sealed secret.
pub(crate) const SEAL_LABEL: &str = "quorate/v1/seal-label";
/// The choice of TDH2's r.
pub(crate) const SEAL_FACTOR: &str = "quorate/v1/seal-factor";
/// TDH2's ciphertext proof.
pub(crate) const SEAL_PROOF: &str = "quorate/v1/seal-proof";
/// Body key and key commitment of a sealed secret.
pub(crate) const SEAL_KEY: &str = "quorate/v1/seal-key";
/// The header of a sealed secret; its keccak256 is the ciphertext hash.
pub(crate) const SEALED: &str = "quorate/v1/sealed";
/// A dealing.
pub(crate) const DEALING: &str = "quorate/v1/dealing";
/// A dealer's choice of coefficients.
pub(crate) const DEALING_COEFFICIENT: &str = "quorate/v1/dealing-coefficient";
/// A dealer's proof of possession of a constant term.
pub(crate) const DEALING_POSSESSION: &str = "quorate/v1/dealing-possession";
/// A dealer's proof of knowledge of an ephemeral key, and the choice of that key.
pub(crate) const DEALING_EPHEMERAL: &str = "quorate/v1/dealing-ephemeral";
/// The key of one sub-share's ciphertext.
pub(crate) const DEALING_KEY: &str = "quorate/v1/dealing-key";
/// The choice of a recipient's encryption key.
pub(crate) const RECIPIENT_KEY: &str = "quorate/v1/recipient-key";
/// Salt of every hedged choice of a scalar.
pub(crate) const HEDGED: &str = "quorate/v1/hedged-scalar";
