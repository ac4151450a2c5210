//! What calls let count: code, images, machines, roots. By selector, whoever the target is.

use crate::send::Call;
use abi::{
    AccessManager, AllowlistPolicy, AppRegistry, AttestationRegistry, KmsCommittee, QuorateGovernor,
};
use alloy::primitives::{Address, B256};
use alloy::sol_types::SolCall;

/// Calls within calls, so deep.
const MAX_DEPTH: usize = 4;

/// Something that a call approves by a hash of 32 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Approval {
    /// `compose hash`, `OS image`, …
    pub(crate) what: &'static str,
    /// The contract that is called.
    pub(crate) at: Address,
    pub(crate) hash: B256,
    /// Where the text behind the hash is said to be.
    pub(crate) uri: String,
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

/// A call that has the selector of an approval and can't be read as one, or is wrapped too deep.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a call of {at} has the selector of {function} and does not decode")]
pub(crate) struct Unreadable {
    pub(crate) at: Address,
    pub(crate) function: &'static str,
}

/// Every approval of the calls, also of those that are relayed or scheduled, in order. [GOV-10]
pub(crate) fn approvals(calls: &[Call]) -> Result<Vec<Approval>, Unreadable> {
    let mut found = Vec::new();
    calls.iter().try_for_each(|call| read(call.to, &call.calldata, 0, &mut found))?;
    Ok(found)
}

fn decode<C: SolCall>(at: Address, calldata: &[u8]) -> Result<C, Unreadable> {
    C::abi_decode(calldata).map_err(|_| Unreadable { at, function: C::SIGNATURE })
}

fn read(
    at: Address,
    calldata: &[u8],
    depth: usize,
    found: &mut Vec<Approval>,
) -> Result<(), Unreadable> {
    let Some((selector, _)) = calldata.split_first_chunk::<4>() else { return Ok(()) };
    let mut add = |what, hash: B256, uri: String| {
        if !hash.is_zero() {
            found.push(Approval { what, at, hash, uri });
        }
    };
    match *selector {
        AllowlistPolicy::approveComposeHashCall::SELECTOR => {
            let call: AllowlistPolicy::approveComposeHashCall = decode(at, calldata)?;
            add("compose hash", call.composeHash, call.uri);
        }
        AllowlistPolicy::addComposeHashCall::SELECTOR => {
            let call: AllowlistPolicy::addComposeHashCall = decode(at, calldata)?;
            add("compose hash", call.composeHash, String::new());
        }
        AllowlistPolicy::addDeviceCall::SELECTOR => {
            let call: AllowlistPolicy::addDeviceCall = decode(at, calldata)?;
            add("device", call.deviceId, String::new());
        }
        AllowlistPolicy::approveMeasurementCall::SELECTOR => {
            let call: AllowlistPolicy::approveMeasurementCall = decode(at, calldata)?;
            add("measurement", call.mrSystem, String::new());
        }
        AppRegistry::createAppCall::SELECTOR => {
            let call: AppRegistry::createAppCall = decode(at, calldata)?;
            let policy = call.app.policy;
            add("compose hash", policy.composeHash, policy.uri);
            policy.deviceIds.into_iter().for_each(|id| add("device", id, String::new()));
            policy.measurements.into_iter().for_each(|mr| add("measurement", mr, String::new()));
        }
        AppRegistry::createPolicyCall::SELECTOR => {
            let call: AppRegistry::createPolicyCall = decode(at, calldata)?;
            add("compose hash", call.setup.composeHash, call.setup.uri);
            call.setup.deviceIds.into_iter().for_each(|id| add("device", id, String::new()));
            call.setup.measurements.into_iter().for_each(|mr| add("measurement", mr, String::new()));
        }
        AppRegistry::deployAndRegisterApp_0Call::SELECTOR => {
            let call: AppRegistry::deployAndRegisterApp_0Call = decode(at, calldata)?;
            add("compose hash", call.initialComposeHash, String::new());
            add("device", call.initialDeviceId, String::new());
        }
        AppRegistry::deployAndRegisterApp_1Call::SELECTOR => {
            let call: AppRegistry::deployAndRegisterApp_1Call = decode(at, calldata)?;
            add("compose hash", call.initialComposeHash, String::new());
            add("device", call.initialDeviceId, String::new());
        }
        AttestationRegistry::approveOsImageCall::SELECTOR => {
            let call: AttestationRegistry::approveOsImageCall = decode(at, calldata)?;
            add("OS image", call.osImageHash, call.uri);
        }
        AttestationRegistry::openRootCall::SELECTOR => {
            let call: AttestationRegistry::openRootCall = decode(at, calldata)?;
            add("root", call.root, String::new());
        }
        KmsCommittee::approveNodeCodeCall::SELECTOR => {
            let call: KmsCommittee::approveNodeCodeCall = decode(at, calldata)?;
            add("node OS image", call.osImageHash, call.uri.clone());
            add("node compose hash", call.composeHash, call.uri);
        }
        AccessManager::scheduleCall::SELECTOR => {
            let call: AccessManager::scheduleCall = decode(at, calldata)?;
            inner::<AccessManager::scheduleCall>(call.target, &call.data, depth, found)?;
        }
        AccessManager::executeCall::SELECTOR => {
            let call: AccessManager::executeCall = decode(at, calldata)?;
            inner::<AccessManager::executeCall>(call.target, &call.data, depth, found)?;
        }
        QuorateGovernor::relayCall::SELECTOR => {
            let call: QuorateGovernor::relayCall = decode(at, calldata)?;
            inner::<QuorateGovernor::relayCall>(call.target, &call.data, depth, found)?;
        }
        QuorateGovernor::proposeCall::SELECTOR => {
            let call: QuorateGovernor::proposeCall = decode(at, calldata)?;
            for (target, data) in call.targets.iter().zip(&call.calldatas) {
                inner::<QuorateGovernor::proposeCall>(*target, data, depth, found)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn inner<C: SolCall>(
    at: Address,
    calldata: &[u8],
    depth: usize,
    found: &mut Vec<Approval>,
) -> Result<(), Unreadable> {
    if depth >= MAX_DEPTH {
        return Err(Unreadable { at, function: C::SIGNATURE });
    }
    read(at, calldata, depth.saturating_add(1), found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::U256;

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
