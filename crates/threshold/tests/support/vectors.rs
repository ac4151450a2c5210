//! The vectors of this crate: how each is made, and how each is checked through the public API.
//!
//! One case per file in vectors/<topic>/, with "expect": "ok" or the name of the error. Every passing case has siblings
//! with one thing changed. Secrets in them are test data.
#![allow(dead_code, reason = "the example makes them, the test checks them")]

#[path = "vectors/check.rs"]
mod check;
#[path = "vectors/make.rs"]
mod make;
#[path = "vectors/read.rs"]
mod read;

use super::{
    committee::{CONTEXT, Committee, KEYSET, REPORT_DATA, SESSION, recipients},
    rng::SeededRng,
};
use serde_json::{Value, json};
use std::path::PathBuf;
use threshold::{
    KeyShare, NodeShares, Point, SecretKind,
    blind::{
        BlindedRequest, Blinding, RequestContext, Unblinding, VerifiedRequest, verify_request,
    },
    ceremony::{
        CanaryContext, CanaryPartials, Ceremony, Recipient, RecipientSecret, UncheckedDealing,
        combine_canary, dealing_hash,
    },
    combine::{CombineContext, CombinedKey, Contribution, combine},
    derive::RootKey,
    input::{BasePoint, hash_to_curve},
    partial::{Partial, PartialContext, PartialStatement},
    tdh2::{ExpectedLabel, SealLabel, SealedSecret, seal},
};

/// The topics that this crate owns; `hash-to-curve` is checked in src/input.rs, where the DST is an argument.
pub(crate) const TOPICS: [&str; 8] =
    ["hash-to-curve", "derive", "request", "partial", "combine", "tdh2", "dealing", "ceremony"];

pub(crate) struct Vector {
    pub(crate) topic: &'static str,
    pub(crate) name: String,
    pub(crate) value: Value,
}

pub(crate) fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors")
}

/// All vectors, the same on every run.
pub(crate) fn generate() -> Vec<Vector> {
    [
        make::hash_to_curve_cases(),
        make::derive_cases(),
        make::request_cases(),
        make::partial_cases(),
        make::combine_cases(),
        make::tdh2_cases(),
        make::dealing_cases(),
        make::ceremony_cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Ok, or the name of the error.
pub(crate) fn check(topic: &str, value: &Value) -> Result<(), String> {
    match topic {
        "derive" => check::derive(value),
        "request" => check::request(value),
        "partial" => check::partial(value),
        "combine" => check::combination(value),
        "tdh2" => check::tdh2(value),
        "dealing" => check::dealing(value),
        "ceremony" => check::ceremony(value),
        other => panic!("unknown topic {other}"),
    }
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// enc(label, fields…), written once more, so that the vectors do not rest on the crate's own copy.
fn enc(label: &str, fields: &[&[u8]]) -> Vec<u8> {
    let prefixed =
        |field: &[u8]| [&u32::try_from(field.len()).unwrap().to_be_bytes()[..], field].concat();
    fields.iter().fold(prefixed(label.as_bytes()), |all, field| [all, prefixed(field)].concat())
}

fn derive_input(value: &Value) -> Vec<u8> {
    enc(
        "quorate/v1/derive",
        &[
            &read::bytes(value, "keysetId"),
            &read::bytes(value, "appId"),
            &[u8::try_from(read::number(value, "scopeKind")).unwrap()],
            &read::bytes(value, "scopeValue"),
            &u32::try_from(read::number(value, "keyVersion")).unwrap().to_be_bytes(),
        ],
    )
}

fn kind_name(kind: SecretKind) -> &'static str {
    match kind {
        SecretKind::Derive => "derive",
        SecretKind::Unseal => "unseal",
    }
}

/// The name of an error's variant: what stands before its fields.
fn name(error: impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

fn expect_equal(
    actual: impl AsRef<[u8]>,
    value: &Value,
    key: &str,
    error: &str,
) -> Result<(), String> {
    if actual.as_ref() == read::bytes(value, key) { Ok(()) } else { Err(error.to_owned()) }
}

/// Asks `shares` for the key at `base`, through the whole protocol.
fn key_of(
    shares: &[KeyShare],
    public_key: &Point,
    base: &BasePoint,
) -> Result<CombinedKey, String> {
    let rng = &mut SeededRng::new("check");
    let context = RequestContext { report_data: &REPORT_DATA, input_index: 0 };
    let (request, unblinding) = Blinding::new(base, rng).bind(&context, rng);
    let verified = verify_request(&request, base, &context).map_err(name)?;
    let answers: Vec<_> = shares.iter().map(|share| answer(share, &verified, &CONTEXT)).collect();
    let threshold = u16::try_from(shares.len()).unwrap();
    let context = CombineContext { partial: &CONTEXT, threshold, public_key };
    Ok(combine(&unblinding, &context, &answers).map_err(name)?.key)
}

fn answer(share: &KeyShare, request: &VerifiedRequest, context: &PartialContext) -> Contribution {
    let partial = share.evaluate(request, context, &mut SeededRng::new("answer")).unwrap();
    Contribution { seat: share.seat(), epoch: context.epoch, share_key: share.public(), partial }
}

/// r of a seed: the same base and seed give the same request.
fn blinded(base: &BasePoint, seed: &str, input_index: u8) -> (BlindedRequest, Unblinding) {
    let rng = &mut SeededRng::new(seed);
    let context = RequestContext { report_data: &REPORT_DATA, input_index };
    Blinding::new(base, rng).bind(&context, rng)
}
