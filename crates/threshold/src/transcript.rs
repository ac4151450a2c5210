//! What a proof is about, as bytes: the label, then each field behind its length.
//!
//! The same format as `wire::Enc`, kept here so that this crate needs no other of ours. [DERIVE-5]

use crate::{labels, point::Point};
use hash2curve::{ExpandMsgXmd, hash_to_scalar};
use k256::{Scalar, Secp256k1, elliptic_curve::consts::U48};
use sha2::Sha256;
use sha3::{Digest, Keccak256};

/// Builds `enc(label, fields…)`.
#[derive(Clone, Debug)]
pub(crate) struct Transcript(Vec<u8>);

impl Transcript {
    pub(crate) fn new(label: &str) -> Self {
        Self(Vec::new()).bytes(label.as_bytes())
    }

    /// Appends be32(length) ‖ field. Every input is bounded far below 4 GiB; a length would saturate, never wrap.
    pub(crate) fn bytes(mut self, field: &[u8]) -> Self {
        let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(field);
        self
    }

    pub(crate) fn u8(self, value: u8) -> Self {
        self.bytes(&[value])
    }

    pub(crate) fn u16(self, value: u16) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn u64(self, value: u64) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn point(self, point: &Point) -> Self {
        self.bytes(point.as_bytes())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn keccak(&self) -> [u8; 32] {
        keccak256(&self.0)
    }

    /// The Fiat-Shamir challenge: RFC 9380's hash_to_field to the group order, from 48 bytes, so without bias.
    #[expect(clippy::expect_used, reason = "fails only for an empty DST or one above 255 bytes")]
    pub(crate) fn challenge(&self) -> Scalar {
        hash_to_scalar::<Secp256k1, ExpandMsgXmd<Sha256>, U48>(&[&self.0], &[labels::DST_CHALLENGE])
            .expect("the DST is a constant of fitting length")
    }
}

/// keccak256.
pub(crate) fn keccak256(bytes: &[u8]) -> [u8; 32] {
    Keccak256::digest(bytes).into()
}
