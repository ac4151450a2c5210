//! Collateral from a PCCS: four documents for the platform of a quote, as Intel's PCS API v4 serves them.

use dcap_qvl::{QuoteCollateralV3, intel, quote::Quote};
use serde::Deserialize;
use serde_json::value::RawValue;
use wire::limits::MAX_COLLATERAL_BYTES;

/// A provisioning certificate caching service.
#[derive(Clone, Debug)]
pub struct Pccs {
    url: String,
    http: reqwest::Client,
}

/// Why collateral could not be had.
#[derive(Debug, thiserror::Error)]
pub enum PccsError {
    /// The quote names no platform.
    #[error("the quote carries no PCK certificate: no collateral can be asked for it")]
    NoPlatform,
    /// The service did not answer.
    #[error("PCCS: {document} could not be fetched")]
    Unreachable {
        /// Which document.
        document: &'static str,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// More than all collateral of a request may have.
    #[error("PCCS: {document} has more than {MAX_COLLATERAL_BYTES} bytes")]
    TooLarge {
        /// Which document.
        document: &'static str,
    },
    /// The service answered something else than it should.
    #[error("PCCS: {document} has a wrong {field}")]
    Field {
        /// Which document.
        document: &'static str,
        /// Which part.
        field: &'static str,
    },
}

#[derive(Deserialize)]
struct SignedTcbInfo<'a> {
    #[serde(rename = "tcbInfo", borrow)]
    body: &'a RawValue,
    signature: String,
}

#[derive(Deserialize)]
struct SignedQeIdentity<'a> {
    #[serde(rename = "enclaveIdentity", borrow)]
    body: &'a RawValue,
    signature: String,
}

struct Document {
    name: &'static str,
    issuer_chain: Option<String>,
    body: Vec<u8>,
}

impl Pccs {
    /// The service at `url`. Nothing is asked yet.
    pub fn at(url: &str) -> Result<Self, reqwest::Error> {
        Ok(Self { url: url.trim_end_matches('/').to_owned(), http: crate::http_client()? })
    }

    /// The collateral of `quote`'s platform, as the JSON that evidence carries.
    pub async fn collateral(&self, quote: &[u8]) -> Result<String, PccsError> {
        let platform = Quote::parse(quote).map_err(|_| PccsError::NoPlatform)?;
        let fmspc = intel::quote_fmspc(&platform).map_err(|_| PccsError::NoPlatform)?;
        let ca = intel::quote_ca(&platform).map_err(|_| PccsError::NoPlatform)?.as_id_str();
        let tee = if platform.header.is_sgx() { "sgx" } else { "tdx" };
        let fmspc = hex::encode_upper(fmspc);

        let crl = format!("/sgx/certification/v4/pckcrl?ca={ca}&encoding=der");
        let crl = self.get("PCK CRL", &crl, Some("SGX-PCK-CRL-Issuer-Chain")).await?;
        let tcb = format!("/{tee}/certification/v4/tcb?fmspc={fmspc}");
        let tcb_header =
            if tee == "sgx" { "SGX-TCB-Info-Issuer-Chain" } else { "TCB-Info-Issuer-Chain" };
        let tcb = self.get("TCB info", &tcb, Some(tcb_header)).await?;
        let qe = format!("/{tee}/certification/v4/qe/identity");
        let qe = self.get("QE identity", &qe, Some("SGX-Enclave-Identity-Issuer-Chain")).await?;
        let root = self.get("root CA CRL", "/sgx/certification/v4/rootcacrl", None).await?;

        let tcb_body: SignedTcbInfo<'_> = parse(&tcb)?;
        let qe_body: SignedQeIdentity<'_> = parse(&qe)?;
        let collateral = QuoteCollateralV3 {
            pck_crl_issuer_chain: chain(&crl)?,
            root_ca_crl: hex_or_der(&root),
            pck_crl: hex_or_der(&crl),
            tcb_info_issuer_chain: chain(&tcb)?,
            tcb_info: tcb_body.body.get().to_owned(),
            tcb_info_signature: signature(&tcb, &tcb_body.signature)?,
            qe_identity_issuer_chain: chain(&qe)?,
            qe_identity: qe_body.body.get().to_owned(),
            qe_identity_signature: signature(&qe, &qe_body.signature)?,
            pck_certificate_chain: None,
        };
        serde_json::to_string(&collateral)
            .map_err(|_| PccsError::Field { document: "collateral", field: "encoding" })
    }

    async fn get(
        &self,
        name: &'static str,
        path: &str,
        chain_header: Option<&'static str>,
    ) -> Result<Document, PccsError> {
        let unreachable = |source| PccsError::Unreachable { document: name, source };
        let response = self.http.get(format!("{}{path}", self.url)).send().await;
        let mut response =
            response.and_then(reqwest::Response::error_for_status).map_err(unreachable)?;
        let issuer_chain = chain_header
            .and_then(|header| response.headers().get(header))
            .and_then(|value| percent_decode(value.as_bytes()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len().saturating_add(chunk.len()) > MAX_COLLATERAL_BYTES {
                return Err(PccsError::TooLarge { document: name });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Document { name, issuer_chain, body })
    }
}

fn chain(document: &Document) -> Result<String, PccsError> {
    document
        .issuer_chain
        .clone()
        .ok_or(PccsError::Field { document: document.name, field: "issuer chain header" })
}

fn parse<'a, T: Deserialize<'a>>(document: &'a Document) -> Result<T, PccsError> {
    serde_json::from_slice(&document.body)
        .map_err(|_| PccsError::Field { document: document.name, field: "body" })
}

fn signature(document: &Document, text: &str) -> Result<Vec<u8>, PccsError> {
    hex::decode(text).map_err(|_| PccsError::Field { document: document.name, field: "signature" })
}

/// A PCCS serves a CRL as hex text, the PCS as DER.
fn hex_or_der(document: &Document) -> Vec<u8> {
    hex::decode(&document.body).unwrap_or_else(|_| document.body.clone())
}

/// Issuer chains travel as percent-encoded PEM (RFC 3986).
fn percent_decode(encoded: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let (digits, tail) = tail.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = tail;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{Pccs, PccsError, percent_decode};
    use std::{
        io::{Read, Write},
        net::TcpListener,
    };

    #[tokio::test]
    async fn a_document_without_end_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while stream.write_all(&[b'a'; 4096]).is_ok() {}
        });
        let told = Pccs::at(&url).unwrap().get("PCK CRL", "/", None).await;
        assert!(matches!(told, Err(PccsError::TooLarge { document: "PCK CRL" })));
    }

    #[test]
    fn issuer_chains_are_percent_encoded() {
        assert_eq!(percent_decode(b"-----BEGIN%20X%0A"), Some("-----BEGIN X\n".into()));
        assert_eq!(percent_decode(b"%zz"), None);
        assert_eq!(percent_decode(b"%2"), None);
    }
}
