//! `/proposals` and `/proposals/{id}`: what a vote would change, whether its text says so, and how it stands. [EXP-11] [EXP-12]

use super::{
    Frame, Pages,
    frame::Check,
    html::{self, Html, lower},
    markdown::markdown_within,
    picture,
};
use crate::{
    decode::Kind,
    http::Refused,
    store::{EventRow, Newest},
    views::{
        Event, Place,
        proposal::{Approved, Clock, Entry, Proposal, State as Standing, Support, Vote},
        routes::{PAGE, ProposalId, path, query, read_before, write_before},
    },
};
use abi::QuorateGovernor;
use alloy::sol_types::SolCall;
use alloy_primitives::{B256, U256, hex, utils::format_ether};
use askama::Template;
use axum::{
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    response::Response,
};
use proposal::decode::ShownCall;
use serde::Deserialize;
use std::sync::Arc;

/// Votes in the table; all are in the counts.
const FEW: usize = 40;
/// Bytes of calldata that a page shows; the whole is in the JSON.
const MOST_CALLDATA: usize = 1024;
/// Calls that are shown one by one, those within them included; and what they may weigh.
const MOST_CALLS: usize = 24;
const MOST_OF_CALLS: usize = 20 * 1024;
/// What its text may weigh, its report, its approvals and its votes. [EXP-9]
const MOST_OF_TEXT: usize = 24 * 1024;
const MOST_OF_REPORT: usize = 16 * 1024;
const MOST_OF_APPROVALS: usize = 12 * 1024;
const MOST_OF_VOTES: usize = 12 * 1024;
/// What stands around an approval, and around a vote.
const ROW: usize = 600;

#[derive(Template)]
#[template(path = "proposal.html")]
struct Page<'a> {
    frame: &'a Frame,
    text: Html,
    calls: Html,
    approves: Vec<Approved>,
    ballots: Html,
    times: Vec<(&'static str, Html)>,
    votes: Vec<Vote>,
    options: Vec<Choice>,
    report: Option<Html>,
    checks: Vec<Check>,
    proposal: Proposal,
}

/// A vote that the reader's wallet may cast.
struct Choice {
    support: Support,
    calldata: String,
}

#[derive(Template)]
#[template(path = "proposals.html")]
struct ListPage<'a> {
    frame: &'a Frame,
    has_governor: bool,
    /// Each with the place of its event.
    entries: Vec<(Arc<Entry>, Place)>,
    is_first: bool,
    next: Option<String>,
    checks: Vec<Check>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    before: String,
}

pub(super) async fn list(
    frame: Frame,
    State(pages): State<Pages>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    frame.answer(build_list(&frame, &pages, asked).await)
}

async fn build_list<'a>(
    frame: &'a Frame,
    pages: &Pages,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<ListPage<'a>, Refused> {
    let (Asked { before }, store) = (query(asked)?, &pages.service.store);
    let wanted = Newest {
        names: &["ProposalCreated"],
        before: read_before(store, Some(&before), false).await?,
        limit: PAGE.saturating_add(1),
        ..Newest::default()
    };
    let mut rows = store.newest(&wanted).await?;
    let is_more = rows.len() > PAGE as usize;
    rows.truncate(PAGE as usize);
    let last = rows.last().filter(|_| is_more).map(|row| Event::new(row, &frame.as_of));
    let entries = Entry::all(&rows).await?.into_iter().zip(&rows);
    let place = |row: &EventRow| Event::new(row, &frame.as_of).place;
    let entries = entries.filter_map(|(entry, row)| Some((entry?, place(row))));
    Ok(ListPage {
        frame,
        has_governor: store.contract_of(Kind::Governor).await?.is_some(),
        entries: entries.collect(),
        is_first: before.is_empty(),
        next: last.map(|last| format!("/proposals?before={}", write_before(&last))),
        checks: vec![Check::new(
            "the same list as JSON",
            format!("curl -s '{}/v1/proposals?limit=50'", frame.base),
        )],
    })
}

