//! Bytes from outside never panic, whatever they are: random ones, and genuine ones with something changed.

use crate::world::{NOW, World};
use evidence::{RawEvidence, RootCertificate};
use proptest::prelude::*;
use std::sync::LazyLock;
use wire::request::EvidenceBytes;

static WORLD: LazyLock<World> = LazyLock::new(World::new);
static GENUINE: LazyLock<EvidenceBytes> = LazyLock::new(|| WORLD.bytes());

/// Goes as far as the bytes let it.
fn judge(bytes: EvidenceBytes) {
    let _ = evidence::without_padding(&bytes.quote);
    let _ = evidence::collateral::canonical(&bytes.collateral);
    let Ok(raw) = RawEvidence::new(bytes) else {
        return;
    };
    let root = RootCertificate::from_der(WORLD.authority.root_certificate());
    for root in [Some(root), raw.claimed_root().ok()].into_iter().flatten() {
        if let Ok(quote) = raw.verify(&root, &WORLD.rules, NOW) {
            let _ = quote.replay();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// [EV-1]
    #[test]
    fn random_parts_are_refused(quote: Vec<u8>, event_log: String, collateral: String) {
        judge(EvidenceBytes { quote: quote.into(), event_log, collateral });
    }

    /// [EV-1] One byte of the quote changed, or the quote cut.
    #[test]
    fn changed_quotes_never_panic(at in any::<prop::sample::Index>(), value: u8, cut: bool) {
        let mut quote = GENUINE.quote.to_vec();
        let at = at.index(quote.len());
        if cut {
            quote.truncate(at);
        } else {
            quote[at] = value;
        }
        judge(EvidenceBytes { quote: quote.into(), ..GENUINE.clone() });
    }

    /// [EV-1] One character of log or collateral changed.
    #[test]
    fn changed_texts_never_panic(at in any::<prop::sample::Index>(), value in "[ -~]") {
        let change = |text: &str| {
            let at = at.index(text.len());
            let mut text = text.to_owned();
            text.replace_range(at..at + 1, &value);
            text
        };
        judge(EvidenceBytes { event_log: change(&GENUINE.event_log), ..GENUINE.clone() });
        judge(EvidenceBytes { collateral: change(&GENUINE.collateral), ..GENUINE.clone() });
    }
}
