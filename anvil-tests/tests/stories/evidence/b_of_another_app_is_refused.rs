//! An approved enclave asks with a B that was made from another app's x: the proof of r does not hold in the base that the
//! node makes itself (A20). Made from its own x, the same request passes.

use alloy::primitives::Address;
use anvil_tests::{shared, story};
use devnet::{governance::App, harness::Enclave};
use getrandom::{SysRng, rand_core::UnwrapErr};
use kms_client::Committee;
use threshold::{
    blind::{Blinding, RequestContext},
    input::hash_to_curve,
};
use wire::{
    InputKind, Scope,
    report_data::RequestBinding,
    request::{Code, KeyRequest, RequestedInput},
    statements::{Input, derive_input},
};

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let (app, victim) = (network.create_app().await?, network.create_app().await?);
        let enclave = network.enclave(&app, "soft-a").await?;
        let committee = network.agreed(&app).await?;

        let stolen = request(&app, &enclave, &committee, victim.id);
        for node in 0..5 {
            let refusal = network.authorize(node, &stolen).await.unwrap_err();
            assert_eq!(refusal.code(), Some(Code::InputInvalid), "{refusal}");
            assert!(refusal.detail().contains("proof of the blinding factor"), "{refusal}");
        }
        network.authorize(0, &request(&app, &enclave, &committee, app.id)).await?;
        Ok(())
    });
}

/// The enclave's request for its own app, with B = r·H(x) for the x of `whose`.
fn request(app: &App, enclave: &Enclave, committee: &Committee, whose: Address) -> KeyRequest {
    let mut rng = UnwrapErr(SysRng);
    let input = Input {
        kind: InputKind::Derive as u8,
        scopeKind: Scope::App.kind(),
        scopeValue: Scope::App.value(),
        keyVersion: 1,
        secretId: Default::default(),
        ciphertextHash: Default::default(),
    };
    let blinding =
        Blinding::new(&hash_to_curve(&derive_input(app.agent.keyset_id, whose, &input)), &mut rng);
    let inputs = [(input.clone(), blinding.point().to_bytes())];
    let session_key = Address::repeat_byte(0x5e);
    let report_data = RequestBinding {
        network_hash: app.agent.network_hash,
        keyset_id: app.agent.keyset_id,
        app_id: app.id,
        release_at: app.agent.release_at,
        inputs: &inputs,
        session_key,
        anchor: committee.anchor,
    }
    .report_data();
    let context = RequestContext { report_data: &report_data, input_index: 0 };
    let (blinded, _) = blinding.bind(&context, &mut rng);
    KeyRequest {
        keyset_id: app.agent.keyset_id,
        app_id: app.id,
        release_at: app.agent.release_at,
        anchor: committee.anchor,
        session_key,
        inputs: vec![RequestedInput {
            input,
            blinded: blinded.to_bytes().to_vec().into(),
            ciphertext: None,
        }],
        evidence: enclave.evidence(&report_data),
    }
}
