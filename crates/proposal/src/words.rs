//! Values in words: what a person reads before signing.

use crate::state::states;
use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, U256, hex};
use serde_json::{Value, json};
use wire::{network::label_text, reason::text as reason_text};

/// A value of the contracts, by the name that its interface gives it.
pub fn value(name: &str, value: &DynSolValue) -> String {
    match value {
        DynSolValue::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        DynSolValue::Address(address) => account(*address),
        DynSolValue::FixedBytes(word, 32) => bytes32(name, *word),
        DynSolValue::FixedBytes(word, size) => hex::encode_prefixed(bytes_of(word, *size)),
        DynSolValue::Uint(number, _) => uint(name, *number),
        DynSolValue::String(text) => format!("{text:?}"),
        DynSolValue::Bytes(bytes) => hex::encode_prefixed(bytes),
        DynSolValue::Array(items) | DynSolValue::FixedArray(items) => list(name, items),
        DynSolValue::Tuple(items) | DynSolValue::CustomStruct { tuple: items, .. } => {
            format!("({})", list(name, items))
        }
        other => format!("{other:?}"),
    }
}

/// The same value for programs: hashes in lower-case hex, numbers as numbers where JSON holds them exactly.
pub fn json(value: &DynSolValue) -> Value {
    match value {
        DynSolValue::Bool(yes) => json!(yes),
        DynSolValue::Address(address) => json!(address),
        DynSolValue::FixedBytes(word, size) => json!(hex::encode_prefixed(bytes_of(word, *size))),
        DynSolValue::Uint(number, _) => match u64::try_from(*number) {
            Ok(exact) if exact < 1 << 53 => json!(exact),
            _ => json!(number.to_string()),
        },
        DynSolValue::Int(number, _) => json!(number.to_string()),
        DynSolValue::String(text) => json!(text),
        DynSolValue::Bytes(bytes) => json!(hex::encode_prefixed(bytes)),
        DynSolValue::Function(function) => json!(function),
        DynSolValue::Array(items)
        | DynSolValue::FixedArray(items)
        | DynSolValue::Tuple(items)
        | DynSolValue::CustomStruct { tuple: items, .. } => items.iter().map(self::json).collect(),
    }
}

/// Text of others on one line, which can't drive a terminal.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|found| {
            if found.is_control() { found.escape_default().to_string() } else { found.to_string() }
        })
        .collect()
}

/// What counts of a word that holds `bytesN`.
fn bytes_of(word: &B256, size: usize) -> &[u8] {
    word.get(..size).unwrap_or(word.as_slice())
}

fn list(name: &str, items: &[DynSolValue]) -> String {
    if items.is_empty() {
        return "(none)".to_owned();
    }
    let words: Vec<String> = items.iter().map(|item| value(name, item)).collect();
    words.join(", ")
}

/// An address; the zero address is nobody.
pub fn account(address: Address) -> String {
    if address.is_zero() { "nobody (zero address)".to_owned() } else { address.to_checksum(None) }
}

fn bytes32(name: &str, word: B256) -> String {
    if word.is_zero() {
        return "none (zero)".to_owned();
    }
    match name {
        "vendor" | "vendors" | "operator" => label_text(word),
        "expectedStates" => states(word.last().copied().unwrap_or_default()),
        _ => word.to_string(),
    }
}

fn uint(name: &str, number: U256) -> String {
    let Ok(small) = u64::try_from(number) else {
        return number.to_string();
    };
    if name == "reason" {
        return u8::try_from(small).map_or_else(|_| small.to_string(), reason_text);
    }
    if name == "current" {
        return u8::try_from(small)
            .ok()
            .and_then(|state| 1_u8.checked_shl(state.into()))
            .map_or_else(|| small.to_string(), states);
    }
    if name == "effectiveAt" || name == "etaSeconds" {
        return moment(small);
    }
    if name.ends_with("Seconds") {
        return format!("{small} ({})", duration(small));
    }
    small.to_string()
}

/// Seconds as people say them: `2 d 3 h`, `0 s`.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "by constants above zero, and no more than there is"
)]
pub fn duration(seconds: u64) -> String {
    let parts = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];
    let mut left = seconds;
    let mut words = Vec::new();
    for (size, unit) in parts {
        if left >= size {
            words.push(format!("{} {unit}", left / size));
            left %= size;
        }
    }
    if words.is_empty() { "0 s".to_owned() } else { words.join(" ") }
}

/// A block time in UTC, to the second: `2026-11-21 10:15:39 UTC (1795256139)`.
pub fn moment(unix_seconds: u64) -> String {
    let (days, second) = (unix_seconds / 86_400, unix_seconds % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC ({unix_seconds})",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// The Gregorian date of a day counted from 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms",
/// `civil_from_days`, for days that are not negative).
#[expect(clippy::arithmetic_side_effects, reason = "days are at most 2^64 / 86400")]
fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, day_of_era) = (z / 146_097, z % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_gregorian() {
        assert_eq!(moment(0), "1970-01-01 00:00:00 UTC (0)");
        assert_eq!(moment(951_782_399), "2000-02-28 23:59:59 UTC (951782399)");
        assert_eq!(moment(951_782_400), "2000-02-29 00:00:00 UTC (951782400)");
        assert_eq!(moment(1_709_251_200), "2024-03-01 00:00:00 UTC (1709251200)");
        assert_eq!(moment(4_102_444_799), "2099-12-31 23:59:59 UTC (4102444799)");
        // The widest a contract can say does not overflow.
        assert!(moment(u64::MAX).ends_with("(18446744073709551615)"));
    }

    #[test]
    fn durations_are_said_in_units() {
        assert_eq!(duration(0), "0 s");
        assert_eq!(duration(3600), "1 h");
        assert_eq!(duration(172_861), "2 d 1 m 1 s");
    }

    #[test]
    fn labels_reasons_and_delays_are_words_and_hashes_are_not() {
        let soft = DynSolValue::FixedBytes(B256::right_padding_from(b"soft-a"), 32);
        assert_eq!(value("vendor", &soft), "soft-a");
        assert!(value("composeHash", &soft).starts_with("0x736f66742d61"));
        assert_eq!(json(&DynSolValue::Uint(U256::from(1u64 << 53), 256)), "9007199254740992");
        let two = DynSolValue::Uint(U256::from(2), 8);
        assert_eq!(value("reason", &two), "2 (compromised)");
        assert_eq!(value("grantDelaySeconds", &two), "2 (2 s)");
        assert_eq!(
            value("guardian", &DynSolValue::Address(Address::ZERO)),
            "nobody (zero address)"
        );
        // A Governor's states: one by its number, several as bits.
        assert_eq!(value("current", &DynSolValue::Uint(U256::from(7), 8)), "executed");
        let set = DynSolValue::FixedBytes(B256::with_last_byte(0b10_0010), 32);
        assert_eq!(value("expectedStates", &set), "active or queued");
        let unknown = DynSolValue::Uint(U256::from(200), 8);
        assert_eq!(value("current", &unknown), "200");
        // Text from a chain can't move the cursor of a terminal.
        assert_eq!(value("uri", &DynSolValue::String("\u{1b}[2J".into())), "\"\\u{1b}[2J\"");
    }
}
