//! What is accepted under a root.

use crate::values;
use abi::attestation_registry::AttestationRegistry::RootRules;
use clap::Args;

/// TCB statuses as Intel names them, in the order of the contract's bits (contracts/src/libraries/TcbStatus.sol).
pub(super) const STATUSES: [&str; 8] = [
    "UpToDate",
    "SWHardeningNeeded",
    "ConfigurationNeeded",
    "ConfigurationAndSWHardeningNeeded",
    "OutOfDate",
    "OutOfDateConfigurationNeeded",
    "TDRelaunchAdvised",
    "TDRelaunchAdvisedConfigurationNeeded",
];

/// A day: collateral is renewed daily where it is served well.
const DAY: u32 = 86_400;

/// Flags of the rules.
#[derive(Args)]
#[command(next_help_heading = "Rules")]
pub(super) struct RuleArgs {
    /// Least tcbEvaluationDataNumber of collateral
    #[arg(long, value_name = "NUMBER")]
    least_tcb_evaluation: Option<u32>,
    /// CRLs issued before this second are refused
    #[arg(long, value_name = "UNIX")]
    least_crl_issued_at: Option<u64>,
    /// A root's CRL issued before this second is refused
    #[arg(long, value_name = "UNIX")]
    least_root_crl_issued_at: Option<u64>,
    /// How old collateral may be
    #[arg(long, value_name = "TIME", value_parser = values::seconds)]
    max_collateral_age: Option<u32>,
    /// Accepted TCB statuses, with commas between
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = status)]
    accept_tcb: Vec<u16>,
}

impl RuleArgs {
    /// The strictest that lets anybody in: UpToDate machines with collateral of a day.
    pub(super) fn least() -> RootRules {
        RootRules {
            leastTcbEvaluationDataNumber: 0,
            leastCrlIssuedAt: 0,
            leastRootCrlIssuedAt: 0,
            maxCollateralAgeSeconds: DAY,
            acceptedTcbStatuses: 1,
        }
    }

    /// These rules with what the flags say in their place.
    pub(super) fn over(&self, present: RootRules) -> RootRules {
        let accepted = self.accept_tcb.iter().fold(0, |all, bit| all | bit);
        RootRules {
            leastTcbEvaluationDataNumber: self
                .least_tcb_evaluation
                .unwrap_or(present.leastTcbEvaluationDataNumber),
            leastCrlIssuedAt: self.least_crl_issued_at.unwrap_or(present.leastCrlIssuedAt),
            leastRootCrlIssuedAt: self
                .least_root_crl_issued_at
                .unwrap_or(present.leastRootCrlIssuedAt),
            maxCollateralAgeSeconds: self
                .max_collateral_age
                .unwrap_or(present.maxCollateralAgeSeconds),
            acceptedTcbStatuses: if accepted == 0 { present.acceptedTcbStatuses } else { accepted },
        }
    }
}

fn status(word: &str) -> Result<u16, String> {
    let at = STATUSES.iter().position(|known| *known == word);
    at.map(|bit| 1 << bit).ok_or_else(|| format!("one of {}", STATUSES.join(", ")))
}

/// The statuses of a mask, in words.
pub(super) fn accepted(mask: u16) -> String {
    let set = STATUSES.iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0);
    set.map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_bits_of_their_place() {
        assert_eq!(status("UpToDate"), Ok(1));
        assert_eq!(status("OutOfDate"), Ok(16));
        assert!(status("uptodate").is_err());
        assert_eq!(accepted(0b10001), "UpToDate, OutOfDate");
    }

    #[test]
    fn what_is_not_given_stays() {
        let flags = RuleArgs {
            least_tcb_evaluation: Some(18),
            least_crl_issued_at: None,
            least_root_crl_issued_at: None,
            max_collateral_age: None,
            accept_tcb: Vec::new(),
        };
        let rules = flags.over(RuleArgs::least());
        assert_eq!(rules.leastTcbEvaluationDataNumber, 18);
        assert_eq!((rules.maxCollateralAgeSeconds, rules.acceptedTcbStatuses), (DAY, 1));
    }
}
