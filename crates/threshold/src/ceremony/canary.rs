//! The canary: both secrets, evaluated in public at a point of their own, so that a new epoch shows it has the old keys.
//!
//! Spec: docs/spec/ceremony.md [CER-10], [CER-11]. A member gives its partials beside its confirmation; the first t valid
//! ones fix the canary at genesis, and every later epoch must give the same before it is activated.

use super::qualify::ShareKeys;
use crate::{
    decode::{DecodeError, Reader},
    dleq::{EVALUATION_BYTES, Evaluation},
    input, labels, lagrange,
    point::{Point, lincomb_vartime},
    share::{KeyShare, NodeShares, SecretKind},
    transcript::{Transcript, keccak256},
};
use rand_core::CryptoRng;
use thiserror::Error;

/// Length of encoded [`CanaryPartials`]: the `derive` partial, then the `unseal` one.
pub const CANARY_BYTES: usize = 2 * EVALUATION_BYTES;

/// What a canary is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CanaryContext {
    /// keccak256 of chain and committee.
    pub network_hash: [u8; 32],
    /// The ceremony's session.
    pub session: [u8; 32],
    /// The keyset; its id is what the canary's point is hashed from.
    pub keyset_id: [u8; 32],
    /// The epoch that the ceremony makes.
    pub epoch: u64,
}

/// One member's partials of both secrets at the canary's point. Public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CanaryPartials {
    derive: Evaluation,
    unseal: Evaluation,
}

/// Both secrets at the canary's point: the same in every epoch of a keyset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// Of the `derive` secret.
    pub derive: Point,
    /// Of the `unseal` secret.
    pub unseal: Point,
    /// The seats whose partials were added: the first t valid ones.
    pub seats: Vec<u16>,
    /// The seats whose partials do not hold against their Y_i: not in the ceremony, or lying.
    pub refused: Vec<u16>,
}

/// Why there is no canary.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CombineCanaryError {
    /// Fewer than t seats gave valid partials.
    #[error("{valid} seats gave valid canary partials, {threshold} are needed")]
    BelowThreshold {
        /// t.
        threshold: u16,
        /// Distinct seats with valid partials.
        valid: usize,
        /// The seats whose partials do not hold.
        refused: Vec<u16>,
    },
    /// The partials add up to the identity: the Y_i are not of one keyset.
    #[error("the canary vanishes")]
    Vanishes,
}

impl NodeShares {
    /// Both shares evaluated at the canary's point, with proofs. [CER-10]
    pub fn canary(&self, context: &CanaryContext, rng: &mut impl CryptoRng) -> CanaryPartials {
        let point = input::canary(&context.keyset_id);
        let mut evaluate = |share: &KeyShare| {
            let transcript = transcript(context, share.secret(), share.seat());
            Evaluation::prove(transcript, &point, &share.public(), share.scalar(), rng)
        };
        CanaryPartials {
            derive: evaluate(self.of(SecretKind::Derive)),
            unseal: evaluate(self.of(SecretKind::Unseal)),
        }
    }
}

impl CanaryPartials {
    /// The `derive` partial ‖ the `unseal` partial.
    pub fn to_bytes(&self) -> [u8; CANARY_BYTES] {
        let mut bytes = [0; CANARY_BYTES];
        let fields = self.derive.to_bytes().into_iter().chain(self.unseal.to_bytes());
        bytes.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
        bytes
    }

    /// Reads what `to_bytes` writes.
    ///
    /// # Errors
    /// [`DecodeError`] if the length differs or a part is not canonical.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let partials =
            Self { derive: Evaluation::read(&mut reader)?, unseal: Evaluation::read(&mut reader)? };
        reader.finish()?;
        Ok(partials)
    }

    /// keccak256 of the bytes, as the confirmation carries it.
    pub fn hash(&self) -> [u8; 32] {
        keccak256(&self.to_bytes())
    }

    /// Whether both partials are of these Y_i. [CER-10]
    #[must_use]
    pub fn hold(&self, context: &CanaryContext, keys: &ShareKeys) -> bool {
        let point = input::canary(&context.keyset_id);
        SecretKind::BOTH.into_iter().all(|secret| {
            let transcript = transcript(context, secret, keys.seat);
            self.of(secret).holds(transcript, &point, &keys.of(secret))
        })
    }

    fn of(&self, secret: SecretKind) -> &Evaluation {
        match secret {
            SecretKind::Derive => &self.derive,
            SecretKind::Unseal => &self.unseal,
        }
    }
}

/// Adds up the first t valid of `given`, in order, against the Y_i of the new epoch. [CER-11]
///
/// # Errors
/// [`CombineCanaryError`]. At a reshare the caller compares both points with the keyset's canary.
pub fn combine_canary(
    context: &CanaryContext,
    threshold: u16,
    share_keys: &[ShareKeys],
    given: &[(u16, CanaryPartials)],
) -> Result<Canary, CombineCanaryError> {
    let (valid, refused) = sift(context, share_keys, given);
    if valid.len() < usize::from(threshold) {
        let valid = valid.len();
        return Err(CombineCanaryError::BelowThreshold { threshold, valid, refused });
    }
    let first: Vec<_> = valid.into_iter().take(usize::from(threshold)).collect();
    let seats: Vec<u16> = first.iter().map(|(seat, _)| *seat).collect();
    let add_up = |secret| {
        let coefficients = lagrange::coefficients_vartime(&seats, 0)?;
        let outputs = first.iter().map(|(_, partials)| partials.of(secret).output.group());
        let terms: Vec<_> = outputs.zip(coefficients).collect();
        Point::new(lincomb_vartime(&terms))
    };
    let points = add_up(SecretKind::Derive).zip(add_up(SecretKind::Unseal));
    let (derive, unseal) = points.ok_or(CombineCanaryError::Vanishes)?;
    Ok(Canary { derive, unseal, seats, refused })
}

/// Each seat counts once, with its first valid partials.
fn sift(
    context: &CanaryContext,
    share_keys: &[ShareKeys],
    given: &[(u16, CanaryPartials)],
) -> (Vec<(u16, CanaryPartials)>, Vec<u16>) {
    let mut valid: Vec<(u16, CanaryPartials)> = Vec::new();
    let mut refused = Vec::new();
    for (seat, partials) in given {
        if valid.iter().any(|(known, _)| known == seat) {
            continue;
        }
        let keys = share_keys.iter().find(|keys| keys.seat == *seat && *seat != 0);
        if keys.is_some_and(|keys| partials.hold(context, keys)) {
            valid.push((*seat, *partials));
        } else {
            refused.push(*seat);
        }
    }
    (valid, refused)
}

/// Everything but Y_i, the point, the partial and the commitments, which the proof itself appends.
fn transcript(context: &CanaryContext, secret: SecretKind, seat: u16) -> Transcript {
    Transcript::new(labels::CANARY)
        .bytes(&context.network_hash)
        .bytes(&context.session)
        .bytes(&context.keyset_id)
        .u64(context.epoch)
        .u8(secret.to_wire())
        .u16(seat)
}
