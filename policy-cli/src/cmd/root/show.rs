//! `quorate root show`: the roots and their rules.

use super::rules::accepted;
use crate::{
    chain::Chain, exit::Exit, failure::Failure, output::Output, send::line, words::duration,
};
use abi::AttestationRegistry;
use clap::Args;
use serde_json::{Value, json};
use wire::network::label_text;

const AFTER: &str = "Example:
  quorate root show --network network.toml";

/// Shows every root and what is accepted under it
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Show {}

impl Show {
    pub(super) async fn run(
        &self,
        chain: &Chain,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        const REGISTRY: &str = "AttestationRegistry";
        let at = chain.contracts.attestation_registry;
        let roots = chain.view(REGISTRY, at, &AttestationRegistry::rootsCall {}).await?;
        let (mut text, mut list) = (String::new(), Vec::<Value>::new());
        line(&mut text, "as of", &chain.as_of());
        for root in roots {
            let found =
                chain.view(REGISTRY, at, &AttestationRegistry::rootPolicyCall { root }).await?;
            let (vendor, rules) = (label_text(found.vendor), found.rules);
            let open = if found.isOpen { "open" } else { "CLOSED" };
            let software = if found.isSoftware { ", SOFTWARE" } else { "" };
            let words = format!(
                "{root}\n{open}{software}\naccepts {}\ncollateral of {} at most, evaluation {} at least\ndenied: {}",
                accepted(rules.acceptedTcbStatuses),
                duration(rules.maxCollateralAgeSeconds.into()),
                rules.leastTcbEvaluationDataNumber,
                found.deniedAdvisoryIds.join(", "),
            );
            line(&mut text, &vendor, &words);
            list.push(json!({
                "root": root,
                "vendor": vendor,
                "platform": found.platform,
                "isOpen": found.isOpen,
                "isSoftware": found.isSoftware,
                "leastTcbEvaluationDataNumber": rules.leastTcbEvaluationDataNumber,
                "leastCrlIssuedAt": rules.leastCrlIssuedAt,
                "leastRootCrlIssuedAt": rules.leastRootCrlIssuedAt,
                "maxCollateralAgeSeconds": rules.maxCollateralAgeSeconds,
                "acceptedTcbStatuses": rules.acceptedTcbStatuses,
                "deniedAdvisoryIds": found.deniedAdvisoryIds,
            }));
        }
        let fields = json!({ "block": chain.head.number, "roots": list });
        output.answer("quorate.root.show", fields, &text)?;
        Ok(Exit::Ok)
    }
}
