//! Chromium reads proposals: each call in words, the text held against the calls, votes, the proposer's report; a wallet (EIP-1193,
//! in front of a real anvil) votes on what the page has shown it, on this chain alone, and the vote lands. [EXP-11] [EXP-12] [EXP-13]

use anvil_tests::{story, voted::voted};
use anyhow::ensure;
use serde_json::Value;

#[test]
fn holds() {
    story(async || {
        let voted = voted().await?;
        voted.look("proposals.mjs").await?;
        // The browser's vote stands in the index, and so on chain.
        let (open, voter) = (&voted.facts["open"], &voted.facts["voter"]);
        let path = format!("/v1/proposals/{}", open.as_str().unwrap_or_default());
        let voter = voter.as_str().unwrap_or_default().to_lowercase();
        let has_voted = |_, body: &Value| {
            let votes = body["proposal"]["poll"]["votes"].as_array();
            votes.is_some_and(|votes| {
                votes.iter().any(|vote| vote["voter"] == voter.as_str() && vote["support"] == "for")
            })
        };
        voted.index.until(&path, has_voted).await?;
        let (status, body) = voted.index.get("/v1/proposals?limit=2").await?;
        let told = body["proposals"].as_array().map_or(0, Vec::len);
        ensure!(status == 200 && told == 2, "{body}");
        Ok(())
    });
}