pub(super) async fn page(
    frame: Frame,
    State(pages): State<Pages>,
    id: Result<Path<ProposalId>, PathRejection>,
) -> Response {
    frame.answer(build(&frame, &pages, id).await)
}

async fn build<'a>(
    frame: &'a Frame,
    pages: &Pages,
    id: Result<Path<ProposalId>, PathRejection>,
) -> Result<Page<'a>, Refused> {
    let (id, store) = (path(id)?.number()?, &pages.service.store);
    let proposal = Proposal::load(store, &frame.as_of, id).await?;
    let proposal = proposal.ok_or_else(|| {
        Refused::not_found(
            "the network’s Governor made no such proposal, up to the newest block here",
        )
    })?;
    let report = match proposal.simulation {
        Some(hash) => store.text(hash).await?,
        None => None,
    };
    let mut left = Left { calls: MOST_CALLS, bytes: MOST_OF_CALLS, is_told: false };
    let uri = |approval: &Approved| html::uri(&approval.uri).0.len() + ROW;
    let reason = |vote: &Vote| super::events::long(&vote.reason).0.len() + ROW;
    Ok(Page {
        frame,
        text: markdown_within(&proposal.description, MOST_OF_TEXT),
        approves: html::fitting(proposal.approves.iter().cloned(), MOST_OF_APPROVALS, uri),
        calls: Html(proposal.calls.iter().map(|call| shown(call, &mut left).0).collect()),
        ballots: picture::ballots(&proposal.poll.ballots),
        times: times(frame, &proposal),
        votes: html::fitting(proposal.poll.votes.iter().take(FEW).cloned(), MOST_OF_VOTES, reason),
        options: options(&proposal),
        report: report.map(|report| markdown_within(&report, MOST_OF_REPORT)),
        checks: checks(frame, &proposal),
        proposal,
    })
}

/// Votes that may be cast now. None is offered for a text that does not stand for its calls.
fn options(proposal: &Proposal) -> Vec<Choice> {
    if proposal.poll.state != Standing::Open || !proposal.is_its_content {
        return Vec::new();
    }
    let is_honest = proposal.text_mismatch.is_none();
    let offered = Support::TOLD.into_iter().filter(|support| is_honest || *support != Support::For);
    let calldata = |support: Support| {
        let code = match support {
            Support::Against => 0,
            Support::For => 1,
            Support::Abstain | Support::Other => 2,
        };
        let call = QuorateGovernor::castVoteCall { proposalId: proposal.id, support: code };
        hex::encode_prefixed(call.abi_encode())
    };
    offered.map(|support| Choice { support, calldata: calldata(support) }).collect()
}

/// From proposal to effect, in order.
fn times(frame: &Frame, proposal: &Proposal) -> Vec<(&'static str, Html)> {
    let poll = &proposal.poll;
    let place = |place: &crate::views::Place| {
        Html(format!(
            r#"<a href="{}">block {}</a>, {}"#,
            html::path(place),
            html::digits(&place.block_number),
            frame.when(&place.block_time)
        ))
    };
    let mut times = vec![
        ("proposed", place(&proposal.proposed)),
        ("vote begins after", clock(frame, &poll.vote_start)),
        (
            if poll.is_extended { "vote ends (a late quorum made it longer)" } else { "vote ends" },
            clock(frame, &poll.vote_end),
        ),
    ];
    times.extend(poll.queued.as_ref().map(|queued| ("accepted and queued", place(queued))));
    times.extend(poll.effect_not_before.map(|at| ("earliest execution", frame.when(&at))));
    times.extend(poll.executed.as_ref().map(|executed| ("executed", place(executed))));
    times
        .extend(poll.cancelled.as_ref().map(|cancelled| ("cancelled or vetoed", place(cancelled))));
    times
}

fn clock(frame: &Frame, clock: &Clock) -> Html {
    match clock {
        Clock::Second(second) => frame.when(second),
        Clock::Block(block) => Html(format!("block {}", html::digits(block))),
    }
}

