//! Certificates and revocation lists, in the shape that DCAP verifiers expect of Intel's.

use der::{
    Encode, EncodePem,
    asn1::{ObjectIdentifier, OctetString, Uint},
    pem::LineEnding,
};
use p256::ecdsa::{DerSignature, SigningKey};
use sha2::{Digest, Sha256};
use std::{str::FromStr, time::Duration};
use x509_cert::{
    Certificate, TbsCertificate,
    builder::{Builder, CertificateBuilder, CrlBuilder, profile::BuilderProfile},
    certificate::Rfc5280,
    crl::{CertificateList, RevokedCert},
    ext::{
        Extension, ToExtension,
        pkix::{
            AuthorityKeyIdentifier, BasicConstraints, CrlNumber, KeyUsage, KeyUsages,
            SubjectKeyIdentifier,
        },
    },
    name::Name,
    serial_number::SerialNumber,
    spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef},
    time::{Time, Validity},
};

/// 2024-01-01 and 2049-12-31: an authority's certificates outlive every test.
const NOT_BEFORE: u64 = 1_704_067_200;
const NOT_AFTER: u64 = 2_524_521_600;

/// The security versions of every software machine; TCB levels ask for the same.
pub(super) const CPU_SVN: [u8; 16] = [3, 3, 2, 2, 3, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0];
pub(super) const PCE_SVN: u8 = 13;

/// A key with its certificate.
pub(super) struct Certified {
    pub(super) key: SigningKey,
    pub(super) certificate: Certificate,
}

/// What is certified.
pub(super) enum Subject {
    /// An intermediate CA.
    Ca(String),
    /// A signer.
    Leaf(String),
    /// A machine's PCK.
    Machine { name: String, extension: SgxExtension, not_after: Option<u64> },
}

/// What Intel's SGX extension says of a machine; the rest is the same for all.
pub(super) struct SgxExtension {
    pub(super) ppid: [u8; 16],
    pub(super) fmspc: [u8; 6],
}

impl Certified {
    /// A self-signed root.
    pub(super) fn root(key: SigningKey, name: &str) -> Self {
        let name = parse(name);
        let profile = Profile { issuer: name.clone(), subject: name, extensions: ca(1) };
        let certificate = build(profile, &key, &key, NOT_AFTER);
        Self { key, certificate }
    }

    /// Certifies `key` for `subject`.
    pub(super) fn certify(&self, key: SigningKey, subject: Subject) -> Self {
        let (name, extensions, not_after) = match subject {
            Subject::Ca(name) => (name, ca(0), NOT_AFTER),
            Subject::Leaf(name) => (name, leaf(), NOT_AFTER),
            Subject::Machine { name, extension, not_after } => {
                let mut extensions = leaf();
                extensions.push(extension.encode());
                (name, extensions, not_after.unwrap_or(NOT_AFTER))
            }
        };
        let profile = Profile {
            issuer: self.certificate.tbs_certificate().subject().clone(),
            subject: parse(&name),
            extensions,
        };
        let certificate = build(profile, &key, &self.key, not_after);
        Self { key, certificate }
    }

    /// The certificate, DER.
    pub(super) fn der(&self) -> Vec<u8> {
        self.certificate.to_der().expect("a built certificate encodes")
    }

    /// The certificate, PEM.
    pub(super) fn pem(&self) -> String {
        self.certificate.to_pem(LineEnding::LF).expect("a built certificate encodes")
    }

    /// A revocation list with these serial numbers, DER.
    pub(super) fn revocation_list(&self, issued: u64, until: u64, serials: &[Vec<u8>]) -> Vec<u8> {
        let revoked = serials.iter().map(|serial| RevokedCert {
            serial_number: SerialNumber::new(serial).expect("a serial of an issued certificate"),
            revocation_date: time(issued),
            crl_entry_extensions: None,
        });
        // Lists are numbered by their date: a later one has a higher number.
        let number = Uint::new(&issued.to_be_bytes()).expect("a short number");
        let mut builder = CrlBuilder::<Rfc5280>::new_with_this_update(
            &self.certificate,
            CrlNumber(number),
            time(issued),
        )
        .expect("a CA certificate")
        .with_next_update(Some(time(until)));
        if !serials.is_empty() {
            builder = builder.with_certificates(revoked);
        }
        let list: CertificateList =
            builder.build::<_, DerSignature>(&self.key).expect("a P-256 key signs");
        list.to_der().expect("a built list encodes")
    }
}

struct Profile {
    subject: Name,
    issuer: Name,
    extensions: Vec<Extension>,
}

