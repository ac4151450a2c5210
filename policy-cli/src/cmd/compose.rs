//! `quorate compose`: app-compose.json out of a docker-compose.yml, with the block that names our network.

use crate::{
    agent::{self, ReleaseChoice},
    cli::Global,
    compose::{ComposeError, NewCompose, QuorateBlock, app_compose, compose_hash},
    exit::Exit,
    failure::Failure,
    file,
    output::Output,
    values,
};
use alloy::primitives::{Address, B256};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use wire::network::MeasuredAgent;

const AFTER: &str = "With --quorate-block the file is made offline; with --app-id the block is read from --network. Without either
the file names no network.

Example:
  quorate compose --name hello --docker-compose docker-compose.yml --network network.toml --app-id 0x1111111111111111111111111111111111111111 > app-compose.json";

/// Makes app-compose.json from a docker-compose.yml
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Compose {
    /// The app's name, for people
    #[arg(long)]
    name: String,
    /// docker-compose.yml, kept letter for letter; - is stdin
    #[arg(long, value_name = "FILE")]
    docker_compose: PathBuf,
    /// The block as JSON, as `app create` prints it
    #[arg(long, value_name = "FILE", conflicts_with = "app_id")]
    quorate_block: Option<PathBuf>,
    /// Make the block for this app of --network
    #[arg(long, value_name = "ADDRESS", value_parser = values::address)]
    app_id: Option<Address>,
    /// When nodes may release its keys: at the head (quick), or finalized (no key without a record that stays)
    #[arg(long, value_enum, value_name = "WHEN", default_value = "head", requires = "app_id")]
    release_at: ReleaseChoice,
}

impl Compose {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let docker_compose = file::read_text(&self.docker_compose)?;
        let block = self.block(global).await?;
        if block.is_none() {
            output
                .warn("no --app-id and no --quorate-block: nothing in this file names a network")?;
        }
        let bytes = app_compose(&NewCompose {
            name: &self.name,
            docker_compose_file: &docker_compose,
            local_key_provider: false,
            quorate: block.as_ref().map(QuorateBlock::Agent),
        })
        .map_err(Failure::in_file(&self.docker_compose))?;
        let hash = B256::from(compose_hash(&bytes));
        let text = String::from_utf8_lossy(&bytes);
        let fields = json!({ "composeHash": hash, "appCompose": text });
        output.answer("quorate.compose", fields, &text)?;
        output.talk(&format!("compose hash {hash}"))?;
        Ok(Exit::Ok)
    }

    async fn block(&self, global: &Global) -> Result<Option<MeasuredAgent>, Failure> {
        if let Some(path) = &self.quorate_block {
            let bytes = file::read(path)?;
            let block = serde_json::from_slice(&bytes)
                .map_err(|source| Failure::in_file(path)(ComposeError::Block(source)))?;
            return Ok(Some(block));
        }
        let Some(app_id) = self.app_id else {
            return Ok(None);
        };
        let chain = super::connect(global).await?;
        Ok(Some(agent::block(&chain, app_id, self.release_at).await?))
    }
}
