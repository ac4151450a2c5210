//! `/verify`: an event, checked in the reader's browser against a block hash that this server did not choose [EXP-10]; or a
//! bundle or evidence that the reader brings, judged here [EXP-14].

use super::{Frame, Pages, assets::POLICY_OF_VERIFY, frame::Check};
use crate::{
    http::{Refused, too_large},
    views::verified::{MAX_VERIFIED_BYTES, Verified},
};
use alloy_primitives::B256;
use askama::Template;
use axum::{
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use multer::{Constraints, Multipart, SizeLimit};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    block: String,
    #[serde(default)]
    log: String,
}

#[derive(Template)]
#[template(path = "verify.html")]
struct Page<'a> {
    frame: &'a Frame,
    block: String,
    log: String,
    checks: Vec<Check>,
    brought: Option<Verified>,
}

/// A form around the file: its own lines and the block's hash.
const FORM_BYTES: u64 = 4096;

pub(super) async fn brought(
    frame: Frame,
    State(pages): State<Pages>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    frame.answer(judge(&frame, &pages, &headers, body).await)
}

async fn judge<'a>(
    frame: &'a Frame,
    pages: &Pages,
    headers: &HeaderMap,
    body: Body,
) -> Result<Page<'a>, Refused> {
    let (file, block) = form(headers, body).await?;
    let block = match block.trim() {
        "" => None,
        hash => {
            let malformed =
                |_| Refused::malformed("block: a hash of 64 hexadecimal digits, or none");
            Some(hash.parse::<B256>().map_err(malformed)?)
        }
    };
    let brought = Verified::judge(&pages.service, &file, block).await?;
    let checks = vec![match brought.sort {
        "bundle" => Check::new(
            "the same offline, with a block hash of your own",
            format!(
                "quorate verify bundle bundle.json --block \"$BLOCK\" --network {}",
                frame.network
            ),
        ),
        _ => Check::new(
            "the same as JSON",
            format!("curl -s --data-binary @evidence.bin {}/v1/verify", frame.base),
        ),
    }];
    let (block, log) = (String::new(), String::new());
    Ok(Page { frame, block, log, checks, brought: Some(brought) })
}

/// The file of the form, and what stands in its field `block`.
async fn form(headers: &HeaderMap, body: Body) -> Result<(Vec<u8>, String), Refused> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let boundary = multer::parse_boundary(kind.unwrap_or_default());
    let boundary =
        boundary.map_err(|_| Refused::malformed("the form of /verify, with its file"))?;
    let most = MAX_VERIFIED_BYTES as u64;
    let limit = SizeLimit::new().whole_stream(most.saturating_add(FORM_BYTES)).per_field(most);
    let constraints = Constraints::new().size_limit(limit);
    let mut form = Multipart::with_constraints(body.into_data_stream(), boundary, constraints);
    let (mut file, mut block) = (None, String::new());
    while let Some(field) = form.next_field().await.map_err(unread)? {
        match field.name() {
            Some("file") => file = Some(field.bytes().await.map_err(unread)?.to_vec()),
            Some("block") => block = field.text().await.map_err(unread)?,
            _ => {}
        }
    }
    let file = file.filter(|file| !file.is_empty());
    Ok((file.ok_or_else(|| Refused::malformed("file: none was chosen"))?, block))
}

fn unread(error: multer::Error) -> Refused {
    match error {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => {
            too_large()
        }
        other => Refused::malformed(format!("the form: {other}")),
    }
}

pub(super) async fn page(
    frame: Frame,
    State(_): State<Pages>,
    Query(asked): Query<Asked>,
) -> Response {
    let is_hash = asked.block.parse::<alloy_primitives::B256>().is_ok();
    let is_number = asked.log.parse::<u64>().is_ok();
    let mut checks = Vec::new();
    if is_hash && is_number {
        let here = format!("{}/v1/events/{}/{}", frame.base, asked.block, asked.log);
        checks
            .push(Check::new("the proof that the script checks", format!("curl -s {here}/proof")));
        checks.push(Check::new(
            "the block's receiptsRoot, from an endpoint of your own",
            format!("cast block {} --field receiptsRoot --rpc-url \"$ETH_RPC_URL\"", asked.block),
        ));
    }
    let page = Page { frame: &frame, block: asked.block, log: asked.log, checks, brought: None };
    let mut response = frame.answer(Ok(page));
    let policy = HeaderValue::from_static(POLICY_OF_VERIFY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}
