//! The arguments of `record`, read in place: nothing is copied before its size is known to be small. Spec:
//! docs/spec/record.md. Trusts: nothing. Driven by: the search for what t members signed.

use alloy_primitives::{Address, B256, U256};
use wire::{
    limits::{MAX_ADVISORY_ID_BYTES, MAX_ADVISORY_IDS, MAX_INPUTS},
    statements::{Anchor, AppBootInfo, Attested, Input, Issuance, SeatSignature},
};

const WORD: usize = 32;
/// Words of an input, which are all of it.
const INPUT_WORDS: usize = 6;
/// Words of a signature.
const SIGNATURE_WORDS: usize = 3;
/// Bytes of a TCB status that are read; the longest has 34.
const MAX_STATUS_BYTES: usize = 64;

/// Calldata; a place in it is in bytes from its begin.
#[derive(Clone, Copy)]
pub(super) struct Calldata<'a>(pub(super) &'a [u8]);

/// A list: where its first head or item is, and how many there are, of a word each at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct List {
    pub(super) start: usize,
    pub(super) count: usize,
}

impl<'a> Calldata<'a> {
    /// The places right after each `selector`.
    pub(super) fn after(self, selector: &'a [u8; 4]) -> impl Iterator<Item = usize> + 'a {
        let is_it = move |(_, found): &(usize, &[u8])| *found == selector.as_slice();
        let found = self.0.windows(4).enumerate().filter(is_it);
        found.map(|(place, _)| place.saturating_add(4))
    }

    /// The list whose offset is the head number `head` of the encoding that begins at `base`.
    pub(super) fn list(self, base: usize, head: usize) -> Option<List> {
        let at = self.offset(base, head)?;
        let (count, start) = (self.number(at, 0)?, at.checked_add(WORD)?);
        let room = self.0.len().checked_sub(start)? / WORD;
        (count <= room).then_some(List { start, count })
    }

    /// Where an item of a list begins whose items vary in size.
    pub(super) fn item(self, list: List, index: usize) -> Option<usize> {
        self.offset(list.start, index)
    }

    /// What the issuance at `at` says of its evidence.
    pub(super) fn evidence_hash(self, at: usize) -> Option<B256> {
        self.word(at, 8)
    }

    pub(super) fn issuance(self, at: usize) -> Option<Issuance> {
        Some(Issuance {
            keysetId: self.word(at, 0)?,
            epoch: self.uint(at, 1)?,
            reportData: [self.word(at, 2)?, self.word(at, 3)?],
            releaseAt: self.uint(at, 4)?,
            anchor: Anchor { number: self.uint(at, 5)?, hash: self.word(at, 6)? },
            sessionKey: self.address(at, 7)?,
            evidenceHash: self.word(at, 8)?,
            attested: self.attested(self.offset(at, 9)?)?,
            inputs: self.inputs(self.list(at, 10)?)?,
        })
    }

    /// The signatures at `at`, if they are at most `most`.
    pub(super) fn signatures(self, at: usize, most: usize) -> Option<Vec<SeatSignature>> {
        let (count, start) = (self.number(at, 0)?, at.checked_add(WORD)?);
        if count > most {
            return None;
        }
        let one = |index: usize| {
            let at = start.checked_add(index.checked_mul(SIGNATURE_WORDS * WORD)?)?;
            Some(SeatSignature {
                seat: self.uint(at, 0)?,
                r: self.word(at, 1)?,
                vs: self.word(at, 2)?,
            })
        };
        (0..count).map(one).collect()
    }

    fn attested(self, at: usize) -> Option<Attested> {
        Some(Attested {
            boot: self.boot(self.offset(at, 0)?)?,
            root: self.word(at, 1)?,
            vendor: self.word(at, 2)?,
            tcbEvaluationDataNumber: self.uint(at, 3)?,
        })
    }

    fn boot(self, at: usize) -> Option<AppBootInfo> {
        let advisories = self.list(at, 8)?;
        if advisories.count > MAX_ADVISORY_IDS {
            return None;
        }
        let advisory =
            |index: usize| self.text(self.item(advisories, index)?, MAX_ADVISORY_ID_BYTES);
        Some(AppBootInfo {
            appId: self.address(at, 0)?,
            composeHash: self.word(at, 1)?,
            instanceId: self.address(at, 2)?,
            deviceId: self.word(at, 3)?,
            mrAggregated: self.word(at, 4)?,
            mrSystem: self.word(at, 5)?,
            osImageHash: self.word(at, 6)?,
            tcbStatus: self.text(self.offset(at, 7)?, MAX_STATUS_BYTES)?,
            advisoryIds: (0..advisories.count).map(advisory).collect::<Option<_>>()?,
        })
    }

    fn inputs(self, list: List) -> Option<Vec<Input>> {
        if list.count > MAX_INPUTS {
            return None;
        }
        let one = |index: usize| {
            let at = list.start.checked_add(index.checked_mul(INPUT_WORDS * WORD)?)?;
            Some(Input {
                kind: self.uint(at, 0)?,
                scopeKind: self.uint(at, 1)?,
                scopeValue: self.word(at, 2)?,
                keyVersion: self.uint(at, 3)?,
                secretId: self.word(at, 4)?,
                ciphertextHash: self.word(at, 5)?,
            })
        };
        (0..list.count).map(one).collect()
    }

    fn text(self, at: usize, most: usize) -> Option<String> {
        let (length, start) = (self.number(at, 0)?, at.checked_add(WORD)?);
        if length > most {
            return None;
        }
        let bytes = self.0.get(start..start.checked_add(length)?)?;
        Some(std::str::from_utf8(bytes).ok()?.to_owned())
    }

    /// Where the offset in a head leads, from the begin of its encoding.
    fn offset(self, base: usize, head: usize) -> Option<usize> {
        base.checked_add(self.number(base, head)?)
    }

    fn number(self, base: usize, index: usize) -> Option<usize> {
        self.uint(base, index)
    }

    /// A number, if it is none that its type does not hold.
    fn uint<T: TryFrom<U256>>(self, base: usize, index: usize) -> Option<T> {
        U256::from_be_bytes(self.word(base, index)?.0).try_into().ok()
    }

    fn address(self, base: usize, index: usize) -> Option<Address> {
        let word = self.word(base, index)?;
        let address = Address::from_word(word);
        (address.into_word() == word).then_some(address)
    }

    fn word(self, base: usize, index: usize) -> Option<B256> {
        let start = base.checked_add(index.checked_mul(WORD)?)?;
        self.0.get(start..start.checked_add(WORD)?).map(B256::from_slice)
    }
}
