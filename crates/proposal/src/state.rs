//! The states of a proposal in words, as OpenZeppelin's `IGovernor.ProposalState` counts them.

const WORDS: [&str; 8] =
    ["pending", "active", "canceled", "defeated", "succeeded", "queued", "expired", "executed"];

/// A state in a word.
pub fn word(state: u8) -> &'static str {
    WORDS.get(usize::from(state)).copied().unwrap_or("unknown")
}

/// A set of states, a bit for each, in words.
pub fn states(set: u8) -> String {
    let has = |state: &u8| 1_u8.checked_shl((*state).into()).is_some_and(|bit| set & bit != 0);
    let words = (0..8).filter(has).map(word);
    words.collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_told_state_by_state() {
        assert_eq!(states(0b1000_0010), "active or executed");
        assert_eq!(states(0), "");
        assert_eq!(word(8), "unknown");
    }
}
