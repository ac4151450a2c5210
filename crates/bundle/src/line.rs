//! Headers from the event's block to the block that the reader trusts. Spec: docs/spec/bundle.md [BUN-3]. Trusts: the reader's
//! block hash. Prevents: an event of an orphaned block.

use crate::Refusal;
use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::Decodable;
use light_client::SealedHeader;

/// Linked headers that end in the reader's block.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Of the event's block.
    pub(crate) event: SealedHeader,
    /// Of the reader's block; the same one where the headers are one.
    pub(crate) block: SealedHeader,
}

impl Line {
    /// Links `headers`, upwards, to `trusted`.
    pub(crate) fn link(headers: &[Bytes], trusted: B256) -> Result<Self, Refusal> {
        let mut line: Option<Self> = None;
        for (index, bytes) in headers.iter().enumerate() {
            let header = read(index, bytes)?;
            line = Some(match line {
                None => Self { event: header.clone(), block: header },
                Some(line) if header.parent() == Some(line.block.block()) => {
                    Self { event: line.event, block: header }
                }
                Some(_) => return Err(Refusal::HeaderNotLinked { index }),
            });
        }
        let actual = line.as_ref().map(|line| line.block.hash()).unwrap_or_default();
        match line {
            Some(line) if actual == trusted => Ok(line),
            _ => Err(Refusal::OtherBlock { expected: trusted, actual }),
        }
    }
}

fn read(index: usize, bytes: &Bytes) -> Result<SealedHeader, Refusal> {
    let malformed = |source| Refusal::HeaderMalformed { index, source };
    let header = Header::decode(&mut bytes.as_ref()).map_err(|_| malformed(None))?;
    let sealed = SealedHeader::of(header).map_err(|source| malformed(Some(source)))?;
    // The same fields in another encoding have another hash.
    if sealed.hash() != keccak256(bytes) {
        return Err(malformed(None));
    }
    Ok(sealed)
}
