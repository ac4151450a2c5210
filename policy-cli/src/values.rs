//! Values from the command line. What is not exactly right is refused: nothing is padded, cut or guessed.

use alloy::primitives::{Address, B256, U256};
use wire::network::NetworkError;

/// Why a word is no value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ValueError {
    #[error("{actual} hexadecimal digits where {expected} are needed; nothing is padded")]
    HexLength { expected: usize, actual: usize },
    #[error("{found:?} is no hexadecimal digit")]
    NotHex { found: char },
    #[error("the upper and lower case do not fit this address: a digit is wrong (EIP-55)")]
    Checksum,
    #[error("1 to 32 printable ASCII characters")]
    Label,
    #[error("a whole number of 256 bits, decimal or hex with 0x")]
    Number,
    #[error("a whole number of seconds, or one with s, m, h or d: 48h")]
    Duration,
}

fn digits(word: &str, expected: usize) -> Result<&str, ValueError> {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    if let Some(found) = digits.chars().find(|digit| !digit.is_ascii_hexdigit()) {
        return Err(ValueError::NotHex { found });
    }
    if digits.len() != expected {
        return Err(ValueError::HexLength { expected, actual: digits.len() });
    }
    Ok(digits)
}

/// 20 bytes; if upper and lower case are mixed they must be EIP-55's.
pub(crate) fn address(word: &str) -> Result<Address, ValueError> {
    let digits = digits(word, 40)?;
    let address: Address = digits.parse().map_err(|_| ValueError::Checksum)?;
    let mixed = digits.bytes().any(|digit| digit.is_ascii_uppercase())
        && digits.bytes().any(|digit| digit.is_ascii_lowercase());
    if mixed && address.to_checksum(None).trim_start_matches("0x") != digits {
        return Err(ValueError::Checksum);
    }
    Ok(address)
}

/// 32 bytes.
pub(crate) fn hash(word: &str) -> Result<B256, ValueError> {
    let digits = digits(word, 64)?;
    digits.parse().map_err(|_| ValueError::HexLength { expected: 64, actual: digits.len() })
}

/// A vendor's label, as the contracts hold it.
pub(crate) fn label(word: &str) -> Result<B256, ValueError> {
    wire::network::label("label", word).map_err(|_: NetworkError| ValueError::Label)
}

/// The number of a proposal: decimal, or hex with 0x.
pub(crate) fn number(word: &str) -> Result<U256, ValueError> {
    let parsed = match word.strip_prefix("0x") {
        Some(digits) => U256::from_str_radix(digits, 16),
        None => U256::from_str_radix(word, 10),
    };
    parsed.map_err(|_| ValueError::Number)
}

/// Seconds: `3600`, `60m`, `48h`, `7d`.
pub(crate) fn seconds(word: &str) -> Result<u32, ValueError> {
    let (number, unit) = match word.char_indices().next_back() {
        Some((at, 's')) => (&word[..at], 1),
        Some((at, 'm')) => (&word[..at], 60),
        Some((at, 'h')) => (&word[..at], 3600),
        Some((at, 'd')) => (&word[..at], 86_400),
        _ => (word, 1),
    };
    if !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(ValueError::Duration);
    }
    number
        .parse::<u32>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .ok_or(ValueError::Duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_has_64_digits_and_is_never_padded() {
        let word = "ab".repeat(32);
        assert_eq!(hash(&word).unwrap(), hash(&format!("0x{word}")).unwrap());
        for wrong in ["", "0x", "0xabc", &word[..63], &format!("{word}00")] {
            assert!(
                matches!(hash(wrong), Err(ValueError::HexLength { expected: 64, .. })),
                "{wrong}"
            );
        }
        assert_eq!(hash(&word.replacen('a', "g", 1)), Err(ValueError::NotHex { found: 'g' }));
        assert_eq!(hash("0xé"), Err(ValueError::NotHex { found: 'é' }));
    }

    #[test]
    fn an_address_with_one_wrong_letter_case_is_refused() {
        let right = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
        assert_eq!(address(right).unwrap().to_checksum(None), right);
        assert!(address(&right.to_lowercase()).is_ok());
        assert_eq!(address(&right.replacen("aAe", "aae", 1)), Err(ValueError::Checksum));
        assert!(matches!(address(&right[..41]), Err(ValueError::HexLength { actual: 39, .. })));
    }

    #[test]
    fn numbers_are_whole() {
        assert_eq!(number("16"), Ok(U256::from(16)));
        assert_eq!(number("0x10"), Ok(U256::from(16)));
        for wrong in ["-1", "1.5", "1x", &"9".repeat(79)] {
            assert_eq!(number(wrong), Err(ValueError::Number), "{wrong}");
        }
    }

    #[test]
    fn durations_are_whole_and_bounded() {
        assert_eq!(seconds("0"), Ok(0));
        assert_eq!(seconds("48h"), Ok(172_800));
        assert_eq!(seconds("7d"), Ok(604_800));
        for wrong in ["", "h", "1.5h", "-1", "4w", "99999d", "+5", "5é"] {
            assert_eq!(seconds(wrong), Err(ValueError::Duration), "{wrong}");
        }
    }
}
