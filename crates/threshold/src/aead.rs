//! AES-256-GCM under a key that encrypts one message only, so with the zero nonce.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use k256::{ProjectivePoint, elliptic_curve::group::GroupEncoding};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// What AES-GCM adds to a message.
pub(crate) const TAG_BYTES: usize = 16;

/// The compressed encoding of a secret point.
pub(crate) fn secret_point_bytes(point: &ProjectivePoint) -> Zeroizing<[u8; 33]> {
    let mut affine = point.to_affine();
    let bytes = Zeroizing::new(affine.to_bytes().into());
    affine.zeroize();
    bytes
}

/// N bytes by HKDF-SHA256. N is at most 64 in this crate, far below HKDF's limit.
pub(crate) fn hkdf<const N: usize>(salt: &[u8], ikm: &[u8], info: &[u8]) -> Zeroizing<[u8; N]> {
    let mut okm = Zeroizing::new([0u8; N]);
    #[expect(clippy::expect_used, reason = "N is below HKDF's limit of 8160")]
    Hkdf::<Sha256>::new(Some(salt), ikm)
        .expand(info, okm.as_mut_slice())
        .expect("N bytes can be expanded");
    okm
}

/// Encrypts the one message of `key`.
pub(crate) fn seal_once(key: &[u8; 32], aad: &[u8], message: &[u8]) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "AES-GCM fails only above 64 GiB")]
    Aes256Gcm::new(&(*key).into())
        .encrypt(&[0u8; 12].into(), Payload { msg: message, aad })
        .expect("our messages are below 64 GiB")
}

/// Decrypts the one message of `key`; `None` if it was not made with this key and `aad`.
pub(crate) fn open_once(key: &[u8; 32], aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    Aes256Gcm::new(&(*key).into())
        .decrypt(&[0u8; 12].into(), Payload { msg: sealed, aad })
        .ok()
        .map(Zeroizing::new)
}
