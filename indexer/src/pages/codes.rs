//! The texts behind an app's codes: what the newest declare, and what changed from the code that was approved before. [EXP-13]

use super::{
    html::Html,
    markdown::lines_within,
    texts::{changes, of_text_within},
};
use crate::{
    store::Store,
    views::app_policy::{Allowlist, Entry, State},
};
use anyhow::Result;
use proposal::compose::Declared;

/// Codes whose text an app's page opens; each has a page of its own.
const FEW: usize = 3;

/// What they may weigh together. [EXP-9]
const MOST: usize = 20 * 1024;

/// A code, and the text behind it as far as somebody sent it.
pub(super) struct CodeText {
    pub(super) id: String,
    pub(super) state: &'static str,
    pub(super) is_sent: bool,
    pub(super) declared: Option<Declared>,
    /// The code that was approved before it, and what changed; `None`: one of the two was not sent.
    pub(super) before: Option<(String, Option<Html>)>,
}

/// Codes that may boot now or soon, newest first.
pub(super) async fn texts(store: &Store, list: Option<&Allowlist>) -> Result<Vec<CodeText>> {
    let codes = list.map_or(&[][..], |list| list.codes.as_slice());
    let is_alive = |code: &Entry| matches!(code.state, State::InForce | State::Pending);
    let alive = codes.iter().enumerate().rev().filter(|(_, code)| is_alive(code)).take(FEW);
    let (mut found, mut left) = (Vec::new(), MOST);
    for (place, code) in alive {
        let earlier = codes.get(..place).unwrap_or_default();
        let before = earlier.iter().rev().find(|earlier| earlier.id != code.id);
        let text = store.text(code.id.parse()?).await?;
        let before = match before {
            None => None,
            Some(before) => Some((before.id.clone(), store.text(before.id.parse()?).await?)),
        };
        let (id, state) = (code.id.clone(), code.state.word());
        found.push(opened(id, state, text.as_deref(), before, &mut left));
    }
    Ok(found)
}

/// A code as far as there is room for it: what changed first, then what it declares.
fn opened(
    id: String,
    state: &'static str,
    text: Option<&str>,
    before: Option<(String, Option<String>)>,
    left: &mut usize,
) -> CodeText {
    let before = before.map(|(before, other)| {
        let changed = text.zip(other).map(|(text, other)| changes(&other, text));
        let changed = changed.map(|changed| lines_within(&changed, *left));
        *left = left.saturating_sub(changed.as_ref().map_or(0, |shown| shown.0.len()));
        (before, changed)
    });
    let declared = text.and_then(|text| of_text_within(text, *left));
    let (declared, weight) = declared.unzip();
    *left = left.saturating_sub(weight.unwrap_or_default());
    CodeText { id, state, is_sent: text.is_some(), declared, before }
}

#[cfg(test)]
mod tests {
    use super::*;
    use askama::Template;
    use serde_json::json;

    #[derive(Template)]
    #[template(
        source = "{% for code in texts %}{% if let Some(declared) = code.declared %}{% include \"declared.html\" %}{% endif %}{% if let Some((_, Some(changed))) = code.before %}{{ changed }}{% endif %}{% endfor %}",
        ext = "html"
    )]
    struct Shown {
        texts: Vec<CodeText>,
    }

    #[test]
    fn three_long_texts_weigh_no_more_than_there_is_room_for() {
        // [EXP-9] Each declares much, and differs from the one before in every line; quotes grow most in HTML.
        let file = |mark: &str, ports: usize| {
            let ports: String =
                (0..ports).map(|port| format!("      - '{port}:{mark}'\n")).collect();
            let services = format!("services:\n  web:\n    image: nginx\n    ports:\n{ports}");
            json!({ "docker_compose_file": services }).to_string()
        };
        for ports in [1, 20, 40, 200, 3000] {
            let mut left = MOST;
            let other = |mark| Some(("before".to_owned(), Some(file(mark, ports))));
            let texts = ["1", "2", "3"].map(|mark| {
                let text = file(mark, ports);
                opened(mark.to_owned(), "in_force", Some(&text), other("9"), &mut left)
            });
            if ports == 1 {
                assert!(texts.iter().all(|code| code.declared.is_some()));
            }
            let weight = Shown { texts: texts.into() }.render().unwrap().len();
            assert!(weight < MOST + 2 * 1024, "{ports}: {weight}");
        }
    }
}
