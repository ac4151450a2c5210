//! Pieces of HTML that every page uses. Whatever comes from the chain passes through `escape`, here or in a template.

use super::utc;
use crate::views::{
    Event, Place,
    says::{Act, Part, sentence},
};
use alloy_primitives::{Address, B256};
use askama::filters::HtmlSafe;
use std::fmt;

/// HTML that may stand as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Html(pub(super) String);

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Html {}

/// Text that can't end a tag or an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Writing direction must not be turned around by text from the chain.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// An address as links and API write it.
pub(super) fn lower(address: &Address) -> String {
    format!("0x{}", alloy_primitives::hex::encode(address))
}

/// A hash that leads to whatever the index knows by it. All of it is in the text, so it copies whole.
pub(super) fn hash(hash: &impl fmt::Display) -> Html {
    let text = escape(&hash.to_string());
    Html(format!(r#"<a class="hash" href="/find/{text}">{text}</a>"#))
}

/// A hash that the index knows nothing by.
pub(super) fn plain(hash: &impl fmt::Display) -> Html {
    Html(format!(r#"<span class="hash">{}</span>"#, escape(&hash.to_string())))
}

pub(super) fn address(address: &Address) -> Html {
    hash(&lower(address))
}

pub(super) fn account(address: &Address) -> Html {
    plain(&lower(address))
}

pub(super) fn app(app: &Address) -> Html {
    let text = lower(app);
    Html(format!(r#"<a class="hash" href="/apps/{text}">{text}</a>"#))
}

pub(super) fn contract(contract: &Address) -> Html {
    let text = lower(contract);
    Html(format!(r#"<a class="hash" href="/contracts/{text}">{text}</a>"#))
}

/// A block by its number; its hash is where the link leads.
pub(super) fn block(number: &u64, hash: &B256) -> Html {
    Html(format!(r#"<a class="block" href="/blocks/{hash}">{}</a>"#, digits(number)))
}

/// The block of a place.
pub(super) fn at(place: &Place) -> Html {
    block(&place.block_number, &place.block_hash)
}

/// Where an event's own page is.
pub(super) fn path(place: &Place) -> String {
    format!("/events/{}/{}", place.block_hash, place.log_index)
}

/// An event by its name, leading to its page.
pub(super) fn event(event: &Event) -> Html {
    let name = if event.name().is_empty() { "(undecoded)" } else { event.name() };
    Html(format!(r#"<a href="{}">{}</a>"#, path(&event.place), escape(name)))
}

/// What sort of act: a shape, a word, and only then a colour. [EXP-6]
pub(super) fn act(act: &Act) -> Html {
    let (word, sign) = (act.word(), act.sign());
    Html(format!(
        r#"<span class="act {word}"><span class="sign" aria-hidden="true">{sign}</span> {word}</span>"#
    ))
}

/// How final, in a word.
pub(super) fn finality(word: &str) -> Html {
    Html(format!(r#"<span class="finality {word}">{word}</span>"#))
}

/// What an event says, with links.
pub(super) fn says(event: &Event) -> Html {
    let mut text = String::new();
    for part in sentence(event) {
        match part {
            Part::Text(words) => match cut(&words, MOST_WORDS) {
                Some(begin) => text.push_str(&format!("{}…", escape(begin))),
                None => text.push_str(&escape(&words)),
            },
            Part::Hash(hex) => text.push_str(&hash(&hex).0),
            Part::Plain(hex) => text.push_str(&plain(&hex.get(..66).unwrap_or(&hex)).0),
            Part::Time(time) => text.push_str(&date(&time).0),
        }
    }
    if text.is_empty() {
        text.push_str(r#"<span class="faint">raw topics and data</span>"#);
    }
    Html(text)
}

/// A moment in UTC. One that no calendar holds is told as seconds.
pub(super) fn date(seconds: &u64) -> Html {
    if *seconds > 253_402_300_799 {
        return Html(format!("second {seconds}"));
    }
    let date = utc::date(*seconds);
    let iso = date.replace(' ', "T");
    Html(format!(r#"<time datetime="{iso}Z">{date} UTC</time>"#))
}

/// A moment in UTC, and how long before or after the block that the page stands for.
pub(super) fn when(seconds: &u64, now: &u64) -> Html {
    let relative = utc::relative(*seconds, *now);
    Html(format!(r#"{} <span class="ago">{relative}</span>"#, date(seconds)))
}

/// `1,234,567`
pub(super) fn digits(number: &u64) -> String {
    let plain = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in plain.chars().enumerate() {
        if place > 0 && (plain.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Characters of an address that a page shows. A longer one is no link: it would lead elsewhere than it says.
const MOST_URI: usize = 300;
/// Characters of one argument in a sentence.
const MOST_WORDS: usize = 300;

/// The first of a list, as far as they fit into so many bytes: a page says how many are left out.
pub(super) fn fitting<T>(
    items: impl IntoIterator<Item = T>,
    most: usize,
    weigh: impl Fn(&T) -> usize,
) -> Vec<T> {
    let mut left = most;
    let mut fits = |item: &T| {
        let rest = left.checked_sub(weigh(item));
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    items.into_iter().take_while(|item| fits(item)).collect()
}

/// The beginning of a text that is longer than that.
fn cut(text: &str, most: usize) -> Option<&str> {
    text.char_indices().nth(most).and_then(|(end, _)| text.get(..end))
}

/// A link behind a hash; only what a browser opens as a page is one. Anything else is told as text.
pub(super) fn uri(uri: &str) -> Html {
    if let Some(begin) = cut(uri, MOST_URI) {
        return Html(format!(r#"<span class="uri">{}…</span>"#, escape(begin)));
    }
    let text = escape(uri);
    match uri.starts_with("https://") || uri.starts_with("http://") {
        true => {
            Html(format!(r#"<a class="uri" href="{text}" rel="noreferrer nofollow">{text}</a>"#))
        }
        false => Html(format!(r#"<span class="uri">{text}</span>"#)),
    }
}

/// A reason code with its word.
pub(super) fn reason(code: &u64) -> String {
    u8::try_from(*code).map_or_else(|_| code.to_string(), wire::reason::text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_the_chain_stays_text() {
        // [EXP-7]
        let evil = r#"https://x/"><script>alert(1)</script>"#;
        let link = uri(evil).0;
        let long = format!("https://x/{}", "'".repeat(100_000));
        assert!(uri(&long).0.len() < 2000 && !uri(&long).0.contains("href"));
        assert!(!link.contains("<script") && !link.contains("\"><"), "{link}");
        for other in ["javascript:alert(1)", "data:text/html,x", "ipfs://x", " https://x"] {
            assert!(!uri(other).0.contains("href"), "{other}");
        }
        assert!(!hash(&"0x\"><b>").0.contains("<b>"));
        assert_eq!(escape("a\u{202e}b"), "a\u{fffd}b");
    }

    #[test]
    fn numbers_have_groups_of_three() {
        assert_eq!([digits(&7), digits(&1234), digits(&1_234_567)], ["7", "1,234", "1,234,567"]);
    }

    #[test]
    fn a_moment_beyond_the_calendar_is_told_as_seconds() {
        assert_eq!(date(&u64::MAX).0, format!("second {}", u64::MAX));
        assert!(date(&0).0.contains("1970-01-01 00:00:00 UTC"));
    }
}
