//! Compares what a quote binds with what was asked for.
//!
//! Spec: [EV-5]. The encodings are `wire::report_data`'s; here is only the judgement. Prevents: an approved application
//! that quotes outsiders' bytes being made to quote a key request (A2), and a quote of one purpose used for another.

use wire::{report_data::ReportData, statements::labels};

/// What a quote was made for, by the tag that its report_data begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A key request.
    Issue,
    /// A recipient key of a ceremony.
    Recipient,
    /// A candidate for a seat.
    Candidate,
}

const TAGS: [(Purpose, &str); 3] = [
    (Purpose::Issue, labels::TAG_ISSUE),
    (Purpose::Recipient, labels::TAG_RECIPIENT),
    (Purpose::Candidate, labels::TAG_CANDIDATE),
];

/// Why a quote does not bind what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// The data carries none of our tags: it was chosen by somebody else, for something else.
    #[error("report_data carries no quorate tag")]
    Untagged,
    /// It was made for something else of ours.
    #[error("report_data is made for {actual:?}, not for {expected:?}")]
    WrongPurpose {
        /// What was asked for.
        expected: Purpose,
        /// What the quote was made for.
        actual: Purpose,
    },
    /// The purpose is right, a field differs.
    #[error("report_data does not bind these fields")]
    Mismatch,
}

impl Purpose {
    /// The purpose that `report_data` states.
    pub fn of(report_data: &ReportData) -> Result<Self, BindError> {
        TAGS.iter()
            .find(|(_, tag)| report_data.starts_with(tag.as_bytes()))
            .map(|(purpose, _)| *purpose)
            .ok_or(BindError::Untagged)
    }
}

/// Checks that `actual`, from a verified quote, is the `expected` data that `wire::report_data` made of the fields.
pub(crate) fn binds(actual: &ReportData, expected: &ReportData) -> Result<(), BindError> {
    let expected_purpose = Purpose::of(expected)?;
    let actual_purpose = Purpose::of(actual)?;
    if actual_purpose != expected_purpose {
        return Err(BindError::WrongPurpose { expected: expected_purpose, actual: actual_purpose });
    }
    if actual != expected {
        return Err(BindError::Mismatch);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(tag: &str, fill: u8) -> ReportData {
        let mut data = [fill; 64];
        data[..16].copy_from_slice(tag.as_bytes());
        data
    }

    #[test]
    fn the_same_data_binds() {
        // [EV-5]
        let data = tagged(labels::TAG_ISSUE, 7);
        assert_eq!(binds(&data, &data), Ok(()));
    }

    #[test]
    fn outsiders_data_binds_nothing() {
        // [EV-5], A2: even if the hash part is that of a key request.
        let expected = tagged(labels::TAG_ISSUE, 7);
        let mut untagged = expected;
        untagged[..16].fill(0);
        assert_eq!(binds(&untagged, &expected), Err(BindError::Untagged));
        let mut unknown_purpose = expected;
        unknown_purpose[11..16].copy_from_slice(b"other");
        assert_eq!(binds(&unknown_purpose, &expected), Err(BindError::Untagged));
    }

    #[test]
    fn another_purpose_does_not_bind() {
        // [EV-5]
        let expected = tagged(labels::TAG_ISSUE, 7);
        let candidate = tagged(labels::TAG_CANDIDATE, 7);
        let error =
            BindError::WrongPurpose { expected: Purpose::Issue, actual: Purpose::Candidate };
        assert_eq!(binds(&candidate, &expected), Err(error));
    }

    #[test]
    fn another_field_does_not_bind() {
        // [EV-5]
        let expected = tagged(labels::TAG_ISSUE, 7);
        assert_eq!(binds(&tagged(labels::TAG_ISSUE, 8), &expected), Err(BindError::Mismatch));
    }
}
