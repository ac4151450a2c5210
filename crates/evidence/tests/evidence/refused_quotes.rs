//! Quotes and collateral: the one that passes, and its negative twins, each with one thing changed.

use crate::world::{DAY, HOUR, NOW, World, json};
use alloy_primitives::{B256, Bytes};
use dcap_qvl::quote::{AuthData, Data, Quote};
use evidence::{
    Fault, ParseQuoteError, Platform, RawEvidence, RootCertificate, TcbStatus, TcbStatuses,
    VENDOR_AMD, VENDOR_AWS, VENDOR_INTEL, VerifyQuoteError,
    collateral::{CollateralError, Document},
};
use parity_scale_codec::Encode;
use soft_tee::{Attributes, Authority, Machine, OsImage};
use std::sync::Arc;
use wire::{UnixSeconds, limits, request::EvidenceBytes};

/// Runs `verify` and asserts the variant that refuses.
macro_rules! refused {
    ($result:expr, $pattern:pat $(if $guard:expr)?) => {
        match $result {
            Err($pattern) $(if $guard)? => {}
            other => panic!("expected {}, got {other:?}", stringify!($pattern)),
        }
    };
}

#[test]
fn a_genuine_quote_under_an_open_root_is_verified() {
    // [EV-2] [EV-3] [EV-4] [EV-7] [EV-8]
    let world = World::new();
    let quote = world.verify().unwrap();
    assert_eq!(quote.root(), B256::new(world.authority.root_sha256()));
    assert_eq!(quote.vendor(), world.rules.vendor);
    assert_eq!(quote.tcb_status(), TcbStatus::UpToDate);
    assert_eq!(quote.tcb_evaluation_data_number(), 17);
    assert_eq!(quote.device_id(), B256::new(world.machine.device_id()));
    assert_eq!(quote.measurements().unwrap().rtmr, world.domain.rtmrs());
}

#[test]
fn each_part_has_a_size_limit() {
    // [EV-1]
    let mut bytes = World::new().bytes();
    bytes.quote = vec![0; limits::MAX_QUOTE_BYTES + 1].into();
    assert_eq!(RawEvidence::new(bytes).unwrap_err().part, "quote");
}

#[test]
fn a_quote_of_another_root_is_refused() {
    // [EV-2] The node asked for the rules of one root; the quote stands under another.
    let world = World::new();
    let other = Authority::from_seed([9; 32], "soft-a");
    let root = RootCertificate::from_der(other.root_certificate());
    let raw = RawEvidence::new(world.bytes()).unwrap();
    refused!(
        raw.verify(&root, &world.rules, NOW),
        VerifyQuoteError::OtherRoot { expected, .. } if expected == root.hash()
    );
}

#[test]
fn a_quote_that_only_claims_the_root_is_refused() {
    // [EV-2] A machine of another authority, with this authority's root put at the end of its chain.
    let world = World::new();
    let other = Authority::from_seed([9; 32], "soft-a");
    let machine = Arc::new(Machine::new(&other, "m1", OsImage::from_seed([2; 32])));
    let quote = machine.boot(crate::world::app()).quote([0; 64]);
    let bytes =
        EvidenceBytes { quote: with_root(&quote, &root_pem(&world)).into(), ..world.bytes() };
    refused!(world.verify_bytes(bytes), VerifyQuoteError::NotGenuine(_));
}

/// The root certificate at the end of an issuer chain.
fn root_pem(world: &World) -> String {
    let chain = world.authority.collateral(&world.terms).pck_crl_issuer_chain;
    chain[chain.rfind("-----BEGIN").unwrap()..].to_owned()
}

/// `quote` with another last certificate in its (unsigned) chain.
fn with_root(quote: &[u8], root_pem: &str) -> Vec<u8> {
    let mut quote = Quote::parse(quote).unwrap();
    let AuthData::V4(auth_data) = &mut quote.auth_data else {
        panic!("soft-tee makes quotes with auth data 4");
    };
    let chain = &mut auth_data.qe_report_data.certification_data.body;
    let own = String::from_utf8(chain.data.clone()).unwrap();
    let kept = &own[..own.rfind("-----BEGIN").unwrap()];
    *chain = Data::new([kept, root_pem].concat().into_bytes());
    quote.encode()
}

#[test]
fn a_chain_that_ends_in_no_root_is_refused() {
    // [EV-2] An intermediate CA in the place of the root, and rules that are open for it: the library would panic.
    let world = World::new();
    let chain = world.authority.collateral(&world.terms).pck_crl_issuer_chain;
    let intermediate = &chain[..chain.rfind("-----BEGIN").unwrap()];
    let bytes = EvidenceBytes {
        quote: with_root(&world.domain.quote([0; 64]), intermediate).into(),
        ..world.bytes()
    };
    refused!(world.verify_bytes(bytes), VerifyQuoteError::NotARoot { .. });
}

