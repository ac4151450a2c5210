//! A list as JSON, CSV or JSON Lines, with headers that say what the rows are and a digest over the bytes, so that a file on its own
//! can be checked and cited. What it is a list of says [`Page`]. [API-2]

use super::{
    Refused,
    problem::Code,
    shape::{AsOf, Block, Trail},
};
use crate::store::Cursor;
use anyhow::Context;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use light_client::BlockRef;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Debug;
use utoipa::ToSchema;

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    Json,
    Csv,
    Jsonl,
}

/// Which blocks the rows are of.
pub(super) struct Range {
    /// The newest block of the list.
    pub(super) of: BlockRef,
    pub(super) from: u64,
    pub(super) to: u64,
}

/// Something that lists are of. Its members are the columns of a CSV file, each under its own name.
pub(crate) trait Row: Serialize {
    const COLUMNS: &'static [&'static str];
}

/// Some rows of a list: its JSON, and what the headers say.
pub(super) trait Page: Serialize {
    type Row: Row;
    /// The last part of its path.
    const NAME: &'static str;

    fn rows(&self) -> &[Self::Row];

    fn as_of(&self) -> AsOf;

    /// The cursor for the rest, if there is one.
    fn next_cursor(&self) -> Option<&str>;

    /// The trail that commits to the rows, if they are of one contract.
    fn trail(&self) -> Option<&Trail> {
        None
    }
}

impl Format {
    const ALL: [Self; 3] = [Self::Json, Self::Csv, Self::Jsonl];

    /// What the query says, else what `Accept` likes most.
    pub(super) fn choose(asked: Option<Self>, headers: &HeaderMap) -> Result<Self, Refused> {
        if let Some(format) = asked {
            return Ok(format);
        }
        let accepted: Vec<&str> = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        if accepted.is_empty() {
            return Ok(Self::Json);
        }
        let mut best: Option<(u16, Self)> = None;
        for format in Self::ALL {
            let quality = format.quality(&accepted);
            if quality > best.map_or(0, |(quality, _)| quality) {
                best = Some((quality, format));
            }
        }
        best.map(|(_, format)| format).ok_or_else(|| {
            let ours = "application/json, text/csv or application/jsonl";
            Refused::new(Code::NotAcceptable, format!("accept: {ours}"))
        })
    }

    /// In thousandths, of the most specific range that names the format.
    fn quality(self, accepted: &[&str]) -> u16 {
        let mut found = (0, 0);
        for range in accepted {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let precision = match name.as_str() {
                name if self.names().contains(&name) => 3,
                "text/*" if self == Self::Csv => 2,
                "application/*" if self != Self::Csv => 2,
                "*/*" => 1,
                _ => continue,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
            let quality = quality.unwrap_or(1.0).clamp(0.0, 1.0) * 1000.0;
            if precision > found.0 {
                // Between 0 and 1000.
                found = (precision, quality as u16);
            }
        }
        found.1
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["application/json"],
            Self::Csv => &["text/csv"],
            Self::Jsonl => &["application/jsonl", "application/x-ndjson"],
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Jsonl => "application/jsonl",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    pub(super) fn write<P: Page>(self, page: &P) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Json => serde_json::to_vec(page).context("a page is JSON"),
            Self::Csv => Ok(csv(page.rows())?.into_bytes()),
            Self::Jsonl => {
                let mut lines = Vec::new();
                for row in page.rows() {
                    serde_json::to_writer(&mut lines, row)?;
                    lines.push(b'\n');
                }
                Ok(lines)
            }
        }
    }
}

/// RFC 4180: CRLF, quotes doubled.
fn csv<R: Row>(rows: &[R]) -> anyhow::Result<String> {
    let mut text = R::COLUMNS.join(",");
    text.push_str("\r\n");
    for row in rows {
        let row = serde_json::to_value(row)?;
        for (index, column) in R::COLUMNS.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            let cell = row.get(column).map(cell).unwrap_or_default();
            match cell.contains([',', '"', '\r', '\n']) {
                true => text.push_str(&format!("\"{}\"", cell.replace('"', "\"\""))),
                false => text.push_str(&cell),
            }
        }
        text.push_str("\r\n");
    }
    Ok(text)
}

