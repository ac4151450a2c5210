//! Which dealings count, and what they add up to. Every member computes it alike from the finalized bytes. [CER-8]

use super::{
    Ceremony, ForBoth, OpenDealingError, RecipientSecret, VerifiedDealing, VerifyDealingError,
    dealing::UncheckedDealing,
    open::SubShares,
    polynomial::{evaluate_vartime, sum},
};
use crate::{
    decode::{DecodeError, Reader},
    point::Point,
    scalar::SecretScalar,
    share::{KeyShare, NodeShares, SecretKind},
};
use k256::{ProjectivePoint, Scalar};
use thiserror::Error;
use zeroize::Zeroize;

/// The dealings that count, those that do not, and the outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qualified {
    dealings: Vec<VerifiedDealing>,
    void: Vec<VoidDealing>,
    outcome: Outcome,
}

/// What a ceremony decides; the fields of the contract's `Outcome`, and of the transcript that members confirm. [CER-9]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Who was dealt to, ascending.
    pub recipients: Vec<u16>,
    /// Whose dealings count, ascending.
    pub dealers: Vec<u16>,
    /// Both Y_i of each recipient, in order.
    pub share_keys: Vec<ShareKeys>,
    /// The public key of the `derive` secret.
    pub derive_public_key: Point,
    /// The public key of the `unseal` secret.
    pub unseal_public_key: Point,
}

/// Both Y_i of one seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareKeys {
    /// The seat.
    pub seat: u16,
    /// Of the `derive` secret.
    pub derive: Point,
    /// Of the `unseal` secret.
    pub unseal: Point,
}

/// A dealing that does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoidDealing {
    /// Who posted it.
    pub dealer: u16,
    /// Why it is void.
    pub reason: VoidReason,
}

/// Why a dealing does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoidReason {
    /// The seat is no dealer of this ceremony.
    NotADealer,
    /// The seat dealt before.
    Repeated,
    /// Not the encoding of a dealing.
    Decode(DecodeError),
    /// A check failed.
    Invalid(VerifyDealingError),
    /// Its constant term is also another dealer's; both are void, whoever copied (A26).
    CopiedConstantTerm {
        /// The other dealer.
        other: u16,
    },
}

/// Why a ceremony has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QualifyError {
    /// Fewer than t dealings count.
    #[error("{qualified} dealings count, {threshold} are needed")]
    TooFewDealers {
        /// t.
        threshold: u16,
        /// How many count.
        qualified: usize,
        /// The others.
        void: Vec<VoidDealing>,
    },
    /// The leading coefficients cancel, so t − 1 seats would be enough (A26).
    #[error("the leading coefficients of {0:?} cancel")]
    LeadingCoefficient(SecretKind),
    /// The constant terms cancel, so the secret would be zero.
    #[error("the constant terms of {0:?} cancel")]
    PublicKey(SecretKind),
    /// A seat's share would be zero.
    #[error("the share of seat {0} would be zero")]
    ShareKey(u16),
    /// Both secrets would be one.
    #[error("both secrets have one public key")]
    OneSecret,
}

/// Why a seat has no shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenSharesError {
    /// One dealer's sub-shares can't be used.
    #[error("the dealing of seat {dealer} can't be used")]
    Dealer {
        /// Whose dealing.
        dealer: u16,
        /// Why.
        source: OpenDealingError,
    },
    /// The sum is not the share of Y_i. Can't happen if each sub-share is on its polynomial.
    #[error("the sum of the sub-shares does not match the share key")]
    Sum(SecretKind),
}

impl Ceremony {
    /// Judges all finalized dealings, each with the seat that signed it, and adds up those that count. [CER-8]
    ///
    /// # Errors
    /// [`QualifyError`]: the attempt fails and is made again with another session.
    pub fn qualify(&self, posted: &[(u16, &[u8])]) -> Result<Qualified, QualifyError> {
        let (verified, mut void) = self.judge(posted);
        let (mut dealings, copied) = refuse_copies(verified);
        void.extend(copied);
        if dealings.len() < usize::from(self.threshold) {
            let (threshold, qualified) = (self.threshold, dealings.len());
            return Err(QualifyError::TooFewDealers { threshold, qualified, void });
        }
        dealings.sort_by_key(VerifiedDealing::dealer);
        let outcome = self.outcome(&dealings)?;
        Ok(Qualified { dealings, void, outcome })
    }

