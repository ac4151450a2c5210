//! app-compose.json: making it, hashing it, and finding the images that it runs.
//!
//! The compose hash is SHA-256 over the *exact bytes*. Sorted keys and no white space are only how we write them, as the
//! dstack SDKs do; whoever formats the file anew has another hash. Trusts: nothing.

pub(crate) use proposal::compose::review;
pub use proposal::compose::{ImageReference, compose_hash, difference, images};

use crate::exit::Exit;
use proposal::Sorted;
use serde::Deserialize;
use serde_json::json;
use wire::network::{MeasuredAgent, MeasuredNode};

/// What our part of the compose file says: the block under the key `quorate`.
#[derive(Clone, Copy, Debug)]
pub enum QuorateBlock<'a> {
    /// An app: whom its agent asks for keys.
    Agent(&'a MeasuredAgent),
    /// A kms-node: its chain.
    Node(&'a MeasuredNode),
}

/// An app-compose.json to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewCompose<'a> {
    /// The app's name, for people.
    pub name: &'a str,
    /// The text of the docker-compose.yml, kept letter for letter.
    pub docker_compose_file: &'a str,
    /// Whether the machine takes a local key from dstack's key provider; a kms-node seals its share under it.
    pub local_key_provider: bool,
    /// Our block.
    pub quorate: Option<QuorateBlock<'a>>,
}

/// Why bytes are no app-compose.json, or none can be made.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// Not JSON, or not the fields that dstack reads.
    #[error("not an app-compose.json: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Not the block that `app create` prints.
    #[error("not a block for an agent: {0}")]
    Block(#[source] serde_json::Error),
    /// The compose file runs nothing.
    #[error("the docker compose file names no image")]
    NoImage,
}

impl ComposeError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Malformed(_) | Self::Block(_) | Self::NoImage => Exit::Usage,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::Malformed(_) => vec![
                "make one from a docker-compose.yml: quorate compose --name NAME --docker-compose FILE".into(),
            ],
            Self::Block(_) => vec!["`app create` prints one; so does `compose --app-id`".into()],
            Self::NoImage => vec!["every service needs an `image:` line; `build:` is not measured".into()],
        }
    }
}

/// The bytes of an app-compose.json, in dstack's shape, with sorted keys and no white space.
///
/// dstack's own KMS is off: the keys come from Quorate.
/// # Errors
/// [`ComposeError::NoImage`] if nothing would run.
pub fn app_compose(new: &NewCompose<'_>) -> Result<Vec<u8>, ComposeError> {
    if images(new.docker_compose_file).is_empty() {
        return Err(ComposeError::NoImage);
    }
    let mut fields = json!({
        "manifest_version": 2,
        "name": new.name,
        "runner": "docker-compose",
        "docker_compose_file": new.docker_compose_file,
        "kms_enabled": false,
        "gateway_enabled": false,
        "local_key_provider_enabled": new.local_key_provider,
        "public_logs": false,
        "public_sysinfo": false,
        "allowed_envs": [],
        "no_instance_id": false,
        "secure_time": true,
    });
    match new.quorate {
        Some(QuorateBlock::Agent(agent)) => fields["quorate"] = serde_json::to_value(agent)?,
        Some(QuorateBlock::Node(node)) => fields["quorate"] = serde_json::to_value(node)?,
        None => {}
    }
    Ok(serde_json::to_vec(&Sorted::from(fields))?)
}

/// The docker compose text inside an app-compose.json.
/// # Errors
/// [`ComposeError::Malformed`] if dstack could not read the file either.
pub fn docker_compose_of(app_compose: &[u8]) -> Result<String, ComposeError> {
    #[derive(Deserialize)]
    struct AppCompose {
        docker_compose_file: String,
    }
    Ok(serde_json::from_slice::<AppCompose>(app_compose)?.docker_compose_file)
}

#[cfg(test)]
mod tests;
