//! Reason codes of revocations on the command line: a word of `wire::reason`, or the code.

use wire::reason::WORDS;
pub(crate) use wire::reason::text;

/// The words, for help and refusals.
pub(crate) fn words() -> String {
    WORDS.join(", ")
}

/// A word of the list, or a code from 0 to 255.
pub(crate) fn parse(word: &str) -> Result<u8, String> {
    let named = WORDS.iter().position(|known| *known == word);
    named
        .and_then(|code| u8::try_from(code).ok())
        .or_else(|| word.parse().ok())
        .ok_or_else(|| format!("one of {}, or a code from 0 to 255", words()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_codes_lead_to_the_same_code() {
        assert_eq!(parse("compromised"), Ok(2));
        assert_eq!(parse("2"), Ok(2));
        assert_eq!(parse("255"), Ok(255));
        assert_eq!(text(2), "2 (compromised)");
        assert_eq!(text(200), "200");
        assert!(parse("256").is_err());
        assert!(parse("because").is_err());
    }
}
