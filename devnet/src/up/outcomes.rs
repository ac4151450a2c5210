//! What held and what did not, as a table.

use super::enclave::Boot;
use crate::bring_up::Committee;
use std::fmt;

/// The outcomes in order.
#[derive(Debug, Default)]
pub(super) struct Outcomes(Vec<Outcome>);

#[derive(Debug)]
struct Outcome {
    what: String,
    found: String,
    held: bool,
}

impl Outcomes {
    pub(super) fn add(&mut self, what: impl Into<String>, found: impl Into<String>, held: bool) {
        self.0.push(Outcome { what: what.into(), found: found.into(), held });
    }

    /// The first boot has a key.
    pub(super) fn key(&mut self, boot: &Boot) {
        let found = match boot.report() {
            Some(report) => report.subkey.public_key.to_string(),
            None => first_line(boot.said()),
        };
        self.add("an approved enclave gets its key", found, boot.report().is_some());
    }

    /// The second boot has the same.
    pub(super) fn same_key(&mut self, first: &Boot, second: &Boot) {
        let what = "on another vendor's machine it gets the same key";
        match (first.report(), second.report()) {
            (Some(first), Some(second)) => {
                let key = &second.subkey.public_key;
                self.add(what, key.to_string(), *key == first.subkey.public_key);
            }
            _ => self.add(what, first_line(second.said()), false),
        }
    }

    /// The third boot has none, and each node says why, signed.
    pub(super) fn refused_by_all(&mut self, boot: &Boot, committee: &Committee) {
        self.add(
            "after the revocation it gets none",
            first_line(boot.said()),
            boot.report().is_none(),
        );
        for member in &committee.members {
            let denial = boot.denials().iter().find(|denial| denial.statement.seat == member.seat);
            let what = format!("{} (seat {}) refuses, signed", member.name, member.seat);
            match denial.map(|denial| &denial.statement) {
                Some(said) => {
                    let found = format!("{:?} at block {}", said.reason, said.blockNumber);
                    self.add(what, found, !said.reason.is_empty());
                }
                None => self.add(what, "it signed no refusal", false),
            }
        }
    }

    /// Whether everything held.
    pub(super) fn held(&self) -> bool {
        self.0.iter().all(|outcome| outcome.held)
    }
}

impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|outcome| outcome.what.len()).max().unwrap_or_default();
        for Outcome { what, found, held } in &self.0 {
            let mark = if *held { "held  " } else { "FAILED" };
            writeln!(f, "{mark}  {what:<width$}  {found}")?;
        }
        Ok(())
    }
}

fn first_line(said: &str) -> String {
    let error = said.lines().find(|line| line.starts_with("error:"));
    error.or(said.lines().next()).unwrap_or("it said nothing").to_owned()
}
