//! What `quorate` prints, word for word: help of every verb, answers of the offline verbs, refusals with their exit codes.
//! `TRYCMD=overwrite cargo test -p policy-cli --test golden` writes them anew; the diff is a reviewed decision.

#[test]
fn usage() {
    trycmd::TestCases::new().case("usage.md");
}

#[test]
fn answers_and_refusals() {
    trycmd::TestCases::new().case("tests/cmd/*.md");
}
