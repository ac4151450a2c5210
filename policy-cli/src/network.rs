//! Which network: `network.toml`, and where it is reached.

use crate::{cli::Global, exit::Exit, file::FileError};
use std::path::PathBuf;
use wire::network::{Contracts, Network, NetworkError};

/// Why there is no network to speak to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NetworkFileError {
    #[error("no network is named")]
    Unnamed,
    #[error("{}: {source}", path.display())]
    Invalid { path: PathBuf, source: NetworkError },
    #[error("{}: no [contracts]", path.display())]
    NotDeployed { path: PathBuf },
    #[error("{}: chain.endpoints is empty", path.display())]
    NoEndpoint { path: PathBuf },
    #[error("--rpc-url: not a URL: {0}")]
    RpcUrl(String),
    #[error(transparent)]
    File(#[from] FileError),
}

impl NetworkFileError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::File(error) => error.exit(),
            Self::Unnamed
            | Self::Invalid { .. }
            | Self::NotDeployed { .. }
            | Self::NoEndpoint { .. }
            | Self::RpcUrl(_) => Exit::Usage,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::Unnamed => vec!["give --network FILE or set QUORATE_NETWORK".into()],
            Self::NotDeployed { .. } => vec![
                "the deployment writes [contracts]; a devnet's file with addresses is .devnet/network.toml".into(),
            ],
            Self::NoEndpoint { .. } => vec!["give --rpc-url URL or set ETH_RPC_URL".into()],
            Self::File(error) => error.hints(),
            Self::Invalid { .. } => vec!["docs/spec/network.md explains every key".into()],
            Self::RpcUrl(_) => Vec::new(),
        }
    }
}

/// A network that is deployed, and its endpoints in the order in which they are tried.
pub(crate) struct Target {
    pub(crate) network: Network,
    pub(crate) contracts: Contracts,
    pub(crate) endpoints: Vec<String>,
}

impl Target {
    pub(crate) fn load(global: &Global) -> Result<Self, NetworkFileError> {
        let path = global.network.clone().ok_or(NetworkFileError::Unnamed)?;
        let text = crate::file::read_text(&path)?;
        let network = Network::parse(&text)
            .map_err(|source| NetworkFileError::Invalid { path: path.clone(), source })?;
        let contracts = network
            .contracts
            .ok_or_else(|| NetworkFileError::NotDeployed { path: path.clone() })?;
        let endpoints = match &global.rpc_url {
            Some(url) => vec![url.clone()],
            None => network.chain.endpoints.clone(),
        };
        if endpoints.is_empty() {
            return Err(NetworkFileError::NoEndpoint { path });
        }
        Ok(Self { network, contracts, endpoints })
    }
}
