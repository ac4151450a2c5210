//! The committed bundles, and whom their reader trusts.

use super::patch::{Operation, changed};
use alloy_consensus::ReceiptEnvelope;
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{B256, Log};
use bundle::{Bundle, Trusted};
use serde::Deserialize;
use std::path::PathBuf;
use wire::network::Fork;

/// What a case's reader trusts.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    block: B256,
    network: B256,
    root: Option<B256>,
}

impl Named {
    pub(crate) fn trusted(self) -> Trusted {
        let Self { block, network, root } = self;
        Trusted { block, network, fork: Fork::Osaka, root }
    }
}

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/bundle")
}

pub(crate) fn text(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

/// A good bundle and its reader.
pub(crate) fn good(kind: &str) -> (Bundle, Trusted) {
    #[derive(Deserialize)]
    struct Case {
        bundle: String,
        #[serde(default)]
        change: Vec<Operation>,
        trusted: Named,
    }
    let case: Case = serde_json::from_str(&text(&format!("{kind}.json"))).unwrap();
    let bundle = changed(&text(&case.bundle), &case.change);
    (serde_json::from_str(&bundle).unwrap(), case.trusted.trusted())
}

/// The event that a bundle speaks of.
pub(crate) fn log_of(bundle: &Bundle) -> Log {
    let envelope = ReceiptEnvelope::<Log>::decode_2718(&mut bundle.receipt.bytes.as_ref()).unwrap();
    envelope.logs()[usize::try_from(bundle.log).unwrap()].clone()
}
