//! Each check of an input has a twin that fails for that reason alone.

use super::*;
use getrandom::{SysRng, rand_core::UnwrapErr};
use threshold::{
    blind::Blinding,
    ceremony::RecipientSecret,
    tdh2::{SealLabel, seal},
};
use wire::statements::AppBootInfo;

const KEYSET: B256 = B256::repeat_byte(1);
const REPORT_DATA: ReportData = [9; 64];

fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

fn attested() -> Attested {
    Attested {
        boot: AppBootInfo {
            appId: Address::repeat_byte(2),
            composeHash: B256::repeat_byte(3),
            instanceId: Address::repeat_byte(4),
            deviceId: B256::repeat_byte(5),
            mrAggregated: B256::ZERO,
            mrSystem: B256::ZERO,
            osImageHash: B256::ZERO,
            tcbStatus: "UpToDate".into(),
            advisoryIds: vec![],
        },
        root: B256::ZERO,
        vendor: B256::ZERO,
        tcbEvaluationDataNumber: 1,
    }
}

fn derive(scope: Scope) -> Input {
    Input {
        kind: InputKind::Derive as u8,
        scopeKind: scope.kind(),
        scopeValue: scope.value(),
        keyVersion: 1,
        secretId: B256::ZERO,
        ciphertextHash: B256::ZERO,
    }
}

/// A request for `input`, blinded from `base`, as an honest enclave makes it.
fn asked(input: Input, base: &BasePoint, index: u8) -> RequestedInput {
    let blinding = Blinding::new(base, &mut rng());
    let context = RequestContext { report_data: &REPORT_DATA, input_index: index };
    let (request, _) = blinding.bind(&context, &mut rng());
    RequestedInput { input, blinded: request.to_bytes().to_vec().into(), ciphertext: None }
}

fn honest(input: Input) -> RequestedInput {
    let x = derive_input(KEYSET, attested().boot.appId, &input);
    asked(input, &hash_to_curve(&x), 0)
}

fn check(inputs: &[RequestedInput]) -> Result<usize, InputError> {
    check_as(&attested(), &REPORT_DATA, inputs)
}

fn check_as(
    attested: &Attested,
    report_data: &ReportData,
    inputs: &[RequestedInput],
) -> Result<usize, InputError> {
    let policy = Address::repeat_byte(7);
    let context = InputContext { keyset_id: KEYSET, attested, policy, report_data };
    context.check(inputs).map(|checked| checked.len())
}

