//! The text of a proposal: a title, words, and a block `quorate` that says what the calls approve, hash by hash.

use super::approvals::{Approval, approvals};
use crate::{Call, inner::Unreadable};
use alloy_primitives::{Address, B256, hex};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

const FENCE: &str = "```";
const BLOCK: &str = "```quorate";
const DIFF: &str = "```diff";
const VERSION: u32 = 1;

/// What somebody writes about a proposal.
#[derive(Debug, Default)]
pub struct Draft {
    /// The first heading.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// The images behind compose hashes, where their compose file was at hand.
    pub images: Vec<(B256, Vec<String>)>,
    /// What changed from the compose file before.
    pub diff: String,
    /// keccak256 of the simulation's report.
    pub simulation: Option<B256>,
    /// Only this account can propose this text: nobody can take its id before it.
    pub proposer: Option<Address>,
}

/// The block.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Block {
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    simulation: Option<B256>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    approves: Vec<Stated>,
}

/// An approval, as the text states it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    what: String,
    at: Address,
    hash: B256,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    uri: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    images: Vec<String>,
}

/// Why a text can't stand for its calls.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message says it, field by field")]
pub enum TextError {
    #[error("a call approves {0}; the text does not name it")]
    Unnamed(Approval),
    #[error("the text says that {what} {hash} is approved at {at}; no call does that")]
    NotInCalls { what: String, hash: B256, at: Address },
    #[error("the text says {stated:?} for the uri of {hash}, the call {actual:?}")]
    OtherUri { hash: B256, stated: String, actual: String },
    #[error("the text names {0}, which no call carries")]
    Stray(B256),
    #[error("the text has {0} blocks `quorate`; one is allowed")]
    Blocks(usize),
    #[error("the block `quorate` of the text: {0}")]
    Malformed(#[from] toml::de::Error),
    #[error("the block `quorate` of the text has version {0}; 1 is known")]
    Version(u32),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("a title is one line of text")]
    Title,
}

/// The whole description: heading, words, block, difference, and who may propose it. [GOV-20] [GOV-21]
pub fn describe(draft: &Draft, calls: &[Call]) -> Result<String, TextError> {
    let title = draft.title.trim();
    if title.is_empty() || title.chars().any(char::is_control) {
        return Err(TextError::Title);
    }
    let block = Block {
        version: VERSION,
        simulation: draft.simulation,
        approves: approvals(calls)?.into_iter().map(|approval| stated(approval, draft)).collect(),
    };
    let mut parts = vec![format!("# {title}")];
    if !draft.body.trim().is_empty() {
        parts.push(draft.body.trim().to_owned());
    }
    // A struct of strings and numbers has no reason to fail.
    parts.push(format!("{BLOCK}\n{}{FENCE}", toml::to_string(&block).unwrap_or_default()));
    if !draft.diff.is_empty() {
        parts.push(format!("{DIFF}\n{}\n{FENCE}", draft.diff.trim_end()));
    }
    if let Some(proposer) = draft.proposer {
        parts.push(format!("#proposer={}", proposer.to_checksum(None)));
    }
    let description = parts.join("\n\n");
    text_against_calldata(&description, calls)?;
    Ok(description)
}

fn stated(approval: Approval, draft: &Draft) -> Stated {
    let images = draft.images.iter().find(|(hash, _)| *hash == approval.hash);
    Stated {
        what: approval.what.to_owned(),
        at: approval.at,
        hash: approval.hash,
        uri: approval.uri,
        images: images.map(|(_, images)| images.clone()).unwrap_or_default(),
    }
}

