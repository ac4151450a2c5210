//! Pictures, drawn on the server as SVG: activity over time, the life of each code, the seats of the committee. Each has words
//! for whoever does not see it; classes carry the colours, so that no style stands inline. [EXP-6]

use super::{html::Html, utc};
use crate::views::{
    Event, Moment,
    app_policy::{Entry, State},
    committee::{Bears, Committee, Seat},
    proposal::Ballot,
    says::Act,
};
use alloy_primitives::U256;
use std::fmt::Write;

/// Columns of the activity picture.
const COLUMNS: usize = 60;
/// Lanes that fit a page.
const LANES: usize = 12;
const WIDTH: u64 = 900;
/// Where the lanes begin and end.
const LEFT: u64 = 150;
const RIGHT: u64 = WIDTH - 10;

/// How the vote stands: a bar for each option, as long as its share of what was cast.
pub(super) fn ballots(ballots: &[Ballot]) -> Html {
    const LONGEST: u64 = 250;
    let said = |ballot: &Ballot| {
        let (word, weight) = (ballot.support.word(), super::proposals::votes(&ballot.weight));
        let voters = if ballot.voters == 1 { "voter" } else { "voters" };
        format!("{weight} {word}, {} {voters}", ballot.voters)
    };
    let label: Vec<String> = ballots.iter().map(said).collect();
    let total = ballots.iter().fold(U256::ZERO, |sum, ballot| sum.saturating_add(ballot.weight));
    let mut svg = format!(
        r#"<svg class="ballots" viewBox="0 0 480 {}" role="img" aria-label="{}">"#,
        ballots.len() * 30,
        label.join("; ")
    );
    for (row, (ballot, said)) in ballots.iter().zip(&label).enumerate() {
        let unit = (total / U256::from(LONGEST)).max(U256::ONE);
        let share = ballot.weight.checked_div(unit);
        let share = share.map_or(0, |share| share.saturating_to::<u64>().min(LONGEST));
        let (word, y) = (ballot.support.word(), row * 30);
        let sign = ballot.support.sign();
        let _ = write!(
            svg,
            r#"<text class="label" x="0" y="{0}">{sign}</text><rect class="ballot {word}" x="20" y="{1}" width="{2}" height="16"/><text x="{3}" y="{0}">{said}</text>"#,
            y + 19,
            y + 6,
            share.max(1),
            share + 28,
        );
    }
    svg.push_str("</svg>");
    Html(svg)
}

/// How many events of which sort there were, over the time of `events` (newest first).
pub(super) fn activity(events: &[Event]) -> Html {
    let (Some(newest), Some(oldest)) = (events.first(), events.last()) else {
        return Html::default();
    };
    let (from, until) = (oldest.place.block_time, newest.place.block_time.saturating_add(1));
    let span = until.saturating_sub(from).max(1);
    let mut columns = vec![[0u64; 5]; COLUMNS];
    for event in events {
        let at = event.place.block_time.saturating_sub(from).saturating_mul(COLUMNS as u64) / span;
        let sort = Act::ALL.iter().position(|act| *act == event.act).unwrap_or_default();
        if let Some(count) = columns.get_mut(at as usize).and_then(|column| column.get_mut(sort)) {
            *count = count.saturating_add(1);
        }
    }
    let most = columns.iter().map(|column| column.iter().sum::<u64>()).max().unwrap_or(1).max(1);
    let mut svg = format!(
        r#"<svg class="activity" viewBox="0 0 {WIDTH} 120" role="img" aria-label="{} events from {} to {} UTC, at most {most} in one column">"#,
        events.len(),
        utc::date(from),
        utc::date(until),
    );
    let width = WIDTH / COLUMNS as u64;
    for (place, column) in columns.iter().enumerate() {
        let mut below = 100;
        for (act, count) in Act::ALL.iter().zip(column) {
            if *count > 0 {
                // What happened is seen, however much else did.
                let height = (count.saturating_mul(96) / most).max(2).min(below);
                below -= height;
                let x = place as u64 * width;
                let w = width - 2;
                let word = act.word();
                let _ = write!(
                    svg,
                    r#"<rect class="{word}" x="{x}" y="{below}" width="{w}" height="{height}"><title>{count} {word}</title></rect>"#
                );
            }
        }
    }
    let _ = write!(
        svg,
        r#"<line class="rule" x1="0" y1="100.5" x2="{WIDTH}" y2="100.5"/><text x="0" y="115">{}</text><text x="{WIDTH}" y="115" text-anchor="end">{}</text></svg>"#,
        utc::date(from),
        utc::date(until),
    );
    Html(svg)
}

