//! `quorate diff`: what changes between two compose files, or in an app's policy between two blocks.

mod policy;

use crate::{
    cli::Global,
    compose::{compose_hash, docker_compose_of, review},
    exit::Exit,
    failure::Failure,
    file,
    output::Output,
    proven::At,
    values,
    words::plain,
};
use alloy::primitives::{Address, B256};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const AFTER: &str = "Two app-compose.json, or two docker-compose.yml: images, environment, volumes, ports, devices, privileges, networks, and
whatever else differs. A `!` marks what may widen what the code can do. With --app: the app's policy at two proven blocks.

Example:
  quorate diff approved.json proposed.json --exit-code";

/// Says what changes between two compose files, or in a policy between two blocks
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Diff {
    /// The file that is approved now
    #[arg(value_name = "BEFORE", required_unless_present = "app", requires = "after")]
    before: Option<PathBuf>,
    /// The file that is proposed
    #[arg(value_name = "AFTER")]
    after: Option<PathBuf>,
    /// Refuse BEFORE if it has another compose hash
    #[arg(long, value_name = "HASH", value_parser = values::hash, conflicts_with = "app")]
    before_hash: Option<B256>,
    /// Refuse AFTER if it has another compose hash
    #[arg(long, value_name = "HASH", value_parser = values::hash, conflicts_with = "app")]
    after_hash: Option<B256>,
    /// Compare this app's policy instead
    #[arg(long, value_name = "APP", value_parser = values::address, requires = "from_block", conflicts_with = "before")]
    app: Option<Address>,
    /// The earlier block, a number or a hash
    #[arg(long, value_name = "BLOCK", value_parser = super::simulate::at, requires = "app")]
    from_block: Option<At>,
    /// The later block
    #[arg(long, value_name = "BLOCK", value_parser = super::simulate::at, default_value = "finalized", requires = "app")]
    to_block: At,
    /// Exit 10 if anything differs
    #[arg(long)]
    exit_code: bool,
}

/// Why two files were not compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiffError {
    #[error("{}: {source}", path.display())]
    Review { path: PathBuf, source: review::ReviewError },
    #[error("{} has compose hash {actual}, not {expected}", path.display())]
    AnotherHash { path: PathBuf, expected: B256, actual: B256 },
    #[error("app {app} is not registered at block {block}")]
    NoApp { app: Address, block: u64 },
}

impl DiffError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Review { .. } => Exit::Usage,
            Self::AnotherHash { .. } => Exit::Denied,
            Self::NoApp { .. } => Exit::NotFound,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::Review { .. } => {
                vec!["app-compose.json or docker-compose.yml, with services".into()]
            }
            Self::AnotherHash { .. } => {
                vec!["the hash is over exact bytes: get the file behind the approval's uri".into()]
            }
            Self::NoApp { .. } => vec!["--from-block must be later than the app's creation".into()],
        }
    }
}

impl Diff {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let differs = match (self.app, self.from_block) {
            (Some(app), Some(from)) => {
                policy::diff(global, app, from, self.to_block, output).await?
            }
            _ => self.files(output)?,
        };
        Ok(if differs && self.exit_code { Exit::Differences } else { Exit::Ok })
    }

    fn files(&self, output: &mut Output<'_>) -> Result<bool, Failure> {
        // clap requires both, or --app.
        let (before, after) =
            (self.before.clone().unwrap_or_default(), self.after.clone().unwrap_or_default());
        let (old_hash, old) = read(&before, self.before_hash)?;
        let (new_hash, new) = read(&after, self.after_hash)?;
        let changes = review::review(&old, &new).map_err(|source| {
            let path = after.clone();
            DiffError::Review { path, source }
        })?;
        let fields: Vec<Value> = changes
            .iter()
            .map(|change| {
                json!({
                    "place": change.place,
                    "before": change.before,
                    "after": change.after,
                    "words": change.words,
                    "attention": change.attention,
                })
            })
            .collect();
        let mut text =
            format!("- {old_hash}  {}\n+ {new_hash}  {}\n", before.display(), after.display());
        for change in &changes {
            let mark = if change.attention { '!' } else { ' ' };
            text.push_str(&format!("{mark} {}: {}\n", plain(&change.place), change.words));
            for (sign, side) in [('-', &change.before), ('+', &change.after)] {
                for line in side.iter().flat_map(|side| side.lines()) {
                    text.push_str(&format!("    {sign} {}\n", plain(line)));
                }
            }
        }
        if changes.is_empty() {
            let said = if old_hash == new_hash {
                "the same bytes"
            } else {
                "only the writing differs: the hash is another"
            };
            text.push_str(&format!("  {said}\n"));
        }
        let differs = old_hash != new_hash;
        let fields = json!({
            "before": { "path": before, "composeHash": old_hash },
            "after": { "path": after, "composeHash": new_hash },
            "differs": differs,
            "changes": fields,
        });
        output.answer("quorate.diff", fields, &text)?;
        Ok(differs)
    }
}

/// The file's hash, and its fields; a docker-compose.yml stands alone.
fn read(path: &Path, expected: Option<B256>) -> Result<(B256, Value), Failure> {
    let bytes = file::read(path)?;
    let actual = B256::from(compose_hash(&bytes));
    if let Some(expected) = expected
        && expected != actual
    {
        return Err(DiffError::AnotherHash { path: path.into(), expected, actual }.into());
    }
    if docker_compose_of(&bytes).is_ok() {
        return Ok((actual, serde_json::from_slice(&bytes).unwrap_or_default()));
    }
    let text =
        String::from_utf8(bytes).map_err(|_| file::FileError::NotText { path: path.into() })?;
    Ok((actual, json!({ "docker_compose_file": text })))
}
