//! A revocation: from its event on it stands, and nothing ended it up to the reader's block. Spec: docs/spec/bundle.md [BUN-8],
//! [BUN-13]. Trusts: the proven event and states. Prevents: a revocation in a contract that judges nothing, or one undone since.

use crate::{
    Claim, Refusal, Step,
    event::{Arguments, Revoked},
    format::TrailProof,
    issuance::Scene,
    rules::{By, Type},
    verdict::Checks,
    views::Place,
};
use serde_json::{Map, Value};

/// The emitter is whose event it has to be, at both blocks. [BUN-8]
pub(crate) fn of_its_contract(
    scene: &Scene<'_>,
    revoked: &Revoked,
    checks: &mut Checks,
) -> Result<(), Refusal> {
    let (actual, app) = (scene.event.contract, revoked.arguments.address(0));
    let until = scene.line.block.number();
    for state in [&scene.states.event, &scene.states.block] {
        let expected = match revoked.rule.by {
            By::Policy => {
                let app = scene.contracts.app(state, app)?;
                if app.policy != actual {
                    let block = state.block().number;
                    return Err(Refusal::OtherPolicy { block, expected: app.policy, actual });
                }
                if app.isForeign {
                    return Err(Refusal::ForeignPolicy);
                }
                actual
            }
            By::AppRegistry => scene.contracts.registry_of(state, app)?,
            By::AttestationRegistry => scene.contracts.attestation_registry(state)?,
            By::Committee => scene.contracts.committee(),
        };
        if expected != actual {
            return Err(Refusal::OtherContract { expected, actual });
        }
    }
    let (name, says) = match revoked.rule.by {
        By::Policy => ("policy", format!("{actual} judges app {app}, then and at block {until}")),
        By::AppRegistry => ("registry", format!("{actual} is the registry of app {app}")),
        By::AttestationRegistry => {
            ("registry", format!("{actual} is the network's AttestationRegistry"))
        }
        By::Committee => ("committee", format!("{actual} is the network's KmsCommittee")),
    };
    checks.holds(name, says);
    Ok(())
}

pub(crate) fn prove(
    scene: &Scene<'_>,
    revoked: &Revoked,
    trail: &TrailProof,
    checks: &mut Checks,
) -> Result<Claim, Refusal> {
    let (rule, until) = (revoked.rule, scene.line.block.block());
    for state in [&scene.states.event, &scene.states.block] {
        let place = Place { contracts: scene.contracts, state, contract: scene.event.contract };
        if !(rule.stands)(&place, &revoked.arguments)? {
            return Err(Refusal::StillListed { block: state.block().number });
        }
    }
    checks.holds(
        "in force",
        format!("what {} takes away is not granted then nor at block {until}", rule.name),
    );
    not_undone(scene.event.seq(), revoked, trail)?;
    checks.holds("in between", format!("no event up to block {until} grants it again"));
    Ok(Claim::Revocation {
        event: rule.name,
        arguments: told(revoked),
        contract: scene.event.contract,
        block: scene.line.event.block(),
        time: scene.line.event.timestamp(),
        until,
    })
}

/// Arguments by name, `seq` among them.
fn told(revoked: &Revoked) -> Map<String, Value> {
    let arguments = &revoked.arguments;
    let value = |(at, (name, kind)): (usize, &(&str, Type))| {
        let value = match kind {
            Type::Address => Value::from(arguments.address(at).to_string().to_lowercase()),
            Type::Word => Value::from(arguments.word(at).to_string()),
            Type::Number => Value::from(arguments.number(at)),
            Type::Text => {
                let text = arguments.text(at).unwrap_or_default();
                Value::from(String::from_utf8_lossy(text).into_owned())
            }
        };
        ((*name).to_owned(), value)
    };
    revoked.rule.arguments.iter().enumerate().map(value).collect()
}

/// Every later event whose topic could end it is shown in full, and none does. [BUN-13]
fn not_undone(seq: u64, revoked: &Revoked, trail: &TrailProof) -> Result<(), Refusal> {
    let mut seq = seq;
    for step in &trail.later {
        seq = seq.saturating_add(1);
        let (topic, arguments) = match step {
            Step::Leaf(_) => return Err(Refusal::StepHidden { seq }),
            Step::Named { topic, .. } => (topic, None),
            Step::Event { topic, arguments } => (topic, Some(Arguments::new(arguments.to_vec()))),
        };
        for undo in revoked.rule.undone.iter().filter(|undo| undo.topic == *topic) {
            let Some(arguments) = &arguments else { return Err(Refusal::StepHidden { seq }) };
            let is_same = undo.same.iter().all(|at| same(revoked, arguments, *at));
            if is_same && undo.set.is_none_or(|at| !arguments.word(at).is_zero()) {
                return Err(Refusal::ApprovedAgain { seq });
            }
        }
    }
    Ok(())
}

