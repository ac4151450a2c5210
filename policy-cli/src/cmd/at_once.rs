//! P5, in words: when a revocation counts, on the chain and at the nodes.

use crate::send::{Facts, Sent};
use serde_json::json;

/// Before it is sent.
pub(crate) fn planned(limit: u64) -> Facts {
    let mut facts = Facts::default();
    let words = format!("from its block on; on nodes with their next head, within {limit} s");
    facts.add("effective", words, "effectiveOnNodesWithinSeconds", json!(limit));
    facts
}

/// What the chain does from its block on (`what`), and what a node can still do.
pub(crate) fn sent(sent: &Sent, what: &str, limit: u64) -> Facts {
    let mut facts = Facts::default();
    let block = sent.block;
    let words = format!("from block {block} on {what}");
    facts.add("on chain", words, "effectiveFromBlock", json!(block));
    facts.add(
        "on nodes",
        format!(
            "as soon as their head descends from block {block}; with a head older than {limit} s they answer nothing\n\
             a node whose host holds it back, clock included, can release only what was recorded before"
        ),
        "effectiveOnNodesWithinSeconds",
        json!(limit),
    );
    facts
}
