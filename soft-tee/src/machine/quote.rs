//! Quotes in Intel's format: version 4 with a TD report 1.0, or version 5 with a TD report 1.5.

use super::TrustDomain;
use crate::{
    authority::{QE_ISV_PROD_ID, QE_ISV_SVN, QE_MRSIGNER, TEE_TCB_SVN},
    keys,
};
use dcap_qvl::{
    INTEL_QE_VENDOR_ID,
    quote::{
        AuthData, AuthDataV4, CertificationData, Data, EnclaveReport, Header,
        QEReportCertificationData, Quote, Report, TDReport10, TDReport15,
    },
};
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use parity_scale_codec::Encode;
use sha2::{Digest, Sha256};

const TEE_TYPE_TDX: u32 = 0x81;
const ECDSA_P256: u16 = 2;
const QE_REPORT_CERTIFICATION_DATA: u16 = 6;
const PCK_CERTIFICATE_CHAIN: u16 = 5;

pub(super) fn quote(domain: &TrustDomain, report_data: [u8; 64]) -> Vec<u8> {
    let report = td_report(domain, report_data);
    let (version, report) = match domain.attributes.service_td {
        None => (4, Report::TD10(report)),
        Some(mr_service_td) => {
            (5, Report::TD15(TDReport15 { base: report, tee_tcb_svn2: TEE_TCB_SVN, mr_service_td }))
        }
    };
    let machine = &domain.machine;
    let attestation_key = keys::public_xy(&machine.attestation_key);
    let auth_data = AuthDataV4 {
        ecdsa_signature: [0; 64],
        ecdsa_attestation_key: attestation_key,
        certification_data: CertificationData {
            cert_type: QE_REPORT_CERTIFICATION_DATA,
            body: Data::new(Vec::new()),
        },
        qe_report_data: qe_report_data(machine, attestation_key),
    };
    let mut quote = Quote {
        header: Header {
            version,
            attestation_key_type: ECDSA_P256,
            tee_type: TEE_TYPE_TDX,
            qe_svn: 0,
            pce_svn: 0,
            qe_vendor_id: INTEL_QE_VENDOR_ID,
            user_data: [0; 20],
        },
        report,
        auth_data: AuthData::V4(auth_data),
    };
    let signed = &quote.encode()[..quote.signed_length()];
    let signature = sign(&machine.attestation_key, signed);
    if let AuthData::V4(auth_data) = &mut quote.auth_data {
        auth_data.ecdsa_signature = signature;
    }
    quote.encode()
}

fn td_report(domain: &TrustDomain, report_data: [u8; 64]) -> TDReport10 {
    let [rt_mr0, rt_mr1, rt_mr2, rt_mr3] = domain.rtmrs();
    TDReport10 {
        tee_tcb_svn: TEE_TCB_SVN,
        mr_seam: [0; 48],
        mr_signer_seam: [0; 48],
        seam_attributes: [0; 8],
        td_attributes: domain.attributes.td.to_le_bytes(),
        xfam: 0x0006_02e7_u64.to_le_bytes(),
        mr_td: domain.machine.image.mrtd,
        mr_config_id: [0; 48],
        mr_owner: [0; 48],
        mr_owner_config: [0; 48],
        rt_mr0,
        rt_mr1,
        rt_mr2,
        rt_mr3,
        report_data,
    }
}

/// The quoting enclave's report, signed by the machine's certified key: it vouches for the attestation key.
fn qe_report_data(
    machine: &super::Machine,
    attestation_key: [u8; 64],
) -> QEReportCertificationData {
    let qe_auth_data = [0x51; 32];
    let mut report_data = [0; 64];
    let binding = Sha256::new().chain_update(attestation_key).chain_update(qe_auth_data).finalize();
    report_data[..32].copy_from_slice(&binding);
    let mut attributes = [0; 16];
    attributes[0] = 0x11;
    let report = EnclaveReport {
        cpu_svn: [0; 16],
        misc_select: 0,
        reserved1: [0; 28],
        attributes,
        mr_enclave: *b"soft-tee quoting enclave, code v",
        reserved2: [0; 32],
        mr_signer: QE_MRSIGNER,
        reserved3: [0; 96],
        isv_prod_id: QE_ISV_PROD_ID,
        isv_svn: QE_ISV_SVN,
        reserved4: [0; 60],
        report_data,
    };
    let qe_report: [u8; 384] = report.encode().try_into().expect("an enclave report is 384 bytes");
    QEReportCertificationData {
        qe_report_signature: sign(&machine.pck_key, &qe_report),
        qe_report,
        qe_auth_data: Data::new(qe_auth_data.to_vec()),
        certification_data: CertificationData {
            cert_type: PCK_CERTIFICATE_CHAIN,
            body: Data::new(machine.pck.chain_pem.clone().into_bytes()),
        },
    }
}

fn sign(key: &SigningKey, bytes: &[u8]) -> [u8; 64] {
    let signature: Signature = key.sign(bytes);
    signature.to_bytes().into()
}