/// Text as it is, nothing for null, and compact JSON for all else, so that a cell loses nothing of what is nested.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The list's block, and a hash over all else that the answer depends on; `rest` is what neither query nor finality say.
pub(super) fn tag(
    format: Format,
    query: &str,
    of: BlockRef,
    cursor: &Cursor,
    rest: &impl Debug,
) -> String {
    let finality = (cursor.head, cursor.safe, cursor.finalized);
    let rest = format!("{format:?} {finality:?} {rest:?} {query}");
    let rest = Sha256::digest(rest.as_bytes());
    format!("\"{}-{}\"", of.hash, hex::encode(rest.get(..8).unwrap_or_default()))
}

/// Whether the caller has the answer with this tag.
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let told = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = told.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    tags.any(|told| told.trim().trim_start_matches("W/") == tag || told.trim() == "*")
}

pub(super) fn not_modified(tag: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    put(response.headers_mut(), header::ETAG, tag);
    put(response.headers_mut(), header::VARY, "accept");
    response
}

/// The list, with its headers.
pub(super) fn respond<P: Page>(
    format: Format,
    page: &P,
    range: &Range,
    query: &str,
    tag: &str,
) -> Result<Response, Refused> {
    let body = format.write(page)?;
    let digest = format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(&body)));
    let mut headers = HeaderMap::new();
    let name = HeaderName::from_static;
    put(&mut headers, header::CONTENT_TYPE, format.content_type());
    put(&mut headers, header::ETAG, tag);
    put(&mut headers, header::VARY, "accept");
    // The whole page is one representation, in no content coding: both digests are over its bytes (RFC 9530).
    put(&mut headers, name("content-digest"), &digest);
    put(&mut headers, name("repr-digest"), &digest);
    put(&mut headers, name("quorate-as-of"), &as_of(&page.as_of()));
    let more = u8::from(page.next_cursor().is_some());
    let range_words = format!(
        "list={}, from={}, to={}, count={}, more=?{more}",
        block(&range.of.into()),
        range.from,
        range.to,
        page.rows().len()
    );
    put(&mut headers, name("quorate-range"), &range_words);
    if let Some(trail) = page.trail() {
        let Trail { seq, head, at, verdict, .. } = trail;
        let words = format!("seq={seq}, head=\"{head}\", at={}, verdict={verdict}", block(at));
        put(&mut headers, name("quorate-trail"), &words);
    }
    if let Some(cursor) = page.next_cursor() {
        let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
        let kept: String = kept.map(|pair| format!("{pair}&")).collect();
        let link = format!("</v1/{}?{kept}cursor={cursor}>; rel=\"next\"", P::NAME);
        put(&mut headers, header::LINK, &link);
    }
    if format != Format::Json {
        let file = format!("{}-{}-{}.{}", P::NAME, range.from, range.to, format.ending());
        let words = format!("attachment; filename=\"{file}\"");
        put(&mut headers, header::CONTENT_DISPOSITION, &words);
    }
    let mut response = Response::new(Body::from(body));
    *response.headers_mut() = headers;
    Ok(response)
}

/// Structured fields, RFC 9651.
fn as_of(as_of: &AsOf) -> String {
    let (latest, finalized) = (block(&as_of.latest), block(&as_of.finalized));
    format!("latest={latest}, safe={}, finalized={finalized}", as_of.safe.number)
}

fn block(block: &Block) -> String {
    format!("{};hash=\"{}\"", block.number, block.hash)
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // Everything that is put here is visible ASCII; a query that is not can't be a link.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
pub(super) mod tests;