#[test]
fn a_quote_without_its_certificate_chain_is_refused() {
    // [EV-6]
    let world = World::new();
    let mut quote = Quote::parse(&world.domain.quote([0; 64])).unwrap();
    if let AuthData::V4(auth_data) = &mut quote.auth_data {
        auth_data.qe_report_data.certification_data.cert_type = 4;
    }
    let bytes = EvidenceBytes { quote: quote.encode().into(), ..world.bytes() };
    refused!(
        world.verify_bytes(bytes),
        VerifyQuoteError::Parse(ParseQuoteError::NoCertificateChain { kind: 4 })
    );
}

#[test]
fn a_closed_root_is_refused() {
    // [EV-3], A3
    let mut world = World::new();
    world.rules.open = false;
    refused!(world.verify(), VerifyQuoteError::RootClosed { .. });
}

#[test]
fn a_root_of_another_platform_is_refused() {
    // [EV-3]
    let mut world = World::new();
    world.rules.platform = Platform::SevSnp;
    refused!(world.verify(), VerifyQuoteError::OtherPlatform { .. });
}

#[test]
fn a_software_root_is_refused_where_none_is_allowed() {
    // [EV-3], A22
    let mut world = World::new();
    world.rules.allows_software = false;
    refused!(world.verify(), VerifyQuoteError::SoftwareRoot { .. });
}

#[test]
fn a_software_root_with_a_hardware_vendors_label_is_refused() {
    // [EV-3], A22
    for label in [VENDOR_INTEL, VENDOR_AMD, VENDOR_AWS] {
        let mut world = World::new();
        world.rules.vendor = label;
        refused!(
            world.verify(),
            VerifyQuoteError::MislabelledRoot { vendor, .. } if vendor == label
        );
    }
}

#[test]
fn a_debug_td_is_refused() {
    // [EV-4]
    let mut world = World::new();
    let td = Attributes::SEPT_VE_DISABLE | Attributes::DEBUG;
    world.domain = world.domain.with_attributes(Attributes { td, service_td: None });
    refused!(world.verify(), VerifyQuoteError::Debug);
}

#[test]
fn a_td_that_lets_others_in_is_refused() {
    // [EV-4] Profiling, migration, a service TD (v5), silent faults, reserved bits: one each.
    let attributes = [
        (Attributes::SEPT_VE_DISABLE | 1 << 4, None),
        (Attributes::SEPT_VE_DISABLE | Attributes::MIGRATABLE, None),
        (Attributes::SEPT_VE_DISABLE | 1 << 17, None),
        (Attributes::SEPT_VE_DISABLE, Some([1; 48])),
        (0, None),
        (Attributes::SEPT_VE_DISABLE | 1 << 40, None),
    ];
    for (td, service_td) in attributes {
        let mut world = World::new();
        world.domain = world.domain.with_attributes(Attributes { td, service_td });
        refused!(world.verify(), VerifyQuoteError::Attributes(_));
    }
}

#[test]
fn a_td_report_of_version_five_is_verified() {
    // [EV-4] The twin of the service TD above: no service TD.
    let mut world = World::new();
    world.domain = world
        .domain
        .with_attributes(Attributes { td: Attributes::SEPT_VE_DISABLE, service_td: Some([0; 48]) });
    assert!(world.verify().is_ok());
}

#[test]
fn bytes_after_the_quote_are_refused() {
    // [EV-6], A11
    let world = World::new();
    for padding in [vec![0], vec![1, 2, 3], vec![0; 70]] {
        let mut bytes = world.bytes();
        bytes.quote = [bytes.quote.as_ref(), &padding].concat().into();
        refused!(
            world.verify_bytes(bytes),
            VerifyQuoteError::Parse(ParseQuoteError::TrailingBytes { bytes })
                if bytes == padding.len()
        );
    }
}

#[test]
fn bytes_hidden_inside_the_quote_are_refused() {
    // [EV-6], A11: one byte more in the unsigned part, with every length around it one higher.
    let world = World::new();
    let mut bytes = world.bytes();
    let mut quote = bytes.quote.to_vec();
    quote.push(7);
    bump(&mut quote, 48 + 584);
    bump(&mut quote, 48 + 584 + 4 + 128 + 2);
    bytes.quote = quote.into();
    refused!(world.verify_bytes(bytes), VerifyQuoteError::Parse(ParseQuoteError::NotCanonical));
}

