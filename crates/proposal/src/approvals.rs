//! What calls let count: code, images, machines, roots. By selector, whoever the target is.

use crate::{
    Call,
    inner::{Budget, Unreadable, inner_calls, read},
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
/// [`Unreadable`] if one has the selector of an approval or a wrapper and does not decode, or is wrapped too deep, or they are
/// too many or too large.
pub fn approvals(calls: &[Call]) -> Result<Vec<Approval>, Unreadable> {
    let (mut found, mut budget) = (Vec::new(), Budget::new());
    calls.iter().try_for_each(|call| search(call, 0, &mut budget, &mut found))?;
    Ok(found)
}

fn search(
    call: &Call,
    depth: usize,
    budget: &mut Budget,
    found: &mut Vec<Approval>,
) -> Result<(), Unreadable> {
    budget.take(call, depth)?;
    found.extend(of_call(call)?);
    if cancels(call) {
        return Ok(());
    }
    let inner = inner_calls(call)?;
    inner.iter().try_for_each(|call| search(call, depth.saturating_add(1), budget, found))
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
    use crate::{
        Draft, TextError, Why,
        decode::{Interfaces, shown_as_readable, shown_calls},
        describe,
        inner::{MAX_BYTES, MAX_CALLS, MAX_DEPTH},
        text_against_calldata,
    };
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
        let refused = approvals(&[call]).unwrap_err();
        assert_eq!(refused.why, Why::TooDeep);
    }

    #[test]
    fn calls_without_end_are_unreadable() {
        // [GOV-21] Four levels of a hundred and more offsets that all lead to the same 64 kB: read one by one they would never end.
        let hostile = Call { to: POLICY, value: U256::ZERO, calldata: nested(4, 64 << 10).into() };
        assert!((64 << 10..66 << 10).contains(&hostile.calldata.len()));
        let calls = [hostile];
        let refused = approvals(&calls).unwrap_err();
        assert!(matches!(refused.why, Why::Malformed(_)), "{refused}");
        let interfaces = Interfaces::ours();
        assert_eq!(shown_calls(&interfaces, &calls).unwrap_err(), refused);
        let shown = shown_as_readable(&interfaces, &calls);
        assert!(shown[0].is_unknown() && shown[0].inner.is_empty());
        let text = "# A small change";
        assert!(matches!(text_against_calldata(text, &calls), Err(TextError::Unreadable(_))));
        assert!(describe(&Draft { title: "A".into(), ..Draft::default() }, &calls).is_err());
    }

    #[test]
    fn more_calls_or_bytes_than_a_block_runs_are_too_large() {
        // Each honest by itself: what is read has an end.
        let multicall = |count: usize, length: usize| {
            let data = vec![vec![0xee; length].into(); count];
            Call::new(POLICY, &AccessManager::multicallCall { data })
        };
        assert_eq!(approvals(&[multicall(MAX_CALLS - 1, 4)]), Ok(vec![]));
        let refused = |calls: &[Call]| approvals(calls).unwrap_err().why;
        assert_eq!(refused(&[multicall(MAX_CALLS, 4)]), Why::TooLarge);
        assert_eq!(approvals(&[multicall(1, MAX_BYTES / 2 - 200)]), Ok(vec![]));
        assert_eq!(refused(&[multicall(1, MAX_BYTES / 2)]), Why::TooLarge);
        let many = vec![multicall(1, 4); MAX_CALLS / 2 + 1];
        assert_eq!(refused(&many), Why::TooLarge);
        // What is beyond is shown as a call of which nobody can say what it does.
        let shown = shown_as_readable(&Interfaces::ours(), &many);
        assert!(!shown[0].inner[0].call.calldata.is_empty() && shown[0].decoded.is_some());
        assert!(shown.last().unwrap().is_unnamed());
    }

    /// A multicall whose offsets all lead to one element, a multicall like it, and so on.
    fn nested(depth: usize, length: usize) -> Vec<u8> {
        let word = |number: usize| U256::from(number).to_be_bytes::<32>();
        let count = length / 32 / (depth + 1);
        let inner = match depth {
            0 => return vec![0xee; length],
            _ => nested(depth - 1, length - 32 * count),
        };
        let mut call =
            [&AccessManager::multicallCall::SELECTOR[..], &word(32), &word(count)].concat();
        (0..count).for_each(|_| call.extend(word(count * 32)));
        call.extend(word(inner.len()));
        call.extend(&inner);
        call.resize(call.len().next_multiple_of(32) + 4, 0);
        call
    }
}
