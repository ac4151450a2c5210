//! Block headers: what an endpoint tells, and what its hash proves.
//! Spec: docs/spec/chain.md [CHAIN-1]. Trusts: nothing; a [`SealedHeader`] is only as true as its hash.

use alloy_consensus::Header;
use alloy_primitives::B256;
use alloy_rlp::{Decodable, Encodable};
use serde::{Deserialize, Serialize};
use wire::UnixSeconds;

/// A block by height and hash.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct BlockRef {
    /// Height.
    pub number: u64,
    /// keccak256 of the header's RLP.
    pub hash: B256,
}

impl BlockRef {
    /// The block with this height and hash.
    pub const fn new(number: u64, hash: B256) -> Self {
        Self { number, hash }
    }
}

impl std::fmt::Display for BlockRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.number, self.hash)
    }
}

impl From<wire::statements::Anchor> for BlockRef {
    fn from(anchor: wire::statements::Anchor) -> Self {
        Self::new(anchor.number, anchor.hash)
    }
}

impl From<BlockRef> for wire::statements::Anchor {
    fn from(block: BlockRef) -> Self {
        Self { number: block.number, hash: block.hash }
    }
}

/// A header as an endpoint tells it: the `eth_getBlockByHash` answer's fields and the hash that it claims.
///
/// Fields that belong to the block and not to its header (transactions, size, …) are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawHeader {
    /// The hash that the endpoint claims.
    pub hash: B256,
    /// The fields.
    #[serde(flatten)]
    pub header: Header,
}

/// A header whose hash was recomputed from its fields. [CHAIN-1]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedHeader {
    hash: B256,
    header: Header,
}

/// The fields of a header do not hash to what they should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForgedHeader {
    /// Other fields than those of the block with this hash.
    #[error("forged header: block {number} was told as {claimed}, its fields hash to {actual}")]
    Hash {
        /// The height that the fields tell.
        number: u64,
        /// The hash that was claimed.
        claimed: B256,
        /// The hash of the fields.
        actual: B256,
    },
    /// The fields hash as claimed, but no header decodes to them: an optional field was told in another's place.
    #[error("forged header: fields of block {number} ({hash}) are not those of its encoding")]
    Fields {
        /// The height that the fields tell.
        number: u64,
        /// The hash of the fields.
        hash: B256,
    },
}

impl RawHeader {
    /// Recomputes the hash. [CHAIN-1]
    ///
    /// # Errors
    /// [`ForgedHeader`] if the fields are not those of the block with the claimed hash.
    pub fn seal(self) -> Result<SealedHeader, ForgedHeader> {
        let sealed = SealedHeader::of(self.header)?;
        if sealed.hash == self.hash {
            return Ok(sealed);
        }
        Err(ForgedHeader::Hash {
            number: sealed.header.number,
            claimed: self.hash,
            actual: sealed.hash,
        })
    }
}

impl SealedHeader {
    /// Hashes `header`. The hash says what the header is, not that it is on any chain.
    ///
    /// # Errors
    /// [`ForgedHeader::Fields`] if the fields leave a gap among the optional ones: their encoding has no names, so
    /// the same bytes, and the same hash, would have two readings.
    pub fn of(header: Header) -> Result<Self, ForgedHeader> {
        let mut encoded = Vec::with_capacity(header.length());
        header.encode(&mut encoded);
        let hash = alloy_primitives::keccak256(&encoded);
        match Header::decode(&mut encoded.as_slice()) {
            Ok(decoded) if decoded == header => Ok(Self { hash, header }),
            _ => Err(ForgedHeader::Fields { number: header.number, hash }),
        }
    }

    /// Height and hash.
    pub fn block(&self) -> BlockRef {
        BlockRef::new(self.header.number, self.hash)
    }

    /// keccak256 of the header's RLP.
    pub fn hash(&self) -> B256 {
        self.hash
    }

    /// Height.
    pub fn number(&self) -> u64 {
        self.header.number
    }

    /// The block before; `None` for block 0.
    pub fn parent(&self) -> Option<BlockRef> {
        let number = self.header.number.checked_sub(1)?;
        Some(BlockRef::new(number, self.header.parent_hash))
    }

    /// The block's time, by the chain's rules.
    pub fn timestamp(&self) -> UnixSeconds {
        UnixSeconds(self.header.timestamp)
    }

    /// The root that account proofs are checked against.
    pub fn state_root(&self) -> B256 {
        self.header.state_root
    }

    /// The base fee per gas; zero before London.
    pub fn base_fee(&self) -> u64 {
        self.header.base_fee_per_gas.unwrap_or_default()
    }

    /// The beacon chain's randomness, where proof of stake is.
    pub fn prev_randao(&self) -> B256 {
        self.header.mix_hash
    }

    /// All fields.
    pub fn fields(&self) -> &Header {
        &self.header
    }
}

#[cfg(test)]
mod tests;
