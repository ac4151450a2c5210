//! From t partials to the key: K = r⁻¹ Σ λ_i Z_i, for a set of seats whose Σ λ_i Y_i is the pinned public key.
//!
//! Spec: docs/spec/derive.md [DERIVE-8], [DERIVE-9].  Trusts: the public key alone, which the enclave pins in its
//! measured configuration. The Y_i are as claimed, and so is t: neither can make a wrong key pass.
//! Driven by: [`combine`], in the enclave, once per input.
//! Prevents: a wrong key (any set that adds up gives the right one), and one false answer that stops the others (A16).

mod subsets;

use crate::{
    aead::secret_point_bytes,
    blind::Unblinding,
    lagrange,
    partial::{Partial, PartialContext, PartialStatement, VerifiedPartial},
    point::{Point, lincomb_vartime},
    share::SecretKind,
};
use k256::{ProjectivePoint, Scalar};
use std::fmt;
use subsets::Subsets;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

/// Answers that one call looks at.
pub const MAX_CONTRIBUTIONS: usize = 256;
/// Sets of seats that one call tries. All of them where there are no more than this, else a sample.
pub const MAX_SUBSETS: usize = 1_000;

/// One node's answer for one input. All of it is as claimed; the caller has checked the signature if it knows the signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// The seat.
    pub seat: u16,
    /// The epoch that the node answered in.
    pub epoch: u64,
    /// Y_i.
    pub share_key: Point,
    /// Z_i and its proof.
    pub partial: Partial,
}

/// What the answers are combined for.
#[derive(Clone, Copy, Debug)]
pub struct CombineContext<'a> {
    /// Network, keyset, epoch, issuance.
    pub partial: &'a PartialContext,
    /// t of this epoch.
    pub threshold: u16,
    /// The keyset's public key of the secret that was asked.
    pub public_key: &'a Point,
}

/// The key of one input, and who gave it.
#[derive(Debug)]
pub struct Combined {
    /// K.
    pub key: CombinedKey,
    /// The seats whose partials were added.
    pub seats: Vec<u16>,
    /// The answers that do not fit, each with the reason.
    pub discarded: Vec<Discarded>,
}

/// K: the secret evaluated at the unblinded base. Erased on drop, printed as REDACTED.
pub struct CombinedKey {
    secret: SecretKind,
    bytes: Zeroizing<[u8; 33]>,
}

/// An answer that was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discarded {
    /// The seat that the answer claims.
    pub seat: u16,
    /// Why.
    pub reason: DiscardReason,
}

/// Why an answer was left out. None of these names a liar: the Y_i is a claim (A16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiscardReason {
    /// It is of another epoch than the call.
    WrongEpoch,
    /// It claims seat 0.
    SeatZero,
    /// The same answer came before.
    Duplicate,
    /// Its proof does not hold for its own Y_i.
    InvalidProof,
    /// Its Y_i is not on the polynomial of the set that adds up to the public key.
    ShareKeyDisagrees,
}

/// Why there is no key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CombineError {
    /// A threshold below 2 is no committee.
    #[error("threshold {0} is below 2")]
    Threshold(u16),
    /// More answers than a call looks at.
    #[error("{actual} answers are above the limit of {limit}")]
    TooMany {
        /// [`MAX_CONTRIBUTIONS`].
        limit: usize,
        /// What came.
        actual: usize,
    },
    /// Too few answers count; ask more nodes.
    #[error("{valid} seats answered validly, {threshold} are needed")]
    BelowThreshold {
        /// t.
        threshold: u16,
        /// Distinct seats with a valid answer.
        valid: usize,
        /// The answers that were left out.
        discarded: Vec<Discarded>,
    },
    /// Enough answers count, but no set that was tried adds up to the public key; ask more nodes.
    #[error("none of {tried} sets of seats adds up to the public key")]
    NoSubset {
        /// Sets tried, at most [`MAX_SUBSETS`].
        tried: usize,
        /// The answers that were left out before.
        discarded: Vec<Discarded>,
    },
}

/// Finds t contributions whose proofs hold and whose Y_i add up to the public key, and unblinds their sum.
///
/// Spec: [DERIVE-8], [DERIVE-9]. More than t answers make it hold against false ones: every set of t distinct seats is
/// tried while there are at most [`MAX_SUBSETS`], and so many picked at random (seeded by the answers) where there are more.
/// # Errors
/// [`CombineError`].
/// # Security
/// Sums and checks are of public values, in variable time; r⁻¹ and K are computed in constant time.
pub fn combine(
    unblinding: &Unblinding,
    context: &CombineContext<'_>,
    contributions: &[Contribution],
) -> Result<Combined, CombineError> {
    if context.threshold < 2 {
        return Err(CombineError::Threshold(context.threshold));
    }
    if contributions.len() > MAX_CONTRIBUTIONS {
        let actual = contributions.len();
        return Err(CombineError::TooMany { limit: MAX_CONTRIBUTIONS, actual });
    }
    let (valid, mut discarded) = sift(unblinding, context, contributions);
    let chosen = match find_set(context, &valid) {
        Ok(chosen) => chosen,
        Err(NotFound::BelowThreshold { valid }) => {
            let threshold = context.threshold;
            return Err(CombineError::BelowThreshold { threshold, valid, discarded });
        }
        Err(NotFound::Tried(tried)) => return Err(CombineError::NoSubset { tried, discarded }),
    };
    // Known so far: 1. each chosen Z_i = s_i·B for the s_i of its Y_i, 2. Σ λ_i s_i is the keyset's secret.
    discarded.extend(disagreeing(&chosen, &valid));
    let key = unblind(unblinding, &chosen);
    Ok(Combined { key, seats: chosen.seats(), discarded })
}

