//! Evidence as it arrived: three byte strings within their limits, of which nothing is believed.
//!
//! Spec: [EV-1], [EV-2], [EV-6]. Driven by: whoever received a request or read a candidate from the chain.

use crate::{
    event_log,
    quote::{self, VerifiedQuote, VerifyQuoteError},
    root::{RootCertificate, RootRules},
};
use alloy_primitives::{Address, B256};
use dcap_qvl::quote::Quote;
use parity_scale_codec::Encode;
use sha2::{Digest, Sha256};
use std::sync::OnceLock;
use wire::{
    UnixSeconds,
    report_data::ReportData,
    request::{EvidenceBytes, EvidenceTooLarge},
};

/// Certification data of this type is the PCK certificate chain, PEM, leaf first, root last.
const PCK_CERTIFICATE_CHAIN: u16 = 5;

/// Unjudged evidence within its size limits.
#[derive(Debug)]
pub struct RawEvidence {
    bytes: EvidenceBytes,
    parsed: OnceLock<ParsedQuote>,
}

/// The quote of some evidence, read once. Nothing in it is believed.
#[derive(Debug)]
pub(crate) struct ParsedQuote {
    pub(crate) quote: Quote,
    /// DER, from the leaf to the root.
    pub(crate) chain: Vec<Vec<u8>>,
}

/// Why bytes are no quote of a kind that we judge.
#[derive(Debug, thiserror::Error)]
pub enum ParseQuoteError {
    /// Not a DCAP quote of version 3, 4 or 5.
    #[error("the bytes are no quote")]
    Malformed(#[source] LibraryError),
    /// Bytes follow the quote (A11). Sockets pad with zeros: see [`without_padding`].
    #[error("{bytes} bytes follow the quote")]
    TrailingBytes {
        /// How many.
        bytes: usize,
    },
    /// The quote hides bytes inside its unsigned part.
    #[error("the quote is not in its canonical encoding")]
    NotCanonical,
    /// The quote does not carry its PCK certificate chain.
    #[error("the quote carries no PCK certificate chain (certification data type {kind})")]
    NoCertificateChain {
        /// The type of what it carries.
        kind: u16,
    },
}

/// A message of the verification library, kept as the cause of one of our errors.
pub type LibraryError = Box<dyn std::error::Error + Send + Sync>;

impl RawEvidence {
    /// Takes evidence whose parts are within their limits. [EV-1]
    pub fn new(bytes: EvidenceBytes) -> Result<Self, EvidenceTooLarge> {
        bytes.check_sizes()?;
        Ok(Self { bytes, parsed: OnceLock::new() })
    }

    /// The bytes.
    pub fn bytes(&self) -> &EvidenceBytes {
        &self.bytes
    }

    /// The hash that names this evidence.
    pub fn hash(&self) -> B256 {
        self.bytes.hash()
    }

    /// The root certificate under which this evidence claims to stand: the last of the quote's PCK chain. [EV-2]
    ///
    /// It names the rules to judge by; [`verify`](Self::verify) then proves the claim or refuses.
    pub fn claimed_root(&self) -> Result<RootCertificate, ParseQuoteError> {
        let root = self.parsed()?.chain.last();
        root.map(|der| RootCertificate::from_der(der.clone()))
            .ok_or(ParseQuoteError::NoCertificateChain { kind: PCK_CERTIFICATE_CHAIN })
    }

    /// The report_data that the quote claims; nothing of it is proven.
    ///
    /// For whoever looks for what a quote belongs to, before it is judged.
    /// # Errors
    /// [`ParseQuoteError`].
    pub fn claimed_report_data(&self) -> Result<ReportData, ParseQuoteError> {
        Ok(quote::report_data(&self.parsed()?.quote.report))
    }

    /// The instance that the event log names, if it replays to the registers that the quote claims. The quote is not judged
    /// again: for whoever knows already that it was.
    pub fn claimed_instance(&self) -> Option<Address> {
        let claimed = quote::measurements(&self.parsed().ok()?.quote.report)?;
        let boot = event_log::replay(&self.bytes.event_log, &claimed).ok()?;
        boot.instance_id.map(Address::from)
    }

    /// The quote and its certificate chain.
    pub(crate) fn parsed(&self) -> Result<&ParsedQuote, ParseQuoteError> {
        if let Some(parsed) = self.parsed.get() {
            return Ok(parsed);
        }
        let quote = parse(&self.bytes.quote)?;
        let chain = certificate_chain(&quote)?;
        Ok(self.parsed.get_or_init(|| ParsedQuote { quote, chain }))
    }

    /// Judges the quote and its collateral at `now`, the time of a proven head, under `root` by `rules`.
    ///
    /// Spec: [EV-2]..[EV-9]. The event log is judged by [`VerifiedQuote::replay`].
    /// # Errors
    /// Each check has its own variant of [`VerifyQuoteError`]; stale collateral is told apart from a false quote.
    pub fn verify(
        &self,
        root: &RootCertificate,
        rules: &RootRules,
        now: UnixSeconds,
    ) -> Result<VerifiedQuote, VerifyQuoteError> {
        quote::verify(self, root, rules, now)
    }
}

/// `quote` without the zero bytes with which quote generators pad it to a fixed size.
///
/// For whoever takes a quote from a socket, before the evidence is hashed; what has other bytes behind it stays as it is.
pub fn without_padding(quote: &[u8]) -> &[u8] {
    let Ok(parsed) = Quote::parse(quote) else {
        return quote;
    };
    match quote.split_at_checked(parsed.encoded_size()) {
        Some((exact, padding)) if padding.iter().all(|byte| *byte == 0) => exact,
        _ => quote,
    }
}

/// Parses a quote that fills `bytes` exactly and has one encoding. [EV-6]
fn parse(bytes: &[u8]) -> Result<Quote, ParseQuoteError> {
    let quote = Quote::parse(bytes).map_err(|cause| ParseQuoteError::Malformed(cause.into()))?;
    let encoded = quote.encode();
    match bytes.strip_prefix(encoded.as_slice()) {
        Some([]) => Ok(quote),
        Some(rest) => Err(ParseQuoteError::TrailingBytes { bytes: rest.len() }),
        None => Err(ParseQuoteError::NotCanonical),
    }
}

/// The certificates that the quote carries, leaf first.
fn certificate_chain(quote: &Quote) -> Result<Vec<Vec<u8>>, ParseQuoteError> {
    if quote.inner_cert_type() != PCK_CERTIFICATE_CHAIN {
        return Err(ParseQuoteError::NoCertificateChain { kind: quote.inner_cert_type() });
    }
    dcap_qvl::intel::extract_cert_chain(quote)
        .map_err(|cause| ParseQuoteError::Malformed(cause.into()))
}

pub(crate) fn sha256<const N: usize>(parts: [&[u8]; N]) -> B256 {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    B256::new(hasher.finalize().into())
}