/// The life of each code: waiting, in force, revoked; a tick per key that it got. `issued` newest first.
pub(super) fn lanes(codes: &[Entry], issued: &[Event], at: &Moment) -> Html {
    let shown = codes.get(codes.len().saturating_sub(LANES)..).unwrap_or_default();
    let Some(from) = shown.iter().map(|code| code.approved.block_time).min() else {
        return Html::default();
    };
    let is_coming = shown.iter().any(|code| code.state == State::Pending);
    // What is on its way lies to the right of now, in a quarter of the picture, however far away it is.
    let now = if is_coming { LEFT + (RIGHT - LEFT) * 3 / 4 } else { RIGHT };
    let span = at.time.saturating_sub(from).max(1);
    let x = |time: u64| {
        let offset = time.clamp(from, at.time.max(from)).saturating_sub(from);
        LEFT + offset.saturating_mul(now - LEFT) / span
    };
    let height = 34 * shown.len() as u64 + 24;
    let mut svg = format!(
        r#"<svg class="lanes" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="When each of {} codes was waiting, in force and revoked, and when it got keys">"#,
        shown.len()
    );
    for (row, code) in (0u64..).zip(shown) {
        let issued = issued.iter().filter(|event| {
            event.args.text("composeHash").is_ok_and(|hash| hash == code.id)
                && event.place.block_time >= code.approved.block_time
        });
        lane(&mut svg, code, issued, at, &x, row * 34 + 6);
    }
    let y = height - 4;
    let (block, bottom) = (super::html::digits(&at.block.number), height - 18);
    let _ = write!(
        svg,
        r#"<line class="now" x1="{now}" y1="0" x2="{now}" y2="{bottom}"/><text x="{LEFT}" y="{y}">{}</text><text x="{now}" y="{y}" text-anchor="end">block {block}</text>"#,
        utc::date(from),
    );
    if is_coming {
        let _ = write!(svg, r#"<text x="{RIGHT}" y="{y}" text-anchor="end">later</text>"#);
    }
    svg.push_str("</svg>");
    Html(svg)
}

/// The life of one code.
fn lane<'a>(
    svg: &mut String,
    code: &Entry,
    issued: impl Iterator<Item = &'a Event>,
    at: &Moment,
    x: &impl Fn(u64) -> u64,
    y: u64,
) {
    let (name, word) = (code.id.get(..12).unwrap_or(&code.id), code.state.word());
    let _ = write!(
        svg,
        r#"<text class="mono" x="0" y="{}">{name}…</text><text class="state" x="0" y="{}">{word}</text>"#,
        y + 15,
        y + 27
    );
    let end = code.revoked.map_or(at.time, |revoked| revoked.place.block_time);
    let begin = code.effective_at.min(end);
    bar(svg, "pending", x(code.approved.block_time), x(begin), y);
    match code.state {
        State::Pending => bar(svg, "pending", x(at.time), RIGHT, y),
        // What has only just begun is seen too.
        State::InForce => bar(svg, "in-force", x(begin).min(x(end).saturating_sub(4)), x(end), y),
        State::Revoked => bar(svg, "in-force", x(begin), x(end), y),
        State::Cancelled => {}
    }
    for event in issued {
        let (at, top) = (x(event.place.block_time), y + 3);
        let _ = write!(svg, r#"<path class="key" d="M{at} {top}l4 7-4 7-4-7z"/>"#);
    }
    if let Some(revoked) = code.revoked {
        let left = x(revoked.place.block_time).saturating_sub(6);
        let _ = write!(
            svg,
            r#"<path class="revocation" d="M{left} {y}h12l-6 20z"><title>revoked</title></path>"#
        );
    }
}

fn bar(svg: &mut String, class: &str, from: u64, to: u64, y: u64) {
    if to > from {
        let width = to - from;
        let _ = write!(
            svg,
            r#"<rect class="{class}" x="{from}" y="{}" width="{width}" height="12"/>"#,
            y + 4
        );
    }
}

/// The seats of the epoch that serves, a column per vendor.
pub(super) fn seats(committee: &Committee, bears: &Bears) -> Html {
    let Some(epoch) = committee.active() else { return Html::default() };
    let tallest = bears.vendors.iter().map(|vendor| vendor.seats).max().unwrap_or(1);
    let (column, row) = (200, 66);
    let width = column * bears.vendors.len() as u64 + 10;
    let height = row * tallest + 56;
    let mut svg = format!(
        r#"<svg class="seats" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-label="{} seats of {} vendors; {} must act together, {} more may fail, {} may be evil">"#,
        bears.n,
        bears.vendors.len(),
        bears.t,
        bears.may_fail,
        bears.may_be_evil,
    );
    for (place, vendor) in (0u64..).zip(&bears.vendors) {
        let left = place * column;
        let software = epoch.recipients.iter().filter_map(|seat| committee.seat(*seat));
        let of_it: Vec<&Seat> = software.filter(|seat| seat.vendor == vendor.name).collect();
        let is_software = of_it.iter().any(|seat| seat.is_software);
        let kind = if is_software { " · SOFTWARE" } else { "" };
        let _ = write!(
            svg,
            r#"<rect class="vendor{}" x="{}" y="2" width="{}" height="{}" rx="4"/><text class="label" x="{}" y="22">{}{kind}</text><text x="{}" y="38">{} of at most {}</text>"#,
            if is_software { " software" } else { "" },
            left + 2,
            column - 8,
            height - 4,
            left + 12,
            super::html::escape(&vendor.name),
            left + 12,
            vendor.seats,
            bears.may_be_evil,
        );
        for (at, seat) in (0u64..).zip(of_it) {
            seat_of(&mut svg, epoch.members.contains(&seat.seat), seat, left + 12, 50 + at * row);
        }
    }
    svg.push_str("</svg>");
    Html(svg)
}

fn seat_of(svg: &mut String, is_member: bool, seat: &Seat, x: u64, y: u64) {
    let (class, word) = match (seat.suspended, is_member) {
        (Some(_), _) => ("suspended", "suspended"),
        (None, true) => ("acting", "acts"),
        (None, false) => ("silent", "silent"),
    };
    let _ = write!(
        svg,
        r#"<g class="seat {class}"><circle cx="{}" cy="{}" r="22"/><text class="number" x="{}" y="{}" text-anchor="middle">{}</text><text x="{}" y="{}">{}</text><text class="faint" x="{}" y="{}">{word}</text></g>"#,
        x + 24,
        y + 28,
        x + 24,
        y + 34,
        seat.seat,
        x + 54,
        y + 26,
        super::html::escape(seat.operator.get(..14).unwrap_or(&seat.operator)),
        x + 54,
        y + 42,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::app::tests::event;
    use alloy_primitives::{Address, B256};
    use serde_json::json;

    #[test]
    fn activity_has_words_and_a_column_for_whatever_happened() {
        // [EXP-6]
        let at = |name: &str, block| {
            let kind = crate::decode::Kind::Policy;
            event(kind, Address::ZERO, name, json!({}), block)
        };
        let picture = activity(&[at("ComposeHashRevoked", 9), at("ComposeHashApproved", 1)]).0;
        assert!(picture.contains("aria-label=\"2 events from 1970-01-01"), "{picture}");
        assert_eq!(picture.matches("<rect").count(), 2);
        assert!(!picture.contains("style="));
        assert_eq!(activity(&[]), Html::default());
    }

    #[test]
    fn what_waits_lies_to_the_right_of_now() {
        let place = event(crate::decode::Kind::Policy, Address::ZERO, "", json!({}), 5).place;
        let code = |state, effective_at| Entry {
            id: B256::repeat_byte(1).to_string(),
            state,
            approved: place,
            effective_at,
            uri: String::new(),
            revoked: None,
        };
        let block = light_client::BlockRef::new(10, B256::ZERO);
        let at = Moment { block, time: 100 };
        let without = lanes(&[code(State::InForce, 50)], &[], &at).0;
        assert!(without.contains(&format!(r#"x1="{RIGHT}""#)), "{without}");
        let with = lanes(&[code(State::InForce, 50), code(State::Pending, u64::MAX)], &[], &at).0;
        assert!(with.contains("later") && !with.contains(&format!(r#"x1="{RIGHT}""#)), "{with}");
        assert_eq!(lanes(&[], &[], &at), Html::default());
    }

    #[test]
    fn a_ballot_is_as_long_as_its_share() {
        // [EXP-6]
        use crate::views::proposal::Support;
        let of =
            |support, weight: u128, voters| Ballot { support, weight: U256::from(weight), voters };
        let vote = 1_000_000_000_000_000_000_u128;
        let all = [
            of(Support::For, 3 * vote, 2),
            of(Support::Against, vote, 1),
            of(Support::Abstain, 0, 0),
        ];
        let svg = ballots(&all).0;
        assert!(
            svg.contains("aria-label=\"3 for, 2 voters; 1 against, 1 voter; 0 abstain, 0 voters\""),
            "{svg}"
        );
        for width in ["width=\"187\"", "width=\"62\"", "width=\"1\""] {
            assert!(svg.contains(width), "{width} in {svg}");
        }
        let none = [of(Support::For, 0, 0)];
        assert!(ballots(&none).0.contains("0 for, 0 voters"), "no division by nothing");
        let few = [of(Support::For, 3, 1)];
        assert!(ballots(&few).0.contains("width=\"3\""), "weights without decimals");
    }
}
