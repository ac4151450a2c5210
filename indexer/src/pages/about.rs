//! `/export`: how to take everything away and read it elsewhere.

use super::{Frame, Pages, frame::Check};
use askama::Template;
use axum::{extract::State, response::Response};

#[derive(Template)]
#[template(path = "export.html")]
struct Page<'a> {
    frame: &'a Frame,
    checks: Vec<Check>,
}

pub(super) async fn export(frame: Frame, State(_): State<Pages>) -> Response {
    let base = &frame.base;
    let checks = vec![
        Check::new("every event, page by page", format!("curl -s '{base}/v1/events?limit=1000'")),
        Check::new("how far the index is, and each trail", format!("curl -s {base}/v1/status")),
    ];
    let page = Page { frame: &frame, checks };
    frame.answer(Ok(page))
}
