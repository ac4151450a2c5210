//! A PCCS's answers become the canonical collateral, and that verifies.

use crate::world::{World, json};
use evidence::collateral::{
    Document,
    pccs::{Answer, Answers, AssembleError, CollateralQuery, assemble},
};
use wire::request::EvidenceBytes;

/// The world's collateral as a PCCS answers it: lists as hex, signed documents beside their signatures.
fn answers(world: &World) -> Answers {
    let collateral = world.authority.collateral(&world.terms);
    let encoded = |chain: &str| Some(chain.replace('\n', "%0A").replace(' ', "%20"));
    let signed = |name: &str, document: &str, signature: &[u8]| {
        let signature = hex::encode(signature);
        format!(r#"{{"{name}":{document},"signature":"{signature}"}}"#).into_bytes()
    };
    let (info, info_signature) = (&collateral.tcb_info, &collateral.tcb_info_signature);
    let (qe, qe_signature) = (&collateral.qe_identity, &collateral.qe_identity_signature);
    Answers {
        root_crl: Answer {
            body: hex::encode(&collateral.root_ca_crl).into_bytes(),
            issuer_chain: None,
        },
        pck_crl: Answer {
            body: collateral.pck_crl.clone(),
            issuer_chain: encoded(&collateral.pck_crl_issuer_chain),
        },
        tcb_info: Answer {
            body: signed("tcbInfo", info, info_signature),
            issuer_chain: encoded(&collateral.tcb_info_issuer_chain),
        },
        qe_identity: Answer {
            body: signed("enclaveIdentity", qe, qe_signature),
            issuer_chain: encoded(&collateral.qe_identity_issuer_chain),
        },
    }
}

#[test]
fn the_questions_are_those_of_the_platform() {
    // [EV-7]
    let world = World::new();
    let query = CollateralQuery::for_quote(&world.domain.quote([0; 64])).unwrap();
    let fmspc = hex::encode_upper(world.authority.fmspc());
    let paths = Document::ALL.map(|document| query.path(document));
    assert_eq!(
        paths,
        [
            "/sgx/certification/v4/rootcacrl".to_owned(),
            "/sgx/certification/v4/pckcrl?ca=platform&encoding=der".to_owned(),
            format!("/tdx/certification/v4/tcb?fmspc={fmspc}"),
            "/tdx/certification/v4/qe/identity".to_owned(),
        ]
    );
}

#[test]
fn the_answers_are_canonical_collateral() {
    // [EV-7]
    let world = World::new();
    let collateral = assemble(&answers(&world)).unwrap();
    assert_eq!(collateral, json(&world.authority.collateral(&world.terms)));
    let bytes = EvidenceBytes { collateral, ..world.bytes() };
    assert!(world.verify_bytes(bytes).is_ok());
}

#[test]
fn an_answer_without_its_issuer_chain_is_refused() {
    let mut answers = answers(&World::new());
    answers.tcb_info.issuer_chain = None;
    assert!(matches!(assemble(&answers), Err(AssembleError::NoIssuerChain(Document::TcbInfo))));
}

#[test]
fn an_answer_that_is_no_document_is_refused() {
    let mut answers = answers(&World::new());
    answers.qe_identity.body = b"<html>".to_vec();
    assert!(matches!(
        assemble(&answers),
        Err(AssembleError::Body { document: Document::QeIdentity, .. })
    ));
}
