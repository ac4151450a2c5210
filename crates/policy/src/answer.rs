//! What `isAllowed` answers, read as IssuanceLog reads it (contracts/src/libraries/VerdictCall.sol), bit for bit.
//! Spec: docs/spec/policy.md [POL-4]. Trusts: nothing; a policy contract chooses the bytes. Prevents: A23.

use alloy_primitives::{B256, U256};
use wire::limits::MAX_REASON_BYTES;

/// bool, offset of the string, length of the string.
const HEAD_BYTES: usize = 96;
const WORD: usize = 32;

/// An answer that is abi.encode(bool, string).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) allowed: bool,
    /// At most 128 bytes.
    pub(crate) reason: Vec<u8>,
}

impl Answer {
    /// Reads `bytes`: the bool is 0 or 1, the offset 0x40, the length within the answer. `None`: no answer at all.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (head, text) = bytes.split_at_checked(HEAD_BYTES)?;
        let mut words = head.chunks_exact(WORD).map(|word| {
            let word = B256::try_from(word).unwrap_or_default();
            U256::from_be_bytes(word.0)
        });
        let (verdict, offset, length) = (words.next()?, words.next()?, words.next()?);
        if verdict > U256::ONE || offset != U256::from(2 * WORD) || length > U256::from(text.len())
        {
            return None;
        }
        let length: usize = length.try_into().ok()?;
        Some(Self {
            allowed: verdict == U256::ONE,
            reason: text.get(..length.min(MAX_REASON_BYTES))?.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests;
