//! Reason codes of revocations: a `uint8` in the events, a word for people. The contracts store any code; these are the ones
//! that everybody names alike.

/// The words of the codes, by index.
pub const WORDS: [&str; 6] =
    ["unspecified", "vulnerable", "compromised", "superseded", "retired", "legal"];

/// A code with its word: `2 (compromised)`; a code without one alone.
pub fn text(code: u8) -> String {
    match WORDS.get(usize::from(code)) {
        Some(word) => format!("{code} ({word})"),
        None => code.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn a_code_has_its_word_and_any_other_stands_alone() {
        assert_eq!(text(2), "2 (compromised)");
        assert_eq!(text(200), "200");
    }
}
