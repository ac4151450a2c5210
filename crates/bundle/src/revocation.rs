//! A revocation: from the event's block on the chain records nothing for this code of this app. Spec: docs/spec/bundle.md
//! [BUN-13]. Trusts: the proven event and states. Prevents: a revocation in a contract that judges nothing, or one undone since.

use crate::{
    Claim, Refusal, Step, event::Event, format::TrailProof, issuance::Scene, verdict::Checks,
};
use abi::{AllowlistPolicy, allowlist_policy::AllowlistPolicy::ComposeHashRevoked};
use alloy_sol_types::{SolEvent, SolValue};
use light_client::ProvenState;

/// The emitter judges the app, at both blocks. [BUN-8]
pub(crate) fn of_the_policy(
    scene: &Scene<'_>,
    revoked: &ComposeHashRevoked,
    checks: &mut Checks,
) -> Result<(), Refusal> {
    let actual = scene.event.contract;
    for state in [&scene.states.event, &scene.states.block] {
        let app = scene.contracts.app(state, revoked.appId)?;
        if app.policy != actual {
            let block = state.block().number;
            return Err(Refusal::OtherPolicy { block, expected: app.policy, actual });
        }
        if app.isForeign {
            return Err(Refusal::ForeignPolicy);
        }
    }
    let (app, until) = (revoked.appId, scene.line.block.number());
    checks.holds("policy", format!("{actual} judges app {app}, then and at block {until}"));
    Ok(())
}

pub(crate) fn prove(
    scene: &Scene<'_>,
    revoked: &ComposeHashRevoked,
    trail: &TrailProof,
    checks: &mut Checks,
) -> Result<Claim, Refusal> {
    let until = scene.line.block.block();
    for state in [&scene.states.event, &scene.states.block] {
        not_listed(scene, revoked, state)?;
    }
    checks.holds(
        "not listed",
        format!("it lists code {} neither then nor at block {until}", revoked.composeHash),
    );
    not_approved_again(scene.event, revoked, trail)?;
    checks.holds("in between", format!("none of its events up to block {until} approves it again"));
    Ok(Claim::Revocation {
        app_id: revoked.appId,
        compose_hash: revoked.composeHash,
        reason: revoked.reason,
        policy: scene.event.contract,
        block: scene.line.event.block(),
        time: scene.line.event.timestamp(),
        until,
    })
}

fn not_listed(
    scene: &Scene<'_>,
    revoked: &ComposeHashRevoked,
    state: &ProvenState,
) -> Result<(), Refusal> {
    let since = scene.contracts.listed_since(state, scene.event.contract, revoked.composeHash)?;
    if since != 0 {
        return Err(Refusal::StillListed { block: state.block().number });
    }
    Ok(())
}

fn not_approved_again(
    event: &Event,
    revoked: &ComposeHashRevoked,
    trail: &TrailProof,
) -> Result<(), Refusal> {
    let mut seq = event.seq();
    for step in &trail.later {
        seq = seq.saturating_add(1);
        match step {
            Step::Leaf(_) => return Err(Refusal::StepHidden { seq }),
            Step::Event { topic, arguments } => {
                let is_approval = *topic == AllowlistPolicy::ComposeHashApproved::SIGNATURE_HASH;
                // appId, composeHash: the first two words.
                let hash = arguments.get(32..64);
                if is_approval && hash == Some(revoked.composeHash.abi_encode().as_slice()) {
                    return Err(Refusal::ApprovedAgain { seq });
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Kind;
    use alloy_primitives::{Address, B256, U256};

    fn revoked() -> (Event, ComposeHashRevoked) {
        let revoked = ComposeHashRevoked {
            appId: Address::repeat_byte(1),
            composeHash: B256::repeat_byte(2),
            reason: 2,
            seq: 5,
        };
        let (contract, topic) = (Address::repeat_byte(1), ComposeHashRevoked::SIGNATURE_HASH);
        let kind = Kind::Revoked(revoked.clone());
        (Event { contract, topic, args_hash: B256::ZERO, kind }, revoked)
    }

    fn approval(compose_hash: B256) -> Step {
        let arguments =
            (Address::repeat_byte(1), compose_hash, U256::from(9), "uri".to_owned(), U256::from(7));
        Step::Event {
            topic: AllowlistPolicy::ComposeHashApproved::SIGNATURE_HASH,
            arguments: arguments.abi_encode_params().into(),
        }
    }

    #[test]
    fn a_code_that_was_approved_again_in_between_is_named_by_seq() {
        // [BUN-13]
        let (event, revoked) = revoked();
        let judge = |later| {
            let trail = TrailProof { before: Default::default(), later };
            not_approved_again(&event, &revoked, &trail)
        };
        let other = approval(B256::repeat_byte(3));
        assert!(judge(vec![other.clone(), other.clone()]).is_ok());
        let again = judge(vec![other.clone(), approval(B256::repeat_byte(2))]);
        assert!(matches!(again, Err(Refusal::ApprovedAgain { seq: 7 })), "{again:?}");
        let hidden = judge(vec![other, Step::Leaf(B256::ZERO)]);
        assert!(matches!(hidden, Err(Refusal::StepHidden { seq: 7 })), "{hidden:?}");
    }
}
