//! A revocation: from the event's block on the chain records nothing for this code of this app. Spec: docs/spec/bundle.md
//! [BUN-13]. Trusts: the proven event and states. Prevents: a revocation in a contract that judges nothing, or one undone since.

use crate::{
    Claim, Refusal, Step, event::Event, format::TrailProof, issuance::Scene, verdict::Checks,
};
use abi::{AllowlistPolicy, allowlist_policy::AllowlistPolicy::ComposeHashRevoked};
use alloy_sol_types::{SolEvent, SolValue};
use light_client::ProvenState;

pub(crate) fn prove(
    scene: &Scene<'_>,
    revoked: &ComposeHashRevoked,
    trail: &TrailProof,
    checks: &mut Checks,
) -> Result<Claim, Refusal> {
    for state in [&scene.states.event, &scene.states.block] {
        not_listed(scene, revoked, state)?;
        checks.holds(
            "policy",
            format!(
                "at the end of block {} contract {} judges app {} and does not list code {}",
                state.block().number,
                scene.event.contract,
                revoked.appId,
                revoked.composeHash
            ),
        );
    }
    not_approved_again(scene.event, revoked, trail)?;
    checks.holds(
        "in between",
        format!(
            "no event of the policy up to block {} approves it again",
            scene.line.block.number()
        ),
    );
    Ok(Claim::Revocation {
        app_id: revoked.appId,
        compose_hash: revoked.composeHash,
        reason: revoked.reason,
        policy: scene.event.contract,
        block: scene.line.event.block(),
        time: scene.line.event.timestamp(),
        until: scene.line.block.block(),
    })
}

/// The emitter is the policy in force, of the registry's own code, and lists the code neither now nor later.
fn not_listed(
    scene: &Scene<'_>,
    revoked: &ComposeHashRevoked,
    state: &ProvenState,
) -> Result<(), Refusal> {
    let (block, actual) = (state.block().number, scene.event.contract);
    let app = scene.contracts.app(state, revoked.appId)?;
    if app.policy != actual {
        return Err(Refusal::OtherPolicy { block, expected: app.policy, actual });
    }
    if app.isForeign {
        return Err(Refusal::ForeignPolicy);
    }
    if scene.contracts.listed_since(state, actual, revoked.composeHash)? != 0 {
        return Err(Refusal::StillListed { block });
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
