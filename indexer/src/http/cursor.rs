//! Opaque marks that a caller hands back: where a page of a list ended, and where a stream stands. All name blocks by hash, so
//! that a reorg between two requests is seen. [IDX-9] [API-3]

use super::Refused;
use crate::store::{FollowedFrom, Position};
use alloy_primitives::{Address, B256};
use light_client::BlockRef;

/// Where a page of the list ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageCursor {
    /// The newest block of the list; later ones are no part of it.
    pub(super) of: BlockRef,
    /// The last event that was seen.
    pub(super) after: (BlockRef, u64),
}

/// Where a page of the followed contracts ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ContractsCursor {
    /// The newest block of the list; what later ones name is no part of it.
    pub(super) of: BlockRef,
    /// The last contract that was seen.
    pub(super) after: FollowedFrom,
}

const PAGE: u8 = 1;
const STREAM: u8 = 2;
const CONTRACTS: u8 = 3;

impl PageCursor {
    pub(super) fn write(&self) -> String {
        let (block, log_index) = self.after;
        hex::encode(
            [&[PAGE][..], &write(self.of), &write(block), &log_index.to_be_bytes()].concat(),
        )
    }

    pub(super) fn read(text: &str) -> Result<Self, Refused> {
        let mut rest = Rest::new(text, PAGE)?;
        let cursor = Self { of: rest.block()?, after: (rest.block()?, rest.number()?) };
        rest.end()?;
        Ok(cursor)
    }
}

impl ContractsCursor {
    pub(super) fn write(&self) -> String {
        let FollowedFrom { number, log, contract } = self.after;
        let place = [number.to_be_bytes(), log.to_be_bytes()].concat();
        hex::encode([&[CONTRACTS][..], &write(self.of), &place, contract.as_slice()].concat())
    }

    pub(super) fn read(text: &str) -> Result<Self, Refused> {
        let mut rest = Rest::new(text, CONTRACTS)?;
        let of = rest.block()?;
        let (number, log) = (rest.number()?, i64::from_be_bytes(rest.take()?));
        let after = FollowedFrom { number, log, contract: Address::from(rest.take::<20>()?) };
        rest.end()?;
        Ok(Self { of, after })
    }
}

/// Where a stream stands.
pub(super) fn write_position(position: Position) -> String {
    let (number, log_index) = position.up_to;
    let place = [number.to_be_bytes(), log_index.to_be_bytes()].concat();
    hex::encode([&[STREAM][..], &write(position.block), &place].concat())
}

pub(super) fn read_position(text: &str) -> Result<Position, Refused> {
    let mut rest = Rest::new(text, STREAM)?;
    let position = Position { block: rest.block()?, up_to: (rest.number()?, rest.number()?) };
    rest.end()?;
    Ok(position)
}

fn write(block: BlockRef) -> Vec<u8> {
    [&block.number.to_be_bytes()[..], block.hash.as_slice()].concat()
}

/// The bytes that are not read yet.
struct Rest(Vec<u8>);

impl Rest {
    fn new(text: &str, kind: u8) -> Result<Self, Refused> {
        let mut rest = Self(hex::decode(text).map_err(|_| malformed())?);
        match rest.take::<1>()? {
            [found] if found == kind => Ok(rest),
            _ => Err(malformed()),
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Refused> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or_else(malformed)?;
        let taken = *taken;
        self.0 = rest.to_vec();
        Ok(taken)
    }

    fn number(&mut self) -> Result<u64, Refused> {
        Ok(u64::from_be_bytes(self.take()?))
    }

    fn block(&mut self) -> Result<BlockRef, Refused> {
        Ok(BlockRef::new(self.number()?, B256::from(self.take::<32>()?)))
    }

    fn end(&self) -> Result<(), Refused> {
        if self.0.is_empty() { Ok(()) } else { Err(malformed()) }
    }
}

fn malformed() -> Refused {
    Refused::malformed("cursor: not one of this resource's")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_nothing_else_does() {
        let block = |number: u64| BlockRef::new(number, B256::repeat_byte(3));
        let page = PageCursor { of: block(9), after: (block(7), 5) };
        let text = page.write();
        assert_eq!(PageCursor::read(&text).unwrap(), page);
        let position = Position { block: block(7), up_to: (6, u64::MAX) };
        let other = write_position(position);
        assert_eq!(read_position(&other).unwrap(), position);
        for wrong in ["", "zz", &text[2..], &format!("{text}00"), &other] {
            assert!(PageCursor::read(wrong).is_err(), "{wrong}");
        }
        assert!(read_position(&text).is_err());
        let after = FollowedFrom { number: 0, log: -1, contract: Address::repeat_byte(4) };
        let contracts = ContractsCursor { of: block(9), after };
        let text = contracts.write();
        assert_eq!(text.len(), 154);
        assert_eq!(ContractsCursor::read(&text).unwrap(), contracts);
        for wrong in ["", &text[2..], &format!("{text}00"), &other, &page.write()] {
            assert!(ContractsCursor::read(wrong).is_err(), "{wrong}");
        }
    }
}