/// Adds one to the length (u32, little-endian) at `offset`.
fn bump(quote: &mut [u8], offset: usize) {
    let field: &mut [u8] = &mut quote[offset..offset + 4];
    let length = u32::from_le_bytes(field.try_into().unwrap());
    field.copy_from_slice(&(length + 1).to_le_bytes());
}

#[test]
fn padding_of_a_socket_is_taken_off_and_nothing_else() {
    // [EV-6]
    let world = World::new();
    let exact = world.domain.quote([0; 64]);
    let padded = [exact.as_slice(), &[0; 70]].concat();
    let followed = [exact.as_slice(), &[0, 1]].concat();
    assert_eq!(evidence::without_padding(&padded), exact);
    assert_eq!(evidence::without_padding(&exact), exact);
    assert_eq!(evidence::without_padding(&followed), followed);
    assert_eq!(evidence::without_padding(b"no quote"), b"no quote");
}

#[test]
fn one_flipped_bit_anywhere_in_the_signed_part_is_refused() {
    // [EV-2] TEE_TCB_SVN, MRTD, RTMR0, RTMR3, report_data, signature, attestation key, QE report.
    let world = World::new();
    for offset in [48 + 2, 48 + 136, 48 + 328, 48 + 472, 48 + 520, 640, 640 + 64, 780] {
        let mut bytes = world.bytes();
        let mut quote = bytes.quote.to_vec();
        quote[offset] ^= 1;
        bytes.quote = Bytes::from(quote);
        refused!(world.verify_bytes(bytes), VerifyQuoteError::NotGenuine(_));
    }
}

#[test]
fn false_collateral_is_refused() {
    // [EV-2] TCB info or QE identity with one word changed; another authority's collateral.
    let world = World::new();
    let collateral = world.authority.collateral(&world.terms);
    let mut tcb_info = collateral.clone();
    tcb_info.tcb_info = tcb_info.tcb_info.replacen("\"svn\":3", "\"svn\":2", 1);
    let mut qe_identity = collateral.clone();
    qe_identity.qe_identity = qe_identity.qe_identity.replacen("\"isvsvn\":8", "\"isvsvn\":7", 1);
    let foreign = Authority::from_seed([9; 32], "soft-a").collateral(&world.terms);
    for changed in [tcb_info, qe_identity, foreign] {
        assert_ne!(changed, collateral);
        let bytes = EvidenceBytes { collateral: json(&changed), ..world.bytes() };
        refused!(world.verify_bytes(bytes), VerifyQuoteError::NotGenuine(_));
    }
}

#[test]
fn collateral_has_one_encoding() {
    // [EV-7]
    let world = World::new();
    let collateral = world.authority.collateral(&world.terms);
    let pretty = serde_json::to_string_pretty(&collateral).unwrap();
    let bytes = EvidenceBytes { collateral: pretty.clone(), ..world.bytes() };
    refused!(
        world.verify_bytes(bytes),
        VerifyQuoteError::Collateral(CollateralError::NotCanonical)
    );
    assert_eq!(evidence::collateral::canonical(&pretty).unwrap(), json(&collateral));
}

#[test]
fn a_revoked_machine_is_refused() {
    // [EV-7]
    let mut world = World::new();
    world.terms.revoked = vec![world.machine.pck_serial()];
    refused!(world.verify(), VerifyQuoteError::Revoked);
    // The twin: another machine of the same authority is revoked.
    let other = Machine::new(&world.authority, "m2", OsImage::from_seed([2; 32]));
    world.terms.revoked = vec![other.pck_serial()];
    assert!(world.verify().is_ok());
}

#[test]
fn an_old_revocation_list_does_not_hide_a_revoked_machine() {
    // [EV-7], A21: the machine was revoked yesterday; the list of two days ago is still within its own validity.
    let mut world = World::new();
    world.terms.crl_issued = NOW.0 - 2 * DAY;
    assert!(world.verify().is_ok(), "as long as the registry asks for nothing newer");
    world.rules.least_crl_issue = UnixSeconds(NOW.0 - DAY);
    refused!(
        world.verify(),
        VerifyQuoteError::Collateral(CollateralError::Stale { document: Document::PckCrl, .. })
    );
    world.rules.least_crl_issue = UnixSeconds(0);
    world.rules.least_root_crl_issue = UnixSeconds(NOW.0 - DAY);
    refused!(
        world.verify(),
        VerifyQuoteError::Collateral(CollateralError::Stale { document: Document::RootCrl, .. })
    );
}