/// How much of the calls may still be shown.
#[derive(Default)]
struct Left {
    calls: usize,
    bytes: usize,
    /// It was said that there are more.
    is_told: bool,
}

/// A call in words, with every argument, its bytes, and the calls within it.
fn shown(call: &ShownCall, left: &mut Left) -> Html {
    if left.is_told {
        return Html(String::new());
    }
    if left.calls == 0 || left.bytes == 0 {
        left.is_told = true;
        return Html(r#"<p class="faint">More calls: all of them are in the JSON.</p>"#.to_owned());
    }
    left.calls = left.calls.saturating_sub(1);
    let mut text = String::from(r#"<div class="call">"#);
    match &call.decoded {
        Some(decoded) => {
            let name = html::escape(&format!("{}.{}", decoded.contract, decoded.name));
            text.push_str(&format!("<p><b>{name}</b> on {}</p>", html::address(&call.call.to)));
            text.push_str(r#"<dl class="facts">"#);
            for argument in html::fitting(&decoded.arguments, MOST_OF_CALLS / 2, |argument| {
                argument.path.len() + super::events::long(&argument.words()).0.len()
            }) {
                let words = argument.words();
                let value = match words.parse::<B256>().is_ok() {
                    true => html::hash(&words),
                    false => super::events::long(&words),
                };
                text.push_str(&format!("<dt>{}</dt><dd>{value}</dd>", html::escape(&argument.path)));
            }
            text.push_str("</dl>");
        }
        None => text.push_str(&format!(
            r#"<p class="verdict bad"><b>✗ Unknown call</b> on {}: no interface of ours has it. Nobody can say here what it does.</p>"#,
            html::address(&call.call.to)
        )),
    }
    if !call.call.value.is_zero() {
        text.push_str(&format!("<p>It sends <b>{} ether</b> along.</p>", votes(&call.call.value)));
    }
    text.push_str(&calldata(&call.call.calldata));
    left.bytes = left.bytes.saturating_sub(text.len());
    if !call.inner.is_empty() {
        text.push_str("<p>which makes it call</p>");
        call.inner.iter().for_each(|inner| text.push_str(&shown(inner, left).0));
    }
    text.push_str("</div>");
    Html(text)
}

fn calldata(bytes: &[u8]) -> String {
    let begin = bytes.get(..MOST_CALLDATA).unwrap_or(bytes);
    let more = match begin.len() < bytes.len() {
        true => "… (whole in the JSON)",
        false => "",
    };
    format!(
        r#"<details><summary>Calldata, {} bytes</summary><p class="raw" data-copy><code>{}</code>{more}</p></details>"#,
        html::digits(&(bytes.len() as u64)),
        hex::encode_prefixed(begin),
    )
}

fn checks(frame: &Frame, proposal: &Proposal) -> Vec<Check> {
    let (id, governor) = (proposal.id, lower(&proposal.governor));
    let rpc = "--rpc-url \"$ETH_RPC_URL\"";
    vec![
        Check::new(
            "its text, its calls in words and the votes, from an endpoint of your own; exit code 4 if text and calls differ",
            format!("quorate decode {id} --network network.toml {rpc}"),
        ),
        Check::new(
            "who could boot before and after, on proven state: a report of your own",
            format!("quorate simulate --proposal {id} --network network.toml {rpc}"),
        ),
        Check::new(
            "its state by the Governor: 0 pending, 1 open, 2 cancelled, 3 defeated, 4 accepted, 5 queued, 6 expired, 7 executed",
            format!("cast call {governor} 'state(uint256)(uint8)' {id} {rpc}"),
        ),
        Check::new("this page as JSON", format!("curl -s {}/v1/proposals/{id}", frame.base)),
    ]
}

/// Wei as ether, or votes of a token with eighteen decimals, as all that we know have.
pub(super) fn votes(weight: &U256) -> String {
    let ether = format_ether(*weight);
    match ether.contains('.') {
        true => ether.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => ether,
    }
}
