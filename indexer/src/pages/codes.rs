//! The texts behind an app's codes: what the newest declare, and what changed from the code that was approved before. [EXP-13]

use super::{
    html::Html,
    markdown::lines,
    texts::{changes, of_text},
};
use crate::{
    store::Store,
    views::app_policy::{Allowlist, Entry, State},
};
use anyhow::Result;
use proposal::compose::Declared;

/// Codes whose text an app's page opens; each has a page of its own.
const FEW: usize = 3;

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
    let mut found = Vec::new();
    for (place, code) in alive {
        let earlier = codes.get(..place).unwrap_or_default();
        let before = earlier.iter().rev().find(|earlier| earlier.id != code.id);
        let text = store.text(code.id.parse()?).await?;
        let before = match before {
            None => None,
            Some(before) => {
                let other = store.text(before.id.parse()?).await?;
                let changed = text.as_deref().zip(other).map(|(text, other)| changes(&other, text));
                Some((before.id.clone(), changed.map(|changed| lines(&changed))))
            }
        };
        found.push(CodeText {
            id: code.id.clone(),
            state: code.state.word(),
            is_sent: text.is_some(),
            declared: text.as_deref().and_then(of_text),
            before,
        });
    }
    Ok(found)
}
