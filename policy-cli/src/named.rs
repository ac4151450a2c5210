//! Which policies events name: AppRegistry's those of apps, a policy's those that it asks. An event that is told proves nothing;
//! whoever reads the name proves the event. Spec: docs/spec/bundle.md [BUN-14] [BUN-15].

use abi::{AllOfPolicy, AppRegistry, LicensePolicy};
use alloy::primitives::Address;
use alloy::rpc::types::Log;
use alloy::sol_types::SolEvent;

/// The policy of ours that an event of AppRegistry names.
pub(crate) fn policy(log: &Log) -> Option<Address> {
    if let Ok(event) = AppRegistry::AppEntered::decode_log(&log.inner) {
        return (!event.isForeign).then_some(event.policy);
    }
    let event = AppRegistry::PolicySet::decode_log(&log.inner).ok()?;
    (!event.isForeign).then_some(event.policy)
}

/// Whom an event of a policy names as one that it asks; what that is, AppRegistry knows.
pub(crate) fn member(log: &Log) -> Option<Address> {
    if let Ok(event) = AllOfPolicy::MemberAdded::decode_log(&log.inner) {
        return Some(event.member);
    }
    let event = LicensePolicy::LicenseInitialized::decode_log(&log.inner).ok()?;
    Some(event.inner)
}