fn form_error(inputs: &[RequestedInput]) -> &'static str {
    match check(inputs) {
        Err(InputError::Form { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_scope_of_this_enclave_passes() {
    // [AUTH-5]
    let boot = attested().boot;
    for scope in [Scope::App, Scope::Code(boot.composeHash), Scope::Instance(boot.instanceId)] {
        assert_eq!(check(&[honest(derive(scope))]), Ok(1), "{scope:?}");
    }
}

#[test]
fn a_scope_of_other_code_or_another_instance_is_refused() {
    // [AUTH-5]
    for scope in [Scope::Code(B256::repeat_byte(8)), Scope::Instance(Address::repeat_byte(8))] {
        let refused = check(&[honest(derive(scope))]);
        assert_eq!(refused, Err(InputError::ForeignScope { index: 0 }), "{scope:?}");
    }
}

#[test]
fn an_enclave_without_instance_id_has_no_instance_scope() {
    // [AUTH-5] The zero address is no instance.
    let mut nobody = attested();
    nobody.boot.instanceId = Address::ZERO;
    let asked = honest(derive(Scope::Instance(Address::ZERO)));
    let refused = check_as(&nobody, &REPORT_DATA, &[asked]);
    assert!(matches!(
        refused,
        Err(InputError::Form { what: "this enclave has no instance id", .. })
    ));
}

#[test]
fn b_of_another_app_is_refused() {
    // [DERIVE-2] A20: the enclave blinds another app's H(x) and says that it is its own.
    let input = derive(Scope::App);
    let foreign = derive_input(KEYSET, Address::repeat_byte(0x66), &input);
    let asked = asked(input, &hash_to_curve(&foreign), 0);
    assert_eq!(check(&[asked]), Err(InputError::Proof { index: 0 }));
}

#[test]
fn b_of_another_keyset_or_version_is_refused() {
    // [DERIVE-1] A20
    let input = derive(Scope::App);
    let app = attested().boot.appId;
    let keyset = derive_input(B256::ZERO, app, &input);
    let version = derive_input(KEYSET, app, &Input { keyVersion: 2, ..input.clone() });
    for x in [keyset, version] {
        let asked = asked(input.clone(), &hash_to_curve(&x), 0);
        assert_eq!(check(&[asked]), Err(InputError::Proof { index: 0 }));
    }
}

#[test]
fn a_proof_for_another_quote_or_place_is_refused() {
    // [DERIVE-3] The proof binds report_data and the index.
    let request = honest(derive(Scope::App));
    let refused = check_as(&attested(), &[8; 64], std::slice::from_ref(&request));
    assert_eq!(refused, Err(InputError::Proof { index: 0 }));
    let twice = [request.clone(), request];
    assert_eq!(check(&twice), Err(InputError::Proof { index: 1 }));
}

#[test]
fn a_changed_byte_of_b_or_its_proof_is_refused() {
    let request = honest(derive(Scope::App));
    for at in 0..request.blinded.len() {
        let mut bytes = request.blinded.to_vec();
        bytes[at] ^= 1;
        let changed = RequestedInput { blinded: bytes.into(), ..request.clone() };
        let refused = check(&[changed]).unwrap_err();
        let named = matches!(refused, InputError::Malformed { .. } | InputError::Proof { .. });
        assert!(named, "byte {at}: {refused:?}");
    }
}

#[test]
fn unknown_kinds_scopes_and_stray_fields_are_refused() {
    // [AUTH-5]
    let input = derive(Scope::App);
    let with = |input: Input| form_error(&[honest(input)]);
    assert_eq!(with(Input { kind: 3, ..input.clone() }), "its kind is unknown");
    assert_eq!(with(Input { scopeKind: 4, ..input.clone() }), "its scope is unknown");
    let stray = Input { secretId: B256::repeat_byte(1), ..input };
    assert_eq!(with(stray), "a derive input has no secret and no ciphertext");
}

#[test]
fn one_to_eight_inputs() {
    // [WIRE-4]
    assert_eq!(check(&[]), Err(InputError::Count { count: 0 }));
    let nine = vec![honest(derive(Scope::App)); 9];
    assert_eq!(check(&nine), Err(InputError::Count { count: 9 }));
}

/// An `unseal` request of a secret that was sealed under `label`.
fn unseal(label: SealLabel) -> RequestedInput {
    let public_key = RecipientSecret::generate(&[3; 32], &mut rng()).public();
    let sealed = seal(&public_key, &label, b"secret", &mut rng()).unwrap();
    // What a well-meaning enclave of that label would make; the node under test may expect another one.
    let expected = ExpectedLabel {
        keyset_id: label.keyset_id,
        app_id: label.app_id,
        secret_id: label.secret_id,
        policy: label.policy.unwrap_or_default(),
    };
    let checked = sealed.header.check(&expected).unwrap();
    let input = Input {
        kind: InputKind::Unseal as u8,
        scopeKind: Scope::App.kind(),
        scopeValue: B256::ZERO,
        keyVersion: 1,
        secretId: B256::repeat_byte(5),
        ciphertextHash: B256::new(sealed.header.ciphertext_hash()),
    };
    let asked = asked(input, &checked.base(), 0);
    RequestedInput { ciphertext: Some(sealed.header.to_bytes().into()), ..asked }
}

fn own_label() -> SealLabel {
    SealLabel {
        keyset_id: KEYSET.0,
        app_id: attested().boot.appId.into_array(),
        secret_id: [5; 32],
        policy: Some([7; 20]),
    }
}

#[test]
fn unseal_takes_only_a_checked_ciphertext_of_this_app() {
    // [SEAL-5] A20: each field of the label, re-labelled alone.
    assert_eq!(check(&[unseal(own_label())]), Ok(1));
    for label in [
        SealLabel { keyset_id: [0; 32], ..own_label() },
        SealLabel { app_id: [0; 20], ..own_label() },
        SealLabel { secret_id: [0; 32], ..own_label() },
        SealLabel { policy: Some([0; 20]), ..own_label() },
    ] {
        let refused = check(&[unseal(label.clone())]);
        assert!(matches!(refused, Err(InputError::Sealed { .. })), "{label:?}: {refused:?}");
    }
}

#[test]
fn unseal_without_its_ciphertext_or_with_another_is_refused() {
    // [SEAL-5] A20
    let request = unseal(own_label());
    let without = RequestedInput { ciphertext: None, ..request.clone() };
    assert_eq!(check(&[without]), Err(InputError::Ciphertext { index: 0 }));
    let other = RequestedInput { ciphertext: unseal(own_label()).ciphertext, ..request };
    assert_eq!(check(&[other]), Err(InputError::Ciphertext { index: 0 }));
}
