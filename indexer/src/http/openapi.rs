//! `GET /v1/openapi.json`: the API's description, made of the handlers' own types. The committed copy is `indexer/openapi.json`.
//! [API-4]
//!
//! **To add a resource**, annotate its handler with `#[utoipa::path]`, its bodies with `ToSchema`, and add a line to
//! `http::resources`. Refusals are the same for all and are added here.

use super::problem::{Code, PROBLEM_JSON, Problem};
use utoipa::{
    OpenApi,
    openapi::{
        ContentBuilder, OpenApi as Description, Ref, RefOr, ResponseBuilder, path::Operation,
    },
};

/// What is said once.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Quorate index",
        description = "Every event of a Quorate network, with its finality and what proves it. Spec: docs/spec/index.md. \
                       Every refusal is `application/problem+json` with a stable `code`. HEAD is answered wherever GET is.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/")),
    components(schemas(Problem, Code)),
    tags(
        (name = "index", description = "Where the index is, and whether it is whole"),
        (name = "events", description = "Events, as lists, one by one, and as they come"),
        (name = "views", description = "What the events come to: apps, issuances, revocations, committee, roots, proposals, contracts"),
        (name = "texts", description = "Texts that the chain names by hash, sent by anybody"),
        (name = "verify", description = "What a reader brings, judged and forgotten"),
        (name = "contracts", description = "Sources for block explorers, in Sourcify's layout"),
    )
)]
struct Head;

/// The description before any resource is in it.
pub(super) fn head() -> Description {
    Head::openapi()
}

/// Adds to every operation how it may be refused.
pub(super) fn with_refusals(mut description: Description) -> Description {
    for item in description.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.put, &mut item.post].into_iter().flatten() {
            refusals(operation);
        }
    }
    description
}

fn refusals(operation: &mut Operation) {
    for (status, words) in [
        ("400", "`malformed`"),
        ("404", "`not_found`"),
        ("413", "`too_large`"),
        ("500", "`internal`"),
        ("503", "`busy` or `not_ready`"),
        ("504", "`timeout`"),
    ] {
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new().description(words).content(PROBLEM_JSON, problem);
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(response.build()));
    }
}

/// The description as it is served.
pub(super) fn text(description: &Description) -> String {
    // It is made of literals and types.
    let mut text = description.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use crate::http;

    /// `BLESS=1 cargo test -p indexer openapi` writes it anew.
    #[test]
    fn the_committed_description_is_the_one_that_is_served() {
        // [API-4]
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let served = http::description();
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, &served).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap();
        assert_eq!(committed, served, "BLESS=1 cargo test -p indexer openapi, and read the diff");
        let described: serde_json::Value = serde_json::from_str(&served).unwrap();
        assert_eq!(described["openapi"], "3.1.0");
        for path in [
            "/v1/events",
            "/v1/stream",
            "/v1/status",
            "/readyz",
            "/v1/overview",
            "/v1/apps/{app_id}",
            "/v1/issuances/{issuance_id}",
            "/v1/revocations/{block_hash}/{log_index}",
            "/v1/committee",
            "/v1/roots",
            "/v1/proposals/{id}",
            "/v1/texts/{hash}",
        ] {
            let codes = &described["paths"][path]["get"]["responses"];
            assert!(codes["200"].is_object() && codes["400"].is_object(), "{path}");
        }
        for path in ["events", "apps", "issuances", "revocations", "proposals", "contracts"] {
            let answer = &described["paths"][format!("/v1/{path}")]["get"]["responses"]["200"];
            for content in ["application/json", "text/csv", "application/jsonl"] {
                assert!(answer["content"][content].is_object(), "{path} as {content}");
            }
        }
    }
}
