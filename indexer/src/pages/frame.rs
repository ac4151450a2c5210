//! What every page has around it: as of which block, what to be warned of, where one is. [EXP-1] [EXP-3]

use super::{
    Pages, assets,
    error::{self, bare},
    html::{self, Html},
};
use crate::{
    http::Refused,
    run::Service,
    views::{
        AsOf,
        committee::{Committee, is_proof},
        roots::Roots,
        trail::Contract,
    },
};
use alloy_primitives::B256;
use anyhow::Result;
use askama::Template;
use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Without a look at the chain for so long, a page says so.
const STALE: Duration = Duration::from_secs(60);

/// The frame of one answer.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) as_of: AsOf,
    pub(super) network: B256,
    /// What makes an answer of this network weaker than it could be: in red, on every page.
    pub(super) warnings: Arc<Warnings>,
    /// What is wrong now.
    pub(super) alarms: Vec<String>,
    /// Where the reader reached us, for commands.
    pub(super) base: String,
    /// The path of the page.
    pub(super) path: String,
}

/// Software roots by the code's own table, and heads that no consensus proves. [EXP-3]
#[derive(Clone, Debug, Default)]
pub(super) struct Warnings {
    /// Label and hash.
    pub(super) software: Vec<(String, B256)>,
    /// The index's own head source, if it is none that proves.
    pub(super) index: Option<String>,
    /// What seats say of their head source, and which they are.
    pub(super) seats: BTreeMap<String, Vec<u64>>,
}

/// The warnings of a head.
pub(super) type Cached = Mutex<Option<(B256, Arc<Warnings>)>>;

/// A command that a reader runs instead of believing the page.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) what: &'static str,
    pub(super) command: String,
}

impl Check {
    pub(super) fn new(what: &'static str, command: impl Into<String>) -> Self {
        Self { what, command: command.into() }
    }

    /// The file that proves an issuance or a revocation offline, made once the event is final.
    pub(super) fn bundle(frame: &Frame, event: &str) -> Self {
        Self::new(
            "one file that proves it offline; $BLOCK is the hash that a node of yours has for the block that the file ends at",
            format!(
                "curl -s {event}/bundle -o bundle.json && quorate verify bundle bundle.json --block \"$BLOCK\" --network {}",
                frame.network
            ),
        )
    }
}

impl Frame {
    /// The page, or the refusal as a page.
    pub(super) fn answer(&self, page: Result<impl Template, Refused>) -> Response {
        match page {
            Ok(page) => render(&page),
            Err(refused) => error::page(self, &refused),
        }
    }

    pub(super) fn when(&self, seconds: &u64) -> Html {
        html::when(seconds, &self.as_of.latest_time)
    }

    pub(super) fn latest(&self) -> Html {
        html::block(&self.as_of.latest.number, &self.as_of.latest.hash)
    }

    pub(super) fn finalized(&self) -> Html {
        html::block(&self.as_of.finalized.number, &self.as_of.finalized.hash)
    }

    pub(super) fn version(&self) -> &'static str {
        assets::version()
    }

    /// Marks the page that one is on.
    pub(super) fn here(&self, path: &str) -> Html {
        let is_here = match path {
            "/" => self.path == "/",
            _ => self.path.starts_with(path),
        };
        Html(if is_here { r#" aria-current="page""#.to_owned() } else { String::new() })
    }

    async fn load(pages: &Pages, parts: &Parts) -> Result<Self> {
        let service = &pages.service;
        let as_of = AsOf::load(&service.store).await?;
        let warnings = Warnings::cached(pages, &as_of).await?;
        let alarms = alarms(service).await?;
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        Ok(Self {
            as_of,
            network: service.network,
            warnings,
            alarms,
            base: base(host.unwrap_or_default()),
            path: parts.uri.path().to_owned(),
        })
    }
}

impl FromRequestParts<Pages> for Frame {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, pages: &Pages) -> Result<Self, Response> {
        Self::load(pages, parts).await.map_err(|cause| bare(cause.into()))
    }
}

impl Warnings {
    pub(super) fn is_empty(&self) -> bool {
        self.software.is_empty() && self.index.is_none() && self.seats.is_empty()
    }

    async fn cached(pages: &Pages, as_of: &AsOf) -> Result<Arc<Self>> {
        let head = as_of.latest.hash;
        let known = pages.cached.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((of, warnings)) = known
            && of == head
        {
            return Ok(warnings);
        }
        let warnings = Arc::new(Self::load(&pages.service, as_of).await?);
        let kept = Some((head, Arc::clone(&warnings)));
        *pages.cached.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        Ok(warnings)
    }

    async fn load(service: &Service, as_of: &AsOf) -> Result<Self> {
        let (store, now) = (&service.store, as_of.now());
        let roots = Roots::load(store, as_of, now.block.number).await?;
        let committee = Committee::load(store, as_of, &roots, now).await?;
        let software = roots.software().into_iter().map(|root| (root.vendor.clone(), root.root));
        let mut seats: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for (seat, source) in committee.by_endpoints() {
            seats.entry(brief(source).to_owned()).or_default().push(seat);
        }
        let source = &service.head_source;
        Ok(Self {
            software: software.collect(),
            index: Some(brief(source).to_owned()).filter(|_| !is_proof(source)),
            seats,
        })
    }
}

/// A head source without what the page says beside it anyway.
pub(super) fn brief(source: &str) -> &str {
    source.strip_suffix(" (not proven by consensus)").unwrap_or(source)
}

/// The answer of a template.
pub(super) fn render(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => {
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            (StatusCode::OK, [(header::CONTENT_TYPE, html)], text).into_response()
        }
        Err(cause) => bare(anyhow::Error::from(cause).into()),
    }
}

async fn alarms(service: &Service) -> Result<Vec<String>> {
    let status = service.status();
    let mut alarms = Vec::new();
    if status.failure.is_some() {
        alarms.push("The last look at the chain failed: what is shown may be old.".to_owned());
    } else if status.looked.is_some_and(|at| at.elapsed() > STALE) {
        alarms.push("No look at the chain succeeded lately: what is shown may be old.".to_owned());
    }
    if status.audit_failure.is_some() {
        alarms.push("The last comparison of the trails with the chain did not end.".to_owned());
    }
    for contract in status.not_followed {
        alarms.push(format!(
            "KmsCommittee has put {contract} in force, which this index does not follow."
        ));
    }
    for contract in Contract::wrong(&service.store).await? {
        if contract.is_unproven() {
            let kind = contract.kind;
            alarms.push(format!("No endpoint has proven the trail of {kind}: it is not compared."));
        } else if let Some(verdict) = contract.verdict {
            let seq = verdict.wrong_seq.map(|seq| format!(" seq {seq}")).unwrap_or_default();
            let (kind, word) = (contract.kind, verdict.verdict);
            alarms.push(format!("The trail of {kind} is not what the chain has: {word}{seq}."));
        }
    }
    Ok(alarms)
}

/// Host names and ports only: it ends up in commands that people paste into a shell.
fn base(host: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    match !host.is_empty() && host.chars().all(is_plain) {
        true => format!("http://{host}"),
        false => "http://127.0.0.1:8090".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::base;

    #[test]
    fn a_host_that_a_shell_would_read_is_not_repeated() {
        // [EXP-8]
        assert_eq!(base("index.example:8090"), "http://index.example:8090");
        for evil in ["a$(id)", "a;id", "a b", "", "a`id`", "a/b"] {
            assert_eq!(base(evil), "http://127.0.0.1:8090", "{evil}");
        }
    }
}
