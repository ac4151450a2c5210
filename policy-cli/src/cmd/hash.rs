//! `quorate hash`: the compose hash of exact bytes, and what they run. Offline.

use crate::{
    compose::{ImageReference, compose_hash, docker_compose_of, images},
    exit::Exit,
    failure::Failure,
    file,
    output::Output,
};
use alloy::primitives::B256;
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const AFTER: &str = "The hash is SHA-256 over the bytes as they are: one space more is another hash. Hash the file that the machine
gets, not one that was formatted anew.

Example:
  quorate hash app-compose.json";

/// Prints the compose hash of app-compose.json, and the images that it runs (offline)
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Hash {
    /// app-compose.json; - is stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Hash {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<Exit, Failure> {
        let mut text = String::new();
        let mut fields = Vec::new();
        for path in &self.files {
            let bytes = file::read(path)?;
            let docker_compose = docker_compose_of(&bytes).map_err(Failure::in_file(path))?;
            let hash = B256::from(compose_hash(&bytes));
            let images = images(&docker_compose);
            warn(path, &docker_compose, &images, output)?;
            text.push_str(&format!("{hash}  {}\n", path.display()));
            for image in &images {
                text.push_str(&format!("  image {}\n", image.reference));
            }
            fields.push(entry(path, hash, &images));
        }
        output.answer("quorate.hash", json!({ "files": fields }), &text)?;
        Ok(Exit::Ok)
    }
}

fn entry(path: &Path, hash: B256, images: &[ImageReference]) -> Value {
    let images: Vec<Value> = images
        .iter()
        .map(|image| json!({ "reference": image.reference, "pinned": image.is_pinned() }))
        .collect();
    json!({ "path": path, "composeHash": hash, "images": images })
}

/// What the hash does not protect from: tags that may point elsewhere tomorrow, and who else reaches dstack's socket (A2).
fn warn(
    path: &Path,
    docker_compose: &str,
    images: &[ImageReference],
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let path = path.display();
    for image in images.iter().filter(|image| !image.is_pinned()) {
        let (reference, line) = (&image.reference, image.line);
        output.warn(&format!(
            "{path}: docker_compose_file line {line}: {reference} has no digest, so the hash does not say what runs"
        ))?;
    }
    for (index, line) in docker_compose.lines().enumerate() {
        let mounts = ["dstack.sock", "tappd.sock"].iter().any(|socket| line.contains(socket));
        if mounts && !line.trim_start().starts_with('#') {
            let line = index.saturating_add(1);
            output.warn(&format!(
                "{path}: docker_compose_file line {line} mounts dstack's socket: only the agent may reach it"
            ))?;
        }
    }
    Ok(())
}
