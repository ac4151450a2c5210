//! TCB statuses, as our own enumeration: an unknown one is an error here, never a string that nobody compares.
//!
//! Spec: [EV-8]. Names are Intel's and dstack's; `Revoked` is not in the list because no rule can accept it.

use std::{fmt, str::FromStr};

/// How current a platform's trusted computing base is. The value is its bit in [`TcbStatuses`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TcbStatus {
    /// Current.
    UpToDate = 0,
    /// Current, but software in the enclave has to mitigate an advisory.
    SwHardeningNeeded = 1,
    /// Current, but the platform's configuration leaves an advisory open.
    ConfigurationNeeded = 2,
    /// Both of the above.
    ConfigurationAndSwHardeningNeeded = 3,
    /// An update is missing.
    OutOfDate = 4,
    /// An update is missing and the configuration leaves an advisory open.
    OutOfDateConfigurationNeeded = 5,
    /// The TD was launched before an update of the TDX module.
    TdRelaunchAdvised = 6,
    /// As above, and the configuration leaves an advisory open.
    TdRelaunchAdvisedConfigurationNeeded = 7,
}

/// Every status with its name, in bit order.
const NAMES: [(TcbStatus, &str); 8] = [
    (TcbStatus::UpToDate, "UpToDate"),
    (TcbStatus::SwHardeningNeeded, "SWHardeningNeeded"),
    (TcbStatus::ConfigurationNeeded, "ConfigurationNeeded"),
    (TcbStatus::ConfigurationAndSwHardeningNeeded, "ConfigurationAndSWHardeningNeeded"),
    (TcbStatus::OutOfDate, "OutOfDate"),
    (TcbStatus::OutOfDateConfigurationNeeded, "OutOfDateConfigurationNeeded"),
    (TcbStatus::TdRelaunchAdvised, "TDRelaunchAdvised"),
    (TcbStatus::TdRelaunchAdvisedConfigurationNeeded, "TDRelaunchAdvisedConfigurationNeeded"),
];

impl TcbStatus {
    /// The name that `AppBootInfo.tcbStatus` carries.
    pub fn as_str(self) -> &'static str {
        NAMES.iter().find(|(status, _)| *status == self).map_or("", |(_, name)| name)
    }
}

impl fmt::Display for TcbStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no acceptable TCB status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no TCB status that could be accepted")]
pub struct UnknownTcbStatus;

impl FromStr for TcbStatus {
    type Err = UnknownTcbStatus;

    fn from_str(name: &str) -> Result<Self, UnknownTcbStatus> {
        NAMES
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(status, _)| *status)
            .ok_or(UnknownTcbStatus)
    }
}

/// A set of accepted statuses, as a bit map; the empty set accepts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcbStatuses(u8);

impl TcbStatuses {
    /// `UpToDate` alone.
    pub const UP_TO_DATE: Self = Self(1);

    /// The set with these bits.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether `status` is in the set.
    pub fn contains(self, status: TcbStatus) -> bool {
        self.0 & bit(status) != 0
    }
}

impl FromIterator<TcbStatus> for TcbStatuses {
    fn from_iter<I: IntoIterator<Item = TcbStatus>>(statuses: I) -> Self {
        Self(statuses.into_iter().fold(0, |bits, status| bits | bit(status)))
    }
}

fn bit(status: TcbStatus) -> u8 {
    1_u8.checked_shl(u32::from(status as u8)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_own_bit_and_name() {
        // [EV-8]
        for (index, (status, name)) in NAMES.into_iter().enumerate() {
            assert_eq!(status as usize, index);
            assert_eq!(name.parse(), Ok(status));
            assert_eq!(TcbStatuses::from_iter([status]).bits(), 1 << index);
        }
        assert_eq!("Revoked".parse::<TcbStatus>(), Err(UnknownTcbStatus));
        assert!(!TcbStatuses::from_bits(0).contains(TcbStatus::UpToDate));
    }
}