/// Whether the text of a proposal names what its calls approve, and nothing else. [GOV-20]
///
/// Each approval must be in the block `quorate`, and each entry of the block in a call; without a block each hash must at
/// least stand in the text. Any other hash of 32 bytes in the text must occur in some call, so that no second hash can be
/// held up to voters. Image digests (`sha256:…`) and a fenced `diff` are no such hashes.
pub fn text_against_calldata(description: &str, calls: &[Call]) -> Result<(), TextError> {
    let approved = approvals(calls)?;
    let (prose, blocks) = split(description);
    let named = hashes(&prose);
    let in_words: HashSet<B256> = named.iter().copied().collect();
    let mut stray = in_words.clone();
    match blocks.as_slice() {
        [] => {
            for approval in &approved {
                if !in_words.contains(&approval.hash) {
                    return Err(TextError::Unnamed(approval.clone()));
                }
            }
        }
        [block] => {
            let block: Block = toml::from_str(block)?;
            if block.version != VERSION {
                return Err(TextError::Version(block.version));
            }
            same(&block.approves, &approved)?;
            if let Some(simulation) = block.simulation {
                stray.remove(&simulation);
            }
        }
        more => return Err(TextError::Blocks(more.len())),
    }
    // Once over the bytes, however many hashes there are.
    for bytes in calls.iter().flat_map(|call| call.calldata.windows(32)) {
        if stray.is_empty() {
            break;
        }
        stray.remove(bytes);
    }
    match named.into_iter().find(|hash| stray.contains(hash)) {
        Some(stray) => Err(TextError::Stray(stray)),
        None => Ok(()),
    }
}

/// keccak256 of the simulation's report that a text names, where it has one block and that can be read.
pub fn simulation_of(description: &str) -> Option<B256> {
    match split(description).1.as_slice() {
        [block] => toml::from_str::<Block>(block).ok()?.simulation,
        _ => None,
    }
}

fn same(stated: &[Stated], approved: &[Approval]) -> Result<(), TextError> {
    // Of several with one name the first counts.
    let mut by_name = HashMap::new();
    for approval in approved {
        by_name.entry((approval.what, approval.at, approval.hash)).or_insert(approval);
    }
    for entry in stated {
        let name = (entry.what.as_str(), entry.at, entry.hash);
        let Some(approval) = by_name.get(&name) else {
            let (what, hash, at) = (entry.what.clone(), entry.hash, entry.at);
            return Err(TextError::NotInCalls { what, hash, at });
        };
        if approval.uri != entry.uri {
            let (stated, actual) = (entry.uri.clone(), approval.uri.clone());
            return Err(TextError::OtherUri { hash: entry.hash, stated, actual });
        }
    }
    let stated: HashSet<_> =
        stated.iter().map(|entry| (entry.what.as_str(), entry.at, entry.hash)).collect();
    let is_stated =
        |approval: &&Approval| stated.contains(&(approval.what, approval.at, approval.hash));
    match approved.iter().find(|approval| !is_stated(approval)) {
        Some(unnamed) => Err(TextError::Unnamed(unnamed.clone())),
        None => Ok(()),
    }
}

/// The text without its blocks and differences, and the blocks.
fn split(description: &str) -> (String, Vec<String>) {
    let (mut prose, mut blocks) = (String::new(), Vec::new());
    let mut inside: Option<(bool, String)> = None;
    for line in description.lines() {
        let mark = line.trim_end();
        inside = match inside {
            None if mark == BLOCK => Some((true, String::new())),
            None if mark == DIFF => Some((false, String::new())),
            None => {
                prose.push_str(line);
                prose.push('\n');
                None
            }
            Some((is_block, text)) if mark == FENCE => {
                if is_block {
                    blocks.push(text);
                }
                None
            }
            Some((is_block, mut text)) => {
                text.push_str(line);
                text.push('\n');
                Some((is_block, text))
            }
        };
    }
    match inside {
        // Never closed: a renderer shows it all the same.
        Some((true, text)) => blocks.push(text),
        Some((false, text)) => prose.push_str(&text),
        None => {}
    }
    (prose, blocks)
}

/// Words of 64 hexadecimal digits, with 0x or without; image digests are not meant.
fn hashes(text: &str) -> Vec<B256> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_alphanumeric()) {
        let (before, word) = rest.split_at(start);
        let end = word.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        let is_digest =
            before.ends_with(':') && text_before(text, rest, before).ends_with("sha256:");
        let digits = word.strip_prefix("0x").unwrap_or(word);
        if digits.len() == 64
            && !is_digest
            && let Ok(bytes) = hex::decode(digits)
        {
            found.push(B256::from_slice(&bytes));
        }
        rest = after;
    }
    found
}

/// What stands before the word that follows `before`.
fn text_before<'a>(text: &'a str, rest: &str, before: &str) -> &'a str {
    let at = text.len().saturating_sub(rest.len()).saturating_add(before.len());
    text.get(..at).unwrap_or_default()
}

#[cfg(test)]
mod tests;
