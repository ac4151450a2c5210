//! Collateral of an authority: revocation lists, TCB info and QE identity, signed for a date.

use super::{
    Authority,
    x509::{CPU_SVN, PCE_SVN},
};
use dcap_qvl::QuoteCollateralV3;
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use serde_json::{Value, json};
use std::time::Duration;

/// The quoting enclave of every software machine.
pub(crate) const QE_MRSIGNER: [u8; 32] = *b"soft-tee quoting enclave, signer";
pub(crate) const QE_ISV_PROD_ID: u16 = 2;
pub(crate) const QE_ISV_SVN: u16 = 8;
/// The TDX module: byte 1 selects the module identity `TDX_01`, byte 0 is its version.
pub(crate) const TEE_TCB_SVN: [u8; 16] = [5, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

const TCB_DATE: &str = "2024-03-13T00:00:00Z";
const MONTH: u64 = 30 * 86_400;

/// Under which terms collateral is issued. [`CollateralTerms::at`] gives a platform in order; change a field for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollateralTerms {
    /// Issue date of TCB info and QE identity, Unix seconds.
    pub issued: u64,
    /// Issue date of both revocation lists.
    pub crl_issued: u64,
    /// How long each document is valid.
    pub valid_seconds: u64,
    /// The status of every machine of the authority, by Intel's name.
    pub tcb_status: String,
    /// The advisories that come with the status.
    pub advisory_ids: Vec<String>,
    /// `tcbEvaluationDataNumber` of TCB info and QE identity.
    pub tcb_evaluation_data_number: u32,
    /// Serial numbers of revoked PCK certificates: [`crate::Machine::pck_serial`].
    pub revoked: Vec<Vec<u8>>,
}

impl CollateralTerms {
    /// Everything up to date, issued at `issued`, valid for thirty days.
    pub fn at(issued: u64) -> Self {
        Self {
            issued,
            crl_issued: issued,
            valid_seconds: MONTH,
            tcb_status: "UpToDate".to_owned(),
            advisory_ids: Vec::new(),
            tcb_evaluation_data_number: 17,
            revoked: Vec::new(),
        }
    }
}

impl Authority {
    /// Collateral for all machines of this authority.
    pub fn collateral(&self, terms: &CollateralTerms) -> QuoteCollateralV3 {
        let tcb_info = self.tcb_info(terms);
        let qe_identity = qe_identity(terms);
        let crl_until = terms.crl_issued + terms.valid_seconds;
        let signer_chain = self.tcb_signer.pem() + &self.root.pem();
        QuoteCollateralV3 {
            pck_crl_issuer_chain: self.pck_ca.pem() + &self.root.pem(),
            root_ca_crl: self.root.revocation_list(terms.crl_issued, crl_until, &[]),
            pck_crl: self.pck_ca.revocation_list(terms.crl_issued, crl_until, &terms.revoked),
            tcb_info_issuer_chain: signer_chain.clone(),
            tcb_info_signature: sign(&self.tcb_signer.key, &tcb_info),
            tcb_info,
            qe_identity_issuer_chain: signer_chain,
            qe_identity_signature: sign(&self.tcb_signer.key, &qe_identity),
            qe_identity,
            pck_certificate_chain: None,
        }
    }

    /// The keys of each object are in alphabetical order, so that a client that parses and prints keeps the signed bytes.
    fn tcb_info(&self, terms: &CollateralTerms) -> String {
        let components = |svns: [u8; 16]| svns.map(|svn| json!({ "svn": svn })).to_vec();
        json!({
            "fmspc": hex::encode_upper(self.fmspc()),
            "id": "TDX",
            "issueDate": date(terms.issued),
            "nextUpdate": date(terms.issued + terms.valid_seconds),
            "pceId": "0000",
            "tcbEvaluationDataNumber": terms.tcb_evaluation_data_number,
            "tcbLevels": [{
                "advisoryIDs": terms.advisory_ids,
                "tcb": {
                    "pcesvn": PCE_SVN,
                    "sgxtcbcomponents": components(CPU_SVN),
                    "tdxtcbcomponents": components(TEE_TCB_SVN),
                },
                "tcbDate": TCB_DATE,
                "tcbStatus": terms.tcb_status,
            }],
            "tcbType": 0,
            "tdxModule": module(&[]),
            "tdxModuleIdentities": [module(&[
                ("id", json!("TDX_01")),
                ("mrsigner", json!(hex::encode_upper([0; 48]))),
                ("tcbLevels", json!([{
                    "tcb": { "isvsvn": TEE_TCB_SVN[0] },
                    "tcbDate": TCB_DATE,
                    "tcbStatus": "UpToDate",
                }])),
            ])],
            "version": 3,
        })
        .to_string()
    }
}

/// What TCB info says of the TDX module, with more fields behind, in alphabetical order.
fn module(more: &[(&str, Value)]) -> Value {
    let mut fields = serde_json::Map::new();
    fields.insert("attributes".to_owned(), json!(hex::encode_upper([0; 8])));
    fields.insert("attributesMask".to_owned(), json!(hex::encode_upper([0xff; 8])));
    if more.is_empty() {
        fields.insert("mrsigner".to_owned(), json!(hex::encode_upper([0; 48])));
    }
    for (key, value) in more {
        fields.insert((*key).to_owned(), value.clone());
    }
    Value::Object(fields)
}

fn qe_identity(terms: &CollateralTerms) -> String {
    json!({
        "attributes": "11000000000000000000000000000000",
        "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
        "id": "TD_QE",
        "issueDate": date(terms.issued),
        "isvprodid": QE_ISV_PROD_ID,
        "miscselect": "00000000",
        "miscselectMask": "FFFFFFFF",
        "mrsigner": hex::encode_upper(QE_MRSIGNER),
        "nextUpdate": date(terms.issued + terms.valid_seconds),
        "tcbEvaluationDataNumber": terms.tcb_evaluation_data_number,
        "tcbLevels": [{
            "tcb": { "isvsvn": QE_ISV_SVN },
            "tcbDate": TCB_DATE,
            "tcbStatus": "UpToDate",
        }],
        "version": 2,
    })
    .to_string()
}

fn date(seconds: u64) -> String {
    der::DateTime::from_unix_duration(Duration::from_secs(seconds))
        .expect("a date before the year 9999")
        .to_string()
}

fn sign(key: &SigningKey, document: &str) -> Vec<u8> {
    let signature: Signature = key.sign(document.as_bytes());
    signature.to_bytes().to_vec()
}
