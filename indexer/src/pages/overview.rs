//! `/`: is the index whole, what is trusted, what is on its way, what happened last.

use super::{
    Frame, Pages,
    frame::Check,
    html::{self, Html},
    picture,
};
use crate::{http::Refused, views::overview::Overview};
use askama::Template;
use axum::{extract::State, response::Response};

#[derive(Template)]
#[template(path = "overview.html")]
struct Page<'a> {
    frame: &'a Frame,
    view: Overview,
    activity: Html,
    head_source: &'a str,
    lag: u64,
    checks: Vec<Check>,
}

pub(super) async fn page(frame: Frame, State(pages): State<Pages>) -> Response {
    frame.answer(build(&frame, &pages).await)
}

async fn build<'a>(frame: &'a Frame, pages: &'a Pages) -> Result<Page<'a>, Refused> {
    let view = Overview::load(&pages.service.store, &frame.as_of).await?;
    let checks = vec![
        Check::new(
            "every trail against its proven slot",
            format!("curl -s {}/v1/status", frame.base),
        ),
        Check::new("this page as JSON", format!("curl -s {}/v1/overview", frame.base)),
    ];
    let activity = picture::activity(&view.pictured);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_secs());
    Ok(Page {
        frame,
        view,
        activity,
        head_source: &pages.service.head_source,
        lag: now.saturating_sub(frame.as_of.latest_time),
        checks,
    })
}