    fn judge(&self, posted: &[(u16, &[u8])]) -> (Vec<VerifiedDealing>, Vec<VoidDealing>) {
        let mut verified: Vec<VerifiedDealing> = Vec::new();
        let mut void = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for (dealer, bytes) in posted {
            let judged = match (self.is_dealer(*dealer), seen.insert(*dealer)) {
                (false, _) => Err(VoidReason::NotADealer),
                (true, false) => Err(VoidReason::Repeated),
                (true, true) => self.judge_one(*dealer, bytes),
            };
            match judged {
                Ok(dealing) => verified.push(dealing),
                Err(reason) => void.push(VoidDealing { dealer: *dealer, reason }),
            }
        }
        (verified, void)
    }

    fn judge_one(&self, dealer: u16, bytes: &[u8]) -> Result<VerifiedDealing, VoidReason> {
        let dealing = UncheckedDealing::decode(bytes).map_err(VoidReason::Decode)?;
        dealing.verify(self, dealer).map_err(VoidReason::Invalid)
    }

    fn outcome(&self, dealings: &[VerifiedDealing]) -> Result<Outcome, QualifyError> {
        let totals = ForBoth::make(|secret| {
            let commitments = dealings.iter().map(|dealing| dealing.commitments(secret));
            sum(self.threshold, commitments)
        });
        let public = ForBoth::try_make(|secret| public_key(secret, totals.of(secret)))?;
        if public.derive == public.unseal {
            return Err(QualifyError::OneSecret);
        }
        let share_keys = self
            .recipients
            .iter()
            .map(|recipient| share_keys(&totals, recipient.seat))
            .collect::<Result<_, _>>()?;
        Ok(Outcome {
            recipients: self.recipients.iter().map(|recipient| recipient.seat).collect(),
            dealers: dealings.iter().map(VerifiedDealing::dealer).collect(),
            share_keys,
            derive_public_key: public.derive,
            unseal_public_key: public.unseal,
        })
    }
}

/// The sum of the constant terms, once it is known that the sum of the leading terms does not vanish.
fn public_key(secret: SecretKind, totals: &[ProjectivePoint]) -> Result<Point, QualifyError> {
    let term = |point: Option<&ProjectivePoint>| point.and_then(|point| Point::new(*point));
    term(totals.last()).ok_or(QualifyError::LeadingCoefficient(secret))?;
    term(totals.first()).ok_or(QualifyError::PublicKey(secret))
}

fn share_keys(
    totals: &ForBoth<Vec<ProjectivePoint>>,
    seat: u16,
) -> Result<ShareKeys, QualifyError> {
    let at = |secret| {
        Point::new(evaluate_vartime(totals.of(secret), seat)).ok_or(QualifyError::ShareKey(seat))
    };
    Ok(ShareKeys { seat, derive: at(SecretKind::Derive)?, unseal: at(SecretKind::Unseal)? })
}

/// Voids every dealing of which a constant term is also another dealer's, for either secret.
///
/// Only constant terms: their proof of possession keeps anyone from voiding an honest dealing by copying it. Whoever copies
/// a later commitment can't compute the sub-shares that fit it, and is caught where they are opened.
fn refuse_copies(dealings: Vec<VerifiedDealing>) -> (Vec<VerifiedDealing>, Vec<VoidDealing>) {
    let terms: Vec<(u16, Point)> = dealings
        .iter()
        .flat_map(|dealing| constant_terms(dealing).map(|term| (dealing.dealer(), term)))
        .collect();
    let mut void = Vec::new();
    let mut kept = Vec::new();
    for dealing in dealings {
        let dealer = dealing.dealer();
        let other = terms.iter().find_map(|(other, term)| {
            let copied = *other != dealer && constant_terms(&dealing).any(|own| own == *term);
            copied.then_some(*other)
        });
        match other {
            Some(other) => {
                let reason = VoidReason::CopiedConstantTerm { other };
                void.push(VoidDealing { dealer, reason });
            }
            None => kept.push(dealing),
        }
    }
    (kept, void)
}

