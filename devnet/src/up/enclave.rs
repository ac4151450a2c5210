//! One boot of the enclave: the guest agent as a process, and what it said.

use anyhow::{Context, Result};
use guest_agent::BootReport;
use std::path::Path;
use tokio::process::Command;
use wire::request::SignedDenial;

/// How a boot ended.
pub(super) struct Boot {
    report: Option<BootReport>,
    denials: Vec<SignedDenial>,
    said: String,
}

/// Boots on a machine that serves, asking `nodes`.
pub(super) async fn boot(
    program: &Path,
    machine: &soft_tee::Ready,
    nodes: &[String],
) -> Result<Boot> {
    let output = Command::new(program)
        .args(["boot", "--json", "--timeout", "60", "--pccs", &machine.pccs_url])
        .arg("--socket")
        .arg(&machine.socket)
        .args(["--nodes", &nodes.join(",")])
        .kill_on_drop(true)
        .output()
        .await
        .context("starting the guest agent")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = match output.status.success() {
        true => Some(serde_json::from_slice(&output.stdout).context("the agent's report")?),
        false => None,
    };
    Ok(Boot { report, denials: denials(&said), said })
}

/// The signed refusals that the agent checked and passes on.
fn denials(said: &str) -> Vec<SignedDenial> {
    said.lines()
        .filter_map(|line| serde_json::from_str(line.trim().strip_prefix("signed: ")?).ok())
        .collect()
}

impl Boot {
    /// The report, if there is a key.
    pub(super) fn report(&self) -> Option<&BootReport> {
        self.report.as_ref()
    }

    /// The nodes' signed refusals.
    pub(super) fn denials(&self) -> &[SignedDenial] {
        &self.denials
    }

    /// Everything that the agent said.
    pub(super) fn said(&self) -> &str {
        &self.said
    }
}
