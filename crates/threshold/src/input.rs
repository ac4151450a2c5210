//! The points that the secrets are evaluated at: H(x) for a key, the canary for a ceremony.
//!
//! Spec: docs/spec/derive.md [DERIVE-1]. RFC 9380, suite `secp256k1_XMD:SHA-256_SSWU_RO_`, one DST per purpose.
//! Prevents: two purposes whose points are related, so that an answer to one would answer the other.

use crate::{labels, point::Point, share::SecretKind};
use hash2curve::GroupDigest;
use k256::Secp256k1;

/// A point at which a blinded request may be made, with the one secret that may answer it.
///
/// Made by [`hash_to_curve`] from an input, or by a checked ciphertext; there is no other way to get one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasePoint {
    point: Point,
    secret: SecretKind,
}

impl BasePoint {
    /// The point: H(x), or u.
    pub fn point(&self) -> Point {
        self.point
    }

    /// The secret that is evaluated here.
    pub fn secret(&self) -> SecretKind {
        self.secret
    }

    /// u of a ciphertext whose proof was checked.
    pub(crate) fn of_ciphertext(u: Point) -> Self {
        Self { point: u, secret: SecretKind::Unseal }
    }
}

/// H(x): the base of the key whose input encodes to `x`. [DERIVE-1]
///
/// A node calls this with the x that it made itself from the verified identity, never with one that it was sent.
/// # Security
/// Not constant time in `x`: inputs are public.
pub fn hash_to_curve(x: &[u8]) -> BasePoint {
    BasePoint { point: hash_with_dst(x, labels::DST_DERIVE), secret: SecretKind::Derive }
}

/// The canary's point of a keyset. No blinded request can be made here. [CER-10]
pub(crate) fn canary(keyset_id: &[u8; 32]) -> Point {
    hash_with_dst(keyset_id, labels::DST_CANARY)
}

/// TDH2's second generator of a keyset. [SEAL-2]
pub(crate) fn tdh2_generator(keyset_id: &[u8; 32]) -> Point {
    hash_with_dst(keyset_id, labels::DST_TDH2_GENERATOR)
}

/// hash_to_curve of RFC 9380 §3 with the suite above. The identity comes out with probability 2⁻²⁵⁶.
fn hash_with_dst(message: &[u8], dst: &[u8]) -> Point {
    #[expect(clippy::expect_used, reason = "every DST of ours is a constant of fitting length")]
    let point = Secp256k1::hash_from_bytes(&[message], &[dst])
        .expect("fails only for an empty DST or one above 255 bytes");
    #[expect(
        clippy::expect_used,
        reason = "finding such a message is finding a discrete logarithm"
    )]
    Point::new(point).expect("no message is known that hashes to the identity")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files of one topic of vectors/, with their names.
    fn vectors(topic: &str) -> Vec<(String, serde_json::Value)> {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/");
        let files = std::fs::read_dir(format!("{directory}{topic}")).unwrap();
        let read = |path: std::path::PathBuf| {
            let value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            (path.display().to_string(), value)
        };
        files.map(|entry| read(entry.unwrap().path())).collect()
    }

    #[test]
    fn rfc_9380_appendix_j_8_1() {
        // [DERIVE-1] secp256k1_XMD:SHA-256_SSWU_RO_: the RFC's own points and DST, and siblings with one thing changed.
        let files = vectors("hash-to-curve");
        for (name, value) in &files {
            let text = |key: &str| value[key].as_str().unwrap();
            let message = hex::decode(&text("message")[2..]).unwrap();
            let point = hash_with_dst(&message, text("dst").as_bytes()).to_bytes();
            let matches = text("point")[2..] == hex::encode(point);
            assert_eq!(if matches { "ok" } else { "PointMismatch" }, text("expect"), "{name}");
        }
        let of_the_rfc = files.iter().filter(|(_, value)| value["source"].is_string());
        assert!(of_the_rfc.filter(|(_, value)| value["expect"] == "ok").count() >= 5);
    }

    #[test]
    fn one_dst_per_purpose() {
        // [DERIVE-1] [CER-10] [SEAL-2] the same message under another purpose is another point.
        let message = [9; 32];
        let points = [hash_to_curve(&message).point(), canary(&message), tdh2_generator(&message)];
        assert_ne!(points[0], points[1]);
        assert_ne!(points[0], points[2]);
        assert_ne!(points[1], points[2]);
    }
}
