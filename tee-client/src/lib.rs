//! Asks a dstack socket for quotes and keys, and a PCCS for collateral: what node and agent both need from below.
//!
//! Spec: docs/spec/evidence.md. Trusts: the socket, which belongs to the enclave's own guest; not the PCCS, whose
//! answers are signed and judged by whoever verifies the evidence.

mod pccs;
mod socket;

pub use pccs::{Pccs, PccsError};
pub use socket::{Boot, Socket, SocketError};

use wire::{report_data::ReportData, request::EvidenceBytes};

/// Why evidence could not be had.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The socket refused or broke.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The collateral could not be had.
    #[error(transparent)]
    Pccs(#[from] PccsError),
}

/// A quote over `report_data`, with its event log and fresh collateral.
pub async fn take_evidence(
    socket: &Socket,
    pccs: &Pccs,
    report_data: &ReportData,
) -> Result<EvidenceBytes, EvidenceError> {
    let (quote, event_log) = socket.quote(report_data).await?;
    let collateral = pccs.collateral(&quote).await?;
    Ok(EvidenceBytes { quote: quote.into(), event_log, collateral })
}

/// An HTTP client; ring is the one TLS provider of this code base.
pub fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    client_builder().build()
}

fn client_builder() -> reqwest::ClientBuilder {
    // A second call finds it installed already, which is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(std::time::Duration::from_secs(30))
}