/// Checks each answer by itself.
fn sift(
    unblinding: &Unblinding,
    context: &CombineContext<'_>,
    contributions: &[Contribution],
) -> (Vec<VerifiedPartial>, Vec<Discarded>) {
    let mut valid: Vec<VerifiedPartial> = Vec::new();
    let mut discarded = Vec::new();
    for contribution in contributions {
        let judged = judge(unblinding, context, contribution).and_then(|partial| {
            if valid.contains(&partial) { Err(DiscardReason::Duplicate) } else { Ok(partial) }
        });
        match judged {
            Ok(partial) => valid.push(partial),
            Err(reason) => discarded.push(Discarded { seat: contribution.seat, reason }),
        }
    }
    (valid, discarded)
}

fn judge(
    unblinding: &Unblinding,
    context: &CombineContext<'_>,
    contribution: &Contribution,
) -> Result<VerifiedPartial, DiscardReason> {
    if contribution.epoch != context.partial.epoch {
        return Err(DiscardReason::WrongEpoch);
    }
    if contribution.seat == 0 {
        return Err(DiscardReason::SeatZero);
    }
    let statement = PartialStatement {
        context: context.partial,
        secret: unblinding.secret,
        input_index: unblinding.input_index,
        seat: contribution.seat,
        share_key: contribution.share_key,
        blinded: unblinding.blinded,
    };
    contribution.partial.verify(&statement).map_err(|_| DiscardReason::InvalidProof)
}

/// A set of t distinct seats with Σ λ_i Y_i = public key.
struct Chosen {
    partials: Vec<VerifiedPartial>,
    coefficients: Vec<Scalar>,
}

enum NotFound {
    BelowThreshold { valid: usize },
    Tried(usize),
}

fn find_set(context: &CombineContext<'_>, valid: &[VerifiedPartial]) -> Result<Chosen, NotFound> {
    let threshold = usize::from(context.threshold);
    let mut seats: Vec<u16> = valid.iter().map(|partial| partial.seat).collect();
    seats.sort_unstable();
    seats.dedup();
    if seats.len() < threshold {
        return Err(NotFound::BelowThreshold { valid: seats.len() });
    }
    let seed: Vec<u8> = valid.iter().flat_map(|partial| partial.output.to_bytes()).collect();
    let mut tried = 0usize;
    for indices in Subsets::new(valid.len(), threshold, MAX_SUBSETS, &seed) {
        tried = tried.saturating_add(1);
        let partials = indices.iter().filter_map(|index| valid.get(*index).copied()).collect();
        match Chosen::new(partials) {
            Some(chosen) if chosen.adds_up_to(context.public_key) => return Ok(chosen),
            _ => {}
        }
    }
    Err(NotFound::Tried(tried))
}

impl Chosen {
    /// `None` if a seat repeats.
    fn new(partials: Vec<VerifiedPartial>) -> Option<Self> {
        let seats: Vec<u16> = partials.iter().map(|partial| partial.seat).collect();
        let coefficients = lagrange::coefficients_vartime(&seats, 0)?;
        Some(Self { partials, coefficients })
    }

    fn adds_up_to(&self, public_key: &Point) -> bool {
        let keys = self.partials.iter().map(|partial| partial.share_key);
        sum_vartime(keys, &self.coefficients) == public_key.group()
    }

    fn seats(&self) -> Vec<u16> {
        self.partials.iter().map(|partial| partial.seat).collect()
    }

    /// Whether `partial`'s Y_i lies on the polynomial through this set.
    fn agrees_with(&self, partial: &VerifiedPartial) -> bool {
        let keys = self.partials.iter().map(|member| member.share_key);
        lagrange::coefficients_vartime(&self.seats(), partial.seat)
            .is_some_and(|at| sum_vartime(keys, &at) == partial.share_key.group())
    }
}

fn disagreeing(chosen: &Chosen, valid: &[VerifiedPartial]) -> Vec<Discarded> {
    valid
        .iter()
        .filter(|partial| !chosen.partials.contains(partial) && !chosen.agrees_with(partial))
        .map(|partial| Discarded { seat: partial.seat, reason: DiscardReason::ShareKeyDisagrees })
        .collect()
}

/// K = r⁻¹ Σ λ_i Z_i.
fn unblind(unblinding: &Unblinding, chosen: &Chosen) -> CombinedKey {
    let outputs = chosen.partials.iter().map(|partial| partial.output);
    let blinded_key = sum_vartime(outputs, &chosen.coefficients);
    let mut key = times_inverse(blinded_key, unblinding.factor.expose());
    let bytes = secret_point_bytes(&key);
    key.zeroize();
    CombinedKey { secret: unblinding.secret, bytes }
}

#[expect(clippy::expect_used, reason = "a SecretScalar is never zero")]
#[expect(clippy::arithmetic_side_effects, reason = "group operations can't overflow")]
fn times_inverse(point: ProjectivePoint, factor: &Scalar) -> ProjectivePoint {
    let inverse = Zeroizing::new(Option::<Scalar>::from(factor.invert()).expect("r is not zero"));
    point * *inverse
}

fn sum_vartime(points: impl Iterator<Item = Point>, coefficients: &[Scalar]) -> ProjectivePoint {
    let terms: Vec<_> =
        points.map(|point| point.group()).zip(coefficients.iter().copied()).collect();
    lincomb_vartime(&terms)
}

impl CombinedKey {
    /// Which secret was evaluated.
    pub fn secret(&self) -> SecretKind {
        self.secret
    }

    /// The 33 bytes of K. Whoever holds them holds every key below.
    pub fn expose_secret(&self) -> &[u8; 33] {
        &self.bytes
    }
}

impl fmt::Debug for CombinedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CombinedKey({:?}, REDACTED)", self.secret)
    }
}