#[test]
fn collateral_above_the_age_limit_is_refused() {
    // [EV-7], A21: eight days old, valid for thirty; at most seven are allowed.
    let mut world = World::new();
    world.terms.issued = NOW.0 - 8 * DAY;
    refused!(
        world.verify(),
        VerifyQuoteError::Collateral(CollateralError::Stale { document: Document::TcbInfo, .. })
    );
    let mut world = World::new();
    world.terms.crl_issued = NOW.0 - 8 * DAY;
    refused!(
        world.verify(),
        VerifyQuoteError::Collateral(CollateralError::Stale { document: Document::PckCrl, .. })
    );
}

#[test]
fn expired_collateral_is_refused_and_named() {
    // [EV-7] The fault is the collateral's: the same quote passes with newer collateral.
    let mut world = World::new();
    world.rules.max_collateral_age_seconds = 365 * DAY;
    world.terms.issued = NOW.0 - 31 * DAY;
    let error = world.verify().unwrap_err();
    assert_eq!(error.fault(), Fault::Collateral);
    assert!(error.to_string().starts_with("TCB info was valid until"), "{error}");
    refused!(
        Err::<(), _>(error),
        VerifyQuoteError::Collateral(CollateralError::Expired { document: Document::TcbInfo, .. })
    );
}

#[test]
fn collateral_of_the_future_is_refused() {
    // [EV-7]
    let mut world = World::new();
    world.terms.issued = NOW.0 + HOUR;
    refused!(world.verify(), VerifyQuoteError::Collateral(CollateralError::FromTheFuture { .. }));
    let mut world = World::new();
    world.terms.crl_issued = NOW.0 + HOUR;
    refused!(world.verify(), VerifyQuoteError::Collateral(CollateralError::FromTheFuture { .. }));
}

#[test]
fn an_expired_machine_certificate_is_refused() {
    // [EV-7]
    let mut world = World::new();
    let image = OsImage::from_seed([2; 32]);
    let until = Some(NOW.0 - DAY);
    let machine = Machine::with_certificate_until(&world.authority, "m1", image, until);
    world.domain = Arc::new(machine).boot(crate::world::app());
    refused!(world.verify(), VerifyQuoteError::NotGenuine(_));
}

#[test]
fn a_status_that_the_root_does_not_accept_is_refused() {
    // [EV-8]
    let mut world = World::new();
    world.terms.tcb_status = "OutOfDate".to_owned();
    refused!(world.verify(), VerifyQuoteError::TcbStatus { status: TcbStatus::OutOfDate });
    world.rules.accepted_statuses = TcbStatuses::from_iter([TcbStatus::OutOfDate]);
    assert_eq!(world.verify().unwrap().tcb_status(), TcbStatus::OutOfDate);
}

#[test]
fn a_revoked_tcb_is_refused_whatever_the_rules() {
    // [EV-8]
    let mut world = World::new();
    world.terms.tcb_status = "Revoked".to_owned();
    world.rules.accepted_statuses = TcbStatuses::from_bits(0xff);
    refused!(world.verify(), VerifyQuoteError::TcbRevoked);
}

#[test]
fn an_old_evaluation_is_refused() {
    // [EV-8]
    let mut world = World::new();
    world.terms.tcb_evaluation_data_number = 16;
    refused!(world.verify(), VerifyQuoteError::TcbEvaluation { actual: 16, least: 17 });
}

#[test]
fn a_denied_advisory_is_refused() {
    // [EV-8]
    let mut world = World::new();
    world.terms.advisory_ids = vec!["INTEL-SA-00837".to_owned()];
    assert_eq!(world.verify().unwrap().advisory_ids(), ["INTEL-SA-00837"]);
    world.rules.denied_advisories = vec!["INTEL-SA-00836".to_owned()];
    assert!(world.verify().is_ok());
    world.rules.denied_advisories.push("intel-sa-00837".to_owned());
    refused!(
        world.verify(),
        VerifyQuoteError::DeniedAdvisory { id } if id == "INTEL-SA-00837"
    );
}

#[test]
fn advisories_have_limits() {
    // [EV-8]
    let mut world = World::new();
    world.terms.advisory_ids = vec!["A".repeat(limits::MAX_ADVISORY_ID_BYTES + 1)];
    refused!(world.verify(), VerifyQuoteError::TooManyAdvisories);
    world.terms.advisory_ids = (0..=limits::MAX_ADVISORY_IDS).map(|id| id.to_string()).collect();
    refused!(world.verify(), VerifyQuoteError::TooManyAdvisories);
}
