//! What a boot is told by whoever starts it. Nothing here decides which key comes out; that is in the measured compose file.

use std::{path::PathBuf, time::Duration};
use wire::KeyVersion;

/// How to boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootConfig {
    /// The dstack socket.
    pub socket: PathBuf,
    /// Where collateral is fetched.
    pub pccs: String,
    /// The nodes' public APIs, in the order in which reports number them.
    pub nodes: Vec<String>,
    /// Whose key.
    pub scope: ScopeChoice,
    /// Which version of the app's keys.
    pub key_version: KeyVersion,
    /// Path of the subkey whose public part is reported.
    pub path: String,
    /// Its purpose.
    pub purpose: String,
    /// After this the boot gives up.
    pub timeout: Duration,
}

/// Whose key is asked for; the value comes from this boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeChoice {
    /// The app's.
    App,
    /// That of this compose hash.
    Code,
    /// That of this instance.
    Instance,
}

impl BootConfig {
    /// A boot with the defaults of the command line.
    pub fn new(socket: impl Into<PathBuf>, pccs: impl Into<String>, nodes: Vec<String>) -> Self {
        Self {
            socket: socket.into(),
            pccs: pccs.into(),
            nodes,
            scope: ScopeChoice::App,
            key_version: 1,
            path: "quorate/demo".into(),
            purpose: "demo".into(),
            timeout: Duration::from_secs(120),
        }
    }
}
