//! Compose files as their readers need them: hash, images, what they ask for, what changed. Trusts: nothing.

mod declared;
mod difference;
mod images;
mod readable;
pub mod review;

pub use declared::{Declared, Fact, Service, declared};
pub use difference::difference;
pub use images::{ImageReference, images};
pub use readable::readable;

use sha2::{Digest, Sha256};

/// The compose hash: SHA-256 of the exact bytes, as the machine measures it.
pub fn compose_hash(app_compose: &[u8]) -> [u8; 32] {
    Sha256::digest(app_compose).into()
}
