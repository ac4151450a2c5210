//! A bundle or an enclave's evidence that a reader brings, judged by the crates that nodes and `quorate` judge with; nothing is
//! kept. [EXP-14] Trusts: for a bundle the block that the reader names, or this index for the block that the bundle ends at; for
//! evidence the roots of the registry as the index has them, and block time.

mod evidence_told;

use super::AsOf;
use crate::{http::Refused, run::Service};
use ::bundle::{Bundle, Trusted, verify};
use alloy_primitives::{B256, keccak256};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

/// What is verified at once, at most: a bundle's own limit.
pub(crate) const MAX_VERIFIED_BYTES: usize = ::bundle::MAX_BUNDLE_BYTES;

/// Judging is work: whoever comes third waits, and those who only read do not.
static TURNS: Semaphore = Semaphore::const_new(2);

/// What came of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Verified {
    pub(crate) as_of: AsOf,
    /// `bundle` or `evidence`.
    pub(crate) sort: &'static str,
    /// `ok`, or the name of the first check that fails.
    pub(crate) verdict: String,
    /// The checks that hold, in order.
    pub(crate) checks: Vec<Holds>,
    /// Why the first check that fails does.
    pub(crate) failure: Option<String>,
    /// What is proven, field by field.
    pub(crate) facts: Vec<Fact>,
    /// Records of the index that name this evidence.
    #[schema(value_type = Vec<String>)]
    pub(crate) issuances: Vec<B256>,
}

/// A check that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Holds {
    pub(crate) name: String,
    /// What is known now.
    pub(crate) says: String,
    /// Who was trusted for it.
    pub(crate) trusted: String,
}

/// A proven value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Fact {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Verified {
    /// Judges what it is by its first byte: a bundle is JSON.
    pub(crate) async fn judge(
        service: &Service,
        bytes: &[u8],
        block: Option<B256>,
    ) -> Result<Self, Refused> {
        let _turn = TURNS.acquire().await.map_err(anyhow::Error::from)?;
        let as_of = AsOf::load(&service.store).await?;
        let is_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        match is_json {
            true => bundle(service, as_of, bytes, block).await,
            false => evidence_told::judge(service, as_of, bytes).await,
        }
    }

    fn fails(mut self, verdict: &str, why: &str) -> Self {
        (self.verdict, self.failure) = (verdict.to_owned(), Some(why.to_owned()));
        self
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.verdict == "ok"
    }
}

/// Nothing, yet.
fn nothing(sort: &'static str, as_of: AsOf) -> Verified {
    let (checks, facts, issuances) = (Vec::new(), Vec::new(), Vec::new());
    Verified { as_of, sort, verdict: "ok".to_owned(), checks, failure: None, facts, issuances }
}

async fn bundle(
    service: &Service,
    as_of: AsOf,
    bytes: &[u8],
    named: Option<B256>,
) -> Result<Verified, Refused> {
    let mut told = nothing("bundle", as_of);
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Ok(told.fails("format", "a bundle is UTF-8"));
    };
    let (block, by) = match (named, ends_at(text)) {
        (Some(block), _) => (block, "you: you named the block"),
        (None, Some(block)) if !is_final(service, &told.as_of, block).await? => {
            let words = "the block that it ends at is not a final one of this index: name a block that you trust";
            return Ok(told.fails("not-final-here", words));
        }
        (None, Some(block)) => {
            (block, "this server: it says that the bundle’s last block is final")
        }
        // It is no bundle, and `verify` says why.
        (None, None) => (B256::ZERO, "nobody"),
    };
    let trusted = Trusted { block, network: service.network, fork: service.fork, root: None };
    let text = text.to_owned();
    // Views run in an EVM: not on the threads that answer others.
    let verdict = tokio::task::spawn_blocking(move || verify(&text, &trusted)).await;
    let verdict = verdict.map_err(anyhow::Error::from)?;
    told.verdict = verdict.word().to_owned();
    told.checks = verdict
        .checks
        .iter()
        .map(|check| Holds {
            name: check.name.to_owned(),
            says: check.says.clone(),
            trusted: by.to_owned(),
        })
        .collect();
    match &verdict.outcome {
        Err(refusal) => told.failure = Some(refusal.to_string()),
        Ok(claim) => {
            let claim = serde_json::to_value(claim).map_err(anyhow::Error::from)?;
            told.facts = facts(&claim);
            let id = claim.get("issuanceId").and_then(Value::as_str);
            told.issuances = id.and_then(|id| id.parse().ok()).into_iter().collect();
        }
    }
    Ok(told)
}

/// The hash of a bundle's last header.
fn ends_at(text: &str) -> Option<B256> {
    Bundle::parse(text).ok()?.headers.last().map(keccak256)
}

async fn is_final(service: &Service, as_of: &AsOf, block: B256) -> Result<bool, Refused> {
    let found = service.store.block(block).await?;
    Ok(found.is_some_and(|row| row.canonical && row.block.number <= as_of.finalized.number))
}

/// A claim's members; a list or a block is compact JSON.
fn facts(claim: &Value) -> Vec<Fact> {
    let members = claim.as_object().into_iter().flatten();
    let value = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    members.map(|(name, found)| Fact { name: name.clone(), value: value(found) }).collect()
}
