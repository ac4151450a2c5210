//! What to ask a PCCS for a quote's collateral, and how its answers become the canonical bytes. Without I/O.
//!
//! Spec: [EV-7]. Driven by: guest agent and node, which do the four GETs. Trusts: nothing; what is assembled here is judged
//! by `verify` like any other. Signed documents are taken byte for byte, never re-encoded.

use super::Document;
use crate::raw::{self, LibraryError, ParseQuoteError};
use dcap_qvl::{QuoteCollateralV3, intel};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The four questions about one quote's platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollateralQuery {
    fmspc: [u8; 6],
    pck_ca: &'static str,
    tee: &'static str,
}

/// A PCCS's answer to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The body.
    pub body: Vec<u8>,
    /// The first header of [`Document::issuer_chain_headers`] that the response has, as it came (percent-encoded PEM).
    pub issuer_chain: Option<String>,
}

/// The answers, one per document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// To [`Document::RootCrl`].
    pub root_crl: Answer,
    /// To [`Document::PckCrl`].
    pub pck_crl: Answer,
    /// To [`Document::TcbInfo`].
    pub tcb_info: Answer,
    /// To [`Document::QeIdentity`].
    pub qe_identity: Answer,
}

/// Why answers are no collateral.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// No issuer chain came with a document.
    #[error("the answer for {0} has no issuer chain")]
    NoIssuerChain(Document),
    /// A header is not percent-encoded text.
    #[error("the issuer chain of {0} can't be decoded")]
    IssuerChain(Document),
    /// A body is not what was asked for.
    #[error("the answer for {document} can't be read")]
    Body {
        /// Which.
        document: Document,
        /// Why.
        source: LibraryError,
    },
}

impl Document {
    /// Every document, in the order in which they are asked for.
    pub const ALL: [Self; 4] = [Self::RootCrl, Self::PckCrl, Self::TcbInfo, Self::QeIdentity];

    /// The headers that may carry the issuer chain of this document; none for the root's own list.
    pub fn issuer_chain_headers(self) -> &'static [&'static str] {
        match self {
            Self::RootCrl => &[],
            Self::PckCrl => &["SGX-PCK-CRL-Issuer-Chain"],
            Self::TcbInfo => &["TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain"],
            Self::QeIdentity => &["SGX-Enclave-Identity-Issuer-Chain"],
        }
    }
}

impl CollateralQuery {
    /// The questions about the platform of `quote`.
    pub fn for_quote(quote: &[u8]) -> Result<Self, ParseQuoteError> {
        let quote = raw::parse(quote)?;
        raw::certificate_chain(&quote)?;
        let unreadable = |cause: LibraryError| ParseQuoteError::Malformed(cause);
        Ok(Self {
            fmspc: intel::quote_fmspc(&quote).map_err(|cause| unreadable(cause.into()))?,
            pck_ca: intel::quote_ca(&quote).map_err(|cause| unreadable(cause.into()))?.as_id_str(),
            tee: if quote.header.is_sgx() { "sgx" } else { "tdx" },
        })
    }

    /// The path, with its query, below the PCCS's base URL.
    pub fn path(&self, document: Document) -> String {
        let Self { fmspc, pck_ca, tee } = self;
        let fmspc = hex::encode_upper(fmspc);
        match document {
            Document::RootCrl => "/sgx/certification/v4/rootcacrl".to_owned(),
            Document::PckCrl => format!("/sgx/certification/v4/pckcrl?ca={pck_ca}&encoding=der"),
            Document::TcbInfo => format!("/{tee}/certification/v4/tcb?fmspc={fmspc}"),
            Document::QeIdentity => format!("/{tee}/certification/v4/qe/identity"),
        }
    }
}

/// The canonical collateral of these answers.
pub fn assemble(answers: &Answers) -> Result<String, AssembleError> {
    let Answers { root_crl, pck_crl, tcb_info, qe_identity } = answers;
    let (info, info_signature) = signed(Document::TcbInfo, tcb_info)?;
    let (identity, identity_signature) = signed(Document::QeIdentity, qe_identity)?;
    let collateral = QuoteCollateralV3 {
        pck_crl_issuer_chain: issuer_chain(Document::PckCrl, pck_crl)?,
        root_ca_crl: der_or_hex(&root_crl.body),
        pck_crl: der_or_hex(&pck_crl.body),
        tcb_info_issuer_chain: issuer_chain(Document::TcbInfo, tcb_info)?,
        tcb_info: info,
        tcb_info_signature: info_signature,
        qe_identity_issuer_chain: issuer_chain(Document::QeIdentity, qe_identity)?,
        qe_identity: identity,
        qe_identity_signature: identity_signature,
        pck_certificate_chain: None,
    };
    serde_json::to_string(&collateral).map_err(|cause| unreadable(Document::TcbInfo, cause))
}

/// A PCCS sends revocation lists as hex, a PCS as DER.
fn der_or_hex(body: &[u8]) -> Vec<u8> {
    hex::decode(body).unwrap_or_else(|_| body.to_vec())
}

/// The signed document and its signature, from `{"tcbInfo": …, "signature": "…"}` or `{"enclaveIdentity": …, …}`.
fn signed(document: Document, answer: &Answer) -> Result<(String, Vec<u8>), AssembleError> {
    #[derive(Deserialize)]
    struct Signed<'a> {
        #[serde(borrow, alias = "tcbInfo", alias = "enclaveIdentity")]
        document: &'a RawValue,
        signature: String,
    }
    let signed: Signed<'_> =
        serde_json::from_slice(&answer.body).map_err(|cause| unreadable(document, cause))?;
    let signature = hex::decode(signed.signature).map_err(|cause| unreadable(document, cause))?;
    Ok((signed.document.get().to_owned(), signature))
}

fn issuer_chain(document: Document, answer: &Answer) -> Result<String, AssembleError> {
    let encoded = answer.issuer_chain.as_deref().ok_or(AssembleError::NoIssuerChain(document))?;
    percent_decoded(encoded).ok_or(AssembleError::IssuerChain(document))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut decoded = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        decoded.extend(hex::decode(digits).ok()?);
        decoded.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(decoded).ok()
}

fn unreadable(document: Document, source: impl Into<LibraryError>) -> AssembleError {
    AssembleError::Body { document, source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_undone() {
        assert_eq!(percent_decoded("a%2Bb%0A").as_deref(), Some("a+b\n"));
        assert_eq!(percent_decoded("a%2"), None);
        assert_eq!(percent_decoded("a%zz"), None);
    }
}