fn same(revoked: &Revoked, later: &Arguments, at: usize) -> bool {
    match revoked.rule.arguments.get(at) {
        Some((_, Type::Text)) => revoked.arguments.text(at) == later.text(at),
        _ => revoked.arguments.word(at) == later.word(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RULES;
    use abi::{AllowlistPolicy, AttestationRegistry};
    use alloy_primitives::{Address, B256, U256};
    use alloy_sol_types::{SolEvent, SolValue};

    fn revoked(name: &str, arguments: Vec<u8>) -> Revoked {
        let rule = RULES.iter().find(|rule| rule.name == name).unwrap();
        Revoked { rule, arguments: Arguments::new(arguments) }
    }

    fn code() -> Revoked {
        let arguments =
            (Address::repeat_byte(1), B256::repeat_byte(2), U256::from(2), U256::from(5));
        revoked("ComposeHashRevoked", arguments.abi_encode_params())
    }

    fn step(topic: B256, arguments: Vec<u8>) -> Step {
        Step::Event { topic, arguments: arguments.into() }
    }

    fn approval(compose_hash: B256) -> Step {
        let arguments =
            (Address::repeat_byte(1), compose_hash, U256::from(9), "uri".to_owned(), U256::from(7));
        step(AllowlistPolicy::ComposeHashApproved::SIGNATURE_HASH, arguments.abi_encode_params())
    }

    fn judge(revoked: &Revoked, later: Vec<Step>) -> Result<(), Refusal> {
        not_undone(5, revoked, &TrailProof { before: Default::default(), later })
    }

    #[test]
    fn what_was_granted_again_in_between_is_named_by_seq() {
        // [BUN-13]
        let other = approval(B256::repeat_byte(3));
        assert!(judge(&code(), vec![other.clone(), other.clone()]).is_ok());
        let again = judge(&code(), vec![other.clone(), approval(B256::repeat_byte(2))]);
        assert!(matches!(again, Err(Refusal::ApprovedAgain { seq: 7 })), "{again:?}");
        let hidden = judge(&code(), vec![other, Step::Leaf(B256::ZERO)]);
        assert!(matches!(hidden, Err(Refusal::StepHidden { seq: 7 })), "{hidden:?}");
    }

    #[test]
    fn a_later_event_may_be_named_alone_unless_its_name_could_undo() {
        // [BUN-13]
        let named = |topic| Step::Named { topic, arguments_hash: B256::ZERO };
        let harmless = AllowlistPolicy::GrantDelaySet::SIGNATURE_HASH;
        assert!(judge(&code(), vec![named(harmless)]).is_ok());
        let hidden =
            judge(&code(), vec![named(AllowlistPolicy::ComposeHashApproved::SIGNATURE_HASH)]);
        assert!(matches!(hidden, Err(Refusal::StepHidden { seq: 6 })), "{hidden:?}");
    }

    #[test]
    fn a_list_that_counts_no_more_undoes_what_was_taken_off_it() {
        // [BUN-13] Any device: a zero says that the list counts.
        let arguments =
            (Address::repeat_byte(1), B256::repeat_byte(2), U256::from(2), U256::from(5));
        let revoked = revoked("DeviceRevoked", arguments.abi_encode_params());
        let any = |effective_at: u64| {
            let arguments = (Address::repeat_byte(1), U256::from(effective_at), U256::from(6));
            let topic = AllowlistPolicy::AnyDeviceSet::SIGNATURE_HASH;
            judge(&revoked, vec![step(topic, arguments.abi_encode_params())])
        };
        assert!(any(0).is_ok());
        assert!(matches!(any(9), Err(Refusal::ApprovedAgain { seq: 6 })));
    }

    #[test]
    fn text_is_compared_as_text() {
        // [BUN-13]
        let arguments =
            |id: &str| (B256::repeat_byte(1), id.to_owned(), U256::from(5)).abi_encode_params();
        let revoked = revoked("AdvisoryDenied", arguments("INTEL-SA-00289"));
        let accepted = |id: &str| {
            let topic = AttestationRegistry::AdvisoryAccepted::SIGNATURE_HASH;
            judge(&revoked, vec![step(topic, arguments(id))])
        };
        assert!(accepted("INTEL-SA-00288").is_ok());
        assert!(matches!(accepted("INTEL-SA-00289"), Err(Refusal::ApprovedAgain { seq: 6 })));
    }
}
