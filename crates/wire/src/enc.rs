//! The one canonical encoding: a label, then each field behind its length.
//!
//! Spec: docs/spec/wire.md [WIRE-1]. Fixed order and length prefixes make it injective:
//! two different lists of fields never encode to the same bytes.

use alloy_primitives::{Address, B256, keccak256};

/// Builds `enc(label, fields…)`: for the label and then each field `be32(length) ‖ bytes`.
///
/// Integers are big-endian at their fixed width, addresses 20 bytes, hashes 32 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enc(Vec<u8>);

impl Enc {
    /// Starts an encoding under `label`.
    pub fn new(label: &str) -> Self {
        Self(Vec::new()).bytes(label.as_bytes())
    }

    /// Appends a field of any length.
    ///
    /// A field above 4 GiB can't occur: every input has a limit far below ([`crate::limits`]);
    /// its length would saturate, never wrap.
    pub fn bytes(mut self, field: &[u8]) -> Self {
        let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(field);
        self
    }

    /// Appends one byte.
    pub fn u8(self, value: u8) -> Self {
        self.bytes(&[value])
    }

    /// Appends a two-byte integer.
    pub fn u16(self, value: u16) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends a four-byte integer.
    pub fn u32(self, value: u32) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends an eight-byte integer.
    pub fn u64(self, value: u64) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends a 32-byte hash.
    pub fn hash(self, value: B256) -> Self {
        self.bytes(value.as_slice())
    }

    /// Appends a 20-byte address.
    pub fn address(self, value: Address) -> Self {
        self.bytes(value.as_slice())
    }

    /// The encoded bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    /// keccak256 of the encoded bytes.
    pub fn keccak(self) -> B256 {
        keccak256(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_stand_behind_their_length() {
        // [WIRE-1]
        let encoded = Enc::new("ab").u8(7).bytes(&[]).finish();
        assert_eq!(encoded, [0, 0, 0, 2, b'a', b'b', 0, 0, 0, 1, 7, 0, 0, 0, 0]);
    }

    proptest! {
        /// [WIRE-1] Different lists of fields give different bytes.
        #[test]
        fn encoding_is_injective(
            left in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5), 0..5),
            right in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5), 0..5),
        ) {
            let encode = |fields: &Vec<Vec<u8>>| {
                fields.iter().fold(Enc::new("label"), |enc, field| enc.bytes(field)).finish()
            };
            prop_assert_eq!(left == right, encode(&left) == encode(&right));
        }
    }
}
