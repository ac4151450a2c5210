//! What a contract refuses with, by the name of its custom error.

use abi::{IssuanceLog, KmsCommittee};
use alloy::{
    primitives::Bytes,
    sol_types::{SolInterface, decode_revert_reason},
};
use std::fmt;
use wire::network::label_text;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revert {
    /// The error with its arguments, in words.
    pub words: String,
    /// The bytes.
    pub data: Bytes,
}

impl Revert {
    pub(crate) fn read(data: &Bytes) -> Self {
        Self { words: words(data), data: data.clone() }
    }

    /// The name of the custom error.
    pub fn name(&self) -> &str {
        self.words.split(['(', ' ']).next().unwrap_or_default()
    }
}

impl fmt::Display for Revert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

fn words(data: &Bytes) -> String {
    use abi::{
        access_manager::AccessManager::AccessManagerErrors,
        allowlist_policy::AllowlistPolicy::AllowlistPolicyErrors,
        app_registry::AppRegistry::AppRegistryErrors,
        attestation_registry::AttestationRegistry::AttestationRegistryErrors,
    };
    type Committee = KmsCommittee::KmsCommitteeErrors;
    if let Ok(Committee::VendorHoldsTooManySeats(error)) = Committee::abi_decode(data) {
        let (vendor, seats, max) = (label_text(error.vendor), error.seats, error.max);
        return format!("VendorHoldsTooManySeats(vendor {vendor}, seats {seats}, at most {max})");
    }
    if let Ok(Committee::OperatorHoldsTooManySeats(error)) = Committee::abi_decode(data) {
        let (operator, seats, max) = (label_text(error.operator), error.seats, error.max);
        return format!(
            "OperatorHoldsTooManySeats(operator {operator}, seats {seats}, at most {max})"
        );
    }
    inner(Committee::abi_decode(data))
        .or_else(|| inner(IssuanceLog::IssuanceLogErrors::abi_decode(data)))
        .or_else(|| inner(AppRegistryErrors::abi_decode(data)))
        .or_else(|| inner(AllowlistPolicyErrors::abi_decode(data)))
        .or_else(|| inner(AttestationRegistryErrors::abi_decode(data)))
        .or_else(|| inner(AccessManagerErrors::abi_decode(data)))
        .or_else(|| decode_revert_reason(data))
        .unwrap_or_else(|| format!("an unknown error, {data}"))
}

/// `Name { field: value }` of `Name(Name { field: value })`.
fn inner(decoded: Result<impl fmt::Debug, impl fmt::Debug>) -> Option<String> {
    let text = format!("{:?}", decoded.ok()?);
    let (_, inner) = text.split_once('(')?;
    Some(inner.strip_suffix(')').unwrap_or(inner).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::{primitives::U256, sol_types::SolError};

    #[test]
    fn custom_errors_have_their_names() {
        let error = KmsCommittee::VendorHoldsTooManySeats {
            vendor: wire::network::label("vendor", "soft-a").unwrap(),
            seats: U256::from(3),
            max: U256::from(2),
        };
        let revert = Revert::read(&error.abi_encode().into());
        assert_eq!(revert.words, "VendorHoldsTooManySeats(vendor soft-a, seats 3, at most 2)");
        let error = IssuanceLog::BelowThreshold { t: U256::from(3), signed: U256::from(2) };
        let revert = Revert::read(&error.abi_encode().into());
        assert_eq!(revert.name(), "BelowThreshold");
    }
}
