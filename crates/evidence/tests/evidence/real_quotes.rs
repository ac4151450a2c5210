//! Quotes of real machines under Intel's root, at a time at which their collateral was valid. See vectors/quotes/README.md.

use crate::world::rules;
use alloy_primitives::B256;
use evidence::{
    INTEL_ROOT_SHA256, ParseQuoteError, RawEvidence, ReplayError, RootRules, TcbStatus,
    TcbStatuses, VENDOR_INTEL, VerifiedQuote, VerifyQuoteError, event_log::UniqueEvent,
};
use wire::{UnixSeconds, request::EvidenceBytes};

macro_rules! vector {
    ($name:literal) => {
        raw(
            include_bytes!(concat!("../../../../vectors/quotes/", $name, ".bin")),
            include_str!(concat!("../../../../vectors/quotes/", $name, ".collateral.json")),
        )
    };
}

fn raw(quote: &[u8], collateral: &str) -> RawEvidence {
    let bytes = EvidenceBytes {
        quote: evidence::without_padding(quote).to_vec().into(),
        event_log: "[]".to_owned(),
        collateral: evidence::collateral::canonical(collateral).unwrap(),
    };
    RawEvidence::new(bytes).unwrap()
}

/// The rules of a hardware root: no software, and a label that the code's own answer overrides.
fn intel() -> RootRules {
    RootRules {
        allows_software: false,
        vendor: B256::ZERO,
        max_collateral_age_seconds: 30 * 86_400,
        ..rules()
    }
}

fn verify(
    raw: &RawEvidence,
    rules: &RootRules,
    now: u64,
) -> Result<VerifiedQuote, VerifyQuoteError> {
    raw.verify(&raw.claimed_root().unwrap(), rules, UnixSeconds(now))
}

#[test]
fn a_tdx_quote_of_version_four_is_verified() {
    // [EV-2] [EV-3]
    let quote = verify(&vector!("intel-tdx-v4"), &intel(), 1_750_400_000).unwrap();
    assert_eq!(quote.root(), INTEL_ROOT_SHA256);
    assert_eq!(quote.vendor(), VENDOR_INTEL);
    assert_eq!(quote.tcb_status(), TcbStatus::UpToDate);
    assert!(quote.measurements().is_some());
    assert_ne!(quote.device_id(), B256::ZERO);
}

#[test]
fn the_padding_of_a_real_quote_is_refused_where_nobody_took_it_off() {
    // [EV-6], A11
    let padded = include_bytes!("../../../../vectors/quotes/intel-tdx-v4.bin");
    let mut bytes = vector!("intel-tdx-v4").bytes().clone();
    assert_eq!(padded.len() - bytes.quote.len(), 70);
    bytes.quote = padded.to_vec().into();
    assert!(matches!(
        RawEvidence::new(bytes).unwrap().claimed_root(),
        Err(ParseQuoteError::TrailingBytes { bytes: 70 })
    ));
}

#[test]
fn a_tdx_quote_of_version_five_is_verified() {
    // [EV-2]
    let quote = verify(&vector!("intel-tdx-v5-td15ex"), &intel(), 1_791_500_000).unwrap();
    assert_eq!(quote.vendor(), VENDOR_INTEL);
    assert_eq!(quote.tcb_status(), TcbStatus::UpToDate);
    assert_eq!(quote.tcb_evaluation_data_number(), 20);
}

#[test]
fn an_sgx_quote_is_verified_and_has_no_identity() {
    // [EV-2] [EV-8]
    let raw = vector!("intel-sgx-v3");
    let status = TcbStatus::ConfigurationAndSwHardeningNeeded;
    assert!(matches!(
        verify(&raw, &intel(), 1_750_400_000),
        Err(VerifyQuoteError::TcbStatus { status: refused }) if refused == status
    ));
    let rules = RootRules { accepted_statuses: TcbStatuses::from_iter([status]), ..intel() };
    let quote = verify(&raw, &rules, 1_750_400_000).unwrap();
    assert_eq!(quote.advisory_ids().len(), 2);
    assert!(matches!(quote.replay(), Err(ReplayError::NotATrustDomain)));
}

#[test]
fn a_real_quote_is_refused_once_its_collateral_has_expired() {
    // [EV-7]
    let error = verify(&vector!("intel-tdx-v4"), &intel(), 1_760_000_000).unwrap_err();
    assert!(matches!(error, VerifyQuoteError::Collateral(_)), "{error:?}");
}

#[test]
fn a_real_quote_with_an_empty_log_has_no_identity() {
    // [EVLOG-7] This machine did not run dstack: its RTMR3 is that of an empty log.
    let quote = verify(&vector!("intel-tdx-v4"), &intel(), 1_750_400_000).unwrap();
    assert!(matches!(quote.replay(), Err(ReplayError::MissingEvent(UniqueEvent::AppId))));
}

#[test]
fn intels_root_is_known_whatever_the_registry_calls_it() {
    // [EV-3], A22
    let rules = RootRules { vendor: B256::right_padding_from(b"soft-a"), ..intel() };
    let quote = verify(&vector!("intel-tdx-v4"), &rules, 1_750_400_000).unwrap();
    assert_eq!(quote.vendor(), VENDOR_INTEL);
}
