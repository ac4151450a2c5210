//! `GET /v1/status`, health, readiness, metrics.

use super::{
    Refused,
    problem::Problem,
    shape::{AsOf, Status, Trail, lower},
};
use crate::{
    run::{self, Service},
    store::VerdictRow,
};
use axum::{Json, extract::State};
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Without a look at the chain for so long, the index is not what the chain has now.
const STALE: Duration = Duration::from_secs(60);

/// Trails that are told at once; the rest is in `/v1/contracts`.
const TRAILS: u32 = 1000;

/// Up to where the index is, what failed last, and every trail with its verdict.
#[utoipa::path(
    get, path = "/v1/status", tag = "index",
    responses((status = 200, description = "The state of the index", body = Status))
)]
pub(crate) async fn status(State(service): State<Arc<Service>>) -> Result<Json<Status>, Refused> {
    let (cursor, status) = (service.store.cursor().await?, service.status());
    Ok(Json(Status {
        network_hash: service.network,
        chain_id: cursor.chain_id,
        head_source: service.head_source.clone(),
        as_of: AsOf::from(&cursor),
        lag_seconds: lag_seconds(&service).await?,
        failure: status.failure,
        members_not_followed: status.members_not_followed,
        being_read: status.being_read,
        contracts_not_followed: status.not_followed.into_iter().map(lower).collect(),
        trails_count: service.store.count_verdicts().await?,
        trails: service.store.verdicts(TRAILS).await?.iter().map(Trail::from).collect(),
    }))
}

/// The host's clock against the time of the newest stored block.
async fn lag_seconds(service: &Service) -> Result<Option<u64>, Refused> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Ok(service.store.head_time().await?.map(|time| now.saturating_sub(time)))
}

/// The process runs.
#[utoipa::path(
    get, path = "/healthz", tag = "index",
    responses((status = 200, description = "`ok`", body = String, content_type = "text/plain"))
)]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// The index follows the chain, and every trail is whole. [IDX-8]
#[utoipa::path(
    get, path = "/readyz", tag = "index",
    responses(
        (status = 200, description = "`ready`", body = String, content_type = "text/plain"),
        (status = 503, description = "`not_ready`, with contract and seq if a trail is not whole; `busy`", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(crate) async fn readyz(State(service): State<Arc<Service>>) -> Result<&'static str, Refused> {
    match not_ready(&service.status(), &service.store.wrong_verdicts(TRAILS).await?) {
        None => Ok("ready\n"),
        Some(why) => Err(Refused::not_ready(why)),
    }
}

/// Why not; `wrong` are verdicts of trails that are not what the chain has, or that nobody knows. [IDX-8]
fn not_ready(status: &run::Status, wrong: &[VerdictRow]) -> Option<String> {
    if let Some(failure) = &status.failure {
        return Some(format!("following the chain: {failure}"));
    }
    if status.looked.is_none_or(|at| at.elapsed() > STALE) {
        return Some("no look at the chain has succeeded yet, or not lately".to_owned());
    }
    if !status.not_followed.is_empty() {
        let contracts: Vec<_> = status.not_followed.iter().copied().map(lower).collect();
        return Some(format!(
            "KmsCommittee has put in force what is not followed: {}; name it in [contracts] and begin a new database",
            contracts.join(", ")
        ));
    }
    if status.audited.is_none() {
        return Some("the trails were not compared with the chain yet".to_owned());
    }
    if let Some(failure) = &status.audit_failure {
        return Some(format!("comparing the trails: {failure}"));
    }
    let wrong = wrong.iter().map(|row| {
        let seq = row.wrong_seq.map_or_else(|| "unknown".to_owned(), |seq| seq.to_string());
        let (kind, contract) = (row.kind.word(), lower(row.contract));
        format!("{kind} {contract}: {} seq {seq}", row.verdict)
    });
    let wrong: Vec<String> = wrong.collect();
    (!wrong.is_empty()).then(|| wrong.join("; "))
}

/// Prometheus' text format.
#[utoipa::path(
    get, path = "/metrics", tag = "index",
    responses((status = 200, description = "Metrics", body = String, content_type = "text/plain"))
)]
pub(crate) async fn metrics(State(service): State<Arc<Service>>) -> Result<String, Refused> {
    let cursor = service.store.cursor().await?;
    let mut text = String::new();
    for (name, help, value) in [
        ("quorate_index_head_block", "newest stored block", cursor.head.number),
        ("quorate_index_safe_block", "newest safe block", cursor.safe),
        ("quorate_index_finalized_block", "newest finalized block", cursor.finalized.number),
        (
            "quorate_index_lag_seconds",
            "clock minus time of the newest stored block",
            lag_seconds(&service).await?.unwrap_or_default(),
        ),
        (
            "quorate_index_failing",
            "1 if the last look failed",
            service.status().failure.is_some().into(),
        ),
        (
            "quorate_index_members_not_followed",
            "contracts that policies name as members and that are not followed",
            u64::try_from(service.status().members_not_followed).unwrap_or(u64::MAX),
        ),
        (
            "quorate_index_contracts_not_followed",
            "contracts that KmsCommittee has put in force and that are not followed",
            u64::try_from(service.status().not_followed.len()).unwrap_or(u64::MAX),
        ),
        (
            "quorate_index_trails",
            "trails that were compared",
            service.store.count_verdicts().await?,
        ),
        (
            "quorate_index_being_read",
            "contracts whose earlier events are being read",
            u64::try_from(service.status().being_read).unwrap_or(u64::MAX),
        ),
    ] {
        text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n"));
    }
    text.push_str("# HELP quorate_index_trail_complete 1 if the trail equals its proven slot\n");
    text.push_str("# TYPE quorate_index_trail_complete gauge\n");
    for row in service.store.verdicts(TRAILS).await? {
        let (contract, kind) = (lower(row.contract), row.kind.word());
        let complete = u8::from(row.verdict == "complete");
        text.push_str(&format!(
            "quorate_index_trail_complete{{contract=\"{contract}\",kind=\"{kind}\"}} {complete}\n"
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
