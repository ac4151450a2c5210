//! What the host configures: sockets, folders, ports, gas. Nothing here decides who gets a key; that is in the measured
//! compose file ([`wire::network::MeasuredNode`]) and on chain.

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::PathBuf};

/// `node.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The dstack socket below this node: quotes, sealing key, measured compose file.
    pub socket: PathBuf,
    /// Where collateral is fetched.
    pub pccs: String,
    /// Folder for the sealed state and the database.
    pub data: PathBuf,
    /// Address of the public API; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Address of the admin listener (metrics); keep it private.
    pub admin: SocketAddr,
    /// The public API as others reach it; by default `http://<listen>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The operator id that governance assigned to this node's signing address.
    pub operator: String,
    /// Hex file of the key that pays gas for this node's own statements. Without it they wait in
    /// `GET /statements` of the admin listener for anyone to send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gas_key_file: Option<PathBuf>,
    /// Pays for the records of others. Off by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay: Option<RelayConfig>,
    /// Replaces the measured endpoints by others of the same number. The measured ones decide what this node takes for the
    /// chain (A4), so this is refused where software roots are not allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub danger_endpoints: Option<Vec<String>>,
    /// Written, as JSON, once the node serves: `{"pid", "listen", "admin", "signer"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_file: Option<PathBuf>,
    /// Milliseconds between looks at the chain.
    #[serde(default = "default_poll")]
    pub poll_milliseconds: u64,
}

/// `[relay]`: pays from the gas key, only for listed apps, up to a daily number each (A17).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayConfig {
    /// The apps that are paid for; empty: every app.
    #[serde(default)]
    pub apps: Vec<Address>,
    /// Records a day for each app.
    pub daily_records_per_app: u32,
}

const fn default_poll() -> u64 {
    1000
}

impl Config {
    /// Reads `node.toml`; an error names the line and what is allowed there.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
socket = "dstack.sock"
pccs = "http://127.0.0.1:1"
data = "data"
listen = "127.0.0.1:0"
admin = "127.0.0.1:0"
operator = "operator-1"
"#;

    #[test]
    fn a_wrong_key_is_named_with_its_line() {
        assert!(Config::parse(GOOD).is_ok());
        let error = Config::parse(&GOOD.replace("pccs", "pcs")).unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("`pcs`"), "{error}");
        let error = Config::parse(&GOOD.replacen("127.0.0.1:0", "localhost", 1)).unwrap_err();
        assert!(error.to_string().contains("line 5"), "{error}");
    }
}
