//! Which events are asked for: the same words for the list and the stream. What is not one of them is refused.

use super::{Refused, shape::text};
use crate::{decode::Kind, store::Selection};
use alloy_primitives::Address;
use serde::{Deserialize, Deserializer, de::Error};
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

/// What JSON readers of every language can hold exactly.
pub(super) const MAX_NUMBER: u64 = (1 << 53) - 1;
const MAX_NAME: usize = 64;

/// Whether a trail commits to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AskedStanding {
    Trail,
    Outside,
    Undecoded,
}

/// The conditions, if they can be met. An event must meet all of them.
pub(super) fn selection(
    contract: Option<Address>,
    kind: Option<Kind>,
    name: Option<String>,
    app: Option<Address>,
    standing: Option<AskedStanding>,
) -> Result<Selection, Refused> {
    if name.as_deref().is_some_and(|name| !is_name(name)) {
        return Err(Refused::malformed(format!(
            "name: an event's name, of letters, digits and _, at most {MAX_NAME}"
        )));
    }
    Ok(Selection {
        contract,
        kind,
        name,
        app,
        standing: standing.map(AskedStanding::word),
        ..Selection::default()
    })
}

fn is_name(name: &str) -> bool {
    let mut letters = name.bytes();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.len() <= MAX_NAME
}

/// A block's number, if there may be such a block.
pub(super) fn height(what: &str, number: Option<u64>) -> Result<Option<u64>, Refused> {
    match number {
        Some(number) if number > MAX_NUMBER => {
            Err(Refused::malformed(format!("{what}: at most {MAX_NUMBER}")))
        }
        number => Ok(number),
    }
}

impl AskedStanding {
    fn word(self) -> &'static str {
        match self {
            Self::Trail => "trail",
            Self::Outside => "outside",
            Self::Undecoded => "undecoded",
        }
    }
}

/// Of any case, checksum or not.
pub(super) fn asked_address() -> RefOr<Schema> {
    text("^0x[0-9a-fA-F]{40}$").into()
}

/// `0x` and forty digits, nothing less.
pub(super) fn address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Address>, D::Error> {
    let text = String::deserialize(from)?;
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 40);
    let address = digits.and_then(|_| text.parse().ok());
    address.map(Some).ok_or_else(|| D::Error::custom("an address is 0x and 40 hex digits"))
}

/// One of the API's words for what a contract is.
pub(super) fn kind<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Kind>, D::Error> {
    let word = String::deserialize(from)?;
    let kind = Kind::from_word(&word);
    kind.map(Some).ok_or_else(|| {
        let words = Kind::ALL.map(Kind::word).join(", ");
        D::Error::custom(format!("unknown kind, expected one of {words}"))
    })
}
