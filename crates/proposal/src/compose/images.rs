//! The images that a docker compose file runs, and whether each is pinned.
//!
//! A line reader, not a YAML parser: it finds `image:` at the start of a key, quoted or not, and in flow mappings. It only
//! warns people; what counts is the hash over the whole text.

/// An `image:` of a docker compose file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageReference {
    /// As written, without quotes.
    pub reference: String,
    /// Line in the docker compose file, from 1.
    pub line: usize,
}

impl ImageReference {
    /// Whether the reference names content: `@sha256:` and 64 hexadecimal digits.
    pub fn is_pinned(&self) -> bool {
        self.reference.rsplit_once("@sha256:").is_some_and(|(_, digest)| {
            digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    }
}

/// Every image that the text names, in order.
pub fn images(docker_compose_file: &str) -> Vec<ImageReference> {
    docker_compose_file
        .lines()
        .enumerate()
        .filter_map(|(index, line)| {
            Some(ImageReference { reference: image_of(line)?, line: index.saturating_add(1) })
        })
        .collect()
}

fn image_of(line: &str) -> Option<String> {
    let line = line.trim_start();
    if line.starts_with('#') {
        return None;
    }
    let at = key_positions(line).find(|at| starts_a_key(line, *at))?;
    let value = line.get(at..)?.split_once(':')?.1.trim_start();
    let reference = match value.chars().next()? {
        quote @ ('"' | '\'') => value.get(1..)?.split(quote).next()?,
        _ => value.split([' ', '\t', ',', '}', '#']).next()?,
    };
    (!reference.is_empty()).then(|| reference.to_owned())
}

fn key_positions(line: &str) -> impl Iterator<Item = usize> {
    ["image:", "\"image\":", "'image':", "image :"]
        .into_iter()
        .flat_map(|key| line.match_indices(key))
        .map(|(at, _)| at)
}

/// `image` is a key of its own there, not the end of another word.
fn starts_a_key(line: &str, at: usize) -> bool {
    line.get(..at)
        .and_then(|before| before.trim_end().chars().next_back())
        .is_none_or(|before| matches!(before, '{' | ',' | '-'))
}
