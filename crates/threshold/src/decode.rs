//! Strict reading of our fixed encodings. What is left over, cut short or not canonical is refused.

use crate::point::{DecodePointError, POINT_BYTES, Point};
use k256::{Scalar, elliptic_curve::ff::PrimeField};
use thiserror::Error;

/// Why bytes are not the encoding of what they were read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// More bytes than this format ever has; nothing was parsed.
    #[error("{actual} bytes are above the limit of {limit}")]
    TooLarge {
        /// The limit.
        limit: usize,
        /// What came.
        actual: usize,
    },
    /// A field ends after the bytes do, or has another length than its format says.
    #[error("a field has the wrong length")]
    Length,
    /// Bytes follow the last field.
    #[error("{0} bytes follow the last field")]
    TrailingBytes(usize),
    /// Another label than this format begins with.
    #[error("wrong label")]
    Label,
    /// A field that must be a point is none.
    #[error("a point is malformed")]
    Point(#[from] DecodePointError),
    /// A field that must be a scalar is not below the group order.
    #[error("a scalar is not canonical")]
    Scalar,
}

/// Reads fields from the front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Refuses more than `limit` bytes before anything is parsed.
    pub(crate) fn limited(bytes: &'a [u8], limit: usize) -> Result<Self, DecodeError> {
        if bytes.len() > limit {
            return Err(DecodeError::TooLarge { limit, actual: bytes.len() });
        }
        Ok(Self(bytes))
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (field, rest) = self.0.split_at_checked(length).ok_or(DecodeError::Length)?;
        self.0 = rest;
        Ok(field)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.take(N)?.try_into().map_err(|_| DecodeError::Length)
    }

    /// A field behind its length, as `Transcript` writes it.
    pub(crate) fn field(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = u32::from_be_bytes(self.array()?);
        self.take(usize::try_from(length).map_err(|_| DecodeError::Length)?)
    }

    /// A field behind its length, which must be N.
    pub(crate) fn field_array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.field()?.try_into().map_err(|_| DecodeError::Length)
    }

    pub(crate) fn label(&mut self, expected: &str) -> Result<(), DecodeError> {
        if self.field()? == expected.as_bytes() { Ok(()) } else { Err(DecodeError::Label) }
    }

    pub(crate) fn point(&mut self) -> Result<Point, DecodeError> {
        Ok(Point::from_bytes(self.take(POINT_BYTES)?)?)
    }

    pub(crate) fn scalar(&mut self) -> Result<Scalar, DecodeError> {
        let bytes: [u8; 32] = self.array()?;
        Option::from(Scalar::from_repr(bytes.into())).ok_or(DecodeError::Scalar)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        match self.0.len() {
            0 => Ok(()),
            left => Err(DecodeError::TrailingBytes(left)),
        }
    }
}