impl BuilderProfile for Profile {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        _tbs: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        let subject_id = SubjectKeyIdentifier::try_from(key)?;
        let authority_id = AuthorityKeyIdentifier::try_from(issuer_key)?;
        let mut extensions = vec![
            authority_id.to_extension(&self.subject, &[])?,
            subject_id.to_extension(&self.subject, &[])?,
        ];
        extensions.extend(self.extensions.iter().cloned());
        Ok(extensions)
    }
}

fn build(profile: Profile, key: &SigningKey, issuer: &SigningKey, not_after: u64) -> Certificate {
    let validity = Validity::new(time(NOT_BEFORE), time(not_after));
    let public = SubjectPublicKeyInfoOwned::from_key(key.verifying_key()).expect("a P-256 key");
    // The serial is a hash of the key: unique, and the same at every start.
    let digest = Sha256::digest(crate::keys::public_xy(key));
    let mut serial: [u8; 16] = digest[..16].try_into().expect("16 of 32 bytes");
    serial[0] = serial[0] & 0x7f | 0x40;
    let serial = SerialNumber::new(&serial).expect("16 bytes");
    CertificateBuilder::new(profile, serial, validity, public)
        .and_then(|builder| builder.build::<_, DerSignature>(issuer))
        .expect("names, dates and keys are well formed")
}

fn ca(path_length: u8) -> Vec<Extension> {
    let constraints = BasicConstraints { ca: true, path_len_constraint: Some(path_length) };
    vec![extension(&constraints), extension(&KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign))]
}

fn leaf() -> Vec<Extension> {
    let constraints = BasicConstraints { ca: false, path_len_constraint: None };
    vec![
        extension(&constraints),
        extension(&KeyUsage(KeyUsages::DigitalSignature | KeyUsages::NonRepudiation)),
    ]
}

fn extension<E>(value: &E) -> Extension
where
    for<'a> &'a E: ToExtension<Error = der::Error>,
{
    value.to_extension(&Name::default(), &[]).expect("a constant extension encodes")
}

fn parse(name: &str) -> Name {
    Name::from_str(name).expect("a label of letters, digits and dashes")
}

fn time(seconds: u64) -> Time {
    let date = der::DateTime::from_unix_duration(Duration::from_secs(seconds))
        .expect("a date before the year 9999");
    Time::from(date)
}

impl SgxExtension {
    /// Intel's extension: nested sequences of (OID, value).
    fn encode(&self) -> Extension {
        let id = |suffix: &str| oid(&format!("1.2.840.113741.1.13.1{suffix}"));
        let field = |suffix: &str, value: Vec<u8>| sequence(&[id(suffix), value]);
        let mut tcb: Vec<Vec<u8>> = (1..=16)
            .zip(CPU_SVN)
            .map(|(index, svn)| field(&format!(".2.{index}"), integer(svn)))
            .collect();
        tcb.push(field(".2.17", integer(PCE_SVN)));
        tcb.push(field(".2.18", octets(&CPU_SVN)));
        let configuration = [
            field(".7.1", boolean(false)),
            field(".7.2", boolean(false)),
            field(".7.3", boolean(false)),
        ];
        let value = sequence(&[
            field(".1", octets(&self.ppid)),
            field(".2", sequence(&tcb)),
            field(".3", octets(&[0, 0])),
            field(".4", octets(&self.fmspc)),
            field(".5", tlv(0x0a, &[1])),
            field(".6", octets(&self.ppid)),
            field(".7", sequence(&configuration)),
        ]);
        Extension {
            extn_id: ObjectIdentifier::new_unwrap("1.2.840.113741.1.13.1"),
            critical: false,
            extn_value: OctetString::new(value).expect("a short extension"),
        }
    }
}

fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = match value.len() {
        short @ 0..=0x7f => vec![short as u8],
        long => {
            let [high, low] = u16::try_from(long).expect("a short value").to_be_bytes();
            vec![0x82, high, low]
        }
    };
    // DER wants the shortest length.
    let length = match length.as_slice() {
        [0x82, 0, low] => vec![0x81, *low],
        _ => length,
    };
    [&[tag], length.as_slice(), value].concat()
}

fn sequence(items: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &items.concat())
}

fn octets(bytes: &[u8]) -> Vec<u8> {
    tlv(0x04, bytes)
}

fn integer(value: u8) -> Vec<u8> {
    tlv(0x02, &[value])
}

fn boolean(value: bool) -> Vec<u8> {
    tlv(0x01, &[if value { 0xff } else { 0 }])
}

fn oid(text: &str) -> Vec<u8> {
    ObjectIdentifier::new(text).expect("an identifier of Intel's").to_der().expect("it encodes")
}
