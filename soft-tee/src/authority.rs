//! The authority: what Intel is for a real machine, made from a seed.
//!
//! Root and certificates do not depend on time, so an authority keeps its root for ever; collateral is issued for a date.

mod collateral;
mod x509;

pub use collateral::CollateralTerms;
pub(crate) use collateral::{QE_ISV_PROD_ID, QE_ISV_SVN, QE_MRSIGNER, TEE_TCB_SVN};

use crate::keys;
use p256::ecdsa::SigningKey;
use sha2::{Digest, Sha256};
use x509::{Certified, SgxExtension, Subject};
use x509_cert::Certificate;

/// A software attestation authority.
pub struct Authority {
    seed: [u8; 32],
    label: String,
    root: Certified,
    pck_ca: Certified,
    tcb_signer: Certified,
}

/// The certificate that an authority gives a machine.
pub(crate) struct PckCertificate {
    pub(crate) certificate: Certificate,
    /// Leaf first, root last, as a quote carries it.
    pub(crate) chain_pem: String,
}

impl Authority {
    /// The authority `label` of `seed`. Labels are for people and for telling authorities of one seed apart.
    pub fn from_seed(seed: [u8; 32], label: &str) -> Self {
        let key = |name: &str| keys::p256(&seed, name, &[label.as_bytes()]);
        let root = Certified::root(key("root"), &name("Root CA", label));
        let pck_ca = root.certify(key("pck-ca"), Subject::Ca(name("PCK Platform CA", label)));
        let tcb_signer = root.certify(key("tcb"), Subject::Leaf(name("TCB Signing", label)));
        Self { seed, label: label.to_owned(), root, pck_ca, tcb_signer }
    }

    /// The label.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The root certificate, DER.
    pub fn root_certificate(&self) -> Vec<u8> {
        self.root.der()
    }

    /// SHA-256 of the root certificate: its name in AttestationRegistry.
    pub fn root_sha256(&self) -> [u8; 32] {
        Sha256::digest(self.root_certificate()).into()
    }

    /// The platform family of all machines of this authority.
    pub fn fmspc(&self) -> [u8; 6] {
        let [a, b, c, ..] = self.derive("fmspc", &[]);
        [a, b, c, 0, 0, 0]
    }

    /// The key provider of all machines of this authority, as dstack names a local one.
    pub(crate) fn key_provider(&self) -> Vec<u8> {
        let id = hex::encode(self.derive("key-provider", &[]));
        format!(r#"{{"name":"local-sgx","id":"{id}"}}"#).into_bytes()
    }

    pub(crate) fn derive(&self, purpose: &str, context: &[&[u8]]) -> [u8; 32] {
        let context: Vec<&[u8]> =
            std::iter::once(self.label.as_bytes()).chain(context.iter().copied()).collect();
        keys::derive(&self.seed, purpose, &context)
    }

    pub(crate) fn key(&self, purpose: &str, context: &[&[u8]]) -> SigningKey {
        keys::p256(&self.derive(purpose, context), purpose, &[])
    }

    /// Certifies a machine's key, valid until `not_after` (Unix seconds).
    pub(crate) fn certify_machine(
        &self,
        key: SigningKey,
        ppid: [u8; 16],
        not_after: Option<u64>,
    ) -> PckCertificate {
        let leaf = self.pck_ca.certify(
            key,
            Subject::Machine {
                name: name("PCK Certificate", &self.label),
                extension: SgxExtension { ppid, fmspc: self.fmspc() },
                not_after,
            },
        );
        PckCertificate {
            chain_pem: [&leaf, &self.pck_ca, &self.root].map(Certified::pem).concat(),
            certificate: leaf.certificate,
        }
    }
}

fn name(role: &str, label: &str) -> String {
    format!("CN=software {role} {label},O=soft-tee")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_its_seed_and_label() {
        let root = |seed, label| Authority::from_seed([seed; 32], label).root_sha256();
        assert_eq!(root(1, "a"), root(1, "a"));
        assert_ne!(root(1, "a"), root(2, "a"));
        assert_ne!(root(1, "a"), root(1, "b"));
    }
}