fn constant_terms(dealing: &VerifiedDealing) -> impl Iterator<Item = Point> {
    SecretKind::BOTH.into_iter().filter_map(|secret| dealing.commitments(secret).first().copied())
}

impl Qualified {
    /// What the ceremony decides.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The dealings that do not count, with the reason.
    pub fn void(&self) -> &[VoidDealing] {
        &self.void
    }

    /// Opens every dealing that counts for `seat`, and adds up its two shares. [CER-7]
    ///
    /// # Errors
    /// [`OpenSharesError`]: then this seat confirms nothing, and says whose dealing it could not use.
    pub fn open(&self, seat: u16, secret: &RecipientSecret) -> Result<NodeShares, OpenSharesError> {
        let mut opened = Vec::new();
        for dealing in &self.dealings {
            let dealer = dealing.dealer();
            let shares = dealing
                .open(seat, secret)
                .map_err(|source| OpenSharesError::Dealer { dealer, source })?;
            opened.push(shares);
        }
        let share = |kind| {
            add_up(kind, seat, &opened)
                .filter(|share| self.outcome.share_key(kind, seat) == Some(share.public()))
                .ok_or(OpenSharesError::Sum(kind))
        };
        Ok(NodeShares::new(share(SecretKind::Derive)?, share(SecretKind::Unseal)?))
    }
}

/// s_i = Σ_j f_j(i).
#[expect(clippy::arithmetic_side_effects, reason = "field operations can't overflow")]
fn add_up(secret: SecretKind, seat: u16, opened: &[SubShares]) -> Option<KeyShare> {
    let mut total = Scalar::ZERO;
    for shares in opened {
        total += shares.0.of(secret).expose();
    }
    let share = SecretScalar::new(total);
    total.zeroize();
    KeyShare::new(secret, seat, share?)
}

impl Outcome {
    /// For each recipient in order: Y_i of `derive` ‖ Y_i of `unseal`. [CER-9]
    pub fn verification_shares(&self) -> Vec<u8> {
        self.share_keys
            .iter()
            .flat_map(|keys| keys.derive.to_bytes().into_iter().chain(keys.unseal.to_bytes()))
            .collect()
    }

    /// The public key of `secret`.
    pub fn public_key(&self, secret: SecretKind) -> Point {
        match secret {
            SecretKind::Derive => self.derive_public_key,
            SecretKind::Unseal => self.unseal_public_key,
        }
    }

    /// Y_i of `seat`, if it was dealt to.
    pub fn share_key(&self, secret: SecretKind, seat: u16) -> Option<Point> {
        let keys = self.share_keys.iter().find(|keys| keys.seat == seat)?;
        Some(keys.of(secret))
    }
}

impl ShareKeys {
    /// Y_i of `secret`.
    pub fn of(&self, secret: SecretKind) -> Point {
        match secret {
            SecretKind::Derive => self.derive,
            SecretKind::Unseal => self.unseal,
        }
    }

    /// Reads verification shares as `Outcome::verification_shares` writes them, for `seats` in order.
    ///
    /// # Errors
    /// [`DecodeError`] if the length is not 66 bytes per seat, or a point is not canonical.
    pub fn decode_all(seats: &[u16], bytes: &[u8]) -> Result<Vec<Self>, DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut keys = Vec::new();
        for seat in seats {
            let (derive, unseal) = (reader.point()?, reader.point()?);
            keys.push(Self { seat: *seat, derive, unseal });
        }
        reader.finish()?;
        Ok(keys)
    }
}
