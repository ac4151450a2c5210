//! What calls let count: code, images, machines, roots. By selector, whoever the target is.

use crate::{
    Call,
    inner::{MAX_DEPTH, Unreadable, inner_calls, read},
};
use abi::{
    AccessManager, AllowlistPolicy, AppRegistry, AttestationRegistry, KmsCommittee, QuorateGovernor,
};
use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;

/// Something that a call approves by a hash of 32 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Approval {
    /// `compose hash`, `OS image`, …
    pub what: &'static str,
    /// The contract that is called.
    pub at: Address,
    /// What is approved.
    pub hash: B256,
    /// Where the text behind the hash is said to be.
    pub uri: String,
}

impl std::fmt::Display for Approval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} at {}", self.what, self.hash, self.at)?;
        if !self.uri.is_empty() {
            write!(f, ", {:?}", self.uri)?;
        }
        Ok(())
    }
}

/// Every approval of the calls, also of those that are relayed or scheduled, in order. [GOV-20]
///
/// # Errors
/// [`Unreadable`] if one has the selector of an approval or a wrapper and does not decode, or is wrapped too deep.
pub fn approvals(calls: &[Call]) -> Result<Vec<Approval>, Unreadable> {
    let mut found = Vec::new();
    calls.iter().try_for_each(|call| search(call, 0, &mut found))?;
    Ok(found)
}

fn search(call: &Call, depth: usize, found: &mut Vec<Approval>) -> Result<(), Unreadable> {
    found.extend(of_call(call)?);
    if cancels(call) {
        return Ok(());
    }
    let inner = inner_calls(call)?;
    if depth >= MAX_DEPTH && !inner.is_empty() {
        return Err(Unreadable { at: call.to, function: "a wrapper" });
    }
    inner.iter().try_for_each(|call| search(call, depth.saturating_add(1), found))
}

/// What is cancelled is carried, and not done.
fn cancels(call: &Call) -> bool {
    let selectors = [AccessManager::cancelCall::SELECTOR, QuorateGovernor::cancel_1Call::SELECTOR];
    selectors.iter().any(|selector| call.calldata.starts_with(selector))
}

/// What this very call approves.
fn of_call(call: &Call) -> Result<Vec<Approval>, Unreadable> {
    let Some((selector, _)) = call.calldata.split_first_chunk::<4>() else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    let mut add = |what, hash: B256, uri: String| {
        if !hash.is_zero() {
            found.push(Approval { what, at: call.to, hash, uri });
        }
    };
    match *selector {
        AllowlistPolicy::approveComposeHashCall::SELECTOR => {
            let grant: AllowlistPolicy::approveComposeHashCall = read(call)?;
            add("compose hash", grant.composeHash, grant.uri);
        }
        AllowlistPolicy::addComposeHashCall::SELECTOR => {
            let grant: AllowlistPolicy::addComposeHashCall = read(call)?;
            add("compose hash", grant.composeHash, String::new());
        }
        AllowlistPolicy::addDeviceCall::SELECTOR => {
            let grant: AllowlistPolicy::addDeviceCall = read(call)?;
            add("device", grant.deviceId, String::new());
        }
        AllowlistPolicy::approveMeasurementCall::SELECTOR => {
            let grant: AllowlistPolicy::approveMeasurementCall = read(call)?;
            add("measurement", grant.mrSystem, String::new());
        }
        AppRegistry::createAppCall::SELECTOR => {
            let grant: AppRegistry::createAppCall = read(call)?;
            setup(grant.app.policy, &mut add);
        }
        AppRegistry::createPolicyCall::SELECTOR => {
            let grant: AppRegistry::createPolicyCall = read(call)?;
            setup(grant.setup, &mut add);
        }
        AppRegistry::deployAndRegisterApp_0Call::SELECTOR => {
            let grant: AppRegistry::deployAndRegisterApp_0Call = read(call)?;
            add("compose hash", grant.initialComposeHash, String::new());
            add("device", grant.initialDeviceId, String::new());
        }
        AppRegistry::deployAndRegisterApp_1Call::SELECTOR => {
            let grant: AppRegistry::deployAndRegisterApp_1Call = read(call)?;
            add("compose hash", grant.initialComposeHash, String::new());
            add("device", grant.initialDeviceId, String::new());
        }
        AttestationRegistry::approveOsImageCall::SELECTOR => {
            let grant: AttestationRegistry::approveOsImageCall = read(call)?;
            add("OS image", grant.osImageHash, grant.uri);
        }
        AttestationRegistry::openRootCall::SELECTOR => {
            let grant: AttestationRegistry::openRootCall = read(call)?;
            add("root", grant.root, String::new());
        }
        KmsCommittee::approveNodeCodeCall::SELECTOR => {
            let grant: KmsCommittee::approveNodeCodeCall = read(call)?;
            add("node OS image", grant.osImageHash, grant.uri.clone());
            add("node compose hash", grant.composeHash, grant.uri);
        }
        _ => {}
    }
    Ok(found)
}

fn setup(
    policy: abi::app_registry::AppRegistry::PolicySetup,
    add: &mut impl FnMut(&'static str, B256, String),
) {
    add("compose hash", policy.composeHash, policy.uri);
    policy.deviceIds.into_iter().for_each(|id| add("device", id, String::new()));
    policy.measurements.into_iter().for_each(|mr| add("measurement", mr, String::new()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::U256;

    const POLICY: Address = Address::repeat_byte(1);
    const HASH: B256 = B256::repeat_byte(2);

    fn approve() -> Vec<u8> {
        AllowlistPolicy::approveComposeHashCall { composeHash: HASH, uri: "ipfs://x".into() }
            .abi_encode()
    }

    #[test]
    fn an_approval_is_found_also_where_it_is_relayed_or_scheduled() {
        let direct = Call { to: POLICY, value: U256::ZERO, calldata: approve().into() };
        let scheduled = AccessManager::scheduleCall {
            target: POLICY,
            data: approve().into(),
            when: Default::default(),
        };
        let relayed = QuorateGovernor::relayCall {
            target: Address::repeat_byte(9),
            value: U256::ZERO,
            data: scheduled.abi_encode().into(),
        };
        let expected =
            Approval { what: "compose hash", at: POLICY, hash: HASH, uri: "ipfs://x".into() };
        assert_eq!(approvals(&[direct]), Ok(vec![expected.clone()]));
        let wrapped = Call::new(Address::repeat_byte(8), &relayed);
        assert_eq!(approvals(&[wrapped]), Ok(vec![expected]));
    }

    #[test]
    fn what_is_cancelled_is_not_approved() {
        let cancel = AccessManager::cancelCall {
            caller: Address::repeat_byte(3),
            target: POLICY,
            data: approve().into(),
        };
        assert_eq!(approvals(&[Call::new(Address::repeat_byte(8), &cancel)]), Ok(vec![]));
    }

    /// [GOV-21]
    #[test]
    fn an_approval_that_does_not_decode_is_never_passed_over() {
        let cut = approve()[..40].to_vec();
        let call = Call { to: POLICY, value: U256::ZERO, calldata: cut.into() };
        assert_eq!(approvals(&[call]).unwrap_err().at, POLICY);

        let mut data = approve();
        for _ in 0..=MAX_DEPTH {
            let relay =
                QuorateGovernor::relayCall { target: POLICY, value: U256::ZERO, data: data.into() };
            data = relay.abi_encode();
        }
        let call = Call { to: POLICY, value: U256::ZERO, calldata: data.into() };
        assert!(approvals(&[call]).is_err());
    }
}
