//! Every key and identifier, derived from a seed.

use hkdf::Hkdf;
use p256::ecdsa::SigningKey;
use sha2::Sha256;

const SALT: &[u8] = b"soft-tee/v1";

/// 32 bytes for `label` and `context`, each behind its length.
pub(crate) fn derive(seed: &[u8; 32], label: &str, context: &[&[u8]]) -> [u8; 32] {
    let mut info = Vec::new();
    for part in std::iter::once(label.as_bytes()).chain(context.iter().copied()) {
        info.extend_from_slice(&(part.len() as u64).to_be_bytes());
        info.extend_from_slice(part);
    }
    let mut okm = [0; 32];
    Hkdf::<Sha256>::new(Some(SALT), seed)
        .expand(&info, &mut okm)
        .expect("32 bytes are within HKDF's bound");
    okm
}

/// A P-256 key for `label` and `context`.
pub(crate) fn p256(seed: &[u8; 32], label: &str, context: &[&[u8]]) -> SigningKey {
    let secret = derive(seed, label, context);
    // All but about 2^-32 of the strings are scalars; the rest get another try.
    SigningKey::from_slice(&secret).unwrap_or_else(|_| p256(&secret, label, context))
}

/// The public point without its SEC1 prefix, as quotes carry it.
pub(crate) fn public_xy(key: &SigningKey) -> [u8; 64] {
    let point = key.verifying_key().to_sec1_point(false);
    point.as_bytes()[1..].try_into().expect("an uncompressed point is 65 bytes")
}
