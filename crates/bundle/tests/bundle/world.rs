//! The committed bundles, and whom their reader trusts.

use alloy_primitives::B256;
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
        trusted: Named,
    }
    let case: Case = serde_json::from_str(&text(&format!("{kind}.json"))).unwrap();
    let bundle = serde_json::from_str(&text(&format!("{kind}.bundle"))).unwrap();
    (bundle, case.trusted.trusted())
}
