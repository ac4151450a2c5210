//! `indexer.toml`: where the network file, the database and the listener are.

use light_client::BlockRef;
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::PathBuf};

/// `indexer.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `network.toml` with its contracts and endpoints.
    pub network: PathBuf,
    /// A SQLite file, by path or `sqlite://…`, or a Postgres database by `postgres://…`.
    pub database: String,
    /// Address of the API; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Milliseconds between looks at the chain.
    #[serde(default = "default_poll")]
    pub poll_milliseconds: u64,
    /// Milliseconds after which all rows are read again and compared with the trails, even if no block was finalized since.
    #[serde(default = "default_audit")]
    pub audit_milliseconds: u64,
    /// Whether receipts are kept with their proofs, for whoever asks for one. Events are judged by `receiptsRoot` anyway.
    #[serde(default = "default_proofs")]
    pub proofs: bool,
    /// A block that is trusted, before the contracts' deployment; without it, block 0 by the network's genesis hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<BlockRef>,
    /// Written, as JSON, once the API serves: `{"pid", "listen"}`; removed at a clean stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_file: Option<PathBuf>,
    /// How much is kept of texts that others send.
    #[serde(default)]
    pub texts: TextLimits,
}

/// How much is kept of texts that others send. [API-8]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TextLimits {
    /// For one app, which names them by approving code or getting keys for it.
    pub per_app: u64,
    /// Of all apps together, and as much again of what governance names.
    pub total_megabytes: u64,
}

impl Default for TextLimits {
    fn default() -> Self {
        Self { per_app: 256, total_megabytes: 4096 }
    }
}

const fn default_poll() -> u64 {
    200
}

const fn default_proofs() -> bool {
    true
}

const fn default_audit() -> u64 {
    10_000
}

impl Config {
    /// Reads `indexer.toml`; an error names the line and what is allowed there.
    ///
    /// # Errors
    /// If a key is missing, unknown or of another type.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_key_is_named_with_its_line() {
        let good = "network = \"n\"\ndatabase = \"d\"\nlisten = \"127.0.0.1:0\"\n";
        assert!(Config::parse(good).is_ok());
        let of = |more: &str| Config::parse(&format!("{good}{more}")).map(|config| config.texts);
        assert_eq!(of("").unwrap(), TextLimits { per_app: 256, total_megabytes: 4096 });
        assert_eq!(of("[texts]\nper_app = 2\n").unwrap().per_app, 2);
        assert!(of("[texts]\nper_ap = 2\n").is_err());
        let error = Config::parse(&good.replace("database", "data")).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("`data`"), "{error}");
    }
}
