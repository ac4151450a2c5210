//! A refusal as a page.

use super::{Frame, Pages, frame::render};
use crate::http::Refused;
use askama::Template;
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

#[derive(Debug, Template)]
#[template(path = "error.html")]
struct Page<'a> {
    frame: &'a Frame,
    status: u16,
    title: &'a str,
    detail: &'a str,
}

/// The refusal, inside the frame that every page has.
pub(super) fn page(frame: &Frame, refused: &Refused) -> Response {
    let (status, title, detail) = refused.words();
    (status, render(&Page { frame, status: status.as_u16(), title, detail })).into_response()
}

pub(super) fn missing(detail: &str) -> Refused {
    Refused::not_found(detail)
}

/// Neither page nor resource: browsers get a page, programs a problem.
pub(super) async fn not_found(State(pages): State<Pages>, request: Request) -> Response {
    let refused = missing("see /export for the pages and resources that there are");
    if request.uri().path().starts_with("/v1/") || !wants_html(request.headers()) {
        return refused.into_response();
    }
    let (mut parts, _) = request.into_parts();
    match Frame::from_request_parts(&mut parts, &pages).await {
        Ok(frame) => page(&frame, &refused),
        Err(response) => response,
    }
}

fn wants_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// When not even the frame can be made.
pub(super) fn bare(refused: Refused) -> Response {
    let (_, title, detail) = refused.words();
    let text = format!("{title}: {detail}\n");
    (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
}
